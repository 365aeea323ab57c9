// SPDX-License-Identifier: Apache-2.0

private import Classification
package import Identity
private import Lane
package import Primitives
private import Store
private import Transparency

/// Registration: a holder applies, the registering node reviews, a certificate follows.
package struct RegistrationService: Sendable {
    let context: StageContext
    let rules: RegistrationRules

    package init(context: StageContext, rules: RegistrationRules = .standard) {
        self.context = context
        self.rules = rules
    }

    // MARK: The holder

    /// Applies at the exchange for the first registration of an asset whose grades a person has confirmed.
    package func apply(for assetCode: String) async throws(Problem) -> JSON {
        let context = context
        let (application, exchange) = try await context.store.read { transaction throws(Problem) in
            let asset = try AssetShelf.asset(assetCode, in: transaction)
            let gradings = try AssetShelf.gradings(of: asset.id, in: transaction)
            let open = gradings.filter { $0.confirmed == nil }.map(\.field)
            guard open.isEmpty else {
                throw Problem(.conflict, "register.grades-unconfirmed", ["fields": .list(open)])
            }
            let version = try AssetShelf.newestVersion(of: asset.id, in: transaction)
            let application: JSON = [
                "asset": .string(asset.code.text), "title": .string(asset.title), "kind": "first",
                "version": .string(version.digest.hex), "rows": .integer(version.rowCount),
                "origin": .string(Digest(of: asset.origin.canonicalBytes).hex),
                "basis": asset.origin["legalBasis"] ?? .null,
                "grades": .array(
                    gradings.map { ["field": .string($0.field), "grade": .string($0.grade.word)] }),
            ]
            return (application, try context.exchange(in: transaction))
        }
        if exchange.id == context.own {
            return try await submit(application, from: exchange)
        }
        return try await context.lane.call(exchange, "register.apply", application)
    }

    /// The registering node granted it: noted at the holder.
    package func takeGranted(_ json: JSON) async throws(Problem) {
        guard let asset = json["asset"]?.text, let registration = json["registration"]?.text else {
            throw .bodyMalformed("register.granted", "asset")
        }
        let context = context
        try await context.store.write { transaction throws(Problem) in
            try AssetShelf.setRegistration(registration, of: asset, in: transaction)
        }
    }

    // MARK: The registering node

    /// Files an application; it waits for the reviewer. The same application again finds the first.
    package func submit(_ application: JSON, from holder: Party) async throws(Problem) -> JSON {
        guard let asset = application["asset"]?.text, Code(asset)?.kind == .asset else {
            throw .bodyMalformed("register.apply", "asset")
        }
        let (context, kind) = (context, try rules.kind(application["kind"]?.text ?? ""))
        let id = ID<Registration>(derivedFrom: Digest(of: holder.id.uuid + application.canonicalText))
        return try await context.store.write { transaction throws(Problem) in
            try Self.requireEntitled(holder.id, to: kind, application, in: transaction)
            try transaction.execute(
                """
                INSERT INTO register_application (id, code, asset_code, holder_id, document, state, filed_at)
                VALUES (?, ?, ?, ?, ?, 'filed', ?) ON CONFLICT (id) DO NOTHING
                """,
                [id, Code(.registration, id), asset, holder.id, application, transaction.now])
            try context.record(
                .registrationStep, Code(asset), ["step": "filed"], once: id.retyped(), in: transaction)
            return ["registration": .string(Code(.registration, id).text), "state": "filed"]
        }
    }

    /// What a claim must not contradict when it is filed: the same content registered by another holder, or, for all
    /// but a first registration, that somebody else holds the asset.
    private static func requireEntitled(
        _ holder: ID<Party>, to kind: RegistrationRules.Kind, _ application: JSON,
        in transaction: any SQLReading
    ) throws(Problem) {
        guard kind.effect == .enters else {
            let asset = application["asset"]?.text ?? ""
            guard try RegistrationBook.inForce(asset, in: transaction)?.holder == holder else {
                throw Problem(.conflict, "register.asset-unregistered", ["asset": .text(asset)])
            }
            return
        }
        let content = application["version"]?.text ?? ""
        if let other = try RegistrationBook.other(than: holder, of: content, in: transaction) {
            throw Problem(.conflict, "register.content-registered", ["registration": .code(other.code)])
        }
    }

    /// The reviewer finds a claim in order or refuses it. Where the kind has a notice period, it begins now, and a
    /// second review after it confirms. Confirming enters the registration, its right and its leaf in one commit and
    /// tells the holder.
    package func review(_ code: String, grants: Bool, why: String, by caller: Caller) async throws(Problem)
        -> JSON
    {
        try caller.require(.marketOperate)
        try await context.requireExchange()
        let (context, rules) = (context, rules)
        return try await context.store.write { transaction throws(Problem) in
            let claim = try Claim.find(code, in: transaction)
            guard claim.state == "filed" || claim.state == "notice" else {
                throw Problem(
                    .conflict, "register.application-decided",
                    ["code": .text(code), "state": .text(claim.state)])
            }
            let kind = try rules.kind(claim.document["kind"]?.text ?? "")
            if grants, claim.state == "filed", kind.noticeDays > 0 {
                return try publish(claim, days: kind.noticeDays, in: transaction)
            }
            if grants { try requireUncontested(claim, in: transaction) }
            try transaction.execute(
                "UPDATE register_application SET state = ?, decided_at = ?, why = ? WHERE id = ?",
                [grants ? "granted" : "refused", transaction.now, why, claim.id])
            guard grants else {
                try context.record(.registrationStep, Code(claim.asset), ["step": "refused"], in: transaction)
                return ["registration": .string(code), "state": "refused"]
            }
            let leaf = try confirm(claim, kind, in: transaction)
            return try tell(claim, leaf, in: transaction)
        }
    }

    /// Does what the kind does; answers the leaf that proves it.
    private func confirm(
        _ claim: Claim, _ kind: RegistrationRules.Kind, in transaction: any SQLWriting
    ) throws(Problem) -> LeafIndex {
        let grantee = claim.document["grantee"]?.text.flatMap { ID<Party>(uuid: $0) }
        let statement: JSON = [
            "registration": .string(claim.code),
            "claim": .string(Digest(of: claim.document.canonicalBytes).hex),
        ]
        if kind.effect == .licenses {
            let until = claim.document["until"]?.integer.map { Instant(microseconds: $0) }
            try RegistrationBook.license(
                claim.document["right"]?.text ?? "", in: claim.asset, from: claim.holder,
                to: grantee ?? claim.holder, until: until, evidence: claim.code, in: transaction)
            return try context.record(.rightRecorded, Code(claim.asset), statement, in: transaction)
        }
        if kind.effect != .enters, let present = try RegistrationBook.inForce(claim.asset, in: transaction) {
            try RegistrationBook.end(present, in: transaction)
            let leaf = try context.record(
                .registrationRevoked, Code(claim.asset), ["registration": .string(present.code.text)],
                in: transaction)
            if kind.effect == .ends { return leaf }
        }
        let leaf = try context.record(.assetRegistered, Code(claim.asset), statement, in: transaction)
        let registration = Registration(
            id: claim.id, assetCode: claim.asset, kind: kind.name,
            holder: kind.effect == .moves ? grantee ?? claim.holder : claim.holder,
            document: claim.document, leafIndex: Int64(leaf), registeredAt: transaction.now)
        try RegistrationBook.enter(registration, in: transaction)
        return leaf
    }

    private func tell(_ claim: Claim, _ leaf: LeafIndex, in transaction: any SQLWriting) throws(Problem)
        -> JSON
    {
        let answer: JSON = [
            "registration": .string(claim.code), "asset": .string(claim.asset), "state": "granted",
            "leaf": .integer(Int64(leaf)),
        ]
        let holder = try PartyRegister.party(claim.holder, in: transaction)
        if holder.id == context.own {
            try AssetShelf.setRegistration(claim.code, of: claim.asset, in: transaction)
        } else if holder.address != .account {
            try context.lane.post("register.granted", answer, to: holder.id, in: transaction)
        }
        return answer
    }

    /// Applications with their state, oldest first: the reviewer's list.
    package func applications() async throws(Problem) -> [JSON] {
        try await context.store.read { transaction throws(Problem) in
            try transaction.all(
                "SELECT code, asset_code, holder_id, document, state, filed_at FROM register_application ORDER BY filed_at"
            ) { row throws(Problem) in
                let holder = try row.id(2, of: Party.self)
                return [
                    "registration": .string(try row.text(0)), "asset": .string(try row.text(1)),
                    "holder": .string(Code(.party, holder).text), "claim": try row.json(3),
                    "state": .string(try row.text(4)), "filedAt": .string(try row.instant(5).rfc3339),
                ]
            }
        }
    }
}
