// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Foundation
internal import Synchronization

/// A thread that runs one job at a time and then waits for the next, until its owner lets go.
///
/// DuckDB computes for seconds. Dispatch and the cooperative pool have as many threads as the machine has cores,
/// so a question there would hold up every timer and task of the node.
final class WorkerThread: Sendable {
    typealias Job = @Sendable () -> Void

    /// What owner and thread share, so that the thread does not keep its owner alive.
    private final class Mailbox: Sendable {
        private let jobs = Mutex<[Job?]>([])
        private let filled = DispatchSemaphore(value: 0)

        func put(_ job: Job?) {
            jobs.withLock { $0.append(job) }
            filled.signal()
        }

        /// `nil` when there will be no more.
        func take() -> Job? {
            filled.wait()
            return jobs.withLock { $0.removeFirst() }
        }
    }

    private let mailbox = Mailbox()

    init() {
        let thread = Thread { [mailbox] in
            while let job = mailbox.take() { job() }
        }
        thread.name = "hutong.tables"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit {
        mailbox.put(nil)
    }

    func run(_ job: @escaping Job) {
        mailbox.put(job)
    }
}
