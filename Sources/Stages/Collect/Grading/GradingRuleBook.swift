// SPDX-License-Identifier: Apache-2.0

package import Classification
package import Primitives
package import Store

/// One version of a grading document: a sector's important-data catalog, or a list of recognizers (S115).
package struct GradingDocument: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        case proposed, declined
        case inForce = "in-force"
        /// A newer version took its place.
        case replaced
    }

    /// The sector, or `recognizers`.
    package let name: String
    package let version: String
    package let state: State
    package let document: JSON
    package let proposedBy: String
    package let reviewedBy: String?
    package let why: String
    /// The day its catalog says it is of; the day of the review where it says none.
    package let asOf: CalendarDay

    /// Days since the day it is of.
    package func ageDays(at now: Instant) -> Int { now.day(in: .shanghai).daysSince1970 - asOf.daysSince1970 }

    /// The names of a catalog's items, or the kinds of a list of recognizers, with their contents.
    package var entries: [String: JSON] {
        let list = document["items"]?.array ?? document["recognizers"]?.array ?? []
        return Dictionary(
            list.map { (($0["name"] ?? $0["kind"])?.text ?? "", $0) }, uniquingKeysWith: { first, _ in first }
        )
    }

    /// What a newer version adds, changes and removes.
    package func changes(to newer: GradingDocument) -> (added: [String], changed: [String], removed: [String])
    {
        let (before, after) = (entries, newer.entries)
        return (
            after.keys.filter { before[$0] == nil }.sorted(),
            after.keys.filter { key in before[key].map { $0 != after[key] } ?? false }.sorted(),
            before.keys.filter { after[$0] == nil }.sorted()
        )
    }

    package func json(at now: Instant) -> JSON {
        [
            "name": .string(name), "version": .string(version), "state": .string(state.rawValue),
            "asOf": .string(asOf.description), "ageDays": .integer(Int64(ageDays(at: now))),
            "entries": .array(entries.keys.sorted().map(JSON.string)), "proposedBy": .string(proposedBy),
            "reviewedBy": reviewedBy.map(JSON.string) ?? .null, "why": .string(why),
        ]
    }
}

/// The catalogs and recognizers of a node, version by version. What is in force grades the next delivery.
package enum GradingRuleBook {
    /// Files a version for review. It is read whole first: `collect.grading-unreadable` names the place.
    package static func propose(
        _ document: JSON, by person: String, in writing: any SQLWriting
    ) throws(Problem) -> GradingDocument {
        try checkPerson(person)
        let declaration = Declaration(document)
        let (name, version): (String, String)
        do throws(Declaration.Fault) {
            var rules = GradingRules()
            try rules.add(declaration)
            name =
                declaration.optional("recognizers") == nil
                ? try declaration.member("sector").text() : "recognizers"
            version = try declaration.member("version").text()
        } catch {
            throw Problem(
                .invalid, "collect.grading-unreadable",
                [
                    "place": .text(error.place), "found": .localized(error.found),
                    "remedy": .localized(error.remedy),
                ])
        }
        let changed = try writing.execute(
            """
            INSERT INTO collect_grading (name, version, state, document, proposed_by, proposed_at, why)
            VALUES (?, ?, ?, ?, ?, ?, '') ON CONFLICT (name, version) DO NOTHING
            """,
            [name, version, GradingDocument.State.proposed.rawValue, document, person, writing.now])
        guard changed == 1 else {
            throw Problem(
                .conflict, "collect.grading-taken", ["name": .text(name), "version": .text(version)])
        }
        return try self.document(name, version, in: writing)
    }

    /// Another person than the proposer puts a version in force, in place of the one before, or declines it.
    package static func review(
        _ name: String, _ version: String, grants: Bool, by person: String, why: String,
        in writing: any SQLWriting
    ) throws(Problem) -> GradingDocument {
        try checkPerson(person)
        let found = try document(name, version, in: writing)
        guard found.proposedBy != person else {
            throw Problem(.forbidden, "collect.review-own", ["person": .text(person)])
        }
        guard found.state == .proposed else {
            throw Problem(
                .conflict, "collect.grading-reviewed",
                ["name": .text(name), "version": .text(version), "state": .text(found.state.rawValue)])
        }
        if grants {
            try writing.execute(
                "UPDATE collect_grading SET state = ? WHERE name = ? AND state = ?",
                [GradingDocument.State.replaced.rawValue, name, GradingDocument.State.inForce.rawValue])
        }
        try writing.execute(
            """
            UPDATE collect_grading SET state = ?, reviewed_by = ?, reviewed_at = ?, why = ?
            WHERE name = ? AND version = ?
            """,
            [
                (grants ? GradingDocument.State.inForce : .declined).rawValue, person, writing.now, why, name,
                version,
            ])
        return try document(name, version, in: writing)
    }

    /// Every version, newest proposal first.
    package static func all(in reading: any SQLReading) throws(Problem) -> [GradingDocument] {
        try reading.all(select + " ORDER BY proposed_at DESC, name, version", [], read)
    }

    /// What grades the next delivery: the program's own recognizers and every document in force.
    package static func inForce(in reading: any SQLReading) throws(Problem) -> GradingRules {
        var rules = GradingRules()
        let found = try reading.all(
            select + " WHERE state = ? ORDER BY name", [GradingDocument.State.inForce.rawValue], read)
        for document in found {
            do throws(Declaration.Fault) {
                try rules.add(Declaration(document.document))
            } catch {
                throw Problem(
                    .fault, "store.row-unreadable",
                    operatorNote: "collect_grading \(document.name): \(error.place)")
            }
        }
        return rules
    }

    private static func document(
        _ name: String, _ version: String, in reading: any SQLReading
    ) throws(Problem) -> GradingDocument {
        let found = try reading.first(select + " WHERE name = ? AND version = ?", [name, version], read)
        guard let found else {
            throw Problem(
                .missing, "collect.grading-missing", ["name": .text(name), "version": .text(version)])
        }
        return found
    }

    private static func checkPerson(_ person: String) throws(Problem) {
        guard person.contains(where: { !$0.isWhitespace }) else {
            throw Problem(.invalid, "collect.person-missing")
        }
    }

    private static let select = """
        SELECT name, version, state, document, proposed_by, reviewed_by, why, COALESCE(reviewed_at, proposed_at)
        FROM collect_grading
        """

    private static func read(_ row: any SQLRow) throws(Problem) -> GradingDocument {
        let document = try row.json(3)
        let entered = try row.instant(7).day(in: .shanghai)
        return GradingDocument(
            name: try row.text(0), version: try row.text(1),
            state: GradingDocument.State(rawValue: try row.text(2)) ?? .proposed, document: document,
            proposedBy: try row.text(4), reviewedBy: try row.optional(5, row.text), why: try row.text(6),
            asOf: document["asOf"]?.text.flatMap { CalendarDay($0) } ?? entered)
    }
}
