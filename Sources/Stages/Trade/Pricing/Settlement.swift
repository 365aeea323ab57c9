// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The money of one order, from the hold to the last refund: a value whose steps answer what the books must do.
///
/// Held money ends by the clock unless the delivery is receipted; a dispute stops the clock, and only a ruling
/// moves the money then. What was paid can still be disputed for a week: it is called back into escrow. A ruling is
/// final. Repeated steps are retries and answer `.nothing`.
package struct Settlement: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        /// Nothing is held yet.
        case open
        /// The buyer's money is set aside until `holdEndsAt`.
        case held
        /// A dispute: the money lies in escrow until the ruling.
        case frozen
        /// Paid out, in full or in part.
        case settled
        /// Given back before delivery, by cancellation, expiry or a ruling for the buyer.
        case released
    }

    /// What the books must do now.
    package enum Effect: Hashable, Sendable {
        case nothing
        case hold(minorUnits: Int64, seconds: Int64)
        /// Pay out so much of the hold and release the rest.
        case capture(minorUnits: Int64)
        /// Move the hold into escrow, where no clock runs.
        case freeze(minorUnits: Int64)
        /// Call what the sellers got back into escrow.
        case recall(minorUnits: Int64)
        /// From escrow: so much to the sellers, so much back.
        case rule(toSellers: Int64, toBuyer: Int64)
        case release
        /// The step names the refund: the first, the second … of this order.
        case refund(minorUnits: Int64, step: Int)
    }

    package let order: ID<Settlement>
    package internal(set) var state: State = .open
    package internal(set) var heldMinorUnits: Int64 = 0
    package internal(set) var holdEndsAt: Instant?
    package internal(set) var paidMinorUnits: Int64 = 0
    package internal(set) var refundedMinorUnits: Int64 = 0
    package internal(set) var refunds = 0
    /// The receipt that opened the escrow: the log leaf of the delivery.
    package internal(set) var receipt: Digest?
    /// Until when a payment may be disputed.
    package internal(set) var disputesEndAt: Instant?
    /// What a ruling gave the sellers; after it there is no further dispute.
    package internal(set) var ruledMinorUnits: Int64?

    /// How long after the payment the buyer may dispute it.
    package static let disputeDays: Int64 = 7

    package init<Order>(order: ID<Order>) {
        self.order = order.retyped()
    }

    package mutating func hold(minorUnits: Int64, seconds: Int64, at now: Instant) throws(Problem) -> Effect {
        switch state {
        case .held where heldMinorUnits == minorUnits: return .nothing
        case .open:
            guard minorUnits >= 0, seconds > 0 else { throw .settlementAmountInvalid(order, minorUnits) }
            state = .held
            heldMinorUnits = minorUnits
            holdEndsAt = Instant(microseconds: now.microseconds + seconds * 1_000_000)
            return .hold(minorUnits: minorUnits, seconds: seconds)
        case .held, .frozen, .settled, .released: throw .settlementState(order, state)
        }
    }

    /// On the receipt of a delivery: pays `minorUnits` of the hold, and the rest is free again.
    package mutating func capture(
        minorUnits: Int64, receipt: Digest, at now: Instant
    ) throws(Problem) -> Effect {
        switch state {
        case .settled where self.receipt == receipt && paidMinorUnits == minorUnits: return .nothing
        case .held:
            if isOver(at: now) { throw .settlementState(order, .released) }
            guard (0...heldMinorUnits).contains(minorUnits) else {
                throw .settlementAmountInvalid(order, minorUnits)
            }
            state = .settled
            paidMinorUnits = minorUnits
            self.receipt = receipt
            disputesEndAt = Instant(microseconds: now.microseconds + Self.disputeDays * 86_400_000_000)
            return .capture(minorUnits: minorUnits)
        case .open, .frozen, .settled, .released: throw .settlementState(order, state)
        }
    }

    /// A dispute in time: from now on only a ruling moves the money. A payment is disputed as a whole, so one that
    /// was refunded in part is not.
    package mutating func freeze(at now: Instant) throws(Problem) -> Effect {
        switch state {
        case .frozen: return .nothing
        case .held:
            if isOver(at: now) { throw .settlementState(order, .released) }
            state = .frozen
            holdEndsAt = nil
            return .freeze(minorUnits: heldMinorUnits)
        case .settled where mayBeDisputed(at: now):
            state = .frozen
            (heldMinorUnits, paidMinorUnits) = (paidMinorUnits, 0)
            return .recall(minorUnits: heldMinorUnits)
        case .open, .settled, .released: throw .settlementState(order, state)
        }
    }

    /// The decision: so much to the sellers, the rest to the buyer.
    package mutating func rule(toSellers minorUnits: Int64) throws(Problem) -> Effect {
        switch state {
        case .settled where ruledMinorUnits == minorUnits, .released where ruledMinorUnits == minorUnits:
            return .nothing
        case .frozen:
            guard (0...heldMinorUnits).contains(minorUnits) else {
                throw .settlementAmountInvalid(order, minorUnits)
            }
            state = minorUnits == 0 ? .released : .settled
            paidMinorUnits = minorUnits
            ruledMinorUnits = minorUnits
            return .rule(toSellers: minorUnits, toBuyer: heldMinorUnits - minorUnits)
        case .open, .held, .settled, .released: throw .settlementState(order, state)
        }
    }

    /// The order is cancelled, or the delivery failed: everything goes back.
    package mutating func release() throws(Problem) -> Effect {
        switch state {
        case .released: return .nothing
        case .held:
            state = .released
            return .release
        case .open:
            state = .released
            return .nothing
        case .frozen, .settled: throw .settlementState(order, state)
        }
    }

    /// The clock's step: a hold whose time is over is released. The books have done it already by themselves.
    package mutating func expire(at now: Instant) -> Effect {
        guard state == .held, isOver(at: now) else { return .nothing }
        state = .released
        return .nothing
    }

    /// Gives money back after it was paid; never more than was paid.
    package mutating func refund(minorUnits: Int64) throws(Problem) -> Effect {
        guard state == .settled else { throw .settlementState(order, state) }
        guard minorUnits > 0, minorUnits <= paidMinorUnits - refundedMinorUnits else {
            throw .refundExceedsPayment(order, paidMinorUnits - refundedMinorUnits)
        }
        refundedMinorUnits += minorUnits
        refunds += 1
        return .refund(minorUnits: minorUnits, step: refunds)
    }

    private func isOver(at now: Instant) -> Bool { holdEndsAt.map { $0 <= now } ?? false }

    private func mayBeDisputed(at now: Instant) -> Bool {
        ruledMinorUnits == nil && refundedMinorUnits == 0 && paidMinorUnits > 0
            && disputesEndAt.map { now < $0 } ?? false
    }
}
