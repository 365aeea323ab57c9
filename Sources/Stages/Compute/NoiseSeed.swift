// SPDX-License-Identifier: Apache-2.0

import Identity
package import Primitives
package import Store
package import Trade
import Valve

/// The 32 random bytes that one answer's noise is drawn from. They stay at the holder, sealed to its own key, so
/// that an arbitrator can have the passage run again and get the same bytes.
struct NoiseSeed: Sendable {
    let bytes: Redacted<[UInt8]>

    static func fresh() -> NoiseSeed {
        var random = SystemRandomNumberGenerator()
        return NoiseSeed(bytes: Redacted((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }))
    }

    init(bytes: Redacted<[UInt8]>) {
        self.bytes = bytes
    }

    func sealed(to key: SealingKey, for passage: ID<Passage>) throws(Problem) -> [UInt8] {
        try SealedBytes(bytes.disclosed, to: key.publicKey, context: Self.context(passage)).bytes
    }

    init(opening sealed: [UInt8], with key: SealingKey, for passage: ID<Passage>) throws(Problem) {
        guard let sealed = SealedBytes(bytes: sealed) else { throw .sealBroken }
        bytes = Redacted(try key.open(sealed, context: Self.context(passage)))
    }

    private static func context(_ passage: ID<Passage>) -> String { "hutong/seed/v1/" + passage.uuid }
}

/// The privacy budget of a holder's assets. Charged in the commit that stores the answer.
package protocol BudgetKeeper: Sendable {
    /// Charges a question; throws, before anything is stored, if less is left than it costs.
    func charge(
        _ cost: QuestionCost, for question: Question, under agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem)

    /// Spent and left for a listing: what the budget page shows.
    func status(of listing: Listing, in transaction: any SQLReading) throws(Problem) -> JSON
}
