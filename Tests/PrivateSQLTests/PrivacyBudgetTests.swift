// SPDX-License-Identifier: Apache-2.0

import Primitives
import PrivateSQL
import Store
import Testing
import TestStores
import Valve

private enum Thing {}

@Suite("Privacy budget")
struct PrivacyBudgetTests {
    private static let asset = ID<Thing>(high: 1, low: 1)
    private static let agreement = ID<Thing>(high: 2, low: 2)
    private static let asker = ID<Thing>(high: 3, low: 3)
    private let versions = Digest(of: "v1")

    private func account(_ total: UInt64, period: NoiseProtection.Period? = nil, delta: Int? = nil) -> PrivacyAccount {
        PrivacyAccount(
            id: ID(high: 9, low: total), asset: Self.asset, unit: "person", agreement: Self.agreement, totalMicros: total,
            period: period, deltaExponent: delta)
    }

    private func open(_ account: PrivacyAccount, clock: ManualClock = ManualClock()) async throws -> PlacedStore {
        let store = try Place().open(clock: clock)
        try await store.migrate(PrivacyBudgetSchema.migrations)
        try await store.write { tx throws(Problem) in try PrivacyAccounts.open(account, in: tx) }
        return store
    }

    private func ask(
        _ number: UInt64, _ store: PlacedStore, _ account: PrivacyAccount, micros: UInt64 = 500_000, plan: String? = nil
    ) async throws(Problem) -> [UInt8] {
        let (passage, versions) = (ID<Thing>(high: 5, low: number), versions)
        let plan = Digest(of: plan ?? "plan \(number)")
        let cost = PrivacyCost(epsilonMicros: micros)
        let reservation = try await store.write { tx throws(Problem) in
            try PrivacyAccounts.reserve(
                passage, by: Self.asker, cost, plan: plan, versions: versions, in: [account], forSeconds: 60, tx)
        }
        if case .answered(let bytes) = reservation { return bytes }
        return try await store.write { tx throws(Problem) in
            try PrivacyAccounts.charge(passage, answer: Array("answer \(number)".utf8), plan: plan, versions: versions, in: tx)
        }
    }

    @Test("S100: a spent budget refuses further questions, and says what is left")
    func spent() async throws {
        let account = account(1_000_000)
        let store = try await open(account)
        _ = try await ask(1, store, account)
        _ = try await ask(2, store, account)
        await #expect(throws: Problem(
            .limited, "valve.privacy-spent", ["needed": .decimal("0.5"), "left": .decimal("0")])
        ) { _ = try await ask(3, store, account) }
        let standing = try await store.read { tx throws(Problem) in
            try PrivacyAccounts.standing(of: account, at: Instant(seconds: 1_700_000_000), in: tx)
        }
        #expect(standing.spentMicros == 1_000_000 && standing.leftMicros == 0 && standing.questions == 2)
    }

    @Test("64 askers at once never overspend, and each charge has its stored answer")
    func concurrent() async throws {
        let account = account(5_000_000)
        let store = try await open(account)
        let answered = await withTaskGroup(of: Bool.self) { group in
            for number in UInt64(1)...64 {
                group.addTask { (try? await ask(number, store, account)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answered == 10)
        let counts = try await store.read { tx throws(Problem) in
            (
                try tx.count("SELECT count(*) FROM valve_privacy_charge WHERE state = 1"),
                try tx.count("SELECT count(*) FROM valve_privacy_answer"),
                try tx.count(
                    """
                    SELECT count(*) FROM valve_privacy_charge c WHERE state = 1 AND NOT EXISTS \
                    (SELECT 1 FROM valve_privacy_answer a WHERE a.passage = c.passage)
                    """)
            )
        }
        #expect(counts == (10, 10, 0))
    }

    @Test("the same plan on the same versions gives the same answer again and costs nothing")
    func repeated() async throws {
        let account = account(500_000)
        let store = try await open(account)
        let first = try await ask(1, store, account, plan: "same")
        #expect(try await ask(2, store, account, plan: "same") == first)
        #expect(try await ask(3, store, account, plan: "same") == first)
    }

    @Test("a reservation that nobody charged counts as spent until it expires, and then is free again")
    func expiry() async throws {
        let clock = ManualClock()
        let account = account(500_000)
        let store = try await open(account, clock: clock)
        let versions = versions
        let reserve = { @Sendable (number: UInt64) async throws(Problem) in
            _ = try await store.write { tx throws(Problem) in
                try PrivacyAccounts.reserve(
                    ID<Thing>(high: 5, low: number), by: Self.asker, PrivacyCost(epsilonMicros: 500_000),
                    plan: Digest(of: "\(number)"), versions: versions, in: [account], forSeconds: 60, tx)
            }
        }
        try await reserve(1)
        await #expect(throws: Problem.self) { try await reserve(2) }
        clock.move(by: 61_000_000)
        try await reserve(2)
        await #expect(throws: Problem(.conflict, "valve.privacy-reservation-over")) {
            _ = try await store.write { tx throws(Problem) in
                try PrivacyAccounts.charge(
                    ID<Thing>(high: 5, low: 1), answer: [1], plan: Digest(of: "1"), versions: versions, in: tx)
            }
        }
    }

    @Test("a period renews on its day and the total does not")
    func periods() async throws {
        let clock = ManualClock()
        let account = account(1_000_000, period: .init(days: 30, epsilonMicros: 500_000))
        let store = try await open(account, clock: clock)
        _ = try await ask(1, store, account)
        await #expect(throws: Problem.self) { _ = try await ask(2, store, account) }
        clock.move(by: 31 * 86_400_000_000)
        _ = try await ask(3, store, account)
        clock.move(by: 31 * 86_400_000_000)
        await #expect(throws: Problem.self) { _ = try await ask(4, store, account) }
    }

    @Test("many answers compose by ρ, so a hundred small ones cost less than their sum")
    func composition() throws {
        var spending = PrivacySpending()
        for _ in 0..<1000 { spending.add(PrivacyCost(epsilonMicros: 10_000)) }
        let byRho = try #require(spending.epsilonMicros(at: 6))
        #expect(byRho < 10_000_000 && byRho > 1_000_000)
        #expect(spending.epsilonMicros(at: nil) == 10_000_000)
        spending.add(PrivacyCost(epsilonMicros: 1, isPure: false, deltaExponent: 6))
        #expect(spending.epsilonMicros(at: nil) == nil, "a Gaussian answer has no pure ε")
    }
}
