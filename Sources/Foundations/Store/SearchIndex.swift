// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A full-text index over documents that have an identifier: FTS5 in SQLite, `tsvector` with GIN in PostgreSQL,
/// both fed with our own words (`SearchWords`), so that both find the same.
///
/// Its functions take the command they run in: a listing and its place in the index are one commit.
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
                "CREATE VIRTUAL TABLE \(table) USING fts5(id UNINDEXED, title, body, tokenize = 'ascii')",
                // FTS5 finds a row by words or rowid only; this finds it by its identifier.
                """
                CREATE TABLE \(table)_place \
                (id BLOB NOT NULL PRIMARY KEY, place INTEGER NOT NULL UNIQUE) STRICT
                """,
            ],
            postgres: [
                "CREATE TABLE \(table) (id BYTEA NOT NULL PRIMARY KEY, words tsvector NOT NULL)",
                "CREATE INDEX \(table)_words ON \(table) USING gin (words)",
            ])
    }

    /// Adds a document, or replaces what it said. A word in the title counts more.
    package func put<Noun>(
        _ id: ID<Noun>, title: String, body: String, in tx: any SQLWriting
    ) throws(Problem) {
        let title = SearchWords.ofDocument(title).joined(separator: " ")
        let body = SearchWords.ofDocument(body).joined(separator: " ")
        try remove(id, in: tx)
        switch tx.dialect {
        case .sqlite:
            let place = try tx.count("SELECT coalesce(max(place), 0) + 1 FROM \(table)_place")
            try tx.execute("INSERT INTO \(table)_place (id, place) VALUES (?, ?)", [id, place])
            try tx.execute(
                "INSERT INTO \(table) (rowid, id, title, body) VALUES (?, ?, ?, ?)", [place, id, title, body])
        case .postgres:
            try tx.execute(
                """
                INSERT INTO \(table) (id, words) VALUES (?, setweight(to_tsvector('simple', ?), 'A') \
                || setweight(to_tsvector('simple', ?), 'D'))
                """, [id, title, body])
        }
    }

    package func remove<Noun>(_ id: ID<Noun>, in tx: any SQLWriting) throws(Problem) {
        switch tx.dialect {
        case .sqlite:
            let stored = try tx.first("SELECT place FROM \(table)_place WHERE id = ?", [id]) {
                row throws(Problem) in
                try row.integer(0)
            }
            guard let place = stored else { return }
            try tx.execute("DELETE FROM \(table) WHERE rowid = ?", [place])
            try tx.execute("DELETE FROM \(table)_place WHERE id = ?", [id])
        case .postgres:
            try tx.execute("DELETE FROM \(table) WHERE id = ?", [id])
        }
    }

    /// The documents that have every word of the query, the best first. A query without words finds nothing.
    package func find<Noun>(
        _ query: String, most: Int = 50, of: Noun.Type = Noun.self, in tx: any SQLReading
    ) throws(Problem) -> [ID<Noun>] {
        let words = SearchWords.ofQuery(query).prefix(Self.wordsMax)
        if words.isEmpty { return [] }
        switch tx.dialect {
        case .sqlite:
            // The words hold letters and digits alone, so quoting them is all that FTS5's syntax needs.
            let match = words.map { "\"\($0)\"" }.joined(separator: " ")
            return try tx.all(
                "SELECT id FROM \(table) WHERE \(table) MATCH ? ORDER BY bm25(\(table), 0.0, 5.0, 1.0), rowid LIMIT ?",
                [match, most]
            ) { row throws(Problem) in try row.id(0) }
        case .postgres:
            let match = words.map { "'\($0)'" }.joined(separator: " & ")
            return try tx.all(
                """
                SELECT id FROM \(table) WHERE words @@ CAST(? AS tsquery) \
                ORDER BY ts_rank(words, CAST(? AS tsquery)) DESC, id LIMIT ?
                """, [match, match, most]
            ) { row throws(Problem) in try row.id(0) }
        }
    }

    /// More words than this narrow nothing and cost time.
    private static let wordsMax = 32
}
