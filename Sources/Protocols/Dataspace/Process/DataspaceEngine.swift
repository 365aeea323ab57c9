// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A call to the other side that a stored process wants made. It may be made twice: the other side takes it once.
package struct DSPCall: Hashable, Sendable {
    package enum Subject: String, Hashable, Sendable {
        case negotiation, transfer
    }

    package enum Purpose: Hashable, Sendable {
        /// Deliver `body`.
        case deliver
        /// Ask for the state.
        case askState
    }

    package let subject: Subject
    /// Our name of the process.
    package let pid: String
    package let purpose: Purpose
    package let method: String
    package let url: String
    package let body: JSON?
    /// The participant that must answer there.
    package let counterparty: String
}

/// What stands between the endpoints and the network: lets the desk decide, says which calls to make, and takes
/// their outcomes. Synchronous; each function belongs into one commit.
package struct DataspaceEngine<Desk: DataspaceDesk> {
    private let desk: Desk

    package init(desk: Desk) {
        self.desk = desk
    }

    /// Lets the desk make its move in a process, if it has one. The answer is to be logged with the event before.
    package func decide<Book: ProcessBook>(
        _ event: DSPEvent, book: inout Book, now: Instant
    ) throws(Problem) -> DSPEvent? {
        switch event {
        case .negotiation(var negotiation, _):
            guard let move = try desk.move(negotiation, at: now),
                let effects = try? negotiation.make(move, at: now)
            else { return nil }
            try book.store(negotiation)
            return .negotiation(negotiation, effects)
        case .transfer(var transfer, _):
            guard let move = try desk.move(transfer, at: now), let effects = try? transfer.make(move, at: now)
            else { return nil }
            try book.store(transfer)
            return .transfer(transfer, effects)
        }
    }

    /// The call an event asks for, to be made after its commit; `nil` where it asks for none.
    package func call(for event: DSPEvent) -> DSPCall? {
        switch event {
        case .negotiation(let negotiation, let effects): Self.call(for: negotiation, .negotiation, effects)
        case .transfer(let transfer, let effects): Self.call(for: transfer, .transfer, effects)
        }
    }

    private static func call<P: DataspaceProcess>(
        for process: P, _ subject: DSPCall.Subject, _ effects: [ProcessEffect<P.State>]
    ) -> DSPCall? {
        let address = process.correspondence.address
        let base = address.hasSuffix("/") ? String(address.dropLast()) : address
        func call(_ purpose: DSPCall.Purpose, _ method: String, _ path: String, _ body: JSON?) -> DSPCall {
            DSPCall(
                subject: subject, pid: process.correspondence.ownPid, purpose: purpose, method: method,
                url: base + path, body: body, counterparty: process.correspondence.counterparty)
        }
        if effects.contains(.askState) { return call(.askState, "GET", process.statePath, nil) }
        guard effects.contains(.deliver), let delivery = process.correspondence.delivery else { return nil }
        return call(.deliver, "POST", delivery.path, delivery.json)
    }

    /// Takes what became of a call. Answers the event to log and to follow up, or `nil` where the process is gone
    /// or has moved on since.
    package func settle<Book: ProcessBook>(
        _ call: DSPCall, _ outcome: DeliveryOutcome, book: inout Book, now: Instant
    ) throws(Problem) -> DSPEvent? {
        switch call.subject {
        case .negotiation:
            guard var negotiation = try book.negotiation(call.pid) else { return nil }
            guard let effects = Self.settle(&negotiation, call, outcome, now) else { return nil }
            try book.store(negotiation)
            return .negotiation(negotiation, effects)
        case .transfer:
            guard var transfer = try book.transfer(call.pid) else { return nil }
            guard let effects = Self.settle(&transfer, call, outcome, now) else { return nil }
            try book.store(transfer)
            return .transfer(transfer, effects)
        }
    }

    private static func settle<P: DataspaceProcess>(
        _ process: inout P, _ call: DSPCall, _ outcome: DeliveryOutcome, _ now: Instant
    ) -> [ProcessEffect<P.State>]? {
        switch call.purpose {
        case .askState: return process.synchronize(outcome, at: now)
        case .deliver:
            // An answer to an earlier message says nothing about the one that waits now.
            guard process.correspondence.delivery?.json == call.body else { return nil }
            return process.settle(outcome, at: now)
        }
    }

    /// Takes up what has become due: a message to try again, a deadline that passed.
    package func wake<Book: ProcessBook>(
        _ event: DSPEvent, book: inout Book, now: Instant
    ) throws(Problem) -> DSPEvent {
        switch event {
        case .negotiation(var negotiation, _):
            let effects = negotiation.expire(at: now)
            if !effects.isEmpty { try book.store(negotiation) }
            return .negotiation(negotiation, effects)
        case .transfer(var transfer, _):
            let effects = transfer.expire(at: now)
            if !effects.isEmpty { try book.store(transfer) }
            return .transfer(transfer, effects)
        }
    }
}

extension DataspaceEngine: Sendable where Desk: Sendable {}
