// SPDX-License-Identifier: Apache-2.0
//
// Specification: docs/private-match.md, "Messages". Adversary: a peer with another plan, or one that replays.
// Secret: nothing. Leaks by design: the plan's digest. Timing: not applicable. Vectors: Tests/PSITests.

package import Oblivious
import Primitives

extension PSIChannel {
    /// Compares the plan, exchanges nonces and binds both chains to them. Called once, first, by both sides.
    ///
    /// - Parameter isReceiver: which role this side has; both sides naming the same role is a different plan.
    package func shakeHands(
        _ plan: PSIPlan, isReceiver: Bool, using generator: inout some RandomNumberGenerator
    ) async throws(PSIFailure) {
        let nonce = Block.random(using: &generator).littleEndian
        try await send(.hello, plan.digest.bytes + [isReceiver ? 1 : 2] + nonce)
        let hello = try await receive(.hello, count: 49)
        guard hello.prefix(32).elementsEqual(plan.digest.bytes), hello[32] == (isReceiver ? 2 : 1) else {
            throw .differentPlans
        }
        let theirs = Array(hello.suffix(16))
        bind(isReceiver ? nonce + theirs : theirs + nonce)
    }

    /// The last step of both sides: compares what each believes of the run. Under `rowsToBoth` that includes the
    /// count and a keyed digest of the matched items; otherwise the sender has no output and both compare
    /// transcripts alone.
    package func confirm(_ output: [Block]?) async throws(PSIFailure) {
        var content = transcript
        if let output {
            for item in output.sorted(by: { ($0.x, $0.y) < ($1.x, $1.y) }) { item.append(to: &content) }
            content += Array("\(output.count)".utf8)
        }
        let mine = Digest(of: content).bytes
        try await send(.confirmation, mine)
        guard try await receive(.confirmation, count: 32) == mine else { throw .outputsDiffer }
    }
}
