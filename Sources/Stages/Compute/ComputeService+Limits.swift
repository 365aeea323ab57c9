// SPDX-License-Identifier: Apache-2.0

import Policy
package import Identity
package import Primitives
import PrivateSQL
import Register
import Store
package import Trade
import Valve

extension ComputeService {
    /// What the release rules say beside the SQL: purposes and the number of questions of one agreement. Asked
    /// before a row is read, and the number once more in the commit that stores the answer.
    static func requireLimits(
        _ question: Question, _ agreement: Agreement, in transaction: any SQLReading
    ) throws(Problem) {
        guard [.query, .match].contains(question.door), agreement.listing.rules != nil else { return }
        let rules = try agreement.listing.releaseRules()
        guard rules.purposes.isEmpty || rules.purposes.contains(question.purpose) else {
            throw Problem(
                .forbidden, "compute.purpose-refused",
                ["purpose": .text(question.purpose), "allowed": .list(rules.purposes)])
        }
        guard let limit = rules.limits.questionsMax else { return }
        let answered = try PassageBook.answeredCount(under: agreement.id, side: .holder, in: transaction)
        guard answered < limit else {
            throw Problem(.limited, "valve.questions-spent", ["limit": .integer(Int64(limit))])
        }
    }

    /// What a question would cost, without asking it: nothing is charged, nothing is logged.
    package func check(
        _ text: String, on listing: Listing, for party: ID<Party>?
    ) async throws(Problem) -> JSON {
        let cost = try await engine.check(text, on: listing, for: party)
        try await requireApproved(text, on: listing)
        var answer = cost.json.object ?? [:]
        answer["price"] = .string(listing.price.firstUse(through: .query).description)
        let (budget, now) = (budget, context.clock.now())
        answer["budget"] = try await context.store.read { transaction throws(Problem) in
            try budget.status(of: listing, for: party, at: now, in: transaction)
        }
        return .object(answer)
    }

    /// The seed that this plan's noise had on this version, under whichever agreement it was asked first: the same
    /// noise again tells nothing new, so it costs no ε.
    func earlierSeed(
        _ cost: QuestionCost, on version: Digest
    ) async throws(Problem) -> Redacted<[UInt8]>? {
        guard cost.privacy.epsilonMicros > 0 else { return nil }
        let passage = try await context.store.read { transaction throws(Problem) -> Passage? in
            guard
                let id: ID<Passage> = try PrivacyAccounts.answeredPassage(
                    plan: cost.planDigest, versions: version, in: transaction)
            else { return nil }
            return try PassageBook.find(id, .holder, in: transaction)
        }
        guard let passage, let sealed = passage.document["seed"]?.text.flatMap({ Base64.decode($0) }) else {
            return nil
        }
        return try KeptSeed(stored: sealed).opened(with: sealingKey, for: passage.id)
    }
}
