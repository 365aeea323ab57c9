// SPDX-License-Identifier: Apache-2.0

private import Dispatch
private import Foundation
private import Primitives
private import Synchronization
package import Testing

/// For tests that block: that wait for another program, sleep, or read a pipe.
///
/// Swift's pool has as many threads as the machine has cores, and every test of the process shares it. Two tests that
/// each wait a minute for a program stop all others for that minute, and what they measure or wait for runs into its
/// limit. A test with this trait runs on a thread of its own; so that not all of them start their programs at once,
/// twice as many as there are cores go on at a time (they wait more than they compute).
package struct OwnThread: TestTrait, SuiteTrait, TestScoping {
    package let isRecursive = true

    private static let turns = Turns(places: 2 * ProcessInfo.processInfo.activeProcessorCount)

    package func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        await Self.turns.take()
        defer { Self.turns.giveBack() }
        try await withTaskExecutorPreference(TestThread()) { try await function() }
    }
}

extension OwnThread {
    /// Waits for a call that blocks, such as one of a socket, on a thread of its own. Dispatch's threads would not do:
    /// the pool of Swift is made of them, and a node that serves in this process needs some to answer.
    package static func run<Value: Sendable>(
        _ call: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try call() }) }
        }
    }
}

extension Trait where Self == OwnThread {
    /// Runs the test, or each test of the suite, on a thread of its own.
    package static var ownThread: OwnThread { OwnThread() }
}

/// One thread that runs the jobs of one test, in their order, as long as the test lasts.
private final class TestThread: TaskExecutor {
    /// What executor and thread share, so that the thread does not keep its owner alive.
    private final class Line: Sendable {
        private let jobs = Mutex<[UnownedJob]>([])
        private let filled = DispatchSemaphore(value: 0)

        func put(_ job: UnownedJob) {
            jobs.withLock { $0.append(job) }
            filled.signal()
        }

        func close() { filled.signal() }

        /// `nil` when there will be no more.
        func take() -> UnownedJob? {
            filled.wait()
            return jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        }
    }

    private let line = Line()

    init() {
        // SAFETY: a job keeps its executor alive as long as it runs.
        let executor = unsafe asUnownedTaskExecutor()
        let thread = Thread { [line] in
            while let job = line.take() { unsafe job.runSynchronously(on: executor) }
        }
        thread.name = "test"
        thread.stackSize = 8 << 20
        thread.start()
    }

    func enqueue(_ job: consuming ExecutorJob) { line.put(UnownedJob(job)) }

    deinit { line.close() }
}
