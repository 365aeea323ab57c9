// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import Identity
import Primitives
import Register
import Store
import Testing
import Transparency

/// Registration as a reviewed claim, on a node of its own whose rules are data.
@Suite("Registration", .serialized)
struct RegistrationTests {
    private static let rules = """
        [{"kind": "first", "title": {"zh": "首次登记", "en": "first"}, "effect": "enters", "noticeDays": 7},
         {"kind": "license", "title": {"zh": "许可登记", "en": "license"}, "effect": "licenses", "noticeDays": 0},
         {"kind": "transfer", "title": {"zh": "转移登记", "en": "transfer"}, "effect": "moves", "noticeDays": 0},
         {"kind": "renewal", "title": {"zh": "续展登记", "en": "renewal"}, "effect": "changes", "noticeDays": 0},
         {"kind": "cancellation", "title": {"zh": "注销登记", "en": "cancellation"}, "effect": "ends", "noticeDays": 0}]
        """

    private struct Scene {
        let node: Node
        let bus: Party
        let bank: Party
        var service: RegistrationService { node.courtyard.registrations }
        var reviewer: Caller {
            Caller(
                party: node.own.id, roles: [.operator], scopes: Role.operator.scopes, jurisdiction: "CN")
        }

        init(_ folder: String, rules: String) async throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try rules.write(toFile: folder + "/registration.json", atomically: true, encoding: .utf8)
            node = try await Node.open(
                NodeSettings(data: folder, port: 0, name: "registrar", role: .exchange), version: "0.1.0")
            func party(_ name: String, _ number: UInt64) -> Party {
                Party(
                    id: ID(high: number, low: number), name: name, jurisdiction: "CN", roles: [.holder],
                    signingKey: Ed25519Signer().publicKey.bytes, sealingKey: [UInt8](repeating: 1, count: 32),
                    address: .account)
            }
            let parties = (party("bus", 11), party("bank", 12))
            (bus, bank) = parties
            try await node.courtyard.context.store.write { writing throws(Problem) in
                try PartyRegister.put(parties.0, in: writing)
                try PartyRegister.put(parties.1, in: writing)
            }
        }

        func claim(
            _ kind: String, of asset: String, by party: Party, content: String = "aa",
            _ more: [String: JSON] = [:]
        ) async throws(Problem) -> String {
            let document: [String: JSON] = [
                "asset": .string(asset), "title": "rides", "kind": .string(kind), "version": .string(content),
            ]
            let answer = try await service.submit(.object(document.merging(more) { $1 }), from: party)
            return answer["registration"]?.text ?? ""
        }

        func review(_ code: String, grants: Bool = true) async throws(Problem) -> String {
            try await service.review(code, grants: grants, why: "", by: reviewer)["state"]?.text ?? ""
        }

        /// The notice period of a claim is over: what waiting seven days does.
        func passNotice(of code: String) async throws {
            _ = try await node.courtyard.context.store.write { writing throws(Problem) in
                try writing.execute("UPDATE register_application SET notice_until = 1 WHERE code = ?", [code])
            }
        }

        func rights(in asset: String) async throws -> [JSON] {
            try await node.courtyard.context.store.read { reading throws(Problem) in
                try RegistrationBook.rights(in: asset, in: reading)
            }
        }
    }

    private func withScene(_ rules: String = Self.rules, _ body: (Scene) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "hutong-registration-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(try await Scene(folder, rules: rules))
    }

    private func code(_ body: () async throws(Problem) -> String) async -> String {
        do throws(Problem) {
            return try await body()
        } catch {
            return error.code
        }
    }

    private static let asset = Code(.asset, ID<Registration>(high: 1, low: 1)).text
    private static let other = Code(.asset, ID<Registration>(high: 1, low: 2)).text

    @Test(
        "S18: a claim is submitted, lies on public notice, and is confirmed after it; an objection in time stops it until decided"
    )
    func notice() async throws {
        try await withScene { scene in
            let claim = try await scene.claim("first", of: Self.asset, by: scene.bus)
            #expect(try await scene.review(claim) == "notice")
            #expect(
                await code { () async throws(Problem) in try await scene.review(claim) }
                    == "register.notice-running")
            _ = try await scene.service.object(to: claim, why: "it is ours", by: scene.bank.id)
            try await scene.passNotice(of: claim)
            #expect(
                await code { () async throws(Problem) in try await scene.review(claim) }
                    == "register.objection-open")
            #expect(
                await code { () async throws(Problem) in
                    try await scene.service.object(to: claim, why: "late", by: scene.bus.id)["state"]?.text
                        ?? ""
                } == "register.notice-over")
            _ = try await scene.service.decideObjections(
                to: claim, upheld: false, why: "no evidence", by: scene.reviewer)
            #expect(try await scene.review(claim) == "granted")
            let rights = try await scene.rights(in: Self.asset)
            #expect(rights.count == 1 && rights[0]["right"] == "hold")

            let second = try await scene.claim("first", of: Self.other, by: scene.bank, content: "bb")
            #expect(try await scene.review(second) == "notice")
            _ = try await scene.service.object(to: second, why: "it is ours", by: scene.bus.id)
            let upheld = try await scene.service.decideObjections(
                to: second, upheld: true, why: "proven", by: scene.reviewer)
            #expect(upheld["state"] == "refused")
            #expect(
                await code { () async throws(Problem) in try await scene.review(second) }
                    == "register.application-decided")
            #expect(try await scene.rights(in: Self.other).isEmpty)
        }
    }

    @Test("S18: the rights record says who holds, uses and operates, and a later grant may not exceed it")
    func rights() async throws {
        try await withScene { scene in
            let claim = try await scene.claim("first", of: Self.asset, by: scene.bus)
            _ = try await scene.review(claim)
            try await scene.passNotice(of: claim)
            #expect(try await scene.review(claim) == "granted")
            func license(_ right: String, by party: Party) async -> String {
                await code { () async throws(Problem) in
                    let code = try await scene.claim(
                        "license", of: Self.asset, by: party,
                        ["grantee": .string(scene.bank.id.uuid), "right": .string(right)])
                    return try await scene.review(code)
                }
            }
            #expect(await license("operate", by: scene.bus) == "granted")
            #expect(await license("hold", by: scene.bus) == "register.right-exceeds")
            #expect(await license("use", by: scene.bank) == "register.asset-unregistered")
            var rights = try await scene.rights(in: Self.asset)
            #expect(Set(rights.compactMap { $0["right"]?.text }) == ["hold", "operate"])

            let transfer = try await scene.claim(
                "transfer", of: Self.asset, by: scene.bus, ["grantee": .string(scene.bank.id.uuid)])
            #expect(try await scene.review(transfer) == "granted")
            rights = try await scene.rights(in: Self.asset)
            let holder = rights.first { $0["right"] == "hold" }?["party"]
            #expect(holder?.text == Code(.party, scene.bank.id).text)
            let end = try await scene.claim("cancellation", of: Self.asset, by: scene.bank)
            #expect(try await scene.review(end) == "granted")
            let faults = try await scene.node.courtyard.context.store.read { reading throws(Problem) in
                var found = 0
                for check in DataChecks.all("") { found += try check.findings(in: reading).count }
                return found
            }
            #expect(faults == 0)
        }
    }

    @Test("S18: the kinds of registration are data: another city's five kinds, and no others, are taken")
    func kinds() async throws {
        try await withScene { scene in
            #expect(
                await code { () async throws(Problem) in
                    try await scene.claim("objection", of: Self.asset, by: scene.bus)
                } == "register.kind-unknown")
        }
        #expect(RegistrationRules.standard.kinds.map(\.name).count == 5)
        #expect(throws: Problem.self) { try RegistrationRules(json: [["kind": "first"]]) }
    }

    @Test(
        "S17: the same content by another holder raises a conflict; the certificate carries a proof that verifies"
    )
    func conflict() async throws {
        try await withScene(Self.rules.replacing("\"noticeDays\": 7", with: "\"noticeDays\": 0")) { scene in
            let claim = try await scene.claim("first", of: Self.asset, by: scene.bus)
            #expect(try await scene.review(claim) == "granted")
            #expect(
                await code { () async throws(Problem) in
                    try await scene.claim("first", of: Self.other, by: scene.bank)
                } == "register.content-registered")
            let answer = try await scene.node.courtyard.table.answer(
                APIRequest(method: "GET", path: "/api/v1/registrations/" + claim))
            let certificate = try JSON(parsing: answer.body)
            // A node that asks no witnesses says so: registered, and not witnessed.
            #expect(certificate["witnessing"]?["witnessed"] == false)
            let policy = scene.node.courtyard.publisher.policy
            let proof = try ReceiptVerifier(policy: policy).verify(
                Array((certificate["proof"]?.text ?? "").utf8))
            #expect(proof.disclosure.content["registration"]?.text == claim)
            var bytes = Array((certificate["proof"]?.text ?? "").utf8)
            bytes[100] ^= 1
            #expect(throws: Problem.self) { try ReceiptVerifier(policy: policy).verify(bytes) }
        }
    }
}
