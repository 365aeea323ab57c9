// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB
internal import Primitives
internal import Tables

/// One connection and the thread it works on: runs one statement at a time. The engine's pool hands it to one thread at a time; only
/// `interrupt` may be called from another.
@safe final class DuckDBConnection: @unchecked Sendable {
    // SAFETY: the pool gives the connection to one thread at a time, and duckdb_interrupt is thread-safe.
    private var handle: duckdb_connection?
    let thread = WorkerThread()

    init(to database: duckdb_database) throws(Problem) {
        // SAFETY: both handles are live; the new one is freed by deinit.
        guard unsafe cduckdb_connect(database, &handle) == 0 else {
            throw Problem(.unavailable, "tables.engine-unopened")
        }
    }

    deinit {
        // SAFETY: the last owner frees the handle, and no statement outlives its `run`.
        unsafe cduckdb_disconnect(&handle)
    }

    /// Makes the running statement end with INTERRUPT.
    func interrupt() {
        // SAFETY: the handle lives as long as `self`.
        unsafe cduckdb_interrupt(handle)
    }

    func register(_ function: duckdb_scalar_function?) -> Int32 {
        // SAFETY: both handles are live.
        unsafe cduckdb_register_scalar_function(handle, function)
    }

    /// Runs one statement, handing over each batch as it comes.
    func run(
        _ query: TableQuery, each: (TableBatch) throws(Problem) -> Void
    ) throws(Problem) -> QuerySummary {
        // SAFETY (this function): each handle is made, checked, used and destroyed here, on one thread.
        var statement: duckdb_prepared_statement?
        defer { unsafe cduckdb_destroy_prepare(&statement) }
        guard unsafe cduckdb_prepare(handle, query.sql, &statement) == 0 else {
            throw DuckDBFailure.problem(unprepared: unsafe text(cduckdb_prepare_error(statement)))
        }
        for (place, value) in query.arguments.enumerated() {
            guard unsafe bind(value, at: UInt64(place + 1), of: statement) == 0 else {
                throw Problem(
                    .invalid, "tables.query-refused", operatorNote: "argument \(place + 1) does not fit")
            }
        }
        var pending: duckdb_pending_result?
        defer { unsafe cduckdb_destroy_pending(&pending) }
        guard unsafe cduckdb_pending_prepared_streaming(statement, &pending) == 0 else {
            throw DuckDBFailure.problem(unprepared: unsafe text(cduckdb_pending_error(pending)))
        }
        var result = unsafe duckdb_result()
        defer { unsafe cduckdb_destroy_result(&result) }
        guard unsafe cduckdb_execute_pending(pending, &result) == 0 else { throw unsafe failure(of: &result) }
        return unsafe try drain(&result, each: each)
    }

    private func drain(
        _ result: inout duckdb_result, each: (TableBatch) throws(Problem) -> Void
    ) throws(Problem) -> QuerySummary {
        let layout = unsafe try DuckDBLayout(of: &result)
        var rowCount = 0
        // SAFETY: a fetched chunk is ours until destroyed, and no pointer into it outlives `layout.batch`.
        while let fetched = unsafe cduckdb_fetch_chunk(result) {
            var chunk: duckdb_data_chunk? = unsafe fetched
            defer { unsafe cduckdb_destroy_data_chunk(&chunk) }
            let batch = unsafe layout.batch(chunk)
            rowCount += batch.rowCount
            if batch.rowCount > 0 { try each(batch) }
        }
        if unsafe cduckdb_result_error(&result) != nil { throw unsafe failure(of: &result) }
        return QuerySummary(columns: layout.columns, rowCount: rowCount)
    }

    private func failure(of result: inout duckdb_result) -> Problem {
        // SAFETY: the result is live; the text is copied.
        let kind = unsafe cduckdb_result_error_type(&result)
        return DuckDBFailure.problem(kind: kind, unsafe text(cduckdb_result_error(&result)))
    }

    private func text(_ pointer: UnsafePointer<CChar>?) -> String {
        // SAFETY: DuckDB's texts end with NUL.
        unsafe pointer.map { unsafe String(cString: $0) } ?? ""
    }

    private func bind(_ value: TableValue, at place: UInt64, of statement: duckdb_prepared_statement?)
        -> Int32
    {
        // SAFETY: the statement is live, and DuckDB copies every value it is given.
        switch value {
        case .null: unsafe cduckdb_bind_null(statement, place)
        case .bool(let value): unsafe cduckdb_bind_boolean(statement, place, value)
        case .integer(let value):
            if let small = Int64(exactly: value) {
                unsafe cduckdb_bind_int64(statement, place, small)
            } else {
                unsafe cduckdb_bind_hugeint(statement, place, value.hugeint)
            }
        case .decimal(let value):
            unsafe cduckdb_bind_decimal(
                statement, place,
                duckdb_decimal(width: 38, scale: UInt8(value.scale), value: value.unscaled.hugeint))
        case .real(let value): unsafe cduckdb_bind_double(statement, place, value)
        case .text(let value):
            unsafe cduckdb_bind_varchar_length(statement, place, value, UInt64(value.utf8.count))
        case .bytes(let value): unsafe cduckdb_bind_blob(statement, place, value, UInt64(value.count))
        case .day(let days): unsafe cduckdb_bind_date(statement, place, duckdb_date(days: days))
        case .timestamp(let instant):
            unsafe cduckdb_bind_timestamp(statement, place, duckdb_timestamp(micros: instant.microseconds))
        case .time(let microseconds): unsafe cduckdb_bind_int64(statement, place, microseconds)
        }
    }
}

extension Int128 {
    var hugeint: duckdb_hugeint {
        duckdb_hugeint(lower: UInt64(truncatingIfNeeded: self), upper: Int64(truncatingIfNeeded: self >> 64))
    }
}
