// SPDX-License-Identifier: Apache-2.0

import Metering
package import Primitives
package import Store

/// What one subject used in a period and owes for it; once drawn up it never changes.
///
/// Each line names the events it stands on by their digest, so that the payer can recompute it. Facts that come
/// after the period was closed stand in the next statement, marked as corrections; what was billed wrongly is
/// put right by a credit note (红字) that names the statement.
package struct Statement: Hashable, Sendable {
    /// One line: a component of the price plan and the facts under it.
    package struct Line: Hashable, Sendable {
        package let price: PriceLine
        /// Events counted, of which `corrections` happened in an earlier, closed period.
        package let events: Int64
        package let corrections: Int64
        /// SHA-256 over the events' digests in order of arrival; `nil` where no meter is read.
        package let evidence: Digest?
    }

    package let id: ID<Statement>
    /// The agreement or order, by its code.
    package let subject: String
    /// Use after `start`, up to and with `end`.
    package let start: Instant
    package let end: Instant
    package let currency: Currency
    package let lines: [Line]
    /// The statement a credit note corrects.
    package let corrects: ID<Statement>?

    package var totalMinorUnits: Int64 { lines.reduce(0) { $0 + $1.price.minorUnits } }

    /// The canonical form that is stored, signed and logged.
    package var json: JSON {
        [
            "id": .string(id.uuid), "subject": .string(subject), "currency": .string(currency.rawValue),
            "start": .integer(start.microseconds), "end": .integer(end.microseconds),
            "corrects": corrects.map { .string($0.uuid) } ?? .null, "total": .integer(totalMinorUnits),
            "lines": .array(lines.map(\.json)),
        ]
    }

    /// What the log leaf of the statement commits to.
    package var digest: Digest { Digest(of: json.canonicalBytes) }
}

extension Statement.Line {
    fileprivate var json: JSON {
        [
            "component": price.component.map { .integer(Int64($0)) } ?? .null,
            "meter": price.meter.map { .string($0) } ?? .null, "quantity": .integer(price.quantity),
            "amount": .integer(price.minorUnits), "events": .integer(events),
            "corrections": .integer(corrections), "evidence": evidence.map { .string($0.hex) } ?? .null,
        ]
    }

    fileprivate init?(json: JSON) {
        guard let quantity = json["quantity"]?.integer, let amount = json["amount"]?.integer,
            let events = json["events"]?.integer, let corrections = json["corrections"]?.integer
        else { return nil }
        self.init(
            price: PriceLine(
                component: json["component"]?.integer.map { Int($0) }, meter: json["meter"]?.text,
                quantity: quantity, minorUnits: amount),
            events: events, corrections: corrections,
            evidence: json["evidence"]?.text.flatMap { Digest(hex: $0) })
    }
}

/// Draws up statements, closes periods, writes credit notes. Functions take the command they run in.
package enum StatementDesk {
    /// Draws up the statement of a period that is over and closes it: a later fact of that time counts in the
    /// next period. The same id again answers the same statement.
    ///
    /// Periods of a subject follow each other without a gap or overlap (`trade.period-invalid`).
    package static func close(
        _ id: ID<Statement>, subject: String, plan: PricePlan, after start: Instant, through end: Instant,
        in tx: any SQLWriting
    ) throws(Problem) -> Statement {
        if let standing = try statement(id, in: tx) { return standing }
        let closed = try tx.first(
            "SELECT max(ends_at) FROM trade_statement WHERE subject = ? AND corrects IS NULL", [subject]
        ) { row throws(Problem) in try row.optional(0) { column throws(Problem) in try row.instant(column) } }
        if let last = closed ?? nil, last != start { throw .periodInvalid(subject) }
        guard start < end, end <= tx.now else { throw .periodInvalid(subject) }
        let lines = try lines(subject, plan, after: start, through: end, in: tx)
        let statement = Statement(
            id: id, subject: subject, start: start, end: end, currency: plan.currency, lines: lines,
            corrects: nil)
        try UsageMeter.close(subject, through: end, in: tx)
        try keep(statement, in: tx)
        return statement
    }

    /// The agreements with a use until a month, each with a moment of its first month that is not closed.
    package static func firstOpenMonths(
        until last: Instant, in tx: any SQLReading
    ) throws(Problem) -> [(agreement: String, first: Instant)] {
        try tx.all(
            """
            SELECT a.code, min(b.starts_at), (SELECT max(s.ends_at) FROM trade_statement s
                WHERE s.subject = a.code AND s.corrects IS NULL)
            FROM trade_bill b JOIN trade_agreement a ON a.id = b.agreement_id
            WHERE b.starts_at <= ? GROUP BY a.code ORDER BY a.code
            """,
            [last]
        ) { row throws(Problem) in
            // A closed period ends with the microsecond before the next month.
            let used = try row.integer(1)
            let closed = try row.optional(2, row.integer)
            return (try row.text(0), Instant(microseconds: closed.map { $0 + 1 } ?? used))
        }
    }

    /// Writes a credit note: gives back part of a statement, never more than its total with all its notes.
    package static func credit(
        _ id: ID<Statement>, of original: ID<Statement>, minorUnits: Int64, in tx: any SQLWriting
    ) throws(Problem) -> Statement {
        if let standing = try statement(id, in: tx) { return standing }
        guard let corrected = try statement(original, in: tx), corrected.corrects == nil else {
            throw .statementMissing(original)
        }
        let credited = try tx.count(
            "SELECT CAST(coalesce(sum(total), 0) AS INTEGER) FROM trade_statement WHERE corrects = ?",
            [original])
        let left = corrected.totalMinorUnits + credited
        guard minorUnits > 0, minorUnits <= left else { throw .creditExceedsStatement(original, left) }
        let price = PriceLine(component: nil, meter: nil, quantity: 1, minorUnits: -minorUnits)
        let note = Statement(
            id: id, subject: corrected.subject, start: corrected.start, end: corrected.end,
            currency: corrected.currency,
            lines: [.init(price: price, events: 0, corrections: 0, evidence: nil)],
            corrects: original)
        try keep(note, in: tx)
        return note
    }

    /// A statement or credit note; `nil` if there is none.
    package static func statement(
        _ id: ID<Statement>, in tx: any SQLReading
    ) throws(Problem) -> Statement? {
        let body = try tx.first("SELECT body FROM trade_statement WHERE id = ?", [id]) {
            row throws(Problem) in
            try row.json(0)
        }
        guard let body else { return nil }
        guard let statement = Statement(json: body) else {
            throw Problem(.fault, "store.row-unreadable", operatorNote: "trade_statement")
        }
        return statement
    }

    private static func lines(
        _ subject: String, _ plan: PricePlan, after start: Instant, through end: Instant,
        in tx: any SQLReading
    ) throws(Problem) -> [Statement.Line] {
        var usage: [String: Int64] = [:]
        var facts: [String: [CountedEvent]] = [:]
        for meter in Set(plan.components.compactMap(\.meter)) {
            usage[meter] =
                try UsageMeter.total(of: meter, subject: subject, after: start, through: end, in: tx)?
                .quantity ?? 0
            facts[meter] = try UsageMeter.events(
                of: meter, subject: subject, after: start, through: end, in: tx)
        }
        return try plan.lines(for: usage).map { price in
            guard let meter = price.meter, let events = facts[meter] else {
                return Statement.Line(price: price, events: 0, corrections: 0, evidence: nil)
            }
            return Statement.Line(
                price: price, events: Int64(events.count), corrections: Int64(events.count { $0.isLate }),
                evidence: Digest(of: events.flatMap(\.digest.bytes)))
        }
    }

    private static func keep(_ statement: Statement, in tx: any SQLWriting) throws(Problem) {
        try tx.execute(
            """
            INSERT INTO trade_statement (id, subject, starts_at, ends_at, total, corrects, body, digest, at) \
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                statement.id, statement.subject, statement.start, statement.end, statement.totalMinorUnits,
                statement.corrects, statement.json, statement.digest, tx.now,
            ])
    }
}

extension Statement {
    fileprivate init?(json: JSON) {
        guard let id = json["id"]?.text.flatMap({ ID<Statement>(uuid: $0) }),
            let subject = json["subject"]?.text,
            let start = json["start"]?.integer, let end = json["end"]?.integer,
            let currency = json["currency"]?.text.flatMap({ Currency(rawValue: $0) }),
            let lines = json["lines"]?.array
        else { return nil }
        self.init(
            id: id, subject: subject, start: Instant(microseconds: start), end: Instant(microseconds: end),
            currency: currency, lines: lines.compactMap { Line(json: $0) },
            corrects: json["corrects"]?.text.flatMap { ID<Statement>(uuid: $0) })
    }
}
