// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
private import Synchronization

/// The mailboxes an exchange keeps for nodes that only dial out.
///
/// Owns the messages that wait for a poll and the callers that wait for a reply. Nothing here is durable and
/// nothing needs to be: a caller whose message is lost sees `lane.peer-unreachable` and sends it again from
/// its own outbox or at its own user's wish.
package final class Mailbox: Sendable {
    /// One message on its way to a dial-out node.
    package struct Item: Sendable {
        package let ticket: String
        package let message: LaneMessage
    }

    /// More waiting messages than this for one node are refused: it has been away, or is being flooded.
    private static let waitingMax = 256

    private struct Box {
        var waiting: [Item] = []
        var pollers: [CheckedContinuation<Item?, Never>] = []
    }

    private struct State {
        var boxes: [ID<Party>: Box] = [:]
        var replies: [String: CheckedContinuation<LaneMessage?, Never>] = [:]
        var nextTicket: UInt64 = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Puts a message into a node's box and waits for its reply.
    package func exchange(
        _ message: LaneMessage, with peer: Party, deadline: Duration
    ) async throws(Problem) -> LaneMessage {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return String(state.nextTicket)
        }
        let reply = await Self.race(deadline) {
            await withCheckedContinuation { continuation in
                self.deposit(Item(ticket: ticket, message: message), for: peer.id, waiter: continuation)
            }
        } onExpiry: {
            self.resolve(ticket, with: nil)
        }
        guard let reply else {
            throw .peerUnreachable(peer.name, note: "no poll took the message, or no reply came in time")
        }
        return reply
    }

    /// Waits for the next message to a node; `nil` when `patience` ends first.
    package func next(for node: ID<Party>, patience: Duration) async -> Item? {
        await Self.race(patience) {
            await withCheckedContinuation { self.enlist($0, for: node) }
        } onExpiry: {
            self.releasePollers(of: node)
        }
    }

    /// Runs `wait`; when the time ends first, `onExpiry` makes it return.
    private static func race<Answer: Sendable>(
        _ patience: Duration, _ wait: @escaping @Sendable () async -> Answer?,
        onExpiry: @escaping @Sendable () -> Void
    ) async -> Answer? {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard (try? await Task.sleep(for: patience)) != nil else { return }
                onExpiry()
            }
            let answer = await wait()
            group.cancelAll()
            return answer
        }
    }

    private func enlist(_ poller: CheckedContinuation<Item?, Never>, for node: ID<Party>) {
        let item = state.withLock { state -> Item? in
            guard state.boxes[node]?.waiting.isEmpty == false else {
                state.boxes[node, default: Box()].pollers.append(poller)
                return nil
            }
            return state.boxes[node]?.waiting.removeFirst()
        }
        if let item { poller.resume(returning: item) }
    }

    /// Hands a node's reply to whoever waits for it; a late one finds nobody and is dropped.
    package func reply(_ message: LaneMessage, to ticket: String) {
        resolve(ticket, with: message)
    }

    private func deposit(_ item: Item, for node: ID<Party>, waiter: CheckedContinuation<LaneMessage?, Never>)
    {
        enum Outcome { case handed(CheckedContinuation<Item?, Never>), kept, full }
        let outcome = state.withLock { state -> Outcome in
            var box = state.boxes[node, default: Box()]
            defer { state.boxes[node] = box }
            guard box.waiting.count < Self.waitingMax else { return .full }
            state.replies[item.ticket] = waiter
            if !box.pollers.isEmpty { return .handed(box.pollers.removeFirst()) }
            box.waiting.append(item)
            return .kept
        }
        switch outcome {
        case .handed(let poller): poller.resume(returning: item)
        case .kept: break
        case .full: waiter.resume(returning: nil)
        }
    }

    private func resolve(_ ticket: String, with message: LaneMessage?) {
        let waiter = state.withLock { state in
            for node in state.boxes.keys { state.boxes[node]?.waiting.removeAll { $0.ticket == ticket } }
            return state.replies.removeValue(forKey: ticket)
        }
        waiter?.resume(returning: message)
    }

    private func releasePollers(of node: ID<Party>) {
        let pollers = state.withLock { state in
            defer { state.boxes[node]?.pollers = [] }
            return state.boxes[node]?.pollers ?? []
        }
        for poller in pollers { poller.resume(returning: nil) }
    }
}
