// SPDX-License-Identifier: Apache-2.0
//
// Specification: ours, docs/private-match.md, "Messages".
// Adversary: a peer that sends anything; a carrier that damages, repeats or reorders. A carrier that forges on
// purpose is kept out by the node channel's signatures, not here.
// Secret: nothing. Leaks by design: the number and length of messages, which the plan fixes.
// Timing: chain tags are public and compared as such. Vectors: Tests/PSITests.

import Crypto
import Oblivious
import Synchronization

/// Frames, orders and chains the messages of one run over a link.
///
/// Each frame is kind, number, payload and a chain tag over everything this direction carried so far, begun from
/// the plan's digest and both sides' nonces: a message altered, repeated, out of order, cut or from another run
/// does not fit. The last values of both chains are the transcript's digest.
///
/// Owns the two chain states, each used by one task at a time.
package final class PSIChannel: Sendable {
    /// The largest payload of one frame; longer messages travel as several.
    package static let payloadBytesMax = 1 << 20
    package static let frameBytesMax = payloadBytesMax + overhead
    static let tagBytes = 16
    static let overhead = 5 + tagBytes

    /// The kinds of message; a protocol expects exactly one kind at a time.
    package enum Kind: UInt8, Sendable {
        case hello = 1
        case points, tags, marks, confirmation
        case transfer, correction, check, encoding, amounts, keys, ciphers, shares
        case refusal = 255
    }

    private struct Chain {
        var hash: SHA256
        var number: UInt32 = 0
        var byteCount = 0

        /// Takes in a frame without its tag and returns the tag.
        mutating func advance(_ frame: ArraySlice<UInt8>) -> [UInt8] {
            // SAFETY: the buffer is read inside the closure alone.
            unsafe frame.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
            number += 1
            byteCount += frame.count + tagBytes
            return Array(hash.finalize().prefix(tagBytes))
        }
    }

    private let link: any PSILink
    private let sent: Mutex<Chain>
    private let received: Mutex<Chain>

    package init(_ link: any PSILink) {
        self.link = link
        sent = Mutex(Chain(hash: SHA256()))
        received = Mutex(Chain(hash: SHA256()))
    }

    package var bytesSent: Int { sent.withLock { $0.byteCount } }
    package var bytesReceived: Int { received.withLock { $0.byteCount } }

    /// The digest of everything exchanged: equal on both sides, whoever asks.
    package var transcript: [UInt8] {
        let mine = Array(sent.withLock { $0.hash.finalize() })
        let theirs = Array(received.withLock { $0.hash.finalize() })
        let ordered = mine.lexicographicallyPrecedes(theirs) ? mine + theirs : theirs + mine
        return Array(SHA256.hash(data: ordered))
    }

    /// Mixes what both sides agreed on (plan, nonces) into both chains.
    func bind(_ context: [UInt8]) {
        sent.withLock { $0.hash.update(data: context) }
        received.withLock { $0.hash.update(data: context) }
    }

    /// Sends a message of any length, as frames of at most `payloadBytesMax`.
    package func send(_ kind: Kind, _ message: [UInt8]) async throws(PSIFailure) {
        var start = 0
        repeat {
            let end = min(message.count, start + Self.payloadBytesMax)
            try await link.send(frame(kind, message[start..<end]))
            start = end
        } while start < message.count
    }

    /// Receives exactly `count` bytes of `kind`.
    package func receive(_ kind: Kind, count: Int) async throws(PSIFailure) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(count)
        repeat {
            let expected = min(Self.payloadBytesMax, count - message.count)
            let frame = try await nextFrame(kind)
            guard frame.count == expected else { throw .malformed }
            message.append(contentsOf: frame)
        } while message.count < count
        return message
    }

    /// Sends a message and receives `count` bytes of the same kind at once. Where both sides first sent and then received,
    /// neither would come to an end of more than the link holds.
    package func exchange(
        _ kind: Kind, _ message: [UInt8], count: Int
    ) async throws(PSIFailure) -> [UInt8] {
        async let failure = failureToSend(kind, message)
        let theirs = try await receive(kind, count: count)
        if let failure = await failure { throw failure }
        return theirs
    }

    private func failureToSend(_ kind: Kind, _ message: [UInt8]) async -> PSIFailure? {
        do throws(PSIFailure) {
            try await send(kind, message)
            return nil
        } catch {
            return error
        }
    }

    /// Sends a row of blocks as `send` would its bytes, which are never all there.
    func send(_ kind: Kind, _ blocks: Blocks) async throws(PSIFailure) {
        var start = 0
        repeat {
            let count = min(Self.payloadBytesMax / 16, blocks.count - start)
            try await link.send(frame(kind, blocks.bytes(from: start, count: count)[...]))
            start += count
        } while start < blocks.count
    }

    /// Receives exactly `count` blocks of `kind`.
    func receive(_ kind: Kind, blocks count: Int) async throws(PSIFailure) -> Blocks {
        let blocks = Blocks(count: count)
        var start = 0
        repeat {
            let expected = min(Self.payloadBytesMax / 16, count - start)
            let frame = try await nextFrame(kind)
            guard frame.count == 16 * expected else { throw .malformed }
            blocks.take(frame, at: start)
            start += expected
        } while start < count
        return blocks
    }

    /// Tells the peer why this side ends. Never throws: the peer may be gone.
    package func refuse(_ failure: PSIFailure) async {
        if case .refusedByPeer = failure { return }
        try? await link.send(frame(.refusal, [failure.reason.rawValue]))
    }

    private func frame(_ kind: Kind, _ payload: ArraySlice<UInt8>) -> [UInt8] {
        sent.withLock { chain in
            var frame: [UInt8] = []
            frame.reserveCapacity(payload.count + Self.overhead)
            frame.append(kind.rawValue)
            // SAFETY: the eight bytes of a local integer are copied while the closure runs.
            unsafe withUnsafeBytes(of: chain.number.littleEndian) { unsafe frame.append(contentsOf: $0) }
            frame.append(contentsOf: payload)
            frame += chain.advance(frame[...])
            return frame
        }
    }

    private func nextFrame(_ kind: Kind) async throws(PSIFailure) -> ArraySlice<UInt8> {
        let frame = try await link.receive()
        guard frame.count >= Self.overhead, frame.count <= Self.frameBytesMax else { throw .malformed }
        let body = frame.dropLast(Self.tagBytes)
        // A refusal is believed whatever its chain: the run is over either way.
        if frame[0] == Kind.refusal.rawValue, body.count == 6 {
            throw .refusedByPeer(PSIFailure.Reason(rawValue: frame[5]) ?? .malformed)
        }
        let fits = received.withLock { chain in
            chain.advance(body).elementsEqual(frame.suffix(Self.tagBytes))
        }
        guard fits else { throw .altered }
        guard frame[0] == kind.rawValue else { throw .unexpectedMessage }
        return body.dropFirst(5)
    }
}
