// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Metering
package import Primitives
import Register
package import Store
package import Trade
package import Transparency

/// The money of passages after their payment: disputes, rulings, refunds, monthly statements and credit notes. Runs at
/// the node that keeps the account; each step is one commit with its leaf.
package struct PassagePayments: Sendable {
    private let log: TransparencyLog
    private let fees: FeeSchedule

    package init(log: TransparencyLog, fees: FeeSchedule = .standard) {
        self.log = log
        self.fees = fees
    }

    // MARK: Disputes

    /// The buyer disputes a passage within a week of its payment: the money is called back into escrow and stays there
    /// until a ruling; the receipt that is disputed is named in the leaf, so that nobody can exchange it afterwards.
    package func dispute(
        _ code: String, why: String, by party: ID<Party>, in transaction: any SQLWriting
    ) throws(Problem) -> Settlement {
        let (passage, agreement) = try kept(code, in: transaction)
        guard party == agreement.consumer || party == passage.asker else { throw Self.unknown(code) }
        guard try settlement(of: passage, in: transaction).state != .frozen else {
            return try settlement(of: passage, in: transaction)
        }
        try SettlementDesk.freeze(paidAs(passage, in: transaction), in: transaction)
        return try tell("disputed", .settlement, passage, agreement, ["why": .string(why)], in: transaction)
    }

    /// An arbitrator decides how much of the disputed money the sellers get; the rest goes back. Refused to whoever has
    /// an interest in the outcome. Final.
    package func rule(
        _ code: String, toSellers: Money, why: String, by caller: Caller, in transaction: any SQLWriting
    ) throws(Problem) -> Settlement {
        try caller.require(.marketOperate)
        let (passage, agreement) = try kept(code, in: transaction)
        let interested =
            [agreement.provider, agreement.consumer, passage.asker] + agreement.listing.lineage.map(\.holder)
        guard !interested.contains(caller.party) else {
            throw Problem(.forbidden, "trade.arbitrator-interested", ["passage": .code(passage.code)])
        }
        try SettlementDesk.rule(
            paidAs(passage, in: transaction), toSellers: toSellers.minorUnits, in: transaction)
        return try tell(
            "ruled", .settlement, passage, agreement,
            ["toSellers": .string(toSellers.description), "why": .string(why)], in: transaction)
    }

    /// Gives part of a payment back, from those who shared it. Only the seller and the operator may.
    package func refund(
        _ code: String, _ money: Money, why: String, by caller: Caller, in transaction: any SQLWriting
    ) throws(Problem) -> Settlement {
        let (passage, agreement) = try kept(code, in: transaction)
        guard caller.party == agreement.provider || caller.may(.marketOperate) else {
            throw Self.unknown(code)
        }
        try SettlementDesk.refund(
            paidAs(passage, in: transaction), minorUnits: money.minorUnits, in: transaction)
        return try tell(
            "refunded", .refundPosted, passage, agreement,
            ["amount": .string(money.description), "why": .string(why)], in: transaction)
    }

    /// Where the money of a passage is; a party sees its own, the auditor and the operator all.
    package func settlement(
        of code: String, for caller: Caller, in transaction: any SQLReading
    ) throws(Problem) -> Settlement {
        let (passage, agreement) = try kept(code, in: transaction)
        let parties = [agreement.provider, agreement.consumer, passage.asker]
        guard caller.may(.auditRead) || parties.contains(caller.party) else { throw Self.unknown(code) }
        return try settlement(of: passage, in: transaction)
    }

    private func tell(
        _ step: String, _ kind: LogEntryKind, _ passage: Passage, _ agreement: Agreement,
        _ more: [String: JSON],
        in transaction: any SQLWriting
    ) throws(Problem) -> Settlement {
        let settlement = try settlement(of: passage, in: transaction)
        var content = more
        content["step"] = .string(step)
        content["state"] = .string(settlement.state.rawValue)
        content["receipt"] = passage.document["receiptDigest"] ?? .null
        try log.append(
            LogEntry(kind, subject: passage.code, content: .object(content)), in: transaction)
        for party in [agreement.provider, agreement.consumer] {
            try Notices.tell(
                party, .settlementMoved, about: passage.code.text, .object(content), in: transaction)
        }
        return settlement
    }

    private func kept(
        _ code: String, in transaction: any SQLReading
    ) throws(Problem) -> (Passage, Agreement) {
        guard let passage = try PassageBook.kept(code, in: transaction) else { throw Self.unknown(code) }
        return (passage, try AgreementBook.agreement(passage.agreementCode, in: transaction))
    }

    private static func unknown(_ code: String) -> Problem {
        Problem(.missing, "valve.passage-unknown", ["passage": .text(code)])
    }

    /// The name under which a passage's money runs: its own, or the renewed one where its hold had expired.
    private func paidAs(_ passage: Passage, in transaction: any SQLReading) throws(Problem) -> ID<Passage> {
        let renewed = Bookkeeping.renewed(passage.id)
        let isRenewed =
            try SettlementDesk.settlement(of: renewed, at: Instant(seconds: 0), in: transaction) != nil
        return isRenewed ? renewed : passage.id
    }

    private func settlement(
        of passage: Passage, in transaction: any SQLReading
    ) throws(Problem) -> Settlement {
        let id = try paidAs(passage, in: transaction)
        // A hold's end is read off the row: this answers what was booked.
        let kept = try SettlementDesk.settlement(of: id, at: Instant(seconds: 0), in: transaction)
        return kept ?? Settlement(order: id)
    }

    // MARK: Statements

    /// How long after its end a month is closed at the earliest: no use of it is under way any more.
    private static let closingDelay = Duration.seconds(600)

    /// Draws up an agreement's statement of a month that is over (`2026-11`) and closes the month. Where the plan asks
    /// less for the whole month than its uses were charged one by one, the difference goes back in the same commit.
    package func close(
        _ month: String, of agreementCode: String, by caller: Caller, in transaction: any SQLWriting
    ) throws(Problem) -> Statement {
        try caller.require(.marketOperate)
        let agreement = try AgreementBook.agreement(agreementCode, in: transaction)
        let id = Self.statement(of: agreement, month)
        if let standing = try StatementDesk.statement(id, in: transaction) { return standing }
        guard let day = CalendarDay(month + "-01") else { throw .periodInvalid(agreement.code.text) }
        let period = RunningBill.month(of: Instant(startOf: day, in: .shanghai))
        guard period.end.advanced(by: Self.closingDelay) <= transaction.now else {
            throw .periodInvalid(agreement.code.text)
        }
        let bill = try RunningBill.current(for: agreement.id, at: period.start, in: transaction)
        // Fees of a month are for a month with a use.
        let statement = try StatementDesk.close(
            id, subject: agreement.code.text, plan: bill.used.isEmpty ? .free : agreement.listing.price,
            after: period.start.justBefore,
            through: period.end.justBefore, in: transaction)
        try Bookkeeping.giveBack(
            max(0, bill.chargedMinorUnits - statement.totalMinorUnits), of: statement, under: agreement,
            fees: fees,
            in: transaction)
        try record(statement, agreement, in: transaction)
        return statement
    }

    /// A month of an agreement that no statement closes yet.
    package struct OpenMonth: Hashable, Sendable {
        package let agreementCode: String
        /// `2026-11`.
        package let month: String
    }

    /// What closing a month closes: that month and every open one before it, of each agreement used until then. The
    /// oldest of an agreement stands first, since its statements follow each other without a gap.
    package func openMonths(
        through month: String, for caller: Caller, in transaction: any SQLReading
    ) throws(Problem) -> [OpenMonth] {
        try caller.require(.marketOperate)
        guard let day = CalendarDay(month + "-01") else { throw .periodInvalid(month) }
        let last = RunningBill.month(of: Instant(startOf: day, in: .shanghai)).start
        var open: [OpenMonth] = []
        for (code, first) in try StatementDesk.firstOpenMonths(until: last, in: transaction) {
            var period = RunningBill.month(of: first)
            while period.start <= last {
                let name = period.start.day(in: .shanghai).description.prefix(7)
                open.append(OpenMonth(agreementCode: code, month: String(name)))
                period = RunningBill.month(of: period.end)
            }
        }
        return open
    }

    /// Writes a credit note 红字 over part of a statement and gives the money back. The same note again changes nothing.
    package func credit(
        _ money: Money, of month: String, _ agreementCode: String, why: String, by caller: Caller,
        in transaction: any SQLWriting
    ) throws(Problem) -> Statement {
        try caller.require(.marketOperate)
        let agreement = try AgreementBook.agreement(agreementCode, in: transaction)
        let original = Self.statement(of: agreement, month)
        let name = "credit/\(original.uuid)/\(money.description)/\(why)"
        let id = ID<Statement>(derivedFrom: Digest(of: name))
        if let standing = try StatementDesk.statement(id, in: transaction) { return standing }
        let note = try StatementDesk.credit(id, of: original, minorUnits: money.minorUnits, in: transaction)
        try Bookkeeping.giveBack(money.minorUnits, of: note, under: agreement, fees: fees, in: transaction)
        try record(note, agreement, in: transaction)
        return note
    }

    /// A month's statement, with the meter event, the passage and the leaf on which each line stands.
    package func statement(
        of agreementCode: String, _ month: String, for caller: Caller, in transaction: any SQLReading
    ) throws(Problem) -> (statement: Statement, facts: [Fact]) {
        let agreement = try AgreementBook.agreement(agreementCode, in: transaction)
        guard
            caller.may(.auditRead) || caller.party == agreement.provider || caller.party == agreement.consumer
        else { throw Problem(.missing, "trade.agreement-unknown", ["agreement": .text(agreementCode)]) }
        let id = Self.statement(of: agreement, month)
        guard let statement = try StatementDesk.statement(id, in: transaction) else {
            throw .statementMissing(id)
        }
        var facts: [Fact] = []
        for meter in statement.lines.compactMap(\.price.meter) {
            let events = try UsageMeter.events(
                of: meter, subject: agreement.code.text, after: statement.start, through: statement.end,
                in: transaction)
            for event in events {
                let passage = try ID<Passage>(uuid: event.id).flatMap { id throws(Problem) in
                    try PassageBook.find(id, .keeper, in: transaction)
                }
                facts.append(Fact(meter: meter, event: event, passage: passage))
            }
        }
        return (statement, facts)
    }

    /// What a line of a statement stands on.
    package struct Fact: Sendable {
        package let meter: String
        package let event: CountedEvent
        /// `nil` for an event that did not come from this node's valve.
        package let passage: Passage?
    }

    private static func statement(of agreement: Agreement, _ month: String) -> ID<Statement> {
        ID(derivedFrom: Digest(of: "statement/\(agreement.id.uuid)/\(month)"))
    }

    private func record(
        _ statement: Statement, _ agreement: Agreement, in transaction: any SQLWriting
    ) throws(Problem) {
        let code = Code(.statement, statement.id)
        try log.append(
            LogEntry(
                .statementIssued, subject: code,
                content: [
                    "statement": .string(statement.digest.hex), "agreement": .string(agreement.code.text),
                ]), in: transaction)
        for party in [agreement.provider, agreement.consumer] {
            try Notices.tell(party, .statementIssued, about: code.text, in: transaction)
        }
    }
}

extension Instant {
    /// Periods are open at their beginning: the microsecond before a month belongs to the one before.
    fileprivate var justBefore: Instant { Instant(microseconds: microseconds - 1) }
}
