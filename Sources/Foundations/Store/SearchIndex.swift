// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A full-text index over documents that have an identifier: FTS5 in SQLite, `tsvector` with GIN in PostgreSQL,
/// both fed with our own words (`SearchWords`), so that both find the same.
///
/// Its functions take the command they run in: a listing and its place in the index are one commit. A document
/// may carry facets, a set of bits whose meaning is the caller's; how many hits have which set is counted with
/// each page, so that counts are true.
package struct SearchIndex: Hashable, Sendable {
    /// The name of the table, `room_search`.
    package let table: String

    package init(_ table: String) {
        self.table = table
    }

    /// The step that makes the index: put it into the room's list.
    package func migration(_ name: String) -> Migration {
        Migration(
            name,
            [
                "CREATE VIRTUAL TABLE \(table) USING fts5(title, body, tokenize = 'ascii')",
                // FTS5 finds a row by words or rowid only; this finds it by its identifier and counts facets.
                """
                CREATE TABLE \(table)_place (place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, \
                facets INTEGER NOT NULL) STRICT
                """,
                "CREATE INDEX \(table)_facets ON \(table)_place (facets)",
            ],
            postgres: [
                """
                CREATE TABLE \(table) (place BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
                id BYTEA NOT NULL UNIQUE, facets BIGINT NOT NULL, words tsvector NOT NULL)
                """,
                "CREATE INDEX \(table)_facets ON \(table) (facets)",
                "CREATE INDEX \(table)_words ON \(table) USING gin (words)",
            ])
    }

    /// Adds a document, or replaces what it said. A word in the title counts more.
    package func put<Noun>(
        _ id: ID<Noun>, title: String, body: String, facets: Int64 = 0, in tx: any SQLWriting
    ) throws(Problem) {
        let title = SearchWords.ofDocument(title).joined(separator: " ")
        let body = SearchWords.ofDocument(body).joined(separator: " ")
        try remove(id, in: tx)
        switch tx.dialect {
        case .sqlite:
            try tx.execute("INSERT INTO \(table)_place (id, facets) VALUES (?, ?)", [id, facets])
            let place = try tx.count("SELECT place FROM \(table)_place WHERE id = ?", [id])
            try tx.execute(
                "INSERT INTO \(table) (rowid, title, body) VALUES (?, ?, ?)", [place, title, body])
        case .postgres:
            try tx.execute(
                """
                INSERT INTO \(table) (id, facets, words) VALUES (?, ?, \
                setweight(to_tsvector('simple', ?), 'A') || setweight(to_tsvector('simple', ?), 'D'))
                """, [id, facets, title, body])
        }
    }

    package func remove<Noun>(_ id: ID<Noun>, in tx: any SQLWriting) throws(Problem) {
        switch tx.dialect {
        case .sqlite:
            try tx.execute(
                "DELETE FROM \(table) WHERE rowid IN (SELECT place FROM \(table)_place WHERE id = ?)", [id])
            try tx.execute("DELETE FROM \(table)_place WHERE id = ?", [id])
        case .postgres:
            try tx.execute("DELETE FROM \(table) WHERE id = ?", [id])
        }
    }

    /// How many documents the index holds.
    package func count(in tx: any SQLReading) throws(Problem) -> Int64 {
        try tx.count("SELECT count(*) FROM \(places(tx.dialect))")
    }

    /// One page of what a query finds.
    package struct Page<Noun>: Sendable {
        package let ids: [ID<Noun>]
        /// How many hits have which facets, before `having` narrows them.
        package let facets: [Int64: Int]
        /// Where the next page begins; `nil` after the last.
        package let next: Cursor?
    }

    /// A place in the answer to one query. Documents that were added since the first page do not move it.
    package struct Cursor: Hashable, Sendable {
        /// The newest document when the first page was read.
        package let newest: Int64
        package let offset: Int64

        package init(newest: Int64, offset: Int64) {
            self.newest = newest
            self.offset = offset
        }
    }

    /// The documents that have every word of the query and every facet of `having`: the best first, or the
    /// newest first where there are no words or more hits than `rankedMost`.
    ///
    /// Cost: counting visits every hit, about 0.2 µs each; ranking about 0.7 µs each.
    package func page<Noun>(
        _ query: String, having facets: Int64 = 0, from cursor: Cursor? = nil, most: Int = 20,
        of: Noun.Type = Noun.self, in tx: any SQLReading
    ) throws(Problem) -> Page<Noun> {
        let words = SearchWords.ofQuery(query).prefix(Self.wordsMax)
        let places = places(tx.dialect)
        let start: Cursor =
            if let cursor {
                cursor
            } else {
                Cursor(newest: try tx.count("SELECT coalesce(max(place), 0) FROM \(places)"), offset: 0)
            }
        let match = matching(Array(words), tx.dialect)
        let counts = try tx.all(
            "SELECT p.facets, count(*) FROM \(match.from) WHERE \(match.condition)\(match.place) <= ? GROUP BY p.facets",
            match.values + [start.newest]
        ) { row throws(Problem) in (try row.integer(0), try row.int(1)) }
        let total = counts.reduce(0) { $0 + ($1.0 & facets == facets ? $1.1 : 0) }
        let order = words.isEmpty || total > Self.rankedMost ? "\(match.place) DESC" : match.order
        let ids = try tx.all(
            """
            SELECT p.id FROM \(match.from) WHERE \(match.condition)\(match.place) <= ? AND (p.facets & ?) = ? \
            ORDER BY \(order) LIMIT ? OFFSET ?
            """, match.values + [start.newest, facets, facets, most, start.offset]
        ) { row throws(Problem) in try row.id(0, of: Noun.self) }
        let after = start.offset + Int64(ids.count)
        return Page(
            ids: ids, facets: Dictionary(uniqueKeysWithValues: counts),
            next: after < Int64(total) && !ids.isEmpty ? Cursor(newest: start.newest, offset: after) : nil)
    }

    /// More words than this narrow nothing and cost time.
    private static let wordsMax = 32
    /// To rank more hits than this takes longer than a reader waits, and tells nothing.
    private static let rankedMost = 10_000

    private func places(_ dialect: SQLDialect) -> String {
        dialect == .sqlite ? "\(table)_place" : table
    }

    private struct Match {
        let from: String
        /// Where a document stands, in the table that finds hits in this order by itself: nothing is sorted for it.
        let place: String
        /// Ends in ` AND ` where it is not empty.
        let condition: String
        let values: [any SQLConvertible]
        let order: String
    }

    /// Words hold letters and digits alone, so quoting them is all that either syntax needs. The last letters of
    /// a Latin word may be missing: `hospital` finds `hospitals`.
    private func matching(_ words: [String], _ dialect: SQLDialect) -> Match {
        guard !words.isEmpty else {
            return Match(
                from: "\(places(dialect)) p", place: "p.place", condition: "", values: [],
                order: "p.place DESC")
        }
        func isBeginning(_ word: String) -> Bool { word.utf8.count > 2 && word.utf8.allSatisfy { $0 < 0x80 } }
        switch dialect {
        case .sqlite:
            let match = words.map { isBeginning($0) ? "\"\($0)\"*" : "\"\($0)\"" }.joined(separator: " ")
            return Match(
                from: "\(table) JOIN \(table)_place p ON p.place = \(table).rowid",
                place: "\(table).rowid", condition: "\(table) MATCH ? AND ", values: [match],
                order: "bm25(\(table), 5.0, 1.0), \(table).rowid DESC")
        case .postgres:
            let match = words.map { isBeginning($0) ? "'\($0)':*" : "'\($0)'" }.joined(separator: " & ")
            return Match(
                from: "(SELECT *, CAST(? AS tsquery) AS query FROM \(table)) p", place: "p.place",
                condition: "p.words @@ p.query AND ",
                values: [match], order: "ts_rank(p.words, p.query) DESC, p.place DESC")
        }
    }
}
