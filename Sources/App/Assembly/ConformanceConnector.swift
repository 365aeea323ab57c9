// SPDX-License-Identifier: Apache-2.0

import Dataspace
import Deliver
import HTTPAPI
import Lane
import Policy
import Primitives

/// The node as the protocol's public conformance kit wants a connector: scripted by identifiers, in memory.
///
/// Owns the processes of one run of the kit; its calls go out as tasks of their own, because the kit's next message may
/// depend on one that is still on its way.
actor ConformanceConnector {
    private var book = MemoryBook { _, _ in nil }
    private let engine: DataspaceEngine<ConformanceDesk>
    private let root: @Sendable () -> String
    private let outside: any OutsideCaller
    private let clock: WallClock

    /// The kit reads its own replies before it looks for our next message.
    private static let pause: Duration = .milliseconds(120)

    init(own: String, root: @escaping @Sendable () -> String, outside: any OutsideCaller, clock: WallClock) {
        engine = DataspaceEngine(desk: ConformanceDesk(ownId: own))
        self.root = root
        self.outside = outside
        self.clock = clock
    }

    nonisolated var door: ConformanceDoor {
        ConformanceDoor(
            answer: { request throws(Problem) in try await self.answer(request) },
            begin: { signal throws(Problem) in try await self.begin(signal) })
    }

    private func answer(_ request: DSPRequest) throws(Problem) -> DSPReply {
        let address = root() + DataspaceService.path
        let endpoints = DSPEndpoints(
            participantId: "urn:hutong:conformance",
            service: DataService(id: "urn:hutong:conformance:dsp", endpointURL: address))
        let (reply, event) = try endpoints.answer(
            request, book: &book, shelf: ConformanceShelf(service: endpoints.service.id), now: clock.now(),
            newPid: ID<ConformanceConnector>(at: clock.now()).urn)
        if let event { try follow(event) }
        return reply
    }

    private func begin(_ signal: JSON) throws(Problem) {
        let parsed: ConformanceSignal
        do throws(MessageFailure) {
            parsed = try ConformanceSignal(json: signal)
        } catch {
            throw Problem(.invalid, "app.part-missing", ["part": .text(error.text)])
        }
        try follow(
            parsed.begin(
                book: &book, callback: root() + DataspaceService.path,
                newPid: ID<ConformanceConnector>(at: clock.now()).urn, now: clock.now()))
    }

    /// As the node does in its commits: note the call, let the desk move, note its call.
    private func follow(_ event: DSPEvent) throws(Problem) {
        if let call = engine.call(for: event) { send(call) }
        if let next = try engine.decide(event, book: &book, now: clock.now()),
            let call = engine.call(for: next)
        {
            send(call)
        }
    }

    private func send(_ call: DSPCall) {
        Task {
            try? await Task.sleep(for: Self.pause)
            var outcome = DeliveryOutcome.unreachable("lane.peer-unreachable")
            if let reply = try? await outside.call(
                call.method, call.url, token: "conformance", call.body, deadline: .seconds(10))
            {
                outcome = .answered(status: reply.status, body: reply.body)
            }
            try? settle(call, outcome)
        }
    }

    private func settle(_ call: DSPCall, _ outcome: DeliveryOutcome) throws(Problem) {
        guard let event = try engine.settle(call, outcome, book: &book, now: clock.now()) else { return }
        try follow(event)
    }
}

/// The datasets that the kit's catalog cases ask for.
private struct ConformanceShelf: CatalogShelf {
    let service: String

    private func entry(_ id: String) -> DatasetEntry {
        DatasetEntry(
            id: id,
            offers: [
                UsagePolicy(
                    id: "CD123:\(id):456", conflict: .invalid,
                    rules: [UsageRule(.permission, actions: [UsageAction("use")])])
            ], distributions: [.init(format: "HttpData-PULL", accessService: service)])
    }

    func page(_ request: CatalogRequest, for caller: String, after cursor: String?) -> CatalogPage {
        CatalogPage(datasets: [entry("CAT0101"), entry("CAT0102")])
    }

    func dataset(_ id: String, for caller: String) -> DatasetEntry? {
        ["CAT0101", "CAT0102"].contains(id) ? entry(id) : nil
    }
}
