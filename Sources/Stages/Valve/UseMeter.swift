// SPDX-License-Identifier: Apache-2.0

package import Metering
import Policy
package import Primitives
package import Store
package import Trade

/// Counts what passes. An agreement is a grant: who may use which asset for which purposes, how often, from when until
/// when. A passage reserves one use of it and, in the commit that pays or answers it, consumes that use and leaves a
/// meter event: use beyond the grant cannot happen, whatever anybody decided before.
///
/// Where one node is keeper and holder of the same passage, both count it under one identifier: once.
package enum UseMeter {
    /// What the events of every valve name as their source; with the passage's identifier it is theirs for ever.
    private static let source = "hutong/valve"

    /// The grant that an agreement gives.
    package static func grant(of agreement: Agreement) -> UsageGrant {
        let terms = PlainTerms(agreement.policy)
        return UsageGrant(
            id: agreement.id.retyped(), holder: agreement.consumer,
            asset: ID<UsageGrant>(derivedFrom: Digest(of: agreement.listing.assetCode)),
            purpose: (terms?.purposes ?? []).sorted().joined(separator: " "),
            granted: terms?.usesMax ?? UsageGrant.unlimited, startsAt: terms?.from ?? Instant(seconds: 0),
            endsAt: terms?.until ?? Instant(microseconds: .max))
    }

    /// Sets one use aside; answers how many others are under way. Throws `metering.grant-exhausted` and its kin.
    package static func reserve(
        _ passage: ID<Passage>, under agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem) -> Int64 {
        let grant = grant(of: agreement)
        try Grants.issue(grant, in: transaction)
        let underWay = try Grants.grant(grant.id, in: transaction)?.reserved ?? 0
        try Grants.reserve(
            passage.retyped(), of: grant.id, forSeconds: reservationSeconds, in: transaction)
        return underWay
    }

    /// A use outlives its passage's reservation by a minute, as the money does, so that the reservation decides.
    private static let reservationSeconds = Passage.reservation.components.seconds + 60

    /// Consumes the use of a passage and counts it, with what the price counts of it: the digest of the event. Again
    /// changes nothing.
    ///
    /// Where the reservation was given up before the receipt came, a new use is taken, if there is one.
    @discardableResult
    package static func consume(
        _ passage: Passage, counts: [UseUnit: Int64] = [:], under agreement: Agreement,
        in transaction: any SQLWriting
    ) throws(Problem) -> Digest {
        let grant = grant(of: agreement)
        if passage.state == .voided {
            try Grants.issue(grant, in: transaction)
            try Grants.consume(
                Bookkeeping.renewed(passage.id).retyped(), of: grant.id, in: transaction)
        } else {
            try Grants.consume(passage.id.retyped(), in: transaction)
        }
        let event = UsageEvent(
            id: passage.id.uuid, source: source, type: passage.door.rawValue, subject: agreement.code.text,
            data: [
                "grant": .string(Code(.grant, grant.id).text),
                "asker": .string(Code(.party, passage.asker).text),
            ])
        try UsageMeter.define(MeterDefinition(type: event.type, aggregation: .count), in: transaction)
        let units = try agreement.listing.price.billed(counts, through: passage.door).map {
            unit, count throws(Problem) in
            let meter = unit.meter(at: passage.door)
            try UsageMeter.define(
                MeterDefinition(type: meter, aggregation: .sum, property: unit.rawValue), in: transaction)
            return UsageEvent(
                id: passage.id.uuid, source: source + "/" + unit.rawValue, type: meter,
                subject: agreement.code.text, data: [unit.rawValue: .integer(count)])
        }
        _ = try UsageMeter.record([event] + units, in: transaction)
        return event.digest
    }

    /// Gives the use of a voided passage back.
    package static func release(_ passage: ID<Passage>, in transaction: any SQLWriting) throws(Problem) {
        try Grants.release(passage.retyped(), in: transaction)
    }

    /// Uses that count against an agreement's number: reserved ones too, for a reservation is a promise.
    package static func uses(of agreement: ID<Agreement>, in transaction: any SQLReading) throws(Problem)
        -> Int64
    {
        try Grants.grant(agreement.retyped(), in: transaction).map { $0.used + $0.reserved } ?? 0
    }
}
