// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import PrivateSQL
package import Store

/// A question whose form a holder looks at once 洁净室模板: with open places, or, as a free question that somebody wants
/// to ask, without. Once approved, whoever has an agreement may ask it with any permitted argument.
package struct QuestionTemplate: Hashable, Sendable {
    /// proposed → approved or refused; approved → withdrawn, or replaced by a newer version of the same name.
    package enum State: String, Sendable, CaseIterable {
        case proposed, approved, refused, withdrawn, replaced
    }

    package let listingCode: String
    /// Small letters, digits and hyphens; one name has many versions.
    package let name: String
    package let version: Int
    package let state: State
    package let title: LocalizedText
    package let text: String
    package let parameters: [QuestionParameter]
    package let proposedBy: ID<Party>
    package let proposedAt: Instant
    /// The reason of a refusal or a withdrawal.
    package let why: String
    package let decidedAt: Instant?

    /// What was decided on: the form itself, without its history.
    var document: JSON {
        [
            "listing": .string(listingCode), "name": .string(name), "version": .integer(Int64(version)),
            "title": ["zh": .string(title.zh), "en": .string(title.en)], "text": .string(text),
            "parameters": .array(parameters.map(\.json)),
        ]
    }

    package var json: JSON {
        .object(
            (document.object ?? [:]).merging([
                "state": .string(state.rawValue), "proposedBy": .string(Code(.party, proposedBy).text),
                "proposedAt": .string(proposedAt.rfc3339), "why": .string(why),
                "decidedAt": decidedAt.map { .string($0.rfc3339) } ?? .null,
                "digest": .string(Digest(of: document.canonicalBytes).hex),
            ]) { $1 })
    }
}

/// The templates of a holder's listings. Versions are never changed; deciding moves their state alone.
package enum TemplateBook {
    package static func propose(
        _ template: QuestionTemplate, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO compute_template (listing, name, version, state, title, text, parameters, proposed_by,
            proposed_at, why) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                template.listingCode, template.name, template.version, template.state.rawValue,
                template.document["title"] ?? .null, template.text,
                JSON.array(template.parameters.map(\.json)), template.proposedBy, template.proposedAt,
                template.why,
            ])
    }

    /// The version after the newest of a name.
    package static func nextVersion(
        of name: String, on listing: String, in transaction: any SQLReading
    ) throws(Problem) -> Int {
        Int(
            try transaction.count(
                "SELECT coalesce(max(version), 0) FROM compute_template WHERE listing = ? AND name = ?",
                [listing, name])) + 1
    }

    /// Every version on a listing, newest first within its name.
    package static func all(
        on listing: String, being states: [QuestionTemplate.State] = QuestionTemplate.State.allCases,
        in transaction: any SQLReading
    ) throws(Problem) -> [QuestionTemplate] {
        let marks = states.map { _ in "?" }.joined(separator: ", ")
        let arguments: [any SQLConvertible] = [listing] + states.map(\.rawValue)
        return try transaction.all(
            """
            SELECT listing, name, version, state, title, text, parameters, proposed_by, proposed_at, why, decided_at
            FROM compute_template WHERE listing = ? AND state IN (\(marks)) ORDER BY name, version DESC
            """,
            arguments, read)
    }

    /// Moves a version on. A step that its state does not have is `compute.template-state`.
    package static func decide(
        _ name: String, _ version: Int, on listing: String, from: QuestionTemplate.State,
        to: QuestionTemplate.State, why: String, in transaction: any SQLWriting
    ) throws(Problem) {
        let changed = try transaction.execute(
            """
            UPDATE compute_template SET state = ?, why = ?, decided_at = ?
            WHERE listing = ? AND name = ? AND version = ? AND state = ?
            """,
            [to.rawValue, why, transaction.now, listing, name, version, from.rawValue])
        guard changed == 1 else {
            throw Problem(
                .conflict, "compute.template-state",
                ["template": .text("\(name)@\(version)"), "state": .text(from.rawValue)])
        }
        guard to == .approved else { return }
        try transaction.execute(
            """
            UPDATE compute_template SET state = 'replaced', decided_at = ?
            WHERE listing = ? AND name = ? AND version < ? AND state IN ('approved', 'proposed')
            """,
            [transaction.now, listing, name, version])
    }

    private static func read(_ row: any SQLRow) throws(Problem) -> QuestionTemplate {
        let title = try row.json(4)
        return QuestionTemplate(
            listingCode: try row.text(0), name: try row.text(1), version: try row.int(2),
            state: QuestionTemplate.State(rawValue: try row.text(3)) ?? .refused,
            title: LocalizedText(zh: title["zh"]?.text ?? "", en: title["en"]?.text ?? ""),
            text: try row.text(5),
            parameters: (try row.json(6).array ?? []).compactMap(QuestionParameter.init(json:)),
            proposedBy: try row.id(7), proposedAt: try row.instant(8), why: try row.text(9),
            decidedAt: try row.optional(10, row.instant))
    }
}

/// The tables of clean-room templates and of repeated questions.
package enum ComputeSchema {
    package static let migrations = [
        // Empty tables: no time, whatever the size of the node.
        Migration(
            "compute/0001-templates",
            [
                """
                CREATE TABLE compute_template (
                    listing TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL,
                    title TEXT NOT NULL, text TEXT NOT NULL, parameters TEXT NOT NULL, proposed_by BLOB NOT NULL,
                    proposed_at INTEGER NOT NULL, why TEXT NOT NULL, decided_at INTEGER,
                    PRIMARY KEY (listing, name, version)
                ) STRICT
                """,
                """
                CREATE TABLE compute_answered_plan (
                    agreement BLOB NOT NULL, plan BLOB NOT NULL, version BLOB NOT NULL, passage BLOB NOT NULL,
                    PRIMARY KEY (agreement, plan, version)
                ) STRICT
                """,
            ])
    ]
}
