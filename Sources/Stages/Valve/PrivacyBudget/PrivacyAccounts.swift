// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import PrivateSQL
package import Store

/// Privacy accounts: opened, reserved, charged. Every step is part of the caller's one commit.
///
/// The order of a question's life is what makes it safe: *reserve* is durable before a row is read; *charge*
/// stores the answer and the charge in one commit, before the answer leaves. A crash between the two leaves a
/// reservation, which still counts as spent until it expires; a crash after it leaves the answer, which is
/// told again without a new charge.
package enum PrivacyAccounts {
    /// What became of a wish to ask.
    package enum Reservation: Hashable, Sendable {
        /// Set aside until charged, released or expired.
        case reserved
        /// This plan on these versions was answered before: the same bytes, and no ε.
        case answered([UInt8])
    }

    enum State: Int64 {
        case reserved = 0
        case charged = 1
        case released = 2
    }

    /// Opens an account. The same again changes nothing; other limits for the same people and agreement
    /// replace the old ones, and what was spent stays spent.
    package static func open(_ account: PrivacyAccount, in tx: any SQLWriting) throws(Problem) {
        try tx.execute(
            """
            INSERT INTO valve_privacy_account (id, asset, unit, agreement, total_micros, period_micros, period_days, \
            delta_exponent, questions_max, opened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
            ON CONFLICT (asset, unit, agreement) DO UPDATE SET total_micros = excluded.total_micros, \
            period_micros = excluded.period_micros, period_days = excluded.period_days, \
            delta_exponent = excluded.delta_exponent, questions_max = excluded.questions_max
            """,
            [
                account.id, account.asset, account.unit, account.agreement ?? everybody,
                Int64(account.totalMicros),
                account.period.map { Int64($0.epsilonMicros) }, account.period?.days, account.deltaExponent,
                account.questionsMax, tx.now,
            ]
        )
    }

    /// The accounts a question under an agreement is charged to: the agreement's and everybody's, as far as
    /// they are open.
    package static func accounts<Asset, Agreement>(
        on asset: ID<Asset>,
        under agreement: ID<Agreement>,
        in tx: any SQLReading
    ) throws(Problem) -> [PrivacyAccount] {
        try tx.all(
            "SELECT \(columns) FROM valve_privacy_account WHERE asset = ? AND agreement IN (?, ?) ORDER BY agreement",
            [asset, agreement, everybody]
        ) { row throws(Problem) in try PrivacyAccount(row) }
    }

    /// Sets a question's price aside in each account, or tells the answer it already has. Refused whole, with
    /// `valve.privacy-spent`, if one account has too little left. The same passage again changes nothing.
    package static func reserve<Passage, Asker>(
        _ passage: ID<Passage>,
        by asker: ID<Asker>,
        _ cost: PrivacyCost,
        plan: Digest,
        versions: Digest,
        in accounts: [PrivacyAccount],
        forSeconds seconds: Int64,
        _ tx: any SQLWriting
    ) throws(Problem) -> Reservation {
        try releaseDue(in: tx)
        if let answer = try answer(plan: plan, versions: versions, in: tx) { return .answered(answer) }
        try hold(
            passage,
            by: asker,
            cost,
            plan: plan,
            versions: versions,
            in: accounts,
            forSeconds: seconds,
            tx
        )
        return .reserved
    }

    private static func hold<Passage, Asker>(
        _ passage: ID<Passage>,
        by asker: ID<Asker>,
        _ cost: PrivacyCost,
        plan: Digest,
        versions: Digest,
        in accounts: [PrivacyAccount],
        forSeconds seconds: Int64,
        _ tx: any SQLWriting
    ) throws(Problem) {
        for account in accounts {
            let known = try tx.count(
                "SELECT count(*) FROM valve_privacy_charge WHERE passage = ? AND account = ?",
                [passage, account.id]
            )
            guard known == 0 else { continue }
            try check(cost, account, in: tx)
            try tx.execute(
                """
                INSERT INTO valve_privacy_charge (passage, account, asker, plan, versions, epsilon_micros, rho_nanos, \
                is_pure, delta_exponent, groups_delta_exponent, state, reserved_at, expires_at) \
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
                """,
                [
                    passage, account.id, asker, plan, versions, Int64(cost.epsilonMicros),
                    Int64(cost.rhoNanos),
                    cost.isPure, cost.deltaExponent, cost.groupsDeltaExponent, tx.now,
                    Instant(microseconds: tx.now.microseconds + seconds * 1_000_000),
                ]
            )
        }
    }

    /// Charges what was reserved and stores the answer: one commit, before the answer leaves. If another
    /// passage answered the same plan meanwhile, this one is free and its answer is that one's.
    package static func charge<Passage>(
        _ passage: ID<Passage>,
        answer: [UInt8],
        plan: Digest,
        versions: Digest,
        in tx: any SQLWriting
    ) throws(Problem) -> [UInt8] {
        if let standing = try self.answer(plan: plan, versions: versions, in: tx) {
            try settle(passage, as: .released, in: tx)
            return standing
        }
        let open = try tx.count(
            "SELECT count(*) FROM valve_privacy_charge WHERE passage = ? AND state <> ?",
            [passage, State.reserved.rawValue]
        )
        guard open == 0 else { throw Problem(.conflict, "valve.privacy-reservation-over") }
        try settle(passage, as: .charged, in: tx)
        try keep(answer, of: passage, plan: plan, versions: versions, in: tx)
        return answer
    }

    /// Stores the answer that a plan gets on these versions from now on.
    package static func keep<Passage>(
        _ answer: [UInt8],
        of passage: ID<Passage>,
        plan: Digest,
        versions: Digest,
        in tx: any SQLWriting
    ) throws(Problem) {
        try tx.execute(
            """
            INSERT INTO valve_privacy_answer (plan, versions, passage, answer, answer_digest, stored_at) \
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [plan, versions, passage, answer, Digest(of: answer), tx.now]
        )
    }

    /// The passage that this plan was answered in first on these versions.
    package static func answeredPassage<Passage>(
        plan: Digest,
        versions: Digest,
        in tx: any SQLReading
    ) throws(Problem) -> ID<Passage>? {
        try tx.first(
            "SELECT passage FROM valve_privacy_answer WHERE plan = ? AND versions = ?",
            [plan, versions]
        ) { row throws(Problem) in try row.id(0, of: Passage.self) }
    }

    /// Charges at once, for a door that stores its answer in the same commit itself.
    package static func spend<Passage, Asker>(
        _ passage: ID<Passage>,
        by asker: ID<Asker>,
        _ cost: PrivacyCost,
        plan: Digest,
        version: Digest,
        in accounts: [PrivacyAccount],
        _ tx: any SQLWriting
    ) throws(Problem) {
        try hold(passage, by: asker, cost, plan: plan, versions: version, in: accounts, forSeconds: 1, tx)
        try settle(passage, as: .charged, in: tx)
    }

    /// Gives a reservation back: the question failed before anything could be told.
    package static func release<Passage>(_ passage: ID<Passage>, in tx: any SQLWriting) throws(Problem) {
        try settle(passage, as: .released, in: tx)
    }

    /// Frees reservations whose time is over: nothing was told under them, because telling charges.
    @discardableResult
    package static func releaseDue(in tx: any SQLWriting) throws(Problem) -> Int {
        try tx.execute(
            "UPDATE valve_privacy_charge SET state = ? WHERE state = ? AND expires_at <= ?",
            [State.released.rawValue, State.reserved.rawValue, tx.now]
        )
    }

    /// The answer this plan got on these versions.
    package static func answer(
        plan: Digest,
        versions: Digest,
        in tx: any SQLReading
    ) throws(Problem) -> [UInt8]? {
        try tx.first(
            "SELECT answer FROM valve_privacy_answer WHERE plan = ? AND versions = ?",
            [plan, versions]
        ) {
            row throws(Problem) in try row.blob(0)
        }
    }

    // MARK: Parts

    /// Stands for "whoever asks" in the agreement column.
    static let everybody = ID<PrivacyAccount>(high: 0, low: 0)
    static let columns =
        "id, asset, unit, agreement, total_micros, period_micros, period_days, delta_exponent, questions_max"

    private static func settle<Passage>(
        _ passage: ID<Passage>,
        as state: State,
        in tx: any SQLWriting
    ) throws(Problem) {
        try tx.execute(
            "UPDATE valve_privacy_charge SET state = ? WHERE passage = ? AND state = ?",
            [state.rawValue, passage, State.reserved.rawValue]
        )
    }
}
