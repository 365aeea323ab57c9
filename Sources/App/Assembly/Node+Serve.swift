// SPDX-License-Identifier: Apache-2.0

private import Compute
private import Foundation
private import HTTPAPI
private import Identity
private import Lane
private import LaneHTTP
package import Logging
private import Packs
import Primitives
private import Register
private import Store
private import Trade
private import Transparency

extension Node {
    /// Serves until the task is cancelled: the port, the outbox, negotiations, expiries, the log's tiles, and for a
    /// dial-out node the poll of its mailbox. `ready` is told the URL.
    package func serve(logger: Logger, ready: @escaping @Sendable (String) async -> Void) async throws {
        // Long because it is the list of everything that a node does at once.
        let tls = settings.certificate.flatMap { certificate in
            settings.privateKey.map { HTTPServer.TLSFiles(certificate: certificate, key: $0) }
        }
        // A node that only dials out has no peer routes: what is not there cannot be attacked.
        let table = settings.dialsOut ? courtyard.table.withoutPeerRoutes : courtyard.table
        let server = HTTPServer(
            table: table, host: settings.host, port: settings.port, tls: tls, inbox: courtyard.inbox,
            logger: logger,
            metrics: courtyard.metrics, clock: .system)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.run { port in
                    let scheme = tls == nil ? "http" : "https"
                    let url = self.settings.publicURL ?? "\(scheme)://\(self.settings.host):\(port)"
                    self.address.set(url)
                    await self.keepAddress(url, logger)
                    await ready(url)
                }
            }
            group.addTask {
                await self.repeatedly(.milliseconds(50), logger, "outbox") { () async throws(Problem) in
                    try await self.deliver()
                }
            }
            group.addTask {
                await self.repeatedly(.milliseconds(50), logger, "negotiations") { () async throws(Problem) in
                    try await self.courtyard.market.work()
                }
            }
            group.addTask {
                await self.repeatedly(.milliseconds(50), logger, "transfers") { () async throws(Problem) in
                    try await self.courtyard.moveTransfers()
                }
            }
            group.addTask {
                await self.repeatedly(.seconds(1), logger, "harvests") { () async throws(Problem) in
                    try await self.courtyard.harvestDue()
                }
            }
            group.addTask {
                await self.repeatedly(.milliseconds(100), logger, "log") { () async throws(Problem) in
                    try await self.publish()
                }
            }
            group.addTask {
                await self.repeatedly(.seconds(5), logger, "expiry") { () async throws(Problem) in
                    try await self.expire()
                }
            }
            // A task that ended would end the node: only a node that has somebody to ask gets this one.
            if courtyard.publisher.policy.witnesses.contains(where: { $0.url != nil }) {
                group.addTask { await self.collectCosignatures(logger) }
            }
            group.addTask {
                await self.repeatedly(.seconds(60), logger, "refusals") { () async throws(Problem) in
                    try await self.sealRefusals()
                }
            }
            group.addTask {
                await self.repeatedly(.seconds(5), logger, "anchor") { () async throws(Problem) in
                    try await self.anchorCheckpoint()
                }
            }
            for _ in 0..<(settings.dialsOut ? Self.pollersAtOnce : 0) {
                group.addTask {
                    await self.repeatedly(.zero, logger, "mailbox") { () async throws(Problem) in
                        try await self.pollMailbox()
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Writes down where this node answers now: an earlier run, or port 0, had another address, and messages of an
    /// exchange to itself go there too.
    private func keepAddress(_ url: String, _ logger: Logger) async {
        guard !settings.dialsOut else { return }
        do throws(Problem) {
            try await store.write { transaction throws(Problem) in
                let own = try PartyRegister.ownParty(in: transaction)
                guard own.address != .url(url) else { return }
                try PartyRegister.put(own.answering(at: url), isSelf: true, in: transaction)
            }
        } catch {
            logger.error("own address not kept: \(error.code)")
        }
    }

    /// Messages a dial-out node works on at once: a long question must not hold up the next message.
    private static let pollersAtOnce = 4

    /// One round of everything that waits: for a verb on a stopped folder.
    package func settleOnce() async {
        try? await courtyard.market.work()
        try? await deliver()
        try? await publish()
    }

    private func deliver() async throws(Problem) {
        _ = try await courtyard.context.lane.deliverDue()
    }

    private func publish() async throws(Problem) {
        _ = try await courtyard.publisher.publish()
    }

    private func expire() async throws(Problem) {
        try await courtyard.compute.expireReservations()
        try await courtyard.compute.forgetEndedShares()
        try await courtyard.packs.tick()
    }

    private func pollMailbox() async throws(Problem) {
        let context = courtyard.context
        guard let exchange = try? await context.exchange(), case .url(let url) = exchange.address,
            exchange.id != own.id
        else {
            try? await Task.sleep(for: .milliseconds(200))
            return
        }
        let courtyard = courtyard
        let poll = try await context.lane.signed("poll", to: exchange.id)
        try await link.poll(poll, at: url) { message throws(Problem) in
            try await courtyard.receive(message)
        }
    }

    /// Repeats until cancelled. A round that fails is told to the operator and tried again after a pause that grows to
    /// ten seconds.
    private func repeatedly(
        _ pause: Duration, _ logger: Logger, _ name: String, _ round: () async throws(Problem) -> Void
    ) async {
        var failures = 0
        while !Task.isCancelled {
            do throws(Problem) {
                try await round()
                failures = 0
            } catch {
                failures += 1
                logger.warning(
                    "background work failed",
                    metadata: [
                        "work": "\(name)", "problem.code": "\(error.code)",
                        "note": "\(error.operatorNote ?? "")",
                    ])
            }
            let wait = failures == 0 ? pause : min(.seconds(10), .milliseconds(200) * (1 << min(failures, 6)))
            if wait > .zero { try? await Task.sleep(for: wait) }
        }
    }
}
