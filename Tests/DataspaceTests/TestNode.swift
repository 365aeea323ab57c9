// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Policy
import Primitives
import Testing

/// A shelf of a few datasets that everybody may see, in pages of two.
struct TestShelf: CatalogShelf, Sendable {
    var entries: [DatasetEntry] = []

    func page(_ request: CatalogRequest, for caller: String, after cursor: String?) -> CatalogPage {
        let matching = entries.filter { entry in
            request.formats.isEmpty || entry.distributions.contains { request.formats.contains($0.format) }
        }
        let start = cursor.flatMap { Int($0) } ?? 0
        let end = min(start + 2, matching.count)
        return CatalogPage(
            datasets: Array(matching[min(start, end)..<end]), next: end < matching.count ? String(end) : nil,
            previous: start > 0 ? String(max(0, start - 2)) : nil)
    }

    func dataset(_ id: String, for caller: String) -> DatasetEntry? { entries.first { $0.id == id } }
}

/// One connector without a network: endpoints, desk and book, and the calls it wants made.
struct TestNode<Desk: DataspaceDesk> {
    let id: String
    let address: String
    let endpoints: DSPEndpoints
    let engine: DataspaceEngine<Desk>
    let shelf: TestShelf
    var book: MemoryBook
    var calls: [DSPCall] = []
    var recorded: [String] = []
    private var pids = 0

    init(
        id: String, address: String, desk: Desk, shelf: TestShelf = TestShelf(),
        objects: @escaping @Sendable (TransferRequest, String) -> String? = { _, _ in nil }
    ) {
        self.id = id
        self.address = address
        endpoints = DSPEndpoints(
            participantId: id, service: DataService(id: "urn:service:" + id, endpointURL: address))
        engine = DataspaceEngine(desk: desk)
        self.shelf = shelf
        book = MemoryBook(objects: objects)
    }

    mutating func newPid() -> String {
        pids += 1
        return "urn:pid:\(id):\(pids)"
    }

    mutating func answer(
        _ method: String, _ path: String, _ body: JSON? = nil, from caller: String,
        query: [String: String] = [:],
        at now: Instant
    ) throws -> DSPReply {
        try answer(method, path, bytes: body?.canonicalBytes ?? [], from: caller, query: query, at: now)
    }

    mutating func answer(
        _ method: String, _ path: String, bytes: [UInt8], from caller: String, query: [String: String] = [:],
        at now: Instant
    ) throws -> DSPReply {
        let request = DSPRequest(method: method, path: path, query: query, body: bytes, caller: caller)
        let (reply, event) = try endpoints.answer(
            request, book: &book, shelf: shelf, now: now, newPid: newPid())
        if let event { try follow(event, at: now) }
        return reply
    }

    /// Follows an event up as the node's commit would: record, decide, note the call.
    mutating func follow(_ event: DSPEvent, at now: Instant) throws {
        record(event)
        if let call = engine.call(for: event) { calls.append(call) }
        guard let next = try engine.decide(event, book: &book, now: now) else { return }
        record(next)
        if let call = engine.call(for: next) { calls.append(call) }
    }

    mutating func settle(_ call: DSPCall, _ outcome: DeliveryOutcome, at now: Instant) throws {
        guard let event = try engine.settle(call, outcome, book: &book, now: now) else { return }
        try follow(event, at: now)
    }

    mutating func wake(at now: Instant) throws {
        for event in book.due(at: now) {
            try follow(engine.wake(event, book: &book, now: now), at: now)
        }
    }

    private mutating func record(_ event: DSPEvent) {
        func states<State: ProcessState>(_ effects: [ProcessEffect<State>]) -> [String] {
            effects.compactMap { if case .record(let state, _) = $0 { state.rawValue } else { nil } }
        }
        switch event {
        case .negotiation(_, let effects): recorded += states(effects)
        case .transfer(_, let effects): recorded += states(effects)
        }
    }
}
