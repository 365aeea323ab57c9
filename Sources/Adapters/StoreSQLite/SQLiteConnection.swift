// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Primitives
import Store

/// One connection to one database file, with its prepared statements. Used by one thread at a time.
@safe
final class SQLiteConnection {
    // SAFETY: the pointers live from `init` to `close`, and every use stands between the two on one thread.
    private var handle: OpaquePointer?
    private var statements: [String: OpaquePointer] = unsafe [:]
    /// The same statements by where their text lies: hashing the words of seven statements was a tenth of what a
    /// transfer cost. The kept text holds its place, so that no other text can come to lie there.
    private var places: [TextPlace: (text: String, statement: OpaquePointer)] = unsafe [:]

    /// Where the texts and blobs of the running statements lie.
    private let arguments = ArgumentSpace()

    /// Statements run so far that may have changed something.
    private(set) var writes = 0

    /// Statements kept prepared; a node writes a few hundred different ones.
    private static let statementsMax = 1024

    /// - Parameter path: a file; it is made if it does not exist.
    init(path: String) throws(Problem) {
        // NOMUTEX: this connection has one user, so SQLite's own lock would be paid for nothing.
        Self.configureOnce
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = unsafe sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK else {
            let problem = problem(code, "open")
            close()
            throw problem
        }
    }

    /// Before the first connection of the process: SQLite counts its memory under one lock for all threads unless
    /// told not to, which cost a tenth of the writer's time. Refused (and harmless) if somebody was first.
    private static let configureOnce: Void = { _ = hutong_sqlite_without_memory_statistics() }()

    func close() {
        unsafe statements.values.forEach { unsafe sqlite3_finalize($0) }
        unsafe statements = [:]
        unsafe places = [:]
        unsafe sqlite3_close_v2(handle)
        unsafe handle = nil
    }

    /// Whether the engine still holds a transaction open: some storage errors end it on their own.
    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Rows changed by the last statement.
    private var changes: Int { Int(unsafe sqlite3_changes(handle)) }

    @discardableResult
    func execute(_ sql: String, _ arguments: [any SQLConvertible] = []) throws(Problem) -> Int {
        try run(sql, arguments, each: nil)
        return changes
    }

    func query(
        _ sql: String, _ arguments: [any SQLConvertible], each: (any SQLRow) throws(Problem) -> Void
    ) throws(Problem) {
        try withoutActuallyEscaping(each) { each throws(Problem) in
            try run(sql, arguments, each: each)
        }
    }

    private func run(
        _ sql: String, _ arguments: [any SQLConvertible], each: ((any SQLRow) throws(Problem) -> Void)?
    ) throws(Problem) {
        let (statement, isKept) = unsafe try prepared(sql)
        let lent = self.arguments.used
        defer {
            self.arguments.used = lent
            if isKept {
                unsafe sqlite3_reset(statement)
            } else {
                unsafe sqlite3_finalize(statement)
            }
        }
        guard unsafe Int(sqlite3_bind_parameter_count(statement)) == arguments.count else {
            throw .statementRejected("wrong number of arguments: \(sql)")
        }
        if unsafe sqlite3_stmt_readonly(statement) == 0 { writes += 1 }
        let places = unsafe SQLiteArguments(pointer: statement, space: self.arguments)
        for (index, argument) in arguments.enumerated() { argument.bind(at: index + 1, of: places) }
        let row = unsafe SQLiteRow(pointer: statement)
        while true {
            switch unsafe sqlite3_step(statement) {
            case SQLITE_ROW: try each?(row)
            case SQLITE_DONE: return
            case let code: throw problem(code, sql)
            }
        }
    }

    /// The statement for a text, kept for the next time unless it is just running (a query inside a query).
    private func prepared(_ sql: String) throws(Problem) -> (statement: OpaquePointer, isKept: Bool) {
        let place = TextPlace(of: sql)
        if let place, let known = unsafe places[place], unsafe known.text == sql,
            unsafe sqlite3_stmt_busy(known.statement) == 0
        {
            return unsafe (known.statement, true)
        }
        if let kept = unsafe statements[sql], unsafe sqlite3_stmt_busy(kept) == 0 {
            if let place {
                // Texts that are put together anew each time lie somewhere else each time.
                if unsafe places.count >= Self.statementsMax { unsafe places = [:] }
                unsafe places[place] = unsafe (sql, kept)
            }
            return unsafe (kept, true)
        }
        var statement: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement = unsafe statement else { throw problem(code, sql) }
        guard unsafe statements.count < Self.statementsMax, unsafe statements[sql] == nil else {
            return unsafe (statement, false)
        }
        unsafe statements[sql] = statement
        return unsafe (statement, true)
    }

    /// Copies the whole database to a new file, step by step, so that writers pass in between.
    func copy(to path: String) throws(Problem) {
        let target = try SQLiteConnection(path: path)
        defer { target.close() }
        guard let backup = unsafe sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw target.problem(SQLITE_ERROR, "backup")
        }
        var code = SQLITE_OK
        repeat {
            code = unsafe sqlite3_backup_step(backup, Self.backupPagesPerStep)
        } while code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED
        unsafe sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else { throw target.problem(code, "backup") }
        try target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// 4 MiB a step: short enough that no writer waits noticeably.
    private static let backupPagesPerStep: Int32 = 1024

    private func problem(_ code: Int32, _ doing: String) -> Problem {
        let message = unsafe handle.map { unsafe String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
        let note = "SQLite \(code): \(message) (\(doing))"
        return switch code & 0xff {
        case SQLITE_CONSTRAINT: .constraintBroken(note)
        case SQLITE_ERROR, SQLITE_MISMATCH, SQLITE_MISUSE, SQLITE_RANGE: .statementRejected(note)
        case SQLITE_BUSY, SQLITE_LOCKED: .writerBusy(waiting: 1).noted(note)
        default: .storageFailed(note)
        }
    }
}

/// Where the bytes of a text lie; `nil` for a text so short that it lies nowhere in particular.
private struct TextPlace: Hashable {
    private let start: UInt
    private let count: Int

    init?(of text: String) {
        // Swift keeps texts of up to 15 bytes inside the value.
        guard text.utf8.count > 15 else { return nil }
        // SAFETY: the address is compared, never read.
        let place = unsafe text.utf8.withContiguousStorageIfAvailable { UInt(bitPattern: $0.baseAddress) }
        guard let start = place else { return nil }
        self.start = start
        count = text.utf8.count
    }
}

/// Bytes that SQLite reads while a statement runs, so that it need not copy each argument to a place of its own, taken
/// and given back every time. A statement inside another's rows takes what is left, and gives it back first.
@safe
private final class ArgumentSpace {
    /// A leaf's largest content and some more; what does not fit is copied by SQLite.
    private static let byteCount = 128 * 1024

    // SAFETY: made in `init`, freed in `deinit`; `used` never passes its end.
    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
    var used = 0

    deinit { unsafe bytes.deallocate() }

    /// The same bytes at a place that stays until `used` is set back; `nil` if they do not fit.
    func lend(_ source: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
        guard source.count <= Self.byteCount - used else { return nil }
        let place = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[used..<used + source.count])
        unsafe place.copyMemory(from: source)
        used += source.count
        return UnsafeRawPointer(place.baseAddress)
    }
}

/// A prepared statement before it runs: where arguments go in.
@safe
private struct SQLiteArguments: SQLArguments {
    // SAFETY: made inside `SQLiteConnection.run`, which keeps the statement alive.
    private let pointer: OpaquePointer
    private let space: ArgumentSpace

    init(pointer: OpaquePointer, space: ArgumentSpace) {
        unsafe self.pointer = unsafe pointer
        self.space = space
    }

    // A bind fails only for a wrong place (the count is checked before) or without memory (then `step` fails).
    func bind(_ value: SQLValue, at place: Int) {
        switch value {
        case .null: unsafe sqlite3_bind_null(pointer, Int32(place))
        case .integer(let value): bind(integer: value, at: place)
        case .real(let value): unsafe sqlite3_bind_double(pointer, Int32(place), value)
        case .text(let text): bind(text: text, at: place)
        case .blob(let bytes):
            // An empty array has no address, and SQLite takes no address for NULL.
            if bytes.isEmpty {
                unsafe sqlite3_bind_zeroblob(pointer, Int32(place), 0)
            } else {
                unsafe bytes.withUnsafeBytes { unsafe bind(blob: $0, at: place) }
            }
        }
    }

    func bind(integer: Int64, at place: Int) {
        unsafe sqlite3_bind_int64(pointer, Int32(place), integer)
    }

    func bind(text: String, at place: Int) {
        var text = text
        text.withUTF8 { bytes in
            // SQLite takes no address for NULL; an empty text may have none.
            let lent = unsafe bytes.isEmpty ? nil : space.lend(UnsafeRawBufferPointer(bytes))
            guard let start = unsafe lent ?? bytes.baseAddress.map({ unsafe UnsafeRawPointer($0) }) else {
                unsafe sqlite3_bind_text(pointer, Int32(place), "", 0, hutong_sqlite_copy)
                return
            }
            unsafe sqlite3_bind_text(
                pointer, Int32(place), start.assumingMemoryBound(to: CChar.self), Int32(bytes.count),
                lent == nil ? hutong_sqlite_copy : nil)
        }
    }

    func bind(high: UInt64, low: UInt64, at place: Int) {
        var words = (high.bigEndian, low.bigEndian)
        unsafe withUnsafeBytes(of: &words) { unsafe bind(blob: $0, at: place) }
    }

    /// No destructor where the bytes are lent: they outlive the run, and every run binds anew.
    private func bind(blob bytes: UnsafeRawBufferPointer, at place: Int) {
        let lent = unsafe space.lend(bytes)
        unsafe sqlite3_bind_blob64(
            pointer, Int32(place), lent ?? bytes.baseAddress, UInt64(bytes.count),
            lent == nil ? hutong_sqlite_copy : nil)
    }

}

/// A prepared statement while it runs: where a row's columns come out.
@safe
private struct SQLiteRow: SQLRow {
    // SAFETY: made inside `SQLiteConnection.run`, which keeps the statement alive; a row is documented to be
    // valid only inside the closure that receives it.
    private let pointer: OpaquePointer

    init(pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    var columnCount: Int { Int(unsafe sqlite3_column_count(pointer)) }

    subscript(_ column: Int) -> SQLValue {
        let place = Int32(column)
        return switch unsafe sqlite3_column_type(pointer, place) {
        case SQLITE_INTEGER: .integer(unsafe sqlite3_column_int64(pointer, place))
        case SQLITE_FLOAT: .real(unsafe sqlite3_column_double(pointer, place))
        case SQLITE_TEXT:
            .text(unsafe String(decoding: bytes(sqlite3_column_text(pointer, place), place), as: UTF8.self))
        case SQLITE_BLOB: .blob(unsafe Array(bytes(sqlite3_column_blob(pointer, place), place)))
        default: .null
        }
    }

    func integerIfAny(_ column: Int) -> Int64? {
        guard unsafe sqlite3_column_type(pointer, Int32(column)) == SQLITE_INTEGER else { return nil }
        return unsafe sqlite3_column_int64(pointer, Int32(column))
    }

    func wordsIfAny(_ column: Int) -> (high: UInt64, low: UInt64)? {
        let place = Int32(column)
        guard unsafe sqlite3_column_type(pointer, place) == SQLITE_BLOB,
            let start = unsafe sqlite3_column_blob(pointer, place),
            unsafe sqlite3_column_bytes(pointer, place) == 16
        else { return nil }
        return (
            UInt64(bigEndian: unsafe start.loadUnaligned(as: UInt64.self)),
            UInt64(bigEndian: unsafe start.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
    }

    private func bytes(_ start: UnsafeRawPointer?, _ place: Int32) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(pointer, place)))
    }
}
