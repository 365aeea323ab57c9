// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
import Register
import Store
import Transparency
import Valve

/// What a holder gave in one passage, and what it says of it under its signature.
struct GivenAnswer {
    let question: Question
    let asker: Party
    /// The most the use may cost, as the keeper of the account stated it.
    let price: Money
    let version: Digest
    let release: Release
    let sealed: [UInt8]
    let epsilon: String
    let leaf: LeafIndex

    /// The holder's receipt, signed inside the commit that gives the answer: it names that commit's leaf.
    func receipt(
        of context: StageContext, in transaction: any SQLWriting
    ) throws(Problem) -> PassageReceipt {
        let leafHash = try TransparencyLog.leafHash(leaf, in: transaction)
        let content: JSON = [
            "type": .string(PassageReceipt.type), "passage": .string(question.passage.uuid),
            "agreement": .string(question.agreementCode), "holder": .string(context.own.uuid),
            "asker": .string(asker.id.uuid), "jurisdiction": .string(asker.jurisdiction),
            "version": .string(version.hex), "plan": .string(release.planDigest.hex),
            "question": .string(question.digest.hex), "answer": .string(Digest(of: sealed).hex),
            "result": .string(Digest(of: release.answer.canonicalBytes).hex),
            "seed": release.seedCommitment.map { .string($0.hex) } ?? .null,
            "epsilon": .string(epsilon), "price": .string(price.description),
            "leaf": .integer(Int64(leaf)), "leafHash": .string(leafHash?.hex ?? ""),
            "at": .integer(transaction.now.microseconds),
        ]
        return PassageReceipt(
            content: content, signature: try context.signer.signature(for: content.canonicalBytes))
    }
}
