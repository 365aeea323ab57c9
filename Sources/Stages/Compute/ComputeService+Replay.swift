// SPDX-License-Identifier: Apache-2.0

import Policy
package import Primitives
import Register
import Store
import Trade
import Valve

extension ComputeService {
    /// Runs an answered passage of ours again: same version, same plan, same seed. The arbitrator's tool: the bytes
    /// must be those the receipt commits to, else `compute.answer-differs`.
    package func replay(_ code: String) async throws(Problem) -> JSON {
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
        let receipt = passage.document["receipt"]?["content"] ?? .null
        guard let text = passage.document["text"]?.text,
            let digest = passage.document["version"]?.text.flatMap({ Digest(hex: $0) }),
            let sealed = passage.document["seed"]?.text.flatMap({ Base64.decode($0) })
        else { throw Problem(.missing, "valve.passage-unknown", ["passage": .text(code)]) }
        let seed = try KeptSeed(stored: sealed).opened(with: sealingKey, for: passage.id)
        let version = try await context.store.read { transaction throws(Problem) in
            try AssetShelf.version(digest, in: transaction)
        }
        guard let version else {
            throw Problem(.missing, "register.version-missing", ["asset": .text(digest.hex)])
        }
        let isCompared = try await engine.check(text, on: agreement.listing).isCompared
        let history = try await history(
            on: version, agreement.listing.rulesDigest, comparing: isCompared, before: passage.id)
        let release = try await engine.answer(
            text, on: agreement.listing, version: version, seed: seed, after: history)
        let result = Digest(of: release.answer.canonicalBytes).hex
        guard result == receipt["result"]?.text else {
            throw Problem(.conflict, "compute.answer-differs", ["passage": .code(passage.code)])
        }
        return ["passage": .string(passage.code.text), "result": .string(result), "same": true]
    }
}
