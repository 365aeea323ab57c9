// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The analytics seam: reads, profiles and queries tables that stay in files.
///
/// One value is one open engine with its own memory and thread limits. Nothing that is asked runs on the
/// caller's thread. Cancelling the calling task, or the query's time limit, stops a query within milliseconds.
package protocol TableEngine: Sendable {
    /// Runs one statement and hands over its answer batch by batch, in order, on the engine's thread; the next
    /// batch is not computed before `each` returns, so an answer of any size needs the memory of one batch.
    ///
    /// Throws `tables.query-refused` (the statement does not parse or fit), `tables.query-timed-out`,
    /// `tables.query-cancelled`, `tables.memory-spent`, `tables.access-refused`, `tables.value-unreadable`.
    @discardableResult
    func run(
        _ query: TableQuery, each: @escaping @Sendable (TableBatch) throws(Problem) -> Void
    ) async throws(Problem) -> QuerySummary

    /// The engine's own syntax tree of a statement, as JSON, without running it. A statement that does not
    /// parse comes back as the tree's error object, with its place.
    func syntax(of sql: String) async throws(Problem) -> JSON

    /// Names a source as a table that queries may use from now on.
    func attach(_ source: TableSource, as name: String) async throws(Problem)

    /// The columns of a source, without reading its rows.
    func columns(of source: TableSource) async throws(Problem) -> [Column]

    /// How the UTF-8 files are laid out: delimiter, header, and for each column the narrowest type that holds
    /// every value of every file without loss. Codes keep their leading zeros as text; decimals stay decimals.
    /// Throws `tables.header-unusable`, `tables.row-ragged`, `tables.file-unreadable`. Cost: one reading.
    func layout(of files: [String]) async throws(Problem) -> CSVLayout

    /// Statistics of every column in one pass and a half. Exact: rows, nulls, least, greatest, mean, deviation.
    /// Approximate, as their names say: distinct values, quantiles.
    func profile(_ source: TableSource, _ plan: ProfilePlan) async throws(Problem) -> TableProfile

    /// Writes the answer of a query as one Parquet file, which is complete and on disk when the call returns.
    func writeParquet(_ query: TableQuery, to path: String) async throws(Problem) -> QuerySummary

    /// Offers a text function to queries of this engine: text in, text out, NULL in, NULL out. It may be called
    /// on several threads at once.
    func define(_ function: TextFunction) async throws(Problem)

    /// Stops what runs and frees everything.
    func close()
}

/// Opens engines. `Assembly` holds one and hands it to the rooms.
package protocol TableEngineFactory: Sendable {
    /// An engine for our own work: it may read and write files.
    func open(_ limits: EngineLimits) throws(Problem) -> any TableEngine

    /// An engine for strangers' questions: it sees exactly these tables; files, network, extensions and settings
    /// are closed for good before it is returned.
    func openSealed(_ tables: [String: TableSource], _ limits: EngineLimits) async throws(Problem)
        -> any TableEngine
}

/// How much of the machine one engine may use.
package struct EngineLimits: Hashable, Sendable {
    package let memoryBytes: Int64
    package let threads: Int
    /// Where what does not fit into memory goes; `nil`: a query that does not fit ends with a `Problem`.
    package let spillFolder: String?
    /// Queries beyond this are refused at once with `tables.engine-busy`.
    package let queriesAtOnceMax: Int

    package init(
        memoryBytes: Int64 = 1 << 30, threads: Int = 2, spillFolder: String? = nil, queriesAtOnceMax: Int = 64
    ) {
        self.memoryBytes = memoryBytes
        self.threads = threads
        self.spillFolder = spillFolder
        self.queriesAtOnceMax = queriesAtOnceMax
    }
}

/// One statement in the engine's SQL, its arguments for `?`, and how long it may take.
package struct TableQuery: Hashable, Sendable {
    package let sql: String
    package let arguments: [TableValue]
    package let timeLimit: Duration?

    package init(_ sql: String, _ arguments: [TableValue] = [], timeLimit: Duration? = nil) {
        self.sql = sql
        self.arguments = arguments
        self.timeLimit = timeLimit
    }
}

/// What a finished statement did.
package struct QuerySummary: Hashable, Sendable {
    package let columns: [Column]
    /// Rows handed over, or written.
    package let rowCount: Int

    package init(columns: [Column], rowCount: Int) {
        self.columns = columns
        self.rowCount = rowCount
    }
}

/// Where rows come from.
package enum TableSource: Hashable, Sendable {
    /// Files of one layout, read as one table.
    case csv([String], CSVLayout)
    case parquet([String])
    /// One JSON object a line, or one array of objects.
    case json([String])
    /// A table or view the engine already has.
    case named(String)
}

/// A text function for `TableEngine.define(_:)`.
package struct TextFunction: Sendable {
    package let name: String
    /// Appends one text to the output for each text of the input; a thrown problem ends the query.
    package let transform: @Sendable (_ input: TextVector, _ output: inout TextVector) throws(Problem) -> Void

    package init(
        _ name: String,
        transform:
            @escaping @Sendable (_ input: TextVector, _ output: inout TextVector) throws(Problem) -> Void
    ) {
        self.name = name
        self.transform = transform
    }
}

extension TableEngine {
    /// All rows of a small answer. An answer of more than `rowsMax` rows is refused with
    /// `tables.answer-too-long`.
    package func rows(_ query: TableQuery, rowsMax: Int = 10_000) async throws(Problem) -> TableAnswer {
        let collector = RowCollector(rowsMax: rowsMax)
        let summary = try await run(query) { batch throws(Problem) in try collector.take(batch) }
        return TableAnswer(columns: summary.columns, rows: collector.rows)
    }

    package func rows(_ sql: String, _ arguments: [TableValue] = []) async throws(Problem) -> TableAnswer {
        try await rows(TableQuery(sql, arguments))
    }

    /// Runs a statement whose answer nobody needs.
    package func execute(_ sql: String, _ arguments: [TableValue] = []) async throws(Problem) {
        try await run(TableQuery(sql, arguments)) { _ in }
    }
}

/// A small answer, whole.
package struct TableAnswer: Hashable, Sendable {
    package let columns: [Column]
    package let rows: [[TableValue]]

    package init(columns: [Column], rows: [[TableValue]]) {
        self.columns = columns
        self.rows = rows
    }
}

extension String {
    /// The text as a quoted SQL identifier.
    package var quotedIdentifier: String { "\"" + replacing("\"", with: "\"\"") + "\"" }
    /// The text as a SQL string literal.
    package var quotedLiteral: String { "'" + replacing("'", with: "''") + "'" }
}

extension ColumnType {
    /// The type's name in the engine's SQL.
    package var sqlName: String {
        switch self {
        case .bool: "BOOLEAN"
        case .integer: "BIGINT"
        case .decimal(let width, let scale): "DECIMAL(\(width),\(scale))"
        case .real: "DOUBLE"
        case .text: "VARCHAR"
        case .bytes: "BLOB"
        case .day: "DATE"
        case .timestamp: "TIMESTAMP"
        case .time: "TIME"
        }
    }
}
