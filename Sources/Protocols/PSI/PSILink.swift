// SPDX-License-Identifier: Apache-2.0
//
// Specification: ours. Adversary: the peer; the carrier authenticates it. Secret: nothing here.
// Leaks by design: sizes and times of messages. Timing: not applicable. Vectors: Tests/PSITests.

import Synchronization

/// What carries the messages of one private match between the two parties: in order, whole, once.
///
/// The node's authenticated channel, a socket, or a pair in memory. `send` returns when the carrier took the
/// message, so a slow peer slows the sender (backpressure). One task sends and one task receives at a time.
package protocol PSILink: Sendable {
    /// Hands over one message of at most `PSIChannel.frameBytesMax` bytes.
    func send(_ message: [UInt8]) async throws(PSIFailure)
    /// The next message; throws `.closed` or, after the carrier's deadline, `.timedOut`.
    func receive() async throws(PSIFailure) -> [UInt8]
}

/// The two ends of a link inside one process.
///
/// Owns the messages in flight; at most `depthMax` wait, then `send` waits.
package final class MemoryLink: PSILink {
    private let incoming: Queue
    private let outgoing: Queue

    private init(incoming: Queue, outgoing: Queue) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    package static func pair() -> (MemoryLink, MemoryLink) {
        let (there, back) = (Queue(), Queue())
        return (MemoryLink(incoming: back, outgoing: there), MemoryLink(incoming: there, outgoing: back))
    }

    package func send(_ message: [UInt8]) async throws(PSIFailure) { try await outgoing.push(message) }
    package func receive() async throws(PSIFailure) -> [UInt8] { try await incoming.pop() }

    /// Ends both directions; what waits is dropped.
    package func close() {
        incoming.close()
        outgoing.close()
    }

    /// A bounded queue between one sending and one receiving task.
    private final class Queue: Sendable {
        static let depthMax = 16  // 16 frames of 1 MiB: enough to keep both sides busy.

        private struct State {
            var messages: [[UInt8]] = []
            var isClosed = false
            var waiting: [CheckedContinuation<Void, Never>] = []
        }
        private let state = Mutex(State())

        func push(_ message: [UInt8]) async throws(PSIFailure) {
            while true {
                let (done, closed) = state.withLock { state in
                    if state.isClosed { return (false, true) }
                    guard state.messages.count < Self.depthMax else { return (false, false) }
                    state.messages.append(message)
                    return (true, false)
                }
                if closed { throw .closed }
                if done { return wake() }
                await change { $0.messages.count < Self.depthMax || $0.isClosed }
            }
        }

        func pop() async throws(PSIFailure) -> [UInt8] {
            while true {
                let (message, closed) = state.withLock { state in
                    state.messages.isEmpty ? (nil, state.isClosed) : (state.messages.removeFirst(), false)
                }
                if let message {
                    wake()
                    return message
                }
                if closed { throw .closed }
                await change { !$0.messages.isEmpty || $0.isClosed }
            }
        }

        func close() {
            state.withLock { $0.isClosed = true }
            wake()
        }

        private func change(until isReady: @Sendable (borrowing State) -> Bool) async {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in
                    if isReady(state) { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if ready { continuation.resume() }
            }
        }

        private func wake() {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }
}
