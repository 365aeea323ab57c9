// SPDX-License-Identifier: Apache-2.0

package import PSI
import Synchronization

/// A `PSILink` whose messages travel in turns, as calls and replies of the lane: one side's frames go out when it can do
/// no more without the other's.
///
/// Owns the frames in flight. One task runs the protocol on it, another moves the flights.
package final class FlightLink: PSILink {
    /// Frames that wait to go before `send` waits: a flight of this many bytes and one frame fits into a lane message.
    private static let outgoingBytesMax = 4 << 20

    private struct State {
        var incoming: [[UInt8]] = []
        var outgoing: [[UInt8]] = []
        var outgoingBytes = 0
        var isOver = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
        var turn: CheckedContinuation<Void, Never>?

        /// Whether the protocol can do nothing more before the next flight.
        var isIdle: Bool { isOver || writer != nil || reader != nil && incoming.isEmpty }

        mutating func takeTurn() -> CheckedContinuation<Void, Never>? {
            guard isIdle else { return nil }
            defer { turn = nil }
            return turn
        }
    }

    private let state = Mutex(State())

    package init() {}

    // MARK: The protocol's side

    package func send(_ message: [UInt8]) async throws(PSIFailure) {
        while true {
            let (isDone, isOver) = state.withLock { state in
                guard !state.isOver, state.outgoingBytes < Self.outgoingBytesMax else {
                    return (false, state.isOver)
                }
                state.outgoing.append(message)
                state.outgoingBytes += message.count
                return (true, false)
            }
            if isDone { return }
            if isOver { throw .closed }
            await withCheckedContinuation { continuation in
                wait(continuation, \.writer) { $0.isOver || $0.outgoingBytes < Self.outgoingBytesMax }
            }
        }
    }

    package func receive() async throws(PSIFailure) -> [UInt8] {
        while true {
            let (message, isOver) = state.withLock { state in
                state.incoming.isEmpty ? (nil, state.isOver) : (state.incoming.removeFirst(), false)
            }
            if let message { return message }
            if isOver { throw .closed }
            await withCheckedContinuation { continuation in
                wait(continuation, \.reader) { $0.isOver || !$0.incoming.isEmpty }
            }
        }
    }

    private func wait(
        _ continuation: CheckedContinuation<Void, Never>,
        _ place: any WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable,
        until isReady: @Sendable (borrowing State) -> Bool
    ) {
        let (goesOn, turn) = state.withLock { state in
            guard !isReady(state) else { return (true, CheckedContinuation<Void, Never>?.none) }
            state[keyPath: place] = continuation
            return (false, state.takeTurn())
        }
        if goesOn { continuation.resume() }
        turn?.resume()
    }

    // MARK: The carrier's side

    /// Hands over what came and returns what is to go, once the protocol waits or is over. One call at a time.
    package func turn(_ frames: [[UInt8]]) async -> (frames: [[UInt8]], isOver: Bool) {
        let reader = state.withLock { state in
            state.incoming += frames
            guard !state.incoming.isEmpty else { return CheckedContinuation<Void, Never>?.none }
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                guard !state.isIdle else { return true }
                state.turn = continuation
                return false
            }
            if isIdle { continuation.resume() }
        }
        let (flight, isOver, writer) = state.withLock { state in
            defer { (state.outgoing, state.outgoingBytes, state.writer) = ([], 0, nil) }
            return (state.outgoing, state.isOver, state.writer)
        }
        writer?.resume()
        return (flight, isOver)
    }

    /// The protocol is over, or given up: who waits is let go; what waits to go still goes.
    package func finish() {
        let waiting = state.withLock { state in
            defer { (state.reader, state.writer, state.turn) = (nil, nil, nil) }
            state.isOver = true
            return [state.reader, state.writer, state.turn]
        }
        for continuation in waiting { continuation?.resume() }
    }
}
