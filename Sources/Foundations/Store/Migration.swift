// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One step of the schema: strings only, never edited after a release.
package struct Migration: Hashable, Sendable {
    /// `room/0001-what`.
    package let name: String
    package let statements: [String]
    /// The same step in PostgreSQL's words, where translation by rule does not suffice.
    package let postgresStatements: [String]?

    package init(_ name: String, _ statements: [String], postgres: [String]? = nil) {
        self.name = name
        self.statements = statements
        postgresStatements = postgres
    }

    package func statements(for dialect: SQLDialect) -> [String] {
        switch dialect {
        case .sqlite: statements
        case .postgres: postgresStatements ?? statements
        }
    }
}

/// Brings a schema to today. Every engine uses this one; it owns the table `store_migration`.
package enum MigrationRun {
    private static let ownTable = """
        CREATE TABLE IF NOT EXISTS store_migration \
        (name TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL) STRICT
        """

    /// Runs every step of `migrations` that the database has not seen, each in a transaction of its own.
    /// A step in the database that is unknown here refuses all (`store.database-newer`).
    package static func run(_ migrations: [Migration], on store: some DataStore) async throws(Problem) {
        try await store.write { tx throws(Problem) in
            try tx.execute(ownTable)
            let known = Set(migrations.map(\.name))
            let applied = try tx.all("SELECT name FROM store_migration ORDER BY at, name") {
                row throws(Problem) in
                try row.text(0)
            }
            if let newer = applied.first(where: { !known.contains($0) }) {
                throw Problem(.unavailable, "store.database-newer", ["step": .text(newer)])
            }
        }
        for step in migrations {
            try await store.write { tx throws(Problem) in
                guard try tx.count("SELECT count(*) FROM store_migration WHERE name = ?", [step.name]) == 0
                else { return }
                for statement in step.statements(for: tx.dialect) { try tx.execute(statement) }
                try tx.execute("INSERT INTO store_migration (name, at) VALUES (?, ?)", [step.name, tx.now])
            }
        }
    }
}
