// SPDX-License-Identifier: Apache-2.0
//
// Specification: base transfers and silent VOLE of VOLEMatch (Boyle et al. 2019; Raghuraman–Rindal 2022, §3: the
// correlation does not depend on the items), run ahead with one peer for at most so many items.
// Adversary: semi-honest; a peer with another correlation, or one that wants a second run from the same. A correlation
// used twice tells the difference of two encodings: whoever claims it must be the only one and durable, before a message
// depends on it.
// Secret: all of it. Leaks by design: that a match of at most so many items is planned. Timing: as VOLEMatch.
// Vectors: runs against plain sets, and second uses, in Tests/PSITests.

package import Oblivious
package import Primitives

/// The receiving side's half: c = b + Δ·a. A prefix of a correlation is one.
package struct PreparedReceiver: Sendable {
    /// Which correlation this is: the same on both sides, and no other pair's.
    package let name: Digest
    let a, c: Blocks
}

/// The answering side's half.
package struct PreparedSender: Sendable {
    package let name: Digest
    let delta: Block
    let b: Blocks
}

extension PSIPlan {
    /// What both sides agree on to prepare for matches of at most `items` on the receiving side.
    package static func preparation(items: Int) throws(PSIFailure) -> PSIPlan {
        try PSIPlan(
            method: .rr22, output: .rowsToReceiver, recipe: Digest(of: "HUTONG-VOLE-PREPARED-V1"),
            receiverCount: items, senderCount: 0)
    }

    /// This plan, bound to a correlation that was made ahead: a peer with another one holds another plan.
    package func using(_ name: Digest) throws(PSIFailure) -> PSIPlan {
        try PSIPlan(
            method: method, output: output, recipe: recipe, receiverCount: receiverCount,
            senderCount: senderCount, threshold: threshold,
            agreed: Digest(of: (agreed?.bytes ?? []) + name.bytes), parts: parts)
    }
}

extension PSIParty {
    /// Makes the receiving half; the plan is `PSIPlan.preparation`.
    package func prepareReceiver(
        using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> PreparedReceiver {
        do throws(PSIFailure) {
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            let vole = try await VOLESteps.extend(channel, plan, &generator)
            vole.plant(
                trees: try await channel.receive(
                    .transfer, count: SilentVOLE.treeByteCount(count: VOLESteps.columns(plan))))
            try await channel.confirm(nil)
            let (a, c) = vole.finish(VOLESteps.code)
            return PreparedReceiver(name: preparedName, a: a, c: c)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// Makes the answering half.
    package func prepareSender(
        using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> PreparedSender {
        do throws(PSIFailure) {
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            let delta = Block.random(using: &generator)
            let vole = try await VOLESteps.extend(channel, plan, delta: delta, &generator)
            try await channel.send(.transfer, vole.trees)
            try await channel.confirm(nil)
            let b = vole.finish(VOLESteps.code)
            b.shorten(to: VOLESteps.columns(plan))
            return PreparedSender(name: preparedName, delta: delta, b: b)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// Fresh nonces of both sides are in the transcript: no two preparations have one name.
    private var preparedName: Digest {
        Digest(of: Array("HUTONG-VOLE-PREPARED-V1".utf8) + channel.transcript)
    }

    /// As `receive`, with a correlation made ahead; the plan names it (`PSIPlan.using`).
    ///
    /// - Parameter claim: makes the use durable, or throws `.alreadyUsed`. Called once, after the peer proved to hold the
    ///   other half and before a message depends on this one: a crash from then on leaves nothing to use again.
    package func receive(
        _ items: [Block], with vole: PreparedReceiver, using generator: inout some RandomNumberGenerator,
        claim: () throws(PSIFailure) -> Void
    ) async throws(PSIFailure) -> PSIResult {
        precondition(items.count == plan.receiverCount, "the plan names this side's count")
        do throws(PSIFailure) {
            try requirePrepared(vole.a.count)
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            try claim()
            let match = VOLEReceiverMatch(channel, plan)
            let matched = try await match.rows(of: items, with: vole, using: &generator).items
            try await channel.confirm(plan.output == .rowsToBoth ? matched.map { items[$0] } : nil)
            return result(matched, nil)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// As `send`, with a correlation made ahead.
    package func send(
        _ items: [Block], with vole: PreparedSender, using generator: inout some RandomNumberGenerator,
        claim: () throws(PSIFailure) -> Void
    ) async throws(PSIFailure) -> PSIResult {
        precondition(items.count == plan.senderCount, "the plan names this side's count")
        do throws(PSIFailure) {
            try requirePrepared(vole.b.count)
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            try claim()
            let matched = try await VOLESenderMatch(channel, plan).rows(of: items, with: vole)?.items
            try await channel.confirm(matched.map { $0.map { items[$0] } })
            return result(matched, nil)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    private func requirePrepared(_ columns: Int) throws(PSIFailure) {
        guard plan.method == .rr22, plan.output == .rowsToReceiver || plan.output == .rowsToBoth else {
            throw .notOffered
        }
        guard VOLESteps.columns(plan) <= columns else { throw .tooLarge }
    }
}

// MARK: Kept until the match

extension PreparedReceiver {
    /// For a file that only its owner reads, and that is gone once it is used.
    package var secretBytes: [UInt8] {
        PreparedBytes.written(.receiver, name, [a, c], count: a.count, Block())
    }

    /// What `secretBytes` gave; `nil` when it is damaged or the other side's.
    package init?(secretBytes bytes: [UInt8]) {
        guard let read = PreparedBytes(bytes, .receiver, parts: 2) else { return nil }
        self.init(name: read.name, a: read.parts[0], c: read.parts[1])
    }
}

extension PreparedSender {
    package var secretBytes: [UInt8] { PreparedBytes.written(.sender, name, [b], count: b.count, delta) }

    package init?(secretBytes bytes: [UInt8]) {
        guard let read = PreparedBytes(bytes, .sender, parts: 1) else { return nil }
        self.init(name: read.name, delta: read.delta, b: read.parts[0])
    }
}

/// Magic with the side, name, count, Δ, blocks, and a digest of it all.
private struct PreparedBytes {
    enum Side: UInt8 { case receiver = 1, sender = 2 }

    let name: Digest
    let delta: Block
    let parts: [Blocks]

    private static let magic = Array("HUTONG-VOLE-AHD".utf8)
    private static let headBytes = 72

    static func written(
        _ side: Side, _ name: Digest, _ parts: [Blocks], count: Int, _ delta: Block
    ) -> [UInt8] {
        var bytes = magic + [side.rawValue] + name.bytes + Words.bytes([UInt64(count)]) + delta.littleEndian
        bytes.reserveCapacity(bytes.count + 16 * count * parts.count + 32)
        for part in parts { bytes += part.bytes() }
        return bytes + Digest(of: bytes).bytes
    }

    init?(_ bytes: [UInt8], _ side: Side, parts count: Int) {
        let head = Self.headBytes
        guard bytes.count >= head + 32, bytes.starts(with: Self.magic + [side.rawValue]),
            let name = Digest(bytes: Array(bytes[16..<48]))
        else { return nil }
        let each = Int(clamping: Words.numbers(Array(bytes[48..<56]))[0])
        guard each <= 2 * PSIPlan.itemCountMax, bytes.count == head + 16 * each * count + 32,
            Digest(of: Array(bytes.dropLast(32))).bytes == Array(bytes.suffix(32))
        else { return nil }
        self.name = name
        delta = Block(littleEndian: bytes, at: 56)
        parts = (0..<count).map { part in
            Blocks(bytes: Array(bytes[head + 16 * each * part..<head + 16 * each * (part + 1)]))
        }
    }
}
