// SPDX-License-Identifier: Apache-2.0

package import Identity

/// Which checkpoint the witnesses are asked to cosign, and when it counts as witnessed. A value; it does no I/O.
///
/// All witnesses are asked for the same checkpoint until enough of them cosigned it: were each asked for the
/// newest, a busy log might never have two words on one size. A witness that answers late or never holds back
/// nobody whom the quorum does not need.
package struct WitnessRounds: Sendable {
    package let policy: TrustPolicy
    private let checkers: SignatureCheckers
    /// What is being cosigned.
    package private(set) var current: SignedCheckpoint?
    /// The newest checkpoint, if it is newer than the current one.
    private var next: SignedCheckpoint?
    /// The newest checkpoint that enough witnesses cosigned.
    package private(set) var witnessed: SignedCheckpoint?
    private var cosigners: Set<String> = []

    package init(policy: TrustPolicy, checkers: SignatureCheckers = SignatureCheckers()) {
        self.policy = policy
        self.checkers = checkers
    }

    /// The log has a new checkpoint. Begins a round if none is open. A checkpoint that is not larger changes
    /// nothing.
    package mutating func offer(_ checkpoint: SignedCheckpoint) {
        let newest = (next ?? current ?? witnessed)?.checkpoint.size
        guard newest.map({ $0 < checkpoint.checkpoint.size }) ?? true else { return }
        next = checkpoint
        if current == nil || isComplete { begin() }
    }

    /// What this witness is to cosign now; `nil` if it has nothing to do.
    package func work(for witness: TrustPolicy.Witness) -> SignedCheckpoint? {
        cosigners.contains(witness.name) ? nil : current
    }

    /// What was published before this start counts on, if the policy still accepts it.
    package mutating func resume(_ published: SignedCheckpoint) {
        if (try? policy.accept(published, checkers: checkers)) != nil { witnessed = published }
    }

    /// A witness answered for a checkpoint. Returns false if no line is its valid cosignature. An answer for a
    /// round that is over changes nothing.
    package mutating func take(
        _ lines: [NoteSignature],
        from witness: TrustPolicy.Witness,
        over asked: SignedCheckpoint
    ) -> Bool {
        let line = lines.first {
            Cosignature($0, over: asked.note.text, by: witness.key, checkers: checkers) != nil
        }
        guard let line else { return false }
        guard var signed = current, signed.note.text == asked.note.text else { return true }
        signed.add(line)
        cosigners.insert(witness.name)
        current = signed
        if isComplete {
            witnessed = signed
            if next != nil { begin() }
        }
        return true
    }

    private var isComplete: Bool { policy.quorum.isMet(by: cosigners) }

    private mutating func begin() {
        current = next
        next = nil
        cosigners = []
        if policy.quorum.isMet(by: []) { witnessed = current }
    }
}
