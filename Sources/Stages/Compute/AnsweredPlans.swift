// SPDX-License-Identifier: Apache-2.0

import Identity
package import Primitives
import Register
package import Store
package import Trade
package import Valve

/// Which passage answered a plan first under an agreement: two texts with one plan are one question.
package enum AnsweredPlans {
    package static func keep(
        _ passage: ID<Passage>, _ plan: Digest, under agreement: ID<Agreement>, on version: Digest,
        in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO compute_answered_plan (agreement, plan, version, passage) VALUES (?, ?, ?, ?)
            ON CONFLICT (agreement, plan, version) DO NOTHING
            """,
            [agreement, plan, version, passage])
    }

    package static func passage(
        _ plan: Digest, under agreement: ID<Agreement>, on version: Digest, in transaction: any SQLReading
    ) throws(Problem) -> ID<Passage>? {
        try transaction.first(
            "SELECT passage FROM compute_answered_plan WHERE agreement = ? AND plan = ? AND version = ?",
            [agreement, plan, version]
        ) { row throws(Problem) in try row.id(0) }
    }
}

extension ComputeService {
    /// Notes an answer for what is asked later: its plan for repeats, an exact one for comparison.
    static func remember(
        _ question: Question, _ agreement: Agreement, _ cost: QuestionCost, _ plan: Digest,
        _ version: Digest, _ history: [AskedQuestion], in transaction: any SQLWriting
    ) throws(Problem) {
        if cost.isCompared {
            try ExactAnswers.record(
                question.passage, question.text, for: agreement.consumer, on: version,
                rules: agreement.listing.rulesDigest, after: history.count, in: transaction)
        }
        try AnsweredPlans.keep(
            question.passage, plan, under: agreement.id, on: version, in: transaction)
    }

    /// The stored answer to another text with the same plan, under the same agreement, for the same purpose, over the
    /// same data: free, the same bytes, under the column names of the first.
    func repeated(
        _ question: Question, _ agreement: Agreement, _ cost: QuestionCost
    ) async throws(Problem) -> JSON? {
        let version = try await version(of: agreement.listing)
        let (context, valve) = (context, valve)
        return try await context.store.write { transaction throws(Problem) in
            guard
                let id = try AnsweredPlans.passage(
                    cost.planDigest, under: agreement.id, on: version.digest, in: transaction),
                let known = try PassageBook.find(id, .holder, in: transaction), let answer = known.answer,
                known.asker == question.asker,
                known.state == .answered || known.state == .settled
            else { return nil }
            // A closed valve stops a repeat too; so do an ended agreement and a purpose that was not agreed on.
            let asker = try PartyRegister.party(question.asker, in: transaction)
            try valve.decide(
                Use(agreement: agreement, door: question.door, asker: asker, purpose: question.purpose),
                in: transaction)
            return ["answer": .string(Base64.encode(answer)), "receipt": known.document["receipt"] ?? .null]
        }
    }
}
