// SPDX-License-Identifier: Apache-2.0

import Identity
import Policy
import Primitives
import Register
import Store
import Trade
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
    /// What its price counts, as it is charged.
    let counts: [UseUnit: Int64]
    let sealed: [UInt8]
    let epsilon: String
    let leaf: LeafIndex

    /// The holder's receipt, signed inside the commit that gives the answer: it names that commit's leaf.
    func receipt(
        of context: StageContext, in transaction: any SQLWriting
    ) throws(Problem) -> PassageReceipt {
        let leafHash = try TransparencyLog.leafHash(leaf, in: transaction)
        var content: [String: JSON] = [
            "type": .string(PassageReceipt.type), "passage": .string(question.passage.uuid),
            "agreement": .string(question.agreementCode), "holder": .string(context.own.uuid),
            "asker": .string(asker.id.uuid), "jurisdiction": .string(asker.jurisdiction),
            "version": .string(version.hex), "plan": .string(release.planDigest.hex),
            "question": .string(question.digest.hex), "answer": .string(Digest(of: sealed).hex),
            "result": .string(Digest(of: release.answer.canonicalBytes).hex),
            "seed": release.seedCommitment.map { .string($0.hex) } ?? .null,
            "epsilon": .string(epsilon), "price": .string(price.description),
            "counts": UseUnit.json(counts),
            "leaf": .integer(Int64(leaf)), "leafHash": .string(leafHash?.hex ?? ""),
            "at": .integer(transaction.now.microseconds),
        ]
        // Of a match: the run that both sides' logs name.
        if question.door == .match { content["transcript"] = release.answer["transcript"] ?? .null }
        let signed = JSON.object(content)
        return PassageReceipt(
            content: signed, signature: try context.signer.signature(for: signed.canonicalBytes))
    }
}

extension ComputeService {
    /// What the price counts of one answer. A unit without a price is not counted, so that a receipt tells nobody how
    /// long or how large an answer was unless both sides agreed that it should.
    func counts(
        of release: Release, to question: Question, since begun: Instant, under agreement: Agreement
    ) -> [UseUnit: Int64] {
        let rows =
            question.door == .match
            ? MatchPlan(text: question.text)?.keysBrought ?? 0 : release.answer["rows"]?.array?.count ?? 0
        let worked = context.clock.now().duration(since: begun).components
        let counts: [UseUnit: Int64] = [
            .rows: Int64(rows), .bytes: Int64(release.answer.canonicalBytes.count),
            .seconds: max(1, worked.seconds + (worked.attoseconds > 0 ? 1 : 0)),
            .matched: Self.matched(in: release.answer),
        ]
        return agreement.listing.price.billed(counts, through: question.door)
    }

    /// Of the answer, not of what was counted: a price must not tell what the answer holds back.
    private static func matched(in answer: JSON) -> Int64 {
        if let places = answer["places"]?.array { return Int64(places.count) }
        return (answer["counts"]?.array ?? []).compactMap(\.integer).reduce(0, +)
    }
}
