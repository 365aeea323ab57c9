// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// How one payment is shared: deductions from the whole (tax, the exchange's fee, the broker), then the owners by
/// weight, and what rounding leaves to one party by name.
///
/// Each part is rounded down; the parts and the remainder always add up to the payment, to the fen.
package struct RevenueSplit<Payee: Hashable & Sendable>: Hashable, Sendable {
    /// A share of the whole payment.
    package struct Deduction: Hashable, Sendable {
        package let payee: Payee
        /// Millionths of the payment: 30 000 is 3 %.
        package let millionths: Int64

        package init(_ payee: Payee, millionths: Int64) {
            self.payee = payee
            self.millionths = millionths
        }
    }

    /// A share of what the deductions leave.
    package struct Owner: Hashable, Sendable {
        package let payee: Payee
        package let weight: Int64

        package init(_ payee: Payee, weight: Int64) {
            self.payee = payee
            self.weight = weight
        }
    }

    /// What one payee gets.
    package struct Part: Hashable, Sendable {
        package let payee: Payee
        package let minorUnits: Int64
    }

    package let deductions: [Deduction]
    package let owners: [Owner]
    /// Who gets what rounding leaves.
    package let remainderTo: Payee

    /// Parties of one split: a transfer each, all linked.
    package static var partiesMax: Int { 64 }

    /// Throws `trade.split-invalid` if the shares exceed the whole or nobody is an owner.
    package init(deductions: [Deduction], owners: [Owner], remainderTo: Payee) throws(Problem) {
        guard deductions.count + owners.count <= Self.partiesMax else {
            throw .splitInvalid("too many parties")
        }
        guard deductions.allSatisfy({ (0...1_000_000).contains($0.millionths) }),
            deductions.reduce(0, { $0 + $1.millionths }) <= 1_000_000
        else { throw .splitInvalid("the deductions exceed the whole") }
        guard !owners.isEmpty, owners.allSatisfy({ (1...1_000_000_000).contains($0.weight) }) else {
            throw .splitInvalid("an owner has no weight")
        }
        guard
            owners.contains(where: { $0.payee == remainderTo })
                || deductions.contains(where: { $0.payee == remainderTo })
        else { throw .splitInvalid("the remainder goes to nobody of the split") }
        self.deductions = deductions
        self.owners = owners
        self.remainderTo = remainderTo
    }

    /// All to one.
    package init(whole payee: Payee) {
        deductions = []
        owners = [Owner(payee, weight: 1)]
        remainderTo = payee
    }

    /// The parts of an amount of at least 0: one for each payee in the order named, parts of zero left out.
    package func parts(of minorUnits: Int64) -> [Part] {
        precondition(minorUnits >= 0, "a payment is never negative")
        var order: [Payee] = []
        var sums: [Payee: Int64] = [:]
        func give(_ payee: Payee, _ amount: Int64) {
            if sums[payee] == nil { order.append(payee) }
            sums[payee, default: 0] += amount
        }
        var rest = minorUnits
        for deduction in deductions {
            let part = minorUnits.share(deduction.millionths, of: 1_000_000)
            give(deduction.payee, part)
            rest -= part
        }
        let weights = owners.reduce(0) { $0 + $1.weight }
        let shared = rest
        for owner in owners {
            let part = shared.share(owner.weight, of: weights)
            give(owner.payee, part)
            rest -= part
        }
        give(remainderTo, rest)
        return order.compactMap { payee in
            sums[payee].flatMap { $0 == 0 ? nil : Part(payee: payee, minorUnits: $0) }
        }
    }
}

extension Int64 {
    /// `self · numerator / denominator`, rounded down; exact since the product has 128 bits and the quotient is
    /// at most `self`.
    fileprivate func share(_ numerator: Int64, of denominator: Int64) -> Int64 {
        denominator.dividingFullWidth(multipliedFullWidth(by: numerator)).quotient
    }
}
