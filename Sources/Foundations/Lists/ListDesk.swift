// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// The tables of the lists.
package enum ListsSchema {
    /// Every version of every entry is kept; a removal is a version too. Empty tables: instant.
    package static let migrations = [
        Migration(
            "lists/0001-entries",
            [
                """
                CREATE TABLE lists_entry (
                    list TEXT NOT NULL, entry_key TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
                    by_party TEXT NOT NULL, valid_from INTEGER NOT NULL, valid_until INTEGER,
                    is_removed INTEGER NOT NULL, content TEXT NOT NULL,
                    PRIMARY KEY (list, entry_key, sequence)) STRICT
                """
            ])
    ]
}

/// One version of one entry.
package struct ListEntry: Hashable, Sendable {
    package let key: String
    package let sequence: Int
    package let writtenAt: Instant
    /// A removal is a version too.
    package let isRemoved: Bool
    package let validFrom: CalendarDay
    package let validUntil: CalendarDay?
    package let content: JSON
}

/// Whether an entry counts on a day.
package enum ListValidity: String, Hashable, Sendable, CaseIterable {
    case upcoming, inForce, ended, removed
}

extension ListEntry {
    fileprivate func isValid(on day: CalendarDay) -> Bool {
        !isRemoved && (validUntil.map { day <= $0 } ?? true)
    }

    /// The state by the date alone: nobody sets it by hand.
    package func validity(on day: CalendarDay) -> ListValidity {
        if isRemoved { return .removed }
        if day < validFrom { return .upcoming }
        return isValid(on: day) ? .inForce : .ended
    }

    /// As the API gives it: the version, its days, its state on a day, and what the reader may see of its content.
    package func json(showing content: JSON, on day: CalendarDay) -> JSON {
        [
            "key": .string(key), "state": .string(validity(on: day).rawValue),
            "version": .integer(Int64(sequence)),
            "writtenAt": .string(writtenAt.rfc3339), "removed": .bool(isRemoved),
            "validFrom": .string(validFrom.description),
            "validUntil": validUntil.map { .string($0.description) } ?? .null, "entry": content,
        ]
    }
}

/// Writes and reads lists. A change joins the caller's commit together with its log leaf.
package struct ListDesk: Sendable {
    /// Puts one change into the transparency log: the list, the key and the content without personal fields.
    package typealias Recorder = @Sendable (ListSchema, ListEntry, any SQLWriting) throws(Problem) -> Void

    private let recorder: Recorder

    package init(recorder: @escaping Recorder) {
        self.recorder = recorder
    }

    /// Adds or replaces an entry. Earlier versions stay readable for their time.
    @discardableResult
    package func put(
        _ content: JSON, in schema: ListSchema, by party: String, roles: Set<String>, _ writer: any SQLWriting
    ) throws(Problem) -> ListEntry {
        do {
            try schema.check(Declaration(content))
        } catch {
            throw Problem(
                .invalid, "lists.entry-malformed",
                [
                    "place": .text(error.place), "found": .localized(error.found),
                    "remedy": .localized(error.remedy),
                ])
        }
        if let same = try unchanged(content, in: schema, writer) { return same }
        return try store(content, in: schema, isRemoved: false, by: party, roles: roles, writer)
    }

    /// The entry of today that says just this already: writing it again makes no new version.
    private func unchanged(
        _ content: JSON, in schema: ListSchema, _ reader: any SQLWriting
    ) throws(Problem) -> ListEntry? {
        let today = reader.now.day(in: .shanghai)
        let entry = try entry(schema.key(of: content), of: schema, asOf: today, reader)
        return entry.flatMap { $0.content == content ? $0 : nil }
    }

    /// Ends an entry today; its history stays.
    package func remove(
        key: String, from schema: ListSchema, by party: String, roles: Set<String>, _ writer: any SQLWriting
    ) throws(Problem) {
        guard let entry = try entry(key, of: schema, asOf: writer.now.day(in: .shanghai), writer) else {
            throw Problem(
                .missing, "lists.entry-missing", ["key": .text(key), "list": .localized(schema.title)])
        }
        _ = try store(entry.content, in: schema, isRemoved: true, by: party, roles: roles, writer)
    }

    /// What the list said on a day: valid then, and written by then.
    package func entries(
        of schema: ListSchema, asOf day: CalendarDay, _ reader: any SQLReading
    ) throws(Problem) -> [ListEntry] {
        let end = Instant(startOf: day.advanced(byDays: 1), in: .shanghai)
        var newest: [String: ListEntry] = [:]
        try reader.query(
            """
            SELECT \(Self.columns) FROM lists_entry
            WHERE list = ? AND at < ? AND valid_from <= ? ORDER BY entry_key, sequence
            """, [schema.id, end, day.daysSince1970]
        ) { row throws(Problem) in
            let entry = try Self.read(row)
            newest[entry.key] = entry
        }
        return newest.values.filter { $0.isValid(on: day) }.sorted { $0.key < $1.key }
    }

    /// The newest version of every entry, whether it counts today or not.
    package func newest(of schema: ListSchema, _ reader: any SQLReading) throws(Problem) -> [ListEntry] {
        try reader.all(
            """
            SELECT \(Self.columns) FROM lists_entry AS own WHERE list = ? AND sequence =
                (SELECT MAX(sequence) FROM lists_entry WHERE list = own.list AND entry_key = own.entry_key)
            ORDER BY entry_key
            """, [schema.id]
        ) { row throws(Problem) in try Self.read(row) }
    }

    /// One entry as the list had it on a day, or `nil`.
    package func entry(
        _ key: String, of schema: ListSchema, asOf day: CalendarDay, _ reader: any SQLReading
    ) throws(Problem) -> ListEntry? {
        let end = Instant(startOf: day.advanced(byDays: 1), in: .shanghai)
        let entry = try reader.first(
            """
            SELECT \(Self.columns) FROM lists_entry WHERE list = ? AND entry_key = ? AND at < ?
            AND valid_from <= ? ORDER BY sequence DESC LIMIT 1
            """, [schema.id, key, end, day.daysSince1970]
        ) { row throws(Problem) in try Self.read(row) }
        return entry.flatMap { $0.isValid(on: day) ? $0 : nil }
    }

    /// Every version of an entry, the oldest first.
    package func history(
        of key: String, in schema: ListSchema, _ reader: any SQLReading
    ) throws(Problem) -> [ListEntry] {
        try reader.all(
            "SELECT \(Self.columns) FROM lists_entry WHERE list = ? AND entry_key = ? ORDER BY sequence",
            [schema.id, key]
        ) { row throws(Problem) in try Self.read(row) }
    }

    private static let columns =
        "entry_key, sequence, at, is_removed, valid_from, valid_until, content"

    private static func read(_ row: any SQLRow) throws(Problem) -> ListEntry {
        ListEntry(
            key: try row.text(0), sequence: try row.int(1), writtenAt: try row.instant(2),
            isRemoved: try row.bool(3), validFrom: CalendarDay(daysSince1970: try row.int(4)),
            validUntil: try row.optional(5) { column throws(Problem) in
                CalendarDay(daysSince1970: try row.int(column))
            },
            content: try row.json(6))
    }

    /// The entry without what may not leave the list.
    package static func published(_ content: JSON, _ schema: ListSchema) -> JSON {
        let personal = Set(schema.fields.filter(\.isPersonal).map(\.name))
        return .object((content.object ?? [:]).filter { !personal.contains($0.key) })
    }

    private func store(
        _ content: JSON, in schema: ListSchema, isRemoved: Bool, by party: String, roles: Set<String>,
        _ writer: any SQLWriting
    ) throws(Problem) -> ListEntry {
        guard !schema.writers.isDisjoint(with: roles) else {
            throw Problem(.forbidden, "lists.writer-refused", ["roles": .list(schema.writers.sorted())])
        }
        let key = schema.key(of: content)
        let count = try writer.count(
            "SELECT COUNT(*) FROM lists_entry WHERE list = ? AND entry_key = ?", [schema.id, key])
        let today = writer.now.day(in: .shanghai)
        let entry = ListEntry(
            key: key, sequence: Int(count) + 1, writtenAt: writer.now, isRemoved: isRemoved,
            validFrom: content["validFrom"]?.text.flatMap { CalendarDay($0) } ?? today,
            validUntil: content["validUntil"]?.text.flatMap { CalendarDay($0) }, content: content)
        try writer.execute(
            "INSERT INTO lists_entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                schema.id, key, entry.sequence, writer.now, party, entry.validFrom.daysSince1970,
                entry.validUntil?.daysSince1970, isRemoved, content,
            ])
        try recorder(schema, entry, writer)
        return entry
    }
}
