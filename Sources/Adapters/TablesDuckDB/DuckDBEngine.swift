// SPDX-License-Identifier: Apache-2.0

internal import CDuckDB
internal import Dispatch
package import Primitives
internal import Synchronization
package import Tables

/// Opens DuckDB engines in this process.
package struct DuckDBEngineFactory: TableEngineFactory {
    package init() {}

    package func open(_ limits: EngineLimits) throws(Problem) -> any TableEngine {
        try DuckDBEngine(limits, settings: [:])
    }

    package func openSealed(
        _ tables: [String: TableSource], _ limits: EngineLimits
    ) async throws(Problem) -> any TableEngine {
        // Before it is sealed the engine is told which files may ever be read: those of the tables, no folder.
        let engine = try DuckDBEngine(limits, settings: [:])
        let paths = tables.values.flatMap(\.paths).map(\.quotedLiteral).sorted().joined(separator: ", ")
        try await engine.execute("SET allowed_paths = [\(paths)]")
        for (name, source) in tables.sorted(by: { $0.key < $1.key }) {
            try await engine.attach(source, as: name)
        }
        try await engine.execute("SET enable_external_access = false")
        try await engine.execute("SET lock_configuration = true")
        return engine
    }
}

/// One in-memory DuckDB instance. Owns its database handle and a pool of connections; statements run on
/// threads of its own, never on the cooperative pool.
// SAFETY: the handle is written once, before the engine is shared, and closed when the last owner lets go.
@safe final class DuckDBEngine: TableEngine, @unchecked Sendable {
    private var database: duckdb_database?
    private let limits: EngineLimits
    private let pool = Mutex(Pool())

    private struct Pool {
        var idle: [DuckDBConnection] = []
        var busy = 0
        var isClosed = false
    }

    init(_ limits: EngineLimits, settings: [String: String]) throws(Problem) {
        try DuckDBLibrary.load()
        self.limits = limits
        var all = [
            "memory_limit": "\(limits.memoryBytes / 1_000_000)MB", "threads": "\(limits.threads)",
            "temp_directory": limits.spillFolder ?? "", "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false", "preserve_insertion_order": "true",
        ]
        all.merge(settings) { _, wish in wish }
        // SAFETY: the configuration lives for this call, and the error text is copied and freed.
        var configuration: duckdb_config?
        guard unsafe cduckdb_create_config(&configuration) == 0 else {
            throw Problem(.unavailable, "tables.engine-unopened")
        }
        defer { unsafe cduckdb_destroy_config(&configuration) }
        for (name, value) in all {
            guard unsafe cduckdb_set_config(configuration, name, value) == 0 else {
                throw Problem(.invalid, "tables.engine-unopened", operatorNote: "\(name)=\(value)")
            }
        }
        var words: UnsafeMutablePointer<CChar>?
        guard unsafe cduckdb_open_ext(":memory:", &database, configuration, &words) == 0 else {
            let note = unsafe words.map { unsafe String(cString: $0) }
            unsafe cduckdb_free(words)
            throw Problem(.unavailable, "tables.engine-unopened", operatorNote: note)
        }
    }

    deinit {
        pool.withLock { $0.idle.removeAll() }
        // SAFETY: a running statement keeps the engine alive, so nothing uses the handle any more.
        unsafe cduckdb_close(&database)
    }

    func close() {
        pool.withLock { pool in
            pool.isClosed = true
            pool.idle.removeAll()
        }
    }

    func run(
        _ query: TableQuery, each: @escaping @Sendable (TableBatch) throws(Problem) -> Void
    ) async throws(Problem) -> QuerySummary {
        let connection = try borrow()
        let stopper = QueryStopper(connection)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<QuerySummary, Problem>, Never>) in
                connection.thread.run { [self] in
                    let answer = self.answer(query, on: connection, stopper, each: each)
                    giveBack(connection)
                    continuation.resume(returning: answer)
                }
            }
        } onCancel: {
            stopper.stop(.cancelled)
        }
        return try answer.get()
    }

    private func answer(
        _ query: TableQuery, on connection: DuckDBConnection, _ stopper: QueryStopper,
        each: (TableBatch) throws(Problem) -> Void
    ) -> Result<QuerySummary, Problem> {
        let alarm = query.timeLimit.map { limit in
            let alarm = DispatchWorkItem { stopper.stop(.timedOut) }
            DispatchQueue.global().asyncAfter(
                deadline: .now() + .microseconds(Int(limit.wholeMicroseconds)), execute: alarm)
            return alarm
        }
        defer {
            alarm?.cancel()
            stopper.finish()
        }
        do throws(Problem) {
            try stopper.check(query)
            return .success(
                try connection.run(query) { batch throws(Problem) in
                    try stopper.check(query)
                    try each(batch)
                })
        } catch {
            return .failure(error.code == "tables.query-cancelled" ? stopper.problem(query) ?? error : error)
        }
    }

    /// Lends a connection for something that is not a statement.
    func withConnection(_ body: (DuckDBConnection) throws(Problem) -> Void) async throws(Problem) {
        let connection = try borrow()
        defer { giveBack(connection) }
        try body(connection)
    }

    private func borrow() throws(Problem) -> DuckDBConnection {
        let (idle, refusal) = pool.withLock { pool -> (DuckDBConnection?, Problem?) in
            if pool.isClosed { return (nil, Problem(.unavailable, "tables.engine-closed")) }
            guard pool.busy < limits.queriesAtOnceMax else {
                let limit = Int64(limits.queriesAtOnceMax)
                return (nil, Problem(.limited, "tables.engine-busy", ["limit": .integer(limit)]))
            }
            pool.busy += 1
            return (pool.idle.popLast(), nil)
        }
        if let refusal { throw refusal }
        if let idle { return idle }
        // SAFETY: the database is open as long as `self` lives.
        guard let database = unsafe database else { throw Problem(.unavailable, "tables.engine-closed") }
        do throws(Problem) {
            return unsafe try DuckDBConnection(to: database)
        } catch {
            pool.withLock { $0.busy -= 1 }
            throw error
        }
    }

    private func giveBack(_ connection: DuckDBConnection) {
        pool.withLock { pool in
            pool.busy -= 1
            if !pool.isClosed { pool.idle.append(connection) }
        }
    }
}

/// Stops one statement from outside: by its time limit, or because the asker went away. Once the statement has
/// finished it does nothing, so a late alarm cannot hit the connection's next statement.
private final class QueryStopper: Sendable {
    enum Reason {
        case cancelled
        case timedOut
    }

    private struct State {
        var reason: Reason?
        var isFinished = false
    }

    private let connection: DuckDBConnection
    private let state = Mutex(State())

    init(_ connection: DuckDBConnection) {
        self.connection = connection
    }

    func stop(_ reason: Reason) {
        state.withLock { state in
            guard !state.isFinished, state.reason == nil else { return }
            state.reason = reason
            connection.interrupt()
        }
    }

    func finish() {
        state.withLock { $0.isFinished = true }
    }

    /// Throws if the statement was stopped before it began or between two batches.
    func check(_ query: TableQuery) throws(Problem) {
        if let problem = problem(query) { throw problem }
    }

    func problem(_ query: TableQuery) -> Problem? {
        switch state.withLock(\.reason) {
        case nil: nil
        case .cancelled: Problem(.unavailable, "tables.query-cancelled")
        case .timedOut:
            Problem(.limited, "tables.query-timed-out", ["limit": .duration(query.timeLimit ?? .zero)])
        }
    }
}
