// SPDX-License-Identifier: Apache-2.0
//
// Specification: Rindal–Schoppmann 2021 Fig. 4 with its malicious steps (w, commitment); extension check of
// Keller–Orsini–Scholl 2015; tree check of Weng et al. 2021 §4.1. Else as VOLEMatch.swift.
// Adversary: malicious, either side, with abort. A cheating sender learns by the abort one predicate of the receiver's
// noise positions; a cheating receiver that guesses k bits of Δ survives with probability 2^-k and may use as many
// keys as the store has columns. Nothing restrains a side that lies about its own items; under `rowsToBoth` the
// receiver's word on the sender's matches is checked only by the keyed digest of the output.
// Secret, leaks, timing: as VOLEMatch.swift.
// Vectors: each deviation listed in docs/private-match.md is tried in Tests/PSITests.

import Crypto
package import Oblivious

/// The receiving side of malicious VOLE-PSI.
package struct MaliciousVOLEReceiverMatch: Sendable {
    let channel: PSIChannel
    let plan: PSIPlan

    package init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    /// Learns which of `items` the sender has too.
    package func rows(
        of items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems {
        let keys = VOLEKeys(channel)
        let vole = try await VOLESteps.extend(channel, plan, &generator)
        let seed = Block(littleEndian: try await channel.receive(.check, count: 16))
        try await channel.send(.check, vole.extensionProof(seed: seed))
        let rows = StoreRows(items, keys)
        vole.plant(
            trees: try await channel.receive(
                .transfer, count: SilentVOLE.treeByteCount(count: VOLESteps.columns(plan))))
        let commitment = try await channel.receive(.check, count: 32)
        try await checkTrees(vole, &generator)
        let (a, c) = vole.finish(VOLESteps.code)
        let mine = Block.random(using: &generator)
        try await channel.send(.encoding, VOLESteps.encode(rows, a, keys, &generator))
        try await channel.send(.check, mine.littleEndian)
        let masks = BlockKernels.decode(c, columns: c.count, rows: rows.hashes, key: keys.band)
        let opening = try await channel.receive(.check, count: 48)
        guard Salt.commitment(opening) == commitment else { throw .cheating }
        let tags = rows.tags(masks, salt: mine ^ Block(littleEndian: opening), byteCount: plan.tagByteCount)
        return try await VOLESteps.compare(tags, channel, plan)
    }

    /// The point is drawn after the trees arrived, so the sender could not fit them to it.
    private func checkTrees(
        _ vole: VOLEReceiver, _ generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        let point = Block.random(using: &generator)
        let proof = vole.treeProof(at: point)
        try await channel.send(.check, point.littleEndian + proof.revealed.littleEndian)
        let theirs = try await channel.receive(.check, count: 32)
        guard theirs == Salt.digest("trees", proof.expected.littleEndian) else { throw .cheating }
    }
}

/// The answering side of malicious VOLE-PSI.
package struct MaliciousVOLESenderMatch: Sendable {
    let channel: PSIChannel
    let plan: PSIPlan

    package init(_ channel: PSIChannel, _ plan: PSIPlan) {
        (self.channel, self.plan) = (channel, plan)
    }

    /// Answers; under `rowsToBoth` learns which of its own items match, else nothing.
    package func rows(
        of items: [Block], using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> MatchedItems? {
        let keys = VOLEKeys(channel)
        let delta = Block.random(using: &generator)
        let vole = try await VOLESteps.extend(channel, plan, delta: delta, &generator)
        let seed = Block.random(using: &generator)
        try await channel.send(.check, seed.littleEndian)
        guard vole.verifiesExtension(try await channel.receive(.check, count: 32), seed: seed) else {
            throw .cheating
        }
        try await channel.send(.transfer, vole.trees)
        let opening = (0..<3).flatMap { _ in Block.random(using: &generator).littleEndian }
        try await channel.send(.check, Salt.commitment(opening))
        try await proveTrees(vole)
        let b = vole.finish(VOLESteps.code)
        let rows = StoreRows(items, keys)
        let encoding = try await channel.receive(.encoding, blocks: VOLESteps.columns(plan))
        let theirs = Block(littleEndian: try await channel.receive(.check, count: 16))
        try await channel.send(.check, opening)
        let masks = VOLESteps.masks(rows, b, encoding, delta: delta, keys)
        let tags = rows.tags(masks, salt: theirs ^ Block(littleEndian: opening), byteCount: plan.tagByteCount)
        try await channel.send(.tags, tags.tags.bytes(width: plan.tagByteCount))
        return try await VOLESteps.marked(tags, channel, plan)
    }

    private func proveTrees(_ vole: VOLESender) async throws(PSIFailure) {
        let request = try await channel.receive(.check, count: 32)
        let value = vole.treeProof(
            at: Block(littleEndian: request), revealed: Block(littleEndian: request, at: 16))
        try await channel.send(.check, Salt.digest("trees", value.littleEndian))
    }
}

/// The sender's half of the salt: 16 bytes of it and 32 that hide it, committed before the receiver encodes.
private enum Salt {
    static func commitment(_ opening: [UInt8]) -> [UInt8] { digest("salt", opening) }

    static func digest(_ label: String, _ content: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: Array("HUTONG-VOLE-V1-\(label)".utf8) + content))
    }
}
