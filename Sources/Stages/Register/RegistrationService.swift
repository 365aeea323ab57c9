// SPDX-License-Identifier: Apache-2.0

package import Identity
private import Lane
package import Primitives
private import Store
private import Transparency

/// Registration: a holder applies, the registering node reviews, a certificate follows.
package struct RegistrationService: Sendable {
    let context: StageContext

    package init(context: StageContext) {
        self.context = context
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
                    gradings.map { ["field": .string($0.field), "grade": .string($0.confirmed ?? "")] }),
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
        let context = context
        let id = ID<Registration>(derivedFrom: Digest(of: holder.id.uuid + application.canonicalText))
        return try await context.store.write { transaction throws(Problem) in
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

    /// The reviewer grants or refuses. Granting enters the registration, its right and its leaf in one commit and
    /// tells the holder.
    package func review(_ code: String, grants: Bool, why: String, by caller: Caller) async throws(Problem)
        -> JSON
    {
        try caller.require(.marketOperate)
        try await context.requireExchange()
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let found = try transaction.first(
                "SELECT id, asset_code, holder_id, document, state FROM register_application WHERE code = ?",
                [code]
            ) { row throws(Problem) in
                (
                    id: try row.id(0, of: Registration.self), asset: try row.text(1),
                    holder: try row.id(2, of: Party.self),
                    document: try row.json(3), state: try row.text(4)
                )
            }
            guard let found else { throw .codeUnknown(code) }
            guard found.state == "filed" else {
                throw Problem(
                    .conflict, "register.application-decided",
                    ["code": .text(code), "state": .text(found.state)])
            }
            try transaction.execute(
                "UPDATE register_application SET state = ?, decided_at = ?, why = ? WHERE id = ?",
                [grants ? "granted" : "refused", transaction.now, why, found.id])
            guard grants else {
                try context.record(.registrationStep, Code(found.asset), ["step": "refused"], in: transaction)
                return ["registration": .string(code), "state": "refused"]
            }
            let leaf = try context.record(
                .assetRegistered, Code(found.asset),
                [
                    "registration": .string(code),
                    "claim": .string(Digest(of: found.document.canonicalBytes).hex),
                ],
                in: transaction)
            let registration = Registration(
                id: found.id, assetCode: found.asset, kind: .first, holder: found.holder,
                document: found.document,
                leafIndex: Int64(leaf), registeredAt: transaction.now)
            try RegistrationBook.enter(registration, in: transaction)
            let answer: JSON = [
                "registration": .string(code), "asset": .string(found.asset), "state": "granted",
                "leaf": .integer(Int64(leaf)),
            ]
            let holder = try PartyRegister.party(found.holder, in: transaction)
            if holder.id == context.own {
                try AssetShelf.setRegistration(code, of: found.asset, in: transaction)
            } else if holder.address != .account {
                try context.lane.post("register.granted", answer, to: holder.id, in: transaction)
            }
            return answer
        }
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
