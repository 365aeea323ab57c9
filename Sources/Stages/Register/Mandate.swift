// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store

/// A principal lets an agent act for it 授权: which verbs, on what, for which purpose, until when, how often.
/// Passed on, it can only narrow.
package struct Mandate: Hashable, Sendable {
    package let id: ID<Mandate>
    package let principal: ID<Party>
    package let agent: ID<Party>
    package let verbs: Set<String>
    /// Asset or listing codes; `*` is everything of the principal.
    package let subjects: Set<String>
    /// The fields of what is authorized; `nil`: all of them.
    package let fields: Set<String>?
    /// `nil`: any purpose.
    package let purpose: String?
    package let until: Instant
    package let usesMax: Int?
    package let parent: ID<Mandate>?

    package var code: Code { Code(.mandate, id) }

    package init(
        id: ID<Mandate>, principal: ID<Party>, agent: ID<Party>, verbs: Set<String>, subjects: Set<String>,
        purpose: String?, until: Instant, usesMax: Int?, fields: Set<String>? = nil,
        parent: ID<Mandate>? = nil
    ) {
        self.id = id
        self.principal = principal
        self.agent = agent
        self.verbs = verbs
        self.subjects = subjects
        self.fields = fields
        self.purpose = purpose
        self.until = until
        self.usesMax = usesMax
        self.parent = parent
    }

    /// True if everything this mandate permits, `wider` permits too.
    package func narrows(_ wider: Mandate) -> Bool {
        verbs.isSubset(of: wider.verbs)
            && (wider.subjects.contains("*") || subjects.isSubset(of: wider.subjects))
            && (wider.fields.map { fields?.isSubset(of: $0) == true } ?? true)
            && (wider.purpose == nil || wider.purpose == purpose) && until <= wider.until
            && (wider.usesMax == nil || usesMax.map { $0 <= wider.usesMax ?? 0 } == true)
    }

    package func covers(verb: String, subject: String, purpose asked: String, at now: Instant) -> Bool {
        verbs.contains(verb) && (subjects.contains("*") || subjects.contains(subject))
            && (purpose == nil || purpose == asked) && now < until
    }

    package var json: JSON {
        var members: [String: JSON] = [
            "principal": .string(principal.uuid), "agent": .string(agent.uuid),
            "verbs": .array(verbs.sorted().map(JSON.string)),
            "subjects": .array(subjects.sorted().map(JSON.string)),
            "purpose": purpose.map(JSON.string) ?? .null, "until": .integer(until.microseconds),
            "usesMax": usesMax.map { .integer(Int64($0)) } ?? .null,
        ]
        members["fields"] = fields.map { .array($0.sorted().map(JSON.string)) }
        return .object(members)
    }
}

/// The mandates a node knows.
package enum MandateBook {
    /// Writes a mandate. One that passes on another is refused unless it narrows it.
    package static func grant(_ mandate: Mandate, in transaction: any SQLWriting) throws(Problem) {
        if let parentID = mandate.parent {
            guard let parent = try find(parentID, in: transaction), parent.agent == mandate.principal,
                mandate.narrows(parent)
            else { throw Problem(.forbidden, "register.mandate-widens", ["code": .code(mandate.code)]) }
        }
        try transaction.execute(
            """
            INSERT INTO register_mandate
            (id, code, principal_id, agent_id, document, parent_id, uses_left, granted_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                mandate.id, mandate.code, mandate.principal, mandate.agent, mandate.json,
                mandate.parent, mandate.usesMax, transaction.now,
            ])
    }

    /// Ends a mandate and every mandate passed on under it, from the next use on.
    package static func revoke(_ code: String, in transaction: any SQLWriting) throws(Problem) {
        let changed = try transaction.execute(
            "UPDATE register_mandate SET revoked_at = ? WHERE code = ? AND revoked_at IS NULL",
            [transaction.now, code])
        guard changed == 1 else { throw .codeUnknown(code) }
    }

    /// The mandate under which an agent may act now, its chain unbroken; the use is counted down along the chain.
    package static func use(
        verb: String, subject: String, purpose: String, by agent: ID<Party>, for principal: ID<Party>,
        in transaction: any SQLWriting
    ) throws(Problem) -> Mandate? {
        let chain = try standing(
            verb: verb, subject: subject, purpose: purpose, by: agent, for: principal, at: transaction.now,
            in: transaction)
        for link in chain where link.usesMax != nil {
            try transaction.execute(
                "UPDATE register_mandate SET uses_left = uses_left - 1 WHERE id = ?", [link.id])
        }
        return chain.first
    }

    /// The mandate under which an agent may act now and those it was passed on from, without a use of them; empty
    /// where there is none.
    package static func standing(
        verb: String, subject: String, purpose: String, by agent: ID<Party>, for principal: ID<Party>,
        at now: Instant, in transaction: any SQLReading
    ) throws(Problem) -> [Mandate] {
        let candidates = try transaction.all(
            """
            SELECT id FROM register_mandate WHERE agent_id = ? AND revoked_at IS NULL
            AND (uses_left IS NULL OR uses_left > 0) ORDER BY granted_at
            """,
            [agent]
        ) { row throws(Problem) in try row.id(0, of: Mandate.self) }
        for id in candidates {
            let chain = try chain(from: id, in: transaction)
            guard chain.last?.principal == principal,
                chain.allSatisfy({
                    $0.covers(verb: verb, subject: subject, purpose: purpose, at: now)
                })
            else { continue }
            return chain
        }
        return []
    }

    /// The authorizations in force under which rows about their givers may leave 一次授权、多次使用: those that let this
    /// agent do `verb` on a subject, for a purpose, with all of these fields. Each is counted as used once.
    package static func authorizations(
        verb: String, subject: String, purpose: String, fields: Set<String>, to agent: ID<Party>,
        in transaction: any SQLWriting
    ) throws(Problem) -> [Mandate] {
        let given = try transaction.all(
            """
            SELECT id, principal_id, agent_id, document, parent_id FROM register_mandate
            WHERE agent_id = ? AND parent_id IS NULL AND revoked_at IS NULL
            AND (uses_left IS NULL OR uses_left > 0) ORDER BY granted_at
            """, [agent], read
        ).filter {
            $0.covers(verb: verb, subject: subject, purpose: purpose, at: transaction.now)
                && $0.fields.map(fields.isSubset) ?? true
        }
        for mandate in given where mandate.usesMax != nil {
            try transaction.execute(
                "UPDATE register_mandate SET uses_left = uses_left - 1 WHERE id = ?", [mandate.id])
        }
        return given
    }

    /// The mandates of these codes that are still in force.
    package static func inForce(
        _ codes: [String], in transaction: any SQLReading
    ) throws(Problem) -> [Mandate] {
        try codes.map { code throws(Problem) in
            try transaction.first(
                """
                SELECT id, principal_id, agent_id, document, parent_id FROM register_mandate
                WHERE code = ? AND revoked_at IS NULL
                """, [code], read)
        }.compactMap(\.self)
    }

    /// The mandates a party gave or holds, newest first.
    package static func all(of party: ID<Party>, in transaction: any SQLReading) throws(Problem) -> [Mandate]
    {
        try transaction.all(
            """
            SELECT id, principal_id, agent_id, document, parent_id FROM register_mandate
            WHERE (principal_id = ? OR agent_id = ?) AND revoked_at IS NULL ORDER BY granted_at DESC
            """,
            [party, party], read)
    }

    private static func chain(from id: ID<Mandate>, in transaction: any SQLReading) throws(Problem)
        -> [Mandate]
    {
        var chain: [Mandate] = []
        var next: ID<Mandate>? = id
        while let id = next, chain.count < depthMax {
            guard let mandate = try find(id, in: transaction) else { return [] }
            chain.append(mandate)
            next = mandate.parent
        }
        return next == nil ? chain : []
    }

    /// Nobody needs a longer chain of agents; a longer one is a loop.
    private static let depthMax = 8

    private static func find(_ id: ID<Mandate>, in transaction: any SQLReading) throws(Problem) -> Mandate? {
        try transaction.first(
            """
            SELECT id, principal_id, agent_id, document, parent_id FROM register_mandate
            WHERE id = ? AND revoked_at IS NULL
            """,
            [id], read)
    }

    private static func read(_ row: any SQLRow) throws(Problem) -> Mandate {
        let document = try row.json(3)
        return Mandate(
            id: try row.id(0), principal: try row.id(1), agent: try row.id(2),
            verbs: Set(document["verbs"]?.array?.compactMap(\.text) ?? []),
            subjects: Set(document["subjects"]?.array?.compactMap(\.text) ?? []),
            purpose: document["purpose"]?.text, until: Instant(microseconds: document["until"]?.integer ?? 0),
            usesMax: document["usesMax"]?.integer.map { Int($0) },
            fields: document["fields"]?.array.map { Set($0.compactMap(\.text)) },
            parent: try row.optional(4) { column throws(Problem) in try row.id(column, of: Mandate.self) })
    }
}
