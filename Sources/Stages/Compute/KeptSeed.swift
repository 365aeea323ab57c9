// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
package import Store
package import Trade
import Valve

/// The 32 random bytes that one answer's noise is drawn from, as the holder keeps them: sealed to its own key, so
/// that an arbitrator can have the passage run again and get the same bytes.
struct KeptSeed: Sendable {
    let sealed: [UInt8]

    init(_ seed: Redacted<[UInt8]>, to key: SealingKey, for passage: ID<Passage>) throws(Problem) {
        sealed = try SealedBytes(seed.disclosed, to: key.publicKey, context: Self.context(passage)).bytes
    }

    init(stored: [UInt8]) {
        sealed = stored
    }

    func opened(with key: SealingKey, for passage: ID<Passage>) throws(Problem) -> Redacted<[UInt8]> {
        guard let bytes = SealedBytes(bytes: sealed) else { throw .sealBroken }
        return Redacted(try key.open(bytes, context: Self.context(passage)))
    }

    private static func context(_ passage: ID<Passage>) -> String { "hutong/seed/v1/" + passage.uuid }
}

/// The privacy budget of a holder's assets. Charged in the commit that stores the answer.
package protocol BudgetKeeper: Sendable {
    /// Charges a question and remembers what it was told; throws, before anything is stored, if less is left than
    /// it costs. Free if the same plan on the same version was told the same before, under whichever agreement.
    ///
    /// - Returns: the ε that was charged, as a decimal.
    func charge(
        _ cost: QuestionCost, for question: Question, under agreement: Agreement, told answer: JSON,
        of version: Digest, in transaction: any SQLWriting
    ) throws(Problem) -> String

    /// Spent and left for a listing: what the budget page shows. Who spent what is told to the holder; others learn
    /// what their own agreements spent.
    func status(
        of listing: Listing, for party: ID<Party>?, at now: Instant, in transaction: any SQLReading
    ) throws(Problem) -> JSON
}
