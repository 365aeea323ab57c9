// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
import Policy
import Register
import Store
import Trade
import Transparency
import Valve

extension ComputeService {
    /// Runs an answered passage of ours again: same version, same plan, same seed. The arbitrator's tool: the bytes
    /// must be those the receipt commits to, else `compute.answer-differs`.
    ///
    /// Somebody else than the holder needs a mandate of the holder for `replay`, over the passage, its listing or its
    /// asset; each replay under a mandate is a leaf. What is told is a digest: the answer itself is the buyer's.
    package func replay(_ code: String, by caller: ID<Party>) async throws(Problem) -> JSON {
        let (passage, agreement) = try await context.store.read { transaction throws(Problem) in
            let passages = try PassageBook.passages(side: .holder, in: transaction)
            guard let passage = passages.first(where: { $0.code.text == Code(code)?.text }) else {
                throw Problem(.missing, "valve.passage-unknown", ["passage": .text(code)])
            }
            return (passage, try AgreementBook.agreement(passage.agreementCode, in: transaction))
        }
        // A match's keys were those of one run, and the asker's set never was here: its evidence is the transcript.
        guard passage.door == .query else {
            throw Problem(.conflict, "compute.passage-unrepeatable", ["passage": .code(passage.code)])
        }
        let mandate = try await mandate(for: passage, agreement.listing, caller)
        let again = try await answerAgain(passage, agreement)
        let result = Digest(of: again).hex
        let isSame = result == passage.document["receipt"]?["content"]?["result"]?.text
        if let mandate {
            let context = context
            try await context.store.write { transaction throws(Problem) in
                try context.record(
                    .passageReplayed, passage.code,
                    [
                        "mandate": .string(mandate.text), "by": .string(caller.uuid),
                        "result": .string(result),
                        "same": .bool(isSame),
                    ], in: transaction)
            }
        }
        guard isSame else {
            throw Problem(.conflict, "compute.answer-differs", ["passage": .code(passage.code)])
        }
        return [
            "passage": .string(passage.code.text), "result": .string(result), "same": true,
            "bytes": .integer(Int64(again.count)), "mandate": mandate.map { .string($0.text) } ?? .null,
        ]
    }

    /// The mandate a caller acts under; `nil` for the holder itself.
    private func mandate(
        for passage: Passage, _ listing: Listing, _ caller: ID<Party>
    ) async throws(Problem) -> Code? {
        guard caller != context.own else { return nil }
        let (own, subjects) = (context.own, [passage.code.text, listing.code.text, listing.assetCode])
        return try await context.store.write { transaction throws(Problem) -> Code? in
            for subject in subjects {
                let found = try MandateBook.use(
                    verb: "replay", subject: subject, purpose: "arbitration", by: caller, for: own,
                    in: transaction)
                if let found { return found.code }
            }
            throw Problem(.forbidden, "compute.replay-unmandated", ["passage": .code(passage.code)])
        }
    }

    private func answerAgain(_ passage: Passage, _ agreement: Agreement) async throws(Problem) -> [UInt8] {
        guard let text = passage.document["text"]?.text,
            let digest = passage.document["version"]?.text.flatMap({ Digest(hex: $0) }),
            let sealed = passage.document["seed"]?.text.flatMap({ Base64.decode($0) })
        else { throw Problem(.missing, "valve.passage-unknown", ["passage": .code(passage.code)]) }
        let seed = try KeptSeed(stored: sealed).opened(with: sealingKey, for: passage.id)
        let version = try await context.store.read { transaction throws(Problem) in
            try AssetShelf.version(digest, in: transaction)
        }
        guard let version else {
            throw Problem(.missing, "register.version-missing", ["asset": .text(digest.hex)])
        }
        let asked = AskedQuestion(text, for: agreement.consumer)
        let isCompared = try await engine.check(text, on: agreement.listing, for: asked.recipient).isCompared
        let history = try await history(
            on: version, agreement.listing.rulesDigest, comparing: isCompared, before: passage.id)
        return try await engine.answer(
            asked, on: agreement.listing, version: version, seed: seed, after: history
        ).answer.canonicalBytes
    }

    /// The exact answers that a new one must be compared with, whoever was told them.
    func history(
        on version: AssetVersion, _ rules: Digest, comparing: Bool, before passage: ID<Passage>? = nil
    ) async throws(Problem) -> [AskedQuestion] {
        guard comparing else { return [] }
        return try await context.store.read { transaction throws(Problem) in
            try ExactAnswers.history(on: version.digest, rules: rules, before: passage, in: transaction)
                .map { AskedQuestion($0.question, for: $0.recipient) }
        }
    }
}
