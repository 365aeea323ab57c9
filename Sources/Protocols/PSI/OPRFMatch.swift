// SPDX-License-Identifier: Apache-2.0
//
// Specification: 2HashDH (Jarecki, Kiayias, Krawczyk 2014) with multiplicative blinding; docs/private-match.md.
// Adversary: the small side may be malicious (each answer is for one item, whatever it sends); the large side is
// semi-honest: nothing proves that its answers and its encoding are of one key. One-more gap DH, random oracle.
// Secret: the small side's items and blinding, the large side's key and items. Leaks by design: both sizes; to the small
// side which of its items match; to the large side nothing but how many were asked.
// Timing: as Curve25519Group and Scalar25519; look-ups are of public tags by values only this side knows, locally.
// Vectors: runs against plain sets in Tests/PSITests.

import Curves
package import Oblivious
import Primitives

extension PSIParty {
    /// Runs the small side, which learns which of its items the large one has.
    ///
    /// - Parameters:
    ///   - items: distinct digests, as many as the plan's `receiverCount`.
    ///   - known: an encoding from an earlier run, if this side kept one; it is not sent again while it is current.
    /// - Returns: the result, and the encoding to keep.
    package func receive(
        _ items: [Block], knowing known: OPRFTags?, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> (result: PSIResult, tags: OPRFTags) {
        precondition(items.count == plan.receiverCount, "the plan names this side's count")
        do throws(PSIFailure) {
            guard plan.method == .unbalanced else { throw .notOffered }
            try await channel.shakeHands(plan, isReceiver: true, using: &generator)
            let tags = try await currentTags(known)
            let blinds = items.map { _ in Curve25519Group.scalar(using: &generator) }
            try await channel.send(.points, Curve25519Group.mask(items, byEach: blinds))
            var points = try await channel.receive(.points, count: 32 * items.count)
            guard Curve25519Group.unblind(&points, blinds) else { throw .malformed }
            let mine = OPRFTag.tags(items, points, tags.byteCount)
            try await channel.confirm(nil)
            return (result(mine.indices.filter { tags.contains(mine[$0]) }, nil), tags)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }

    /// The encoding as the large side has it now: the one that is known, or the one it sends.
    private func currentTags(_ known: OPRFTags?) async throws(PSIFailure) -> OPRFTags {
        let none = [UInt8](repeating: 0, count: 32)
        try await channel.send(.check, known?.version.bytes ?? none)
        let version = try await channel.receive(.check, count: 32)
        if let known, known.version.bytes == version {
            guard known.count == plan.senderCount, known.byteCount == plan.tagByteCount else {
                throw .malformed
            }
            return known
        }
        let content = try await channel.receive(.encoding, count: plan.tagByteCount * plan.senderCount)
        guard let tags = OPRFTags(content: content, byteCount: plan.tagByteCount),
            tags.version.bytes == version
        else { throw .malformed }
        return tags
    }

    /// Runs the large side from its kept encoding, which counts what it answered.
    package func evaluate(
        _ encoding: inout OPRFEncoding, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) -> PSIResult {
        precondition(encoding.tags.count == plan.senderCount, "the plan names this side's count")
        do throws(PSIFailure) {
            guard plan.method == .unbalanced, encoding.tags.byteCount == plan.tagByteCount else {
                throw .notOffered
            }
            guard encoding.evaluated + plan.receiverCount <= OPRFEncoding.evaluationsMax else {
                throw .tooLarge
            }
            try await channel.shakeHands(plan, isReceiver: false, using: &generator)
            let known = try await channel.receive(.check, count: 32)
            try await channel.send(.check, encoding.tags.version.bytes)
            if known != encoding.tags.version.bytes {
                try await channel.send(.encoding, encoding.tags.content)
            }
            let points = try await channel.receive(.points, count: 32 * plan.receiverCount)
            guard let answers = encoding.answer(points) else { throw .malformed }
            try await channel.send(.points, answers)
            try await channel.confirm(nil)
            return result(nil, nil)
        } catch {
            await channel.refuse(error)
            throw error
        }
    }
}

extension Curve25519Group {
    /// scalar·H(item) under a scalar of its own for each item.
    static func mask(_ items: [Block], byEach scalars: [Scalar]) -> [UInt8] {
        var elements = hashed(items)
        MontgomeryBatch.multiply(&elements, byEach: scalars.flatMap(\.bytes))
        return elements
    }

    /// Takes each scalar off again. The points lie in the prime-order group: the key, too, is a multiple of 8.
    static func unblind(_ points: inout [UInt8], _ scalars: [Scalar]) -> Bool {
        let wide = scalars.map {
            Scalar25519(wideLittleEndian: $0.bytes + [UInt8](repeating: 0, count: 32))
        }
        MontgomeryBatch.multiply(&points, byEach: Scalar25519.inverses(of: wide).flatMap(\.littleEndian))
        return areNonzero(points)
    }
}
