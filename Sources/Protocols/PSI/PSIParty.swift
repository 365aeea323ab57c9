// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md. Adversary: per method, see `PSIMethod.model`. Secret: the items.
// Leaks by design: what the plan names. Timing: as the method. Vectors: Tests/PSITests.

package import Oblivious

/// What one side holds after a run that both sides confirmed.
package struct PSIResult: Sendable {
    /// Places in this side's items that match; `nil` when this side's output has none.
    package let matched: [Int]?
    /// Matches in each of the receiver's groups; `nil` when this side's output has none.
    package let counts: [Int]?
    /// SHA-256 over everything exchanged, the same on both sides: what both logs keep.
    package let transcript: [UInt8]
    package let bytesSent: Int
    package let bytesReceived: Int
}

/// One side of one run: handshake, method, confirmation; a failure is told to the peer.
package struct PSIParty: Sendable {
    let plan: PSIPlan
    let channel: PSIChannel

    package init(_ plan: PSIPlan, _ link: any PSILink) {
        self.plan = plan
        channel = PSIChannel(link)
    }

    /// Runs the receiving side.
    ///
    /// - Parameters:
    ///   - items: distinct digests, as many as the plan's `receiverCount`.
    ///   - groups: under `size`, the group of each item, from 0; empty means one group.
    package func receive(
        _ items: [Block], groups: [Int] = [], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> PSIResult {
        precondition(items.count == plan.receiverCount, "the plan names this side's count")
        do {
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            return try await runReceiver(items, groups, &generator)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// Runs the answering side. `items`: distinct digests, as many as the plan's `senderCount`.
    package func send(
        _ items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> PSIResult {
        precondition(items.count == plan.senderCount, "the plan names this side's count")
        do {
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            let matched = try await runSender(items, &generator)
            try await channel.confirm(matched.map { $0.map { items[$0] } })
            return result(matched, nil)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    private func runReceiver(
        _ items: [Block], _ groups: [Int], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> PSIResult {
        switch plan.output {
        case .rowsToReceiver, .rowsToBoth:
            let matched = try await receivedRows(items, &generator).items
            try await channel.confirm(plan.output == .rowsToBoth ? matched.map { items[$0] } : nil)
            return result(matched, nil)
        case .held, .heldSum, .shares, .selection: throw .notOffered
        case .size:
            let groups = groups.isEmpty ? [Int](repeating: 0, count: items.count) : groups
            let counts = try await receivedCounts(items, groups, &generator)
            try await channel.confirm(nil)
            return result(nil, counts.counts)
        }
    }

    private func runSender(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> [Int]? {
        switch plan.output {
        case .rowsToReceiver, .rowsToBoth:
            return try await sentRows(items, &generator)?.items
        case .held, .heldSum, .shares, .selection: throw .notOffered
        case .size:
            try await sentCounts(items, &generator)
            return nil
        }
    }

    private func receivedCounts(
        _ items: [Block], _ groups: [Int], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedCounts {
        let count = (groups.max() ?? 0) + 1
        return switch plan.method {
        case .ecdh:
            try await DiffieHellmanReceiver<Curve25519Group>(channel, plan)
                .sizes(of: items, groups: groups, groupCount: count, using: &generator)
        case .ristretto:
            try await DiffieHellmanReceiver<RistrettoGroup>(channel, plan)
                .sizes(of: items, groups: groups, groupCount: count, using: &generator)
        case .sm2:
            try await DiffieHellmanReceiver<SM2Group>(channel, plan)
                .sizes(of: items, groups: groups, groupCount: count, using: &generator)
        case .rr22, .rr22Malicious, .unbalanced: throw .notOffered
        }
    }

    private func sentCounts(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        switch plan.method {
        case .ecdh:
            try await DiffieHellmanSender<Curve25519Group>(channel, plan).sizes(of: items, using: &generator)
        case .ristretto:
            try await DiffieHellmanSender<RistrettoGroup>(channel, plan).sizes(of: items, using: &generator)
        case .sm2:
            try await DiffieHellmanSender<SM2Group>(channel, plan).sizes(of: items, using: &generator)
        case .rr22, .rr22Malicious, .unbalanced: throw .notOffered
        }
    }

    private func receivedRows(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems {
        switch plan.method {
        case .ecdh:
            try await DiffieHellmanReceiver<Curve25519Group>(channel, plan).rows(of: items, using: &generator)
        case .ristretto:
            try await DiffieHellmanReceiver<RistrettoGroup>(channel, plan).rows(of: items, using: &generator)
        case .rr22:
            try await VOLEReceiverMatch(channel, plan).rows(of: items, using: &generator)
        case .rr22Malicious:
            try await MaliciousVOLEReceiverMatch(channel, plan).rows(of: items, using: &generator)
        case .sm2:
            try await DiffieHellmanReceiver<SM2Group>(channel, plan).rows(of: items, using: &generator)
        case .unbalanced:
            throw .notOffered
        }
    }

    private func sentRows(
        _ items: [Block], _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems? {
        switch plan.method {
        case .ecdh:
            try await DiffieHellmanSender<Curve25519Group>(channel, plan).rows(of: items, using: &generator)
        case .ristretto:
            try await DiffieHellmanSender<RistrettoGroup>(channel, plan).rows(of: items, using: &generator)
        case .rr22:
            try await VOLESenderMatch(channel, plan).rows(of: items, using: &generator)
        case .rr22Malicious:
            try await MaliciousVOLESenderMatch(channel, plan).rows(of: items, using: &generator)
        case .sm2:
            try await DiffieHellmanSender<SM2Group>(channel, plan).rows(of: items, using: &generator)
        case .unbalanced:
            throw .notOffered
        }
    }

    func result(_ matched: [Int]?, _ counts: [Int]?) -> PSIResult {
        PSIResult(
            matched: matched, counts: counts, transcript: channel.transcript, bytesSent: channel.bytesSent,
            bytesReceived: channel.bytesReceived)
    }
}
