// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing
import Trade

@Suite("Price plans")
struct PricingTests {
    static func plan(_ components: PriceComponent..., cap: Int64? = nil) throws -> PricePlan {
        try PricePlan(components: components, capMinorUnits: cap)
    }

    @Test(
        "each kind of price gives the amount an accountant gets by hand",
        arguments: [
            (PriceComponent.posted(minorUnits: 500), 9, 500),
            (.perUnit(meter: "q", price: UnitPrice(minorUnits: 7)), 9, 63),
            (.perUnit(meter: "q", price: UnitPrice(minorUnits: 1, per: 1000)), 2500, 2),
            (.perUnit(meter: "q", price: UnitPrice(minorUnits: 1, per: 1000)), 3500, 4),
            (
                .tiered(
                    meter: "q",
                    tiers: [
                        .init(upTo: 10, price: UnitPrice(minorUnits: 5)),
                        .init(upTo: nil, price: UnitPrice(minorUnits: 3)),
                    ]), 12, 56
            ),
            (
                .volume(
                    meter: "q",
                    tiers: [
                        .init(upTo: 10, price: UnitPrice(minorUnits: 5)),
                        .init(upTo: nil, price: UnitPrice(minorUnits: 3)),
                    ]), 12, 36
            ),
            (
                .subscription(minorUnits: 900, meter: "q", included: 10, beyond: UnitPrice(minorUnits: 20)),
                12, 940
            ),
            (.packs(meter: "q", size: 5, minorUnits: 100), 11, 300),
            (.packs(meter: "q", size: 5, minorUnits: 100), 0, 0),
        ] as [(PriceComponent, Int64, Int64)])
    func amounts(_ component: PriceComponent, _ quantity: Int64, _ amount: Int64) throws {
        #expect(try Self.plan(component).total(for: ["q": quantity]) == amount)
    }

    @Test("a plan that could not be billed is refused when it is written")
    func refusals() {
        let bad: [PriceComponent] = [
            .posted(minorUnits: -1), .perUnit(meter: "", price: UnitPrice(minorUnits: 1)),
            .perUnit(meter: "q", price: UnitPrice(minorUnits: 1, per: 0)), .tiered(meter: "q", tiers: []),
            .tiered(meter: "q", tiers: [.init(upTo: 10, price: UnitPrice(minorUnits: 1))]),
            .volume(
                meter: "q",
                tiers: [
                    .init(upTo: 9, price: UnitPrice(minorUnits: 1)),
                    .init(upTo: 9, price: UnitPrice(minorUnits: 1)),
                    .init(upTo: nil, price: UnitPrice(minorUnits: 1)),
                ]),
            .packs(meter: "q", size: 0, minorUnits: 1),
        ]
        for component in bad {
            #expect(throws: Problem.self) { try Self.plan(component) }
        }
    }

    @Test("the steps of a period add up to its bill, whatever their order, and the cap holds at every step")
    func incremental() throws {
        var random = SeededRandom(seed: 21)
        for _ in 0..<300 {
            let cap: Int64? = random.next() % 2 == 0 ? Int64(random.next() % 3000) : nil
            let plan = try Self.plan(
                .subscription(
                    minorUnits: 100, meter: "a", included: 3, beyond: UnitPrice(minorUnits: 7, per: 3)),
                .tiered(
                    meter: "b",
                    tiers: [
                        .init(upTo: 5, price: UnitPrice(minorUnits: 11, per: 2)),
                        .init(upTo: nil, price: UnitPrice(minorUnits: 1, per: 3), flatMinorUnits: 9),
                    ]), cap: cap)
            var used: [String: Int64] = [:]
            var charged = try plan.total(for: [:])
            for _ in 0..<40 {
                let use = [random.next() % 2 == 0 ? "a" : "b": Int64(random.next() % 6)]
                charged += try plan.price(of: use, after: used)
                used.merge(use, uniquingKeysWith: +)
                #expect(charged == (try plan.total(for: used)))
                if let cap { #expect(charged <= cap) }
            }
        }
    }

    @Test("an amount no account can hold is a problem, not a crash")
    func range() throws {
        let plan = try Self.plan(.perUnit(meter: "q", price: UnitPrice(minorUnits: .max, per: 3)))
        #expect(throws: Problem.self) { try plan.total(for: ["q": .max]) }
        #expect(throws: Problem.self) { try plan.total(for: ["q": 4]) }
        #expect(try plan.total(for: ["q": 2]) == 6_148_914_691_236_517_205)
    }
}

@Suite("Revenue splits")
struct SplitTests {
    @Test(
        "a million random splits: the parts add up to the payment, none is negative, and nobody is named twice"
    )
    func exact() throws {
        var isDebug = false
        assert(
            {
                isDebug = true; return true
            }())
        var random = SeededRandom(seed: 33)
        func below(_ limit: UInt64) -> Int64 { Int64(random.next() % limit) }
        for _ in 0..<(isDebug ? 20_000 : 1_000_000) {
            let owners = (0...below(4)).map { RevenueSplit<Int>.Owner(Int($0), weight: 1 + below(1000)) }
            var left: Int64 = 1_000_000
            let deductions = (0..<below(4)).map { place in
                let millionths = below(UInt64(left) + 1)
                left -= millionths
                return RevenueSplit<Int>.Deduction(Int(place) + 3, millionths: millionths)
            }
            let split = try RevenueSplit(deductions: deductions, owners: owners, remainderTo: owners[0].payee)
            let amount = below(20) == 0 ? Int64.max - below(100) : below(1_000_000)
            let parts = split.parts(of: amount)
            let isExact =
                parts.reduce(0) { $0 + $1.minorUnits } == amount
                && parts.allSatisfy { $0.minorUnits > 0 } && Set(parts.map(\.payee)).count == parts.count
            if !isExact { Issue.record("\(split) of \(amount): \(parts)") }
        }
    }

    @Test("3 % to the exchange, 6 % tax, the rest to two owners two to one, and the odd fen to the first")
    func example() throws {
        let split = try RevenueSplit(
            deductions: [.init("tax", millionths: 60_000), .init("exchange", millionths: 30_000)],
            owners: [.init("bus company", weight: 2), .init("bureau", weight: 1)], remainderTo: "bus company")
        let parts = split.parts(of: 101)
        #expect(parts.map(\.payee) == ["tax", "exchange", "bus company", "bureau"])
        #expect(parts.map(\.minorUnits) == [6, 3, 62, 30])
    }

    @Test("shares beyond the whole, or a remainder for a stranger, are refused")
    func refusals() {
        #expect(throws: Problem.self) {
            try RevenueSplit(
                deductions: [.init("a", millionths: 600_000), .init("b", millionths: 400_001)],
                owners: [.init("c", weight: 1)], remainderTo: "c")
        }
        #expect(throws: Problem.self) {
            try RevenueSplit(deductions: [], owners: [.init("c", weight: 1)], remainderTo: "d")
        }
    }
}

@Suite("Exactness")
struct ExactnessTests {
    @Test("there is no floating point where money is computed")
    func noFloatingPoint() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for folder in [
            "Sources/Foundations/Ledger", "Sources/Foundations/Metering", "Sources/Stages/Trade/Pricing",
        ] {
            let files = try FileManager.default.contentsOfDirectory(
                atPath: root.appending(path: folder).path())
            #expect(!files.isEmpty)
            for file in files {
                let text = try String(
                    contentsOf: root.appending(path: folder).appending(path: file), encoding: .utf8)
                for word in ["Double", "Float", "Decimal(", "REAL"] {
                    #expect(!text.contains(word), "\(file) says \(word)")
                }
            }
        }
    }
}
