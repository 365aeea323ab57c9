// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
import Store
private import Transparency

/// Public notice 公示 and objections 异议: a claim lies open before it is confirmed, and whoever says "this is mine" in
/// time stops it until somebody has decided.
extension RegistrationService {
    /// Objects to a claim in its notice period. The log gets a leaf without a name; the reviewer reads the reason.
    package func object(to code: String, why: String, by party: ID<Party>) async throws(Problem) -> JSON {
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let claim = try Claim.find(code, in: transaction)
            guard claim.state == "notice", let until = claim.noticeUntil, transaction.now < until else {
                throw Problem(.conflict, "register.notice-over", ["code": .text(code)])
            }
            let changed = try transaction.execute(
                """
                INSERT INTO register_objection (application_code, party_id, why, filed_at) VALUES (?, ?, ?, ?)
                ON CONFLICT (application_code, party_id) DO NOTHING
                """,
                [code, party, why, transaction.now])
            if changed == 1 {
                try context.record(
                    .registrationStep, Code(claim.asset),
                    ["step": "objection", "registration": .string(code)],
                    in: transaction)
            }
            return ["registration": .string(code), "state": "objection"]
        }
    }

    /// Decides the open objections to a claim. One that is upheld refuses the claim; one that is not lets it go on.
    package func decideObjections(
        to code: String, upheld: Bool, why: String, by caller: Caller
    ) async throws(Problem) -> JSON {
        try caller.require(.marketOperate)
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let claim = try Claim.find(code, in: transaction)
            let decided = try transaction.execute(
                """
                UPDATE register_objection SET is_upheld = ?, decision = ?, decided_at = ?
                WHERE application_code = ? AND decided_at IS NULL
                """,
                [upheld, why, transaction.now, code])
            guard decided > 0, claim.state == "notice" else {
                throw Problem(
                    .conflict, "register.application-decided",
                    ["code": .text(code), "state": .text(claim.state)])
            }
            try context.record(
                .registrationStep, Code(claim.asset),
                ["step": upheld ? "objection-upheld" : "objection-rejected", "registration": .string(code)],
                in: transaction)
            guard upheld else { return ["registration": .string(code), "state": "notice"] }
            try transaction.execute(
                "UPDATE register_application SET state = 'refused', decided_at = ?, why = ? WHERE code = ?",
                [transaction.now, why, code])
            return ["registration": .string(code), "state": "refused"]
        }
    }

    /// Begins the notice period of a claim that the reviewer found in order.
    func publish(_ claim: Claim, days: Int, in transaction: any SQLWriting) throws(Problem) -> JSON {
        let until = transaction.now.advanced(by: .seconds(days * 86_400))
        try transaction.execute(
            "UPDATE register_application SET state = 'notice', notice_until = ? WHERE code = ?",
            [until, claim.code])
        try context.record(
            .registrationStep, Code(claim.asset),
            ["step": "notice", "registration": .string(claim.code), "until": .string(until.rfc3339)],
            in: transaction)
        return [
            "registration": .string(claim.code), "state": "notice", "noticeUntil": .string(until.rfc3339),
        ]
    }

    /// Whether a claim whose notice runs may be confirmed now: the window is over and nobody's objection is open.
    func requireUncontested(_ claim: Claim, in transaction: any SQLWriting) throws(Problem) {
        if let until = claim.noticeUntil, transaction.now < until {
            throw Problem(
                .conflict, "register.notice-running",
                ["code": .text(claim.code), "until": .text(until.rfc3339)])
        }
        let open = try transaction.count(
            "SELECT count(*) FROM register_objection WHERE application_code = ? AND decided_at IS NULL",
            [claim.code])
        guard open == 0 else {
            throw Problem(.conflict, "register.objection-open", ["code": .text(claim.code)])
        }
    }
}

/// An application for registration as it is filed.
struct Claim {
    let id: ID<Registration>
    let code: String
    let asset: String
    let holder: ID<Party>
    let document: JSON
    let state: String
    let noticeUntil: Instant?

    static func find(_ code: String, in transaction: any SQLReading) throws(Problem) -> Claim {
        let found = try transaction.first(
            """
            SELECT id, code, asset_code, holder_id, document, state, notice_until FROM register_application
            WHERE code = ?
            """,
            [code]
        ) { row throws(Problem) in
            Claim(
                id: try row.id(0), code: try row.text(1), asset: try row.text(2), holder: try row.id(3),
                document: try row.json(4), state: try row.text(5),
                noticeUntil: try row.optional(6, row.instant))
        }
        guard let found else { throw .codeUnknown(code) }
        return found
    }
}
