// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Identity
import Policy
import Primitives
import Register
import Store
import TestKit
import Testing
import Trade

/// What the operator sees before deciding.
@Suite("The desk and the prudent lists", .serialized)
struct DeskListTests {
    @Test(
        "S65, S124: the desk shows the prudent entries of trade and of use beside a listing that waits for review"
    )
    func cautions() async throws {
        try await ServedNode.run { node in
            let files = try CaseVisit.files(of: "exclusion-lists").mapValues { JSON.string($0) }
            let added = try await node.post("/api/v1/packs", ["files": .object(files)])
            #expect(added.status == 201, "\(added.json)")
            func listing(_ number: UInt64, _ title: String, _ purposes: Set<String>) -> Listing {
                Listing(
                    id: ID(high: 7, low: number), holder: node.node.own.id, title: LocalizedText(title),
                    about: LocalizedText(title), openness: .conditional, assetCode: "ast-1", lineage: [],
                    tableName: "t", summary: [:],
                    terms: PlainTerms(purposes: purposes).policy(id: "urn:uuid:1"), rules: nil, price: .free,
                    requiredAttestations: [])
            }
            let prudent = listing(1, "门诊病历统计", ["信贷评分"])
            let plain = listing(2, "空气质量", [])
            try await node.node.courtyard.context.store.write { writer throws(Problem) in
                for one in [prudent, plain] { try ListingBook.put(one, state: .submitted, in: writer) }
            }
            let desk = try await LoopbackHTTP.ask(
                "GET", "/desk", port: node.port, headers: ["Authorization": "Bearer " + node.token])
            #expect(desk.status == 200)
            #expect(desk.text.split(separator: "class=\"caution\"").count - 1 == 2)
            for words in ["个人健康信息", "自动化信用决策"] { #expect(desk.text.contains(words)) }
            let screening = try await node.ask("GET", "/api/v1/listings/\(prudent.code.text)/screening")
            #expect(screening.json["prudent"]?.array?.count == 2)
        }
    }
}
