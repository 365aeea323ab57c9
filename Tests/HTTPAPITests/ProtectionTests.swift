// SPDX-License-Identifier: Apache-2.0

import Classification
import Identity
import Primitives
import Register
import Testing

@Suite("Protection by grade")
struct ProtectionTests {
    @Test("S116: raising a grade takes effect on the next access: what was shown a moment ago is hidden")
    func raised() {
        let now = Instant(seconds: 1_795_000_000)
        let asset = DataAsset(
            id: ID(at: now), holder: ID<Party>(at: now), title: "t", origin: [:], createdAt: now)
        let version = AssetVersion(
            id: ID(at: now), asset: asset.id, number: 1, digest: Digest(of: "v"), rowCount: 2, byteCount: 9,
            path: "v.parquet",
            document: [
                "profile": ["columns": [["name": "city", "type": "text", "min": "Beijing", "nulls": 0]]]
            ],
            createdAt: now)
        func described(_ decided: DataGrade?) -> JSON {
            let grading = FieldGrading(
                field: "city", dataClass: .business, proposed: .general1, rule: "default",
                why: LocalizedText("–"),
                confirmed: decided, confirmedBy: decided.map { _ in "Li" })
            return AssetService.description(of: asset, version, [grading], isOpen: true)
        }
        #expect(described(nil).canonicalText.contains("Beijing"))
        #expect(described(.general2).canonicalText.contains("Beijing"))
        for grade in [DataGrade.general3, .general4, .important, .core] {
            let raised = described(grade)
            #expect(!raised.canonicalText.contains("Beijing"))
            #expect(raised["grade"]?.text == grade.word)
        }
    }
}

@Suite("A guest of a node")
struct GuestTests {
    @Test("whatever its role, a guest neither shuts, grades nor adds to what the node itself holds")
    func ownData() async throws {
        try await ServedNode.run { node in
            let file = Array("a,b\n1,2\n".utf8)
            let asset = try #require(try await node.publish(file, named: "a.csv").json["asset"]?.text)
            let guest = try await node.guest(roles: "holder,buyer,assessor")
            for target in [asset, "node", "country:US"] {
                let refused = try await guest.post("/api/v1/valve/close", ["target": .string(target)])
                #expect(refused.status == 403 && refused.json["code"] == "identity.scope-missing")
            }
            #expect(try await guest.publish(file, named: "b.csv").status == 403)
            #expect(try await guest.post("/api/v1/assets/\(asset)/grades").status == 403)
            #expect(try await guest.ask("GET", "/api/v1/listings").status == 200)
        }
    }
}
