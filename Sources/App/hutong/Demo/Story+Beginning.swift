// SPDX-License-Identifier: Apache-2.0

import APIClient
import Assembly
import Foundation
import Identity
import Policy
import Primitives
import Register
import Tables
import TablesDuckDB

/// Steps 1 to 3: nodes, data, registration.
extension Story {
    func start() async throws -> [String: JSON] {
        for node in nodes { try node.start() }
        try DemoWitnesses.start(witnesses, over: nodes, in: data)
        let parties = [
            (air, "holder"), (clinic, "holder"), (buyer, "buyer,holder"), (care, "buyer,holder"),
        ]
        for (node, roles) in parties {
            let invitation = try await invite(node.name, roles: roles)
            _ = try await node.door.post("/api/v1/exchange", ["invitation": .string(invitation)])
        }
        accounts["assessor"] = try await openAccount("assessor", roles: "assessor")
        accounts["second"] = try await openAccount("second buyer", roles: "buyer")
        accounts["overseas"] = try await openAccount("overseas buyer", roles: "buyer", jurisdiction: "US")
        for (name, amount) in [
            ("buyer", "1000CNY"), ("care", "500CNY"), ("second buyer", "100CNY"),
            ("overseas buyer", "100CNY"),
        ] {
            let path =
                "/api/v1/parties/"
                + (name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? name)
            _ = try await exchange.door.post(
                path + "/top-ups", ["amount": .string(amount), "bankReference": .string("B-" + name)])
        }
        return ["nodes": .integer(5), "witnesses": .integer(3), "accounts": .integer(3)]
    }

    private func invite(_ name: String, roles: String, jurisdiction: String = "CN") async throws(Problem)
        -> String
    {
        let answer = try await exchange.door.post(
            "/api/v1/parties/invitations",
            ["name": .string(name), "roles": .string(roles), "jurisdiction": .string(jurisdiction)])
        return answer["invitation"]?.text ?? ""
    }

    /// What `hutong party join` does for an account: keys are made on this side, only public ones leave.
    private func openAccount(_ name: String, roles: String, jurisdiction: String = "CN") async throws
        -> DemoAccount
    {
        let text = try await invite(name, roles: roles, jurisdiction: jurisdiction)
        guard let invitation = Invitation(text: text) else { throw Problem.invitationRefused }
        let (signer, sealingKey) = (Ed25519Signer(), SealingKey())
        let id = ID<Party>(at: WallClock.system.now())
        let door = NodeClient(url: exchange.url, token: nil)
        let reply = try await door.post(
            "/api/v1/parties/join",
            [
                "secret": .string(invitation.secret.disclosed), "id": .string(id.uuid),
                "signingKey": .string(Base64.encode(signer.publicKey.bytes)),
                "sealingKey": .string(Base64.encode(sealingKey.publicKey)), "address": "account",
            ])
        guard let party = reply["party"].flatMap(Party.init(json:)), let token = reply["token"]?.text else {
            throw Problem.invitationRefused
        }
        return DemoAccount(
            party: party, signer: signer, sealingKey: sealingKey,
            door: NodeClient(url: exchange.url, token: Redacted(token)))
    }

    // MARK: 1 · collect

    func collect() async throws -> [String: JSON] {
        try await refused("collect.source-incomplete") { () async throws(Problem) in
            try await self.air.door.post(
                "/api/v1/assets", ["deliveries": ["x.csv"], "title": "no legal basis"])
        }
        let taken = try await takeIn(
            airFiles, at: air, title: isSynthetic ? "合成空气质量小时数据 (synthetic)" : "北京市12站空气质量小时数据",
            owner: "Environment Center", ground: "own-operation", document: "环境监测管理办法")
        let daily = try await dailyAir()
        let visits = try SyntheticData.writeVisits(air: daily, to: data)
        let visited = try await takeIn(
            [visits], at: clinic, title: "合成门诊记录 (synthetic visits)", owner: "Clinic", ground: "consent",
            document: "知情同意书（合成）")
        codes["air.asset"] = taken["asset"]?.text
        codes["clinic.asset"] = visited["asset"]?.text
        let stations = taken["profile"]?["columns"]?.array?.count ?? 0
        try hold(stations == 18, "18 columns of air data, got \(stations)")
        if !isSynthetic { try hold(taken["rows"]?.integer == 420_768, "420,768 rows of air data") }
        return [
            "airRows": taken["rows"] ?? .null, "visitRows": visited["rows"] ?? .null,
            "synthetic": .bool(isSynthetic),
            "days": .integer(Int64(daily.count)),
        ]
    }

    private func takeIn(
        _ files: [String], at node: DemoNode, title: String, owner: String, ground: String, document: String
    ) async throws -> JSON {
        var staged: [JSON] = []
        let door = NodeDoor.remote(node.door)
        for file in files { staged.append(.string(try await door.stage(file))) }
        return try await node.door.post(
            "/api/v1/assets",
            [
                "deliveries": .array(staged), "title": .string(title),
                "source": [
                    "name": .string(title), "kind": "institution", "owner": .string(owner),
                    "collector": .string(owner),
                    "method": "system", "ground": .string(ground), "document": .string(document),
                ],
            ])
    }

    /// The mean PM2.5 of each day: what the generator plants its effect on. Read from the files themselves.
    private func dailyAir() async throws -> [(day: CalendarDay, pm: Double)] {
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        defer { engine.close() }
        try await engine.attach(.csv(airFiles, try await engine.layout(of: airFiles)), as: "air")
        let sql = """
            SELECT CAST(year AS BIGINT), CAST(month AS BIGINT), CAST(day AS BIGINT),
            CAST(avg("PM2.5") AS DOUBLE) FROM air WHERE "PM2.5" IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """
        let rows = try await engine.rows(TableQuery(sql)).rows
        return rows.compactMap { row in
            guard case .integer(let year) = row[0], case .integer(let month) = row[1],
                case .integer(let day) = row[2],
                case .real(let pm) = row[3],
                let date = CalendarDay(year: Int(year), month: Int(month), day: Int(day))
            else { return nil }
            return (date, pm)
        }
    }

    // MARK: 2 · register and assess

    func register() async throws -> [String: JSON] {
        let airAsset = codes["air.asset"] ?? ""
        let clinicAsset = codes["clinic.asset"] ?? ""
        try await refused("register.grades-unconfirmed") { () async throws(Problem) in
            try await self.clinic.door.post("/api/v1/assets/\(clinicAsset)/registration")
        }
        codes["air.registration"] = try await registered(airAsset, at: air)
        codes["clinic.registration"] = try await registered(clinicAsset, at: clinic)
        for (asset, kinds) in [(clinicAsset, ["quality", "value"]), (airAsset, ["quality"])] {
            // The clinic's attestations wait until its listing has been refused for want of them.
            guard asset == airAsset else { continue }
            for kind in kinds { try await attest(asset, kind) }
        }
        let certificate = try await exchange.door.get(
            "/api/v1/registrations/" + (codes["clinic.registration"] ?? ""))
        try hold(
            certificate["proof"]?.text?.hasPrefix("c2sp.org/tlog-proof@v1") == true, "an inclusion proof")
        try hold(
            certificate["witnessing"]?["witnessed"] == true,
            "registered means witnessed: \(certificate["witnessing"]?.canonicalText ?? "")")
        let resolved = try await exchange.door.get("/api/v1/codes/" + clinicAsset)
        return [
            "registrations": .integer(2), "certificate": certificate["registration"] ?? .null,
            "witnessing": certificate["witnessing"] ?? .null,
            "resolved": resolved["kind"] ?? .null,
        ]
    }

    /// A person confirms the grades, the holder applies, the operator grants.
    func registered(_ asset: String, at node: DemoNode) async throws -> String {
        _ = try await node.door.post("/api/v1/assets/\(asset)/grades", ["person": "data steward"])
        let applied = try await node.door.post("/api/v1/assets/\(asset)/registration")
        let code = applied["registration"]?.text ?? ""
        _ = try await exchange.door.post(
            "/api/v1/registrations/\(code)/review", ["grants": true, "why": "材料齐全"])
        return code
    }

    func attest(_ subject: String, _ kind: String) async throws {
        guard let assessor = accounts["assessor"], let kindValue = Attestation.Kind(rawValue: kind) else {
            return
        }
        let now = WallClock.system.now()
        let id = ID<Attestation>(at: now)
        let document: JSON = ["method": "GB/T 36344-2018", "result": "合格"]
        let until = now.advanced(by: .seconds(365 * 86_400))
        let bytes = Attestation.signedBytes(
            id: id, subjectCode: subject, kind: kindValue, document: document, validUntil: until)
        _ = try await assessor.door.post(
            "/api/v1/attestations",
            [
                "id": .string(id.uuid), "subject": .string(subject), "kind": .string(kind),
                "document": document,
                "validUntil": .integer(until.microseconds),
                "signature": .string(Base64.encode(try assessor.signer.signature(for: bytes))),
            ])
    }
}
