// SPDX-License-Identifier: Apache-2.0

package import Primitives
import Synchronization
package import Tables

/// The engines in which strangers' questions are read and run, kept open from one question to the next: opening an
/// engine costs about as much as a sum over a million rows. Each is sealed over one version's file, which never changes,
/// and nothing that is asked leaves anything in it. Owns the engines.
package final class QuestionEngines: Sendable {
    private struct Kept {
        let path: String
        let table: String
        let engine: any TableEngine
        var users: Int
    }

    private struct State {
        /// The longest unused first.
        var kept: [Kept] = []
        var parser: (any TableEngine)?

        func place(_ path: String, _ table: String) -> Int? {
            kept.firstIndex { $0.path == path && $0.table == table }
        }

        /// The engine over this file, if one is open: now the last that was used.
        mutating func use(_ path: String, _ table: String) -> (any TableEngine)? {
            guard let place = place(path, table) else { return nil }
            var one = kept.remove(at: place)
            one.users += 1
            kept.append(one)
            return one.engine
        }
    }

    /// A stranger's questions get this much of the machine for each version that is asked about, whatever else runs.
    private static let limits = EngineLimits(memoryBytes: 512 << 20, threads: 2, queriesAtOnceMax: runsAtOnce)
    /// So many questions run at once; the next ones wait their turn.
    private static let runsAtOnce = 4
    /// As many as can be in use, so that there is always one to close.
    private static let keptMax = runsAtOnce

    private let factory: any TableEngineFactory
    private let state = Mutex(State())
    private let runs = Turnstile(places: runsAtOnce)
    private let parses = Turnstile(places: runsAtOnce)

    package init(_ factory: any TableEngineFactory) {
        self.factory = factory
    }

    /// Lends an engine that has no table, to read a question's text with.
    package func parse<Answer: Sendable>(
        _ body: (any TableEngine) async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await parses.pass { () async throws(Problem) in try await body(try parser()) }
    }

    /// Lends an engine that sees this Parquet file under the name of this table, and nothing else.
    package func run<Answer: Sendable>(
        over path: String, as table: String, _ body: (any TableEngine) async throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        try await runs.pass { () async throws(Problem) in
            let engine = try await borrow(path, table)
            defer { giveBack(path, table) }
            return try await body(engine)
        }
    }

    private func parser() throws(Problem) -> any TableEngine {
        if let parser = state.withLock(\.parser) { return parser }
        let opened = try factory.open(Self.limits)
        // Two that came at once have opened one each: the first stays, the other goes with its last user.
        return state.withLock { state in
            let parser = state.parser ?? opened
            state.parser = parser
            return parser
        }
    }

    private func borrow(_ path: String, _ table: String) async throws(Problem) -> any TableEngine {
        if let engine = state.withLock({ $0.use(path, table) }) { return engine }
        let opened = try await factory.openSealed([table: .parquet([path])], Self.limits)
        return state.withLock { state in
            if let engine = state.use(path, table) { return engine }
            if state.kept.count >= Self.keptMax, let unused = state.kept.firstIndex(where: { $0.users == 0 })
            {
                state.kept.remove(at: unused)
            }
            state.kept.append(Kept(path: path, table: table, engine: opened, users: 1))
            return opened
        }
    }

    private func giveBack(_ path: String, _ table: String) {
        state.withLock { state in
            guard let place = state.place(path, table) else { return }
            state.kept[place].users -= 1
        }
    }
}
