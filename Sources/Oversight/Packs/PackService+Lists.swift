// SPDX-License-Identifier: Apache-2.0

import Register
import Casework
package import Identity
package import Lists
import Measure
package import Primitives
import Store
import Transparency

/// A list as a reader may see it on a day.
package struct ListView: Sendable {
    package let schema: ListSchema
    /// The part that was asked for, where it was not the whole list.
    package let selection: ListSelection?
    package let day: CalendarDay
    package let entries: [ListEntry]
    /// Without personal fields, unless the reader may write the list.
    package let fields: [ListSchema.Field]
    package let mayWrite: Bool

    package var id: String { selection?.id ?? schema.id }
    package var title: LocalizedText { selection?.title ?? schema.title }

    package func shown(_ entry: ListEntry) -> JSON {
        let names = Set(fields.map(\.name)).union(["validFrom", "validUntil"])
        return .object((entry.content.object ?? [:]).filter { names.contains($0.key) })
    }
}

extension PackService {
    private typealias Work<Answer> =
        @Sendable (
            ListSchema, CaseActor, any SQLWriting
        ) throws(Problem) -> Answer

    /// All lists in force with the pack each comes from.
    package func schemas() async throws(Problem) -> [(schema: ListSchema, pack: String)] {
        let packs = packs
        return try await store.read { reader throws(Problem) in
            try packs.inForce(asOf: nil, reader).flatMap { pack in pack.lists.map { ($0.schema, pack.id) } }
        }
    }

    /// The parts of lists that have a name of their own.
    package func selections() async throws(Problem) -> [(selection: ListSelection, pack: String)] {
        let packs = packs
        return try await store.read { reader throws(Problem) in
            try packs.inForce(asOf: nil, reader).flatMap { pack in pack.selections.map { ($0, pack.id) } }
        }
    }

    /// What a list, or a part of one, said on a day, as far as the caller may read it; `words` must all occur in an
    /// entry. With `includesAll` also what is still to come, has ended or was removed, each in its newest version.
    package func view(
        _ id: String, asOf day: CalendarDay? = nil, words: [String] = [], includesAll: Bool = false,
        for caller: Caller?
    ) async throws(Problem) -> ListView {
        let (packs, lists, clock) = (packs, lists, context.clock)
        return try await store.read { reader throws(Problem) in
            let selection = try packs.selection(id, reader)
            let schema = try packs.list(selection?.list ?? id, reader)
            let today = clock.now().day(in: .shanghai)
            let actor = try Self.actor(caller, within: schema.id, on: today, reader)
            let mayWrite = selection == nil && !schema.writers.isDisjoint(with: actor.roles)
            let mayRead =
                mayWrite || schema.readers.contains("public") || !schema.readers.isDisjoint(with: actor.roles)
                || caller?.may(.auditRead) == true
            guard mayRead else {
                throw Problem(.forbidden, "lists.reader-refused", ["roles": .list(schema.readers.sorted())])
            }
            let fields = schema.fields.filter { mayWrite || !$0.isPersonal }
            let all =
                includesAll
                ? try lists.newest(of: schema, reader)
                : try lists.entries(of: schema, asOf: day ?? today, reader)
            let entries = all.filter { entry in
                guard selection?.contains(entry.content) != false else { return false }
                let text = fields.map { entry.content[$0.name]?.canonicalText ?? "" }.joined(separator: " ")
                    .lowercased()
                return words.allSatisfy { text.contains($0.lowercased()) }
            }
            return ListView(
                schema: schema, selection: selection, day: day ?? today, entries: entries, fields: fields,
                mayWrite: mayWrite)
        }
    }

    /// Every version of an entry, as far as the caller may read it.
    package func history(of key: String, in id: String, for caller: Caller?) async throws(Problem) -> [JSON] {
        let view = try await view(id, for: caller)
        let lists = lists
        let versions = try await store.read { reader throws(Problem) in
            try lists.history(of: key, in: view.schema, reader)
        }
        return versions.map { $0.json(showing: view.shown($0), on: view.day) }
    }

    /// Writes entries, all or none.
    package func put(_ entries: [JSON], in id: String, by caller: Caller) async throws(Problem) -> Int {
        let lists = lists
        return try await write(id, by: caller) { schema, actor, writer throws(Problem) in
            for entry in entries {
                try refuseDangling(entry, schema, writer)
                try lists.put(entry, in: schema, by: actor.party, roles: actor.roles, writer)
            }
            if schema.id == PlanRound.roundList { try remind(writer) }
            return entries.count
        }
    }

    /// Writes the lines of a CSV, all or none; the fault names the line.
    package func put(csv: String, in id: String, by caller: Caller) async throws(Problem) -> Int {
        let packs = packs
        let schema = try await store.read { reader throws(Problem) in try packs.list(id, reader) }
        let entries: [JSON]
        do throws(Declaration.Fault) {
            entries = try ListText.entries(csv: csv, of: schema)
        } catch {
            throw Problem(
                .invalid, "lists.entry-malformed",
                [
                    "place": .text(error.place), "found": .localized(error.found),
                    "remedy": .localized(error.remedy),
                ])
        }
        return try await put(entries, in: id, by: caller)
    }

    /// Ends an entry today.
    package func remove(_ key: String, from id: String, by caller: Caller) async throws(Problem) {
        let lists = lists
        try await write(id, by: caller) { schema, actor, writer throws(Problem) in
            try lists.remove(key: key, from: schema, by: actor.party, roles: actor.roles, writer)
        }
    }

    private func write<Answer: Sendable>(
        _ id: String, by caller: Caller, _ work: @escaping Work<Answer>
    ) async throws(Problem) -> Answer {
        let packs = packs
        return try await store.write { writer throws(Problem) in
            let schema = try packs.list(id, writer)
            let today = writer.now.day(in: .shanghai)
            return try work(schema, try Self.actor(caller, within: id, on: today, writer), writer)
        }
    }

    /// S156: what names an entry of another list names one that is there.
    private func refuseDangling(
        _ entry: JSON, _ schema: ListSchema, _ reader: any SQLWriting
    ) throws(Problem) {
        for (field, list) in schema.references.sorted(by: { $0.key < $1.key }) {
            let today = reader.now.day(in: .shanghai)
            let plan = try packs.inForce(asOf: nil, reader).flatMap(\.plans).first { $0.id == list }
            for key in entry.words(field) {
                let title: LocalizedText
                if let plan {
                    guard !plan.tasks.contains(where: { $0.id == key }) else { continue }
                    title = plan.title
                } else {
                    let target = try packs.list(list, reader)
                    guard try lists.entry(key, of: target, asOf: today, reader) == nil else { continue }
                    title = target.title
                }
                throw Problem(
                    .invalid, "lists.reference-missing",
                    ["field": .text(field), "key": .text(key), "list": .localized(title)])
            }
        }
    }
}
