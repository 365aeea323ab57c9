// SPDX-License-Identifier: Apache-2.0

import CPostgres
import Primitives
import Store

/// One connection to one PostgreSQL database, with its prepared statements. Used by one thread at a time.
@safe
final class PostgresConnection {
    // SAFETY: the pointer lives from `init` to `close`, and every use stands between the two on one thread.
    private let handle: OpaquePointer
    private var statements: [String: String] = [:]

    /// Statements kept prepared; further ones are parsed each time.
    private static let statementsMax = 1024

    /// What failed in the running transaction. PostgreSQL refuses every further statement of it; the first
    /// reason is what the caller needs to hear.
    private(set) var brokenBy: Problem?

    /// Statements that may have changed something: all but plain queries, and whatever failed.
    private(set) var writes = 0

    init(url: String) throws(Problem) {
        guard let handle = unsafe PQconnectdb(url) else { throw .storageFailed("libpq: out of memory") }
        guard unsafe PQstatus(handle) == CONNECTION_OK else {
            let note = unsafe String(cString: PQerrorMessage(handle))
            unsafe PQfinish(handle)
            throw Problem(.unavailable, "store.server-unreachable", operatorNote: note)
        }
        unsafe self.handle = unsafe handle
    }

    func close() { unsafe PQfinish(handle) }

    var isAlive: Bool { unsafe PQstatus(handle) == CONNECTION_OK }

    /// Connects again after the server went away; what was prepared is forgotten.
    func reconnect() throws(Problem) {
        unsafe PQreset(handle)
        statements = [:]
        brokenBy = nil
        guard isAlive else {
            throw Problem(
                .unavailable, "store.server-unreachable",
                operatorNote: unsafe String(cString: PQerrorMessage(handle)))
        }
    }

    /// Ends or undoes a transaction: the one statement that runs although something failed before.
    func resolve(_ sql: String) throws(Problem) {
        brokenBy = nil
        let result = unsafe PQexec(handle, sql)
        defer { unsafe PQclear(result) }
        try unsafe check(result, sql)
        // A COMMIT of a failed transaction "succeeds" as a rollback and says so only here.
        if sql == "COMMIT", unsafe String(cString: PQcmdStatus(result)) != "COMMIT" {
            throw .storageFailed("COMMIT answered \(unsafe String(cString: PQcmdStatus(result)))")
        }
    }

    func execute(_ sql: String, _ arguments: [any SQLConvertible] = []) throws(Problem) -> Int {
        let result = try unsafe run(sql, arguments)
        defer { unsafe PQclear(result) }
        return unsafe Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    func query(
        _ sql: String, _ arguments: [any SQLConvertible], each: (any SQLRow) throws(Problem) -> Void
    ) throws(Problem) {
        let result = try unsafe run(sql, arguments)
        defer { unsafe PQclear(result) }
        for place in 0..<(unsafe PQntuples(result)) {
            try each(unsafe PostgresRow(result: result, row: place))
        }
    }

    private func run(_ sql: String, _ arguments: [any SQLConvertible]) throws(Problem) -> OpaquePointer? {
        if let brokenBy { throw brokenBy }
        if !sql.hasPrefix("SELECT") { writes += 1 }
        let name = try prepared(sql)
        let bound = PostgresArguments()
        for (place, argument) in arguments.enumerated() { argument.bind(at: place + 1, of: bound) }
        let result = unsafe bound.withPointers { count, values, lengths, formats in
            if let name {
                unsafe PQexecPrepared(handle, name, count, values, lengths, formats, 1)
            } else {
                unsafe PQexecParams(
                    handle, PostgresText.translated(sql), count, nil, values, lengths, formats, 1)
            }
        }
        do throws(Problem) {
            try unsafe check(result, sql)
        } catch {
            unsafe PQclear(result)
            writes += 1
            brokenBy = error
            throw error
        }
        return unsafe result
    }

    /// The name of the prepared statement; `nil` where there are too many.
    private func prepared(_ sql: String) throws(Problem) -> String? {
        if let name = statements[sql] { return name }
        guard statements.count < Self.statementsMax else { return nil }
        let name = "s\(statements.count)"
        let result = unsafe PQprepare(handle, name, PostgresText.translated(sql), 0, nil)
        defer { unsafe PQclear(result) }
        do throws(Problem) {
            try unsafe check(result, sql)
        } catch {
            writes += 1
            brokenBy = error
            throw error
        }
        statements[sql] = name
        return name
    }

    private func check(_ result: OpaquePointer?, _ sql: String) throws(Problem) {
        let status = unsafe PQresultStatus(result)
        if status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK { return }
        // Character 'C' is PG_DIAG_SQLSTATE.
        let state = unsafe PQresultErrorField(result, 67).map { unsafe String(cString: $0) } ?? ""
        let note = unsafe "PostgreSQL \(state): \(String(cString: PQerrorMessage(handle))) (\(sql))"
        switch state.prefix(2) {
        case "23": throw .constraintBroken(note)
        case "42", "22": throw .statementRejected(note)
        default: throw .storageFailed(note)
        }
    }
}

/// The arguments of one statement, laid out for libpq. Numbers go as text, whose type the server infers from the
/// statement; blobs go as they are.
private final class PostgresArguments: SQLArguments {
    private var bytes: [UInt8] = []
    private var places: [(start: Int?, count: Int, format: Int32)] = []

    func bind(_ value: SQLValue, at place: Int) {
        switch value {
        case .null: places.append((nil, 0, 0))
        case .integer(let value): bind(integer: value, at: place)
        case .real(let value): append(String(value).utf8, format: 0)
        case .text(let text): bind(text: text, at: place)
        case .blob(let blob): append(blob, format: 1)
        }
    }

    func bind(integer: Int64, at place: Int) { append(String(integer).utf8, format: 0) }
    func bind(text: String, at place: Int) { append(text.utf8, format: 0) }

    func bind(high: UInt64, low: UInt64, at place: Int) {
        append(
            [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } },
            format: 1)
    }

    private func append(_ value: some Collection<UInt8>, format: Int32) {
        places.append((bytes.count, value.count, format))
        bytes += value
        bytes.append(0)  // Text ends with a zero; a blob has its length.
    }

    @unsafe
    func withPointers<Result>(
        _ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) -> Result
    ) -> Result {
        // SAFETY: the pointers point into `bytes`, which does not change while `body` runs.
        unsafe bytes.withUnsafeBytes { buffer in
            let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = unsafe places.map { place in
                unsafe place.start.flatMap { offset in unsafe start.map { unsafe $0 + offset } }
            }
            return unsafe body(
                Int32(places.count), values, places.map { Int32($0.count) }, places.map(\.format))
        }
    }
}

/// One row of a result, in the binary format.
@safe
private struct PostgresRow: SQLRow {
    // SAFETY: the result lives as long as the closure that receives the row, as the seam documents.
    private let result: OpaquePointer?
    private let row: Int32

    init(result: OpaquePointer?, row: Int32) {
        unsafe self.result = unsafe result
        self.row = row
    }

    /// Type identifiers of `pg_type.dat`.
    private enum TypeOID {
        static let bool: UInt32 = 16
        static let bytes: UInt32 = 17
        static let integers: Set<UInt32> = [20, 21, 23]
        static let double: UInt32 = 701
        static let numeric: UInt32 = 1700
    }

    var columnCount: Int { Int(unsafe PQnfields(result)) }

    subscript(_ column: Int) -> SQLValue {
        let place = Int32(column)
        if unsafe PQgetisnull(result, row, place) == 1 { return .null }
        let bytes = bytes(place)
        return switch unsafe PQftype(result, place) {
        case TypeOID.bool: .integer(bytes.first == 1 ? 1 : 0)
        case TypeOID.bytes: .blob(bytes)
        case let type where TypeOID.integers.contains(type): .integer(Self.integer(bytes))
        case TypeOID.double: .real(Double(bitPattern: UInt64(bitPattern: Self.integer(bytes))))
        // A sum of integers; SQLite gives an integer too.
        case TypeOID.numeric: Self.whole(bytes).map(SQLValue.integer) ?? .text("a fraction")
        default: .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    func integerIfAny(_ column: Int) -> Int64? {
        guard case .integer(let value) = self[column] else { return nil }
        return value
    }

    func wordsIfAny(_ column: Int) -> (high: UInt64, low: UInt64)? {
        guard case .blob(let bytes) = self[column], bytes.count == 16 else { return nil }
        return (
            UInt64(bitPattern: Self.integer(bytes.prefix(8))),
            UInt64(bitPattern: Self.integer(bytes.suffix(8)))
        )
    }

    private func bytes(_ place: Int32) -> [UInt8] {
        let start = unsafe UnsafeRawPointer(PQgetvalue(result, row, place))
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, row, place))))
    }

    /// Two's complement, most significant byte first, of two, four or eight bytes.
    /// A `numeric` without fraction, as PostgreSQL sends it: four words of 16 bits (count, weight, sign, scale), then
    /// digits of base 10,000; `nil` with a fraction or beyond 64 bits.
    private static func whole(_ bytes: [UInt8]) -> Int64? {
        let words = stride(from: 0, to: bytes.count - 1, by: 2).map {
            Int64(bytes[$0]) << 8 | Int64(bytes[$0 + 1])
        }
        guard words.count >= 4, words[3] == 0, words[2] == 0 || words[2] == 0x4000 else { return nil }
        var value: Int64 = 0
        for place in 0..<(words[0] == 0 ? 0 : Int(words[1]) + 1) {
            let digit = place + 4 < words.count ? words[place + 4] : 0
            let (scaled, overflows) = value.multipliedReportingOverflow(by: 10_000)
            guard !overflows else { return nil }
            value = scaled + digit
        }
        return words[2] == 0 ? value : -value
    }

    private static func integer(_ bytes: some Collection<UInt8>) -> Int64 {
        let sign: Int64 = (bytes.first ?? 0) & 0x80 == 0 ? 0 : -1
        return bytes.reduce(sign) { $0 << 8 | Int64($1) }
    }
}
