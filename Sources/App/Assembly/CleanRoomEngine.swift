// SPDX-License-Identifier: Apache-2.0

import Compute
import Identity
import Primitives
import Register
import Store
import Tables
import Trade

struct CleanRoomEngine: QuestionEngine {
    let engines: any TableEngineFactory
    let objects: String

    func check(_ text: String, on listing: Listing) async throws(Problem) -> QuestionCost {
        throw Problem(.unavailable, "app.unexpected")
    }

    func answer(
        _ text: String, on listing: Listing, version: AssetVersion, seed: Redacted<[UInt8]>
    ) async throws(Problem) -> Release {
        throw Problem(.unavailable, "app.unexpected")
    }
}

struct PrivacyBudgets: BudgetKeeper {
    func charge(
        _ cost: QuestionCost, for question: Question, under agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem) {}

    func status(of listing: Listing, in transaction: any SQLReading) throws(Problem) -> JSON { [:] }
}
