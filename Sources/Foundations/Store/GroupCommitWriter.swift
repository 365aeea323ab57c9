// SPDX-License-Identifier: Apache-2.0

import Foundation
package import Primitives

/// What an engine gives the writer: one connection and its transaction steps, used by one thread alone.
package protocol WriterSession: AnyObject, SQLWriting {
    func begin() throws(Problem)
    func commit() throws(Problem)
    /// Ends the transaction without a trace. It cannot fail: the connection's end would do the same.
    func rollBack()

    /// Throws what broke the transaction, if a command went on after a statement had failed. In PostgreSQL
    /// nothing of it could be committed; in SQLite such a transaction is whole.
    func confirmWhole() throws(Problem)

    func setSavepoint() throws(Problem)
    func releaseSavepoint() throws(Problem)
    func rollBackToSavepoint() throws(Problem)

    /// What the commands of this session see as `now`.
    var now: Instant { get set }
    /// The newest time that `tick` gave.
    var lastTick: Instant { get set }
    /// Grows with every statement that may have changed something.
    var writes: Int { get }
    /// Closes the connection; nothing is called after it.
    func end()
}

extension WriterSession {
    package func setSavepoint() throws(Problem) { try execute("SAVEPOINT command") }
    package func releaseSavepoint() throws(Problem) { try execute("RELEASE command") }

    package func tick() -> Instant {
        lastTick = max(Instant(microseconds: lastTick.microseconds + 1), now)
        return lastTick
    }
}

/// Every queue has a limit with a name.
package struct WriterLimits: Sendable {
    /// Commands that may wait. At ten thousand commits a second this is about a second of work.
    package var waiting = 8192
    /// Commands in one commit: bounds how long the first waits for the last, and the memory of one transaction.
    package var perCommit = 2048

    package init() {}
}

/// The writer of one node: a thread that commits whatever is waiting in one transaction and one fsync.
///
/// It owns the engine's writing connection. A refused command takes back only its own: most refusals come before
/// the first write and leave nothing to take back; if one comes later, the group is rolled back and runs again
/// with a savepoint for each command, and so do the next groups for a while. (Savepoints for all cost a sixth of
/// the speed: SQLite copies every page that a command is the first to touch.)
///
/// Durable steps: until COMMIT returns nothing of the group has happened, and nobody has been answered. After
/// it everything has, and the answers follow; who crashes between the two finds the effect under his own id.
/// A COMMIT that fails leaves unknown what the disk holds ("Can applications recover from fsync failures?",
/// ATC 2020): the process ends with status 3 and the next start recovers from the file alone.
package final class GroupCommitWriter: Sendable {
    private let line: WaitingLine<WaitingCommand>
    private let thread: EndedThread

    /// - Parameter session: handed over for good; only the writer's thread touches it afterwards.
    package init(
        session: sending any WriterSession, clock: WallClock, limits: WriterLimits = WriterLimits()
    ) throws(Problem) {
        try CommandClock.resume(in: session)
        line = WaitingLine(limit: limits.waiting)
        let loop = WriterLoop(session: session, clock: clock, line: line, perCommit: limits.perCommit)
        thread = EndedThread(name: "store writer") { loop.run() }
    }

    package func write<Answer: Sendable>(
        _ command: @escaping @Sendable (any SQLWriting) throws(Problem) -> Answer
    ) async throws(Problem) -> Answer {
        let result: Result<Answer, Problem> = await withCheckedContinuation { continuation in
            switch line.enter(TypedCommand(command, continuation)) {
            case .entered: break
            case .closed: continuation.resume(returning: .failure(.storeClosed))
            case .full: continuation.resume(returning: .failure(.writerBusy(waiting: line.limit)))
            }
        }
        return try result.get()
    }

    /// Serves who waits, then ends.
    package func close() async {
        line.close()
        await thread.ended()
    }
}

/// A command with its caller's continuation. It is made by the caller, then belongs to the writer's thread.
// SAFETY: handed from the caller to the writer's thread through the line's lock, and never shared.
private class WaitingCommand: @unchecked Sendable {

    /// Runs the command; `false` if it was refused.
    func run(in session: any WriterSession) -> Bool { preconditionFailure("abstract") }
    /// Tells the caller. `failure` overrides what the command itself said.
    func answer(failure: Problem?) { preconditionFailure("abstract") }
}

// SAFETY: as its superclass.
private final class TypedCommand<Answer: Sendable>: WaitingCommand, @unchecked Sendable {
    private let command: @Sendable (any SQLWriting) throws(Problem) -> Answer
    private let continuation: CheckedContinuation<Result<Answer, Problem>, Never>
    private var result: Result<Answer, Problem> = .failure(.storeClosed)

    init(
        _ command: @escaping @Sendable (any SQLWriting) throws(Problem) -> Answer,
        _ continuation: CheckedContinuation<Result<Answer, Problem>, Never>
    ) {
        self.command = command
        self.continuation = continuation
    }

    override func run(in session: any WriterSession) -> Bool {
        do throws(Problem) {
            result = .success(try command(session))
            return true
        } catch {
            result = .failure(error)
            return false
        }
    }

    override func answer(failure: Problem?) {
        continuation.resume(returning: failure.map { .failure($0) } ?? result)
    }
}

/// The loop of the writer's thread.
// SAFETY: made by the writer's owner, then used by the writer's thread alone.
private final class WriterLoop: @unchecked Sendable {
    private let session: any WriterSession
    private let clock: WallClock
    private let line: WaitingLine<WaitingCommand>
    private let perCommit: Int

    init(
        session: sending any WriterSession, clock: WallClock, line: WaitingLine<WaitingCommand>,
        perCommit: Int
    ) {
        self.session = session
        self.clock = clock
        self.line = line
        self.perCommit = perCommit
    }

    func run() {
        while true {
            let group = line.take(perCommit)
            if group.isEmpty { break }
            let failure = serve(group)
            for command in group { command.answer(failure: failure) }
        }
        session.end()
    }

    /// Commits one group. A problem returned here is everybody's answer: nothing of the group was kept.
    private func serve(_ group: [WaitingCommand]) -> Problem? {
        do throws(Problem) {
            try session.begin()
            var outcome = GroupOutcome.mustIsolate
            if isolatedGroups > 0 {
                isolatedGroups -= 1
            } else {
                outcome = runTogether(group)
            }
            if outcome == .mustIsolate {
                session.rollBack()
                try session.begin()
                outcome = try runIsolated(group)
            }
            guard outcome == .changed else {
                session.rollBack()
                return nil
            }
            try session.confirmWhole()
        } catch {
            session.rollBack()
            return error
        }
        do throws(Problem) {
            try CommandClock.record(in: session)
            try session.commit()
            return nil
        } catch {
            ProcessEnd.storageFailed(error)
        }
    }

    private enum GroupOutcome { case changed, unchanged, mustIsolate }

    /// Groups that still run isolated, after one had to.
    private var isolatedGroups = 0
    private static let isolatedGroupsAfterRefusal = 64

    /// Runs the commands in the transaction itself, as long as no refused one has written.
    private func runTogether(_ group: [WaitingCommand]) -> GroupOutcome {
        var isChanged = false
        for command in group {
            let writes = session.writes
            moveClock()
            if command.run(in: session) {
                isChanged = true
            } else if session.writes != writes {
                if group.count == 1 { return .unchanged }
                isolatedGroups = Self.isolatedGroupsAfterRefusal
                return .mustIsolate
            }
        }
        return isChanged ? .changed : .unchanged
    }

    private func runIsolated(_ group: [WaitingCommand]) throws(Problem) -> GroupOutcome {
        var isChanged = false
        for command in group {
            moveClock()
            try session.setSavepoint()
            if command.run(in: session) {
                try session.releaseSavepoint()
                isChanged = true
            } else {
                try session.rollBackToSavepoint()
            }
        }
        return isChanged ? .changed : .unchanged
    }

    private func moveClock() { session.now = max(session.now, clock.now()) }
}

/// The time of commands, which never runs backwards although the machine's clock may: the newest time is kept
/// in the one row of `store_clock`, written with every commit.
private enum CommandClock {
    private static let table = """
        CREATE TABLE IF NOT EXISTS store_clock (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), \
        at INTEGER NOT NULL) STRICT
        """

    static func resume(in session: any WriterSession) throws(Problem) {
        try session.begin()
        do throws(Problem) {
            try session.execute(table)
            try session.execute("INSERT INTO store_clock (one, at) VALUES (1, 0) ON CONFLICT DO NOTHING")
            session.now = Instant(microseconds: try session.count("SELECT at FROM store_clock"))
            session.lastTick = session.now
        } catch {
            session.rollBack()
            throw error
        }
        try session.commit()
    }

    static func record(in session: any WriterSession) throws(Problem) {
        try session.execute(
            "UPDATE store_clock SET at = ? WHERE one = 1", [max(session.now, session.lastTick)])
    }
}

/// The one place where the process ends by itself.
package enum ProcessEnd {
    /// Says why on standard error and ends with status 3, without running any exit handler: a handler might
    /// write to a file whose state is unknown.
    package static func storageFailed(_ problem: Problem) -> Never {
        let note = problem.operatorNote.map { ": " + $0 } ?? ""
        FileHandle.standardError.write(Data("hutong: storage failed, ending [\(problem.code)]\(note)\n".utf8))
        _exit(3)
    }
}
