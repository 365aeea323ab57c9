// SPDX-License-Identifier: Apache-2.0

package import Identity
private import Lane
private import Policy
package import Primitives
import PrivateSQL
package import Register
private import Store
package import Trade
import Transparency
package import Valve

/// Questions, from the asker to the holder and back. Each of the three nodes commits for itself:
///
/// 1. keeper: agreement, policy and money are checked and reserved (commit 1);
/// 2. holder: checks everything again for itself and reserves (commit 1'), runs the plan, stores the sealed answer
///    with the budget's charge, the leaf and the outgoing receipt (commit 2);
/// 3. keeper: settles on the holder's signed receipt (commit 3);
/// 4. asker: keeps the opened answer.
///
/// Every step is idempotent by the passage's identifier and resumed from the outbox.
package struct ComputeService: Sendable {
    let context: StageContext
    let valve: DataValve
    let engine: any QuestionEngine
    let budget: any BudgetKeeper
    let sealingKey: SealingKey
    let matchDoor: MatchDoor
    let fees: FeeSchedule
    let grid: ReleaseGrid

    package init(
        context: StageContext, valve: DataValve, engine: any QuestionEngine, budget: any BudgetKeeper,
        sealingKey: SealingKey, matchDoor: MatchDoor, fees: FeeSchedule = .standard,
        grid: ReleaseGrid = .standard
    ) {
        self.context = context
        self.valve = valve
        self.engine = engine
        self.budget = budget
        self.sealingKey = sealingKey
        self.matchDoor = matchDoor
        self.fees = fees
        self.grid = grid
    }

    // MARK: 4 · the asker

    /// Asks as the party that owns this node, opens the answer and keeps it.
    package func ask(_ question: Question) async throws(Problem) -> JSON {
        if let known = try await stored(question.passage, .asker) { return try kept(known) }
        let exchange = try await context.exchange()
        let reply =
            exchange.id == context.own
            ? try await keep(question)
            : try await context.lane.call(exchange, "ask", question.json, deadline: patience)
        guard
            let sealed = reply["answer"]?.text.flatMap({ Base64.decode($0) }).flatMap({
                SealedBytes(bytes: $0)
            }),
            let passage = reply["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) })
        else { throw .bodyMalformed("ask", "answer") }
        let opened = try sealingKey.open(sealed, context: Self.sealContext(passage))
        guard let answer = try? JSON(parsing: opened) else { throw .sealBroken }
        var document = reply.object ?? [:]
        document["answer"] = nil
        let (context, record) = (context, JSON.object(document))
        let price = reply["price"]?.text.flatMap { Money($0) } ?? .zero
        try await context.store.write { transaction throws(Problem) in
            let passage = Passage(
                id: question.passage, side: .asker,
                agreement: ID(derivedFrom: Digest(of: question.agreementCode)),
                agreementCode: question.agreementCode, door: question.door, asker: context.own,
                state: .settled,
                price: price, request: question.digest, document: record, answer: answer.canonicalBytes,
                reservedAt: transaction.now, expiresAt: transaction.now)
            guard try PassageBook.reserve(passage, in: transaction).isNew else { return }
            let leaf = try context.record(
                .passageSettled, passage.code,
                [
                    "receipt": record["receiptDigest"] ?? .null,
                    "holderLeaf": record["receipt"]?["content"]?["leafHash"] ?? .null,
                    "price": .string(price.description),
                ], in: transaction)
            try PassageBook.note(leaf, of: passage.id, .asker, in: transaction)
            // Of an answer that is given again, the first passage has the leaf.
            guard record["repeated"] != true else { return }
            try recordTranscript(of: question, answer, in: transaction)
        }
        return .object(document.merging(["result": answer]) { _, answer in answer })
    }

    func kept(_ passage: Passage) throws(Problem) -> JSON {
        guard let answer = passage.answer.flatMap({ try? JSON(parsing: $0) }) else { throw .sealBroken }
        return .object((passage.document.object ?? [:]).merging(["result": answer]) { _, answer in answer })
    }

    /// A holder may compute for as long as its time limit says; the reply needs a little more.
    private var patience: Duration { .seconds(90) }

    /// What an answer is sealed under: the passage it belongs to, and nothing that could be moved.
    package static func sealContext(_ passage: ID<Passage>) -> String { "hutong/answer/v1/" + passage.uuid }

    // MARK: 1 and 3 · the keeper of the account

    /// Reserves, has the holder answer, settles. A refusal is counted, logged and told; nothing is charged.
    package func keep(_ question: Question) async throws(Problem) -> JSON {
        let agreement = try await agreement(question.agreementCode)
        let asker = try await context.party(question.asker)
        do throws(Problem) {
            let reserved = try await reserve(question, agreement, asker, side: .keeper)
            if reserved.state == .settled { return reply(for: reserved) }
            return try await settleWithHolder(question, agreement, asker, reserved.price)
        } catch {
            if error.kind != .unavailable { try await refuse(error, question, agreement) }
            throw error
        }
    }

    private func settleWithHolder(
        _ question: Question, _ agreement: Agreement, _ asker: Party, _ price: Money
    ) async throws(Problem) -> JSON {
        let answered: JSON
        if agreement.provider == context.own {
            answered = try await answer(question, price: price, asker: asker)
        } else {
            let holder = try await context.party(agreement.provider)
            answered = try await context.lane.call(
                holder, "run",
                [
                    "question": question.json, "price": .string(price.description),
                    "agreement": agreement.wire,
                ],
                deadline: patience)
        }
        guard let receipt = answered["receipt"].flatMap(PassageReceipt.init(json:)),
            let sealed = answered["answer"]?.text.flatMap({ Base64.decode($0) })
        else { throw .bodyMalformed("run", "receipt") }
        // Asked before under this agreement: the first answer is given again, and this reservation is free.
        if let original = receipt.content["passage"]?.text, original != question.passage.uuid {
            try await void(question, agreement, why: "repeated")
            return repeated(receipt, sealed, original)
        }
        let settled = try await settle(receipt, sealed: sealed, under: agreement)
        return reply(for: settled)
    }

    /// Takes a holder's receipt: with the answer at once, or later and again from the holder's outbox.
    package func take(_ receipt: PassageReceipt, sealed: [UInt8]?, from holder: Party) async throws(Problem) {
        guard let code = receipt.content["agreement"]?.text else {
            throw .bodyMalformed("receipt", "agreement")
        }
        let agreement = try await agreement(code)
        guard agreement.provider == holder.id else { throw .receiptRefused(code) }
        _ = try await settle(receipt, sealed: sealed, under: agreement)
    }

    private func settle(
        _ receipt: PassageReceipt, sealed: [UInt8]?, under agreement: Agreement
    ) async throws(Problem) -> Passage {
        let holder = try await context.party(agreement.provider)
        guard receipt.isSigned(by: holder),
            let id = receipt.content["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
            receipt.content["agreement"]?.text == agreement.code.text
        else { throw .receiptRefused(agreement.code.text) }
        let (context, fees) = (context, fees)
        return try await context.store.write { transaction throws(Problem) in
            guard let passage = try PassageBook.find(id, .keeper, in: transaction) else {
                throw .receiptRefused(agreement.code.text)
            }
            if let sealed, receipt.content["answer"]?.text != Digest(of: sealed).hex {
                throw .receiptRefused(passage.code.text)
            }
            guard passage.state != .settled else { return passage }
            guard receipt.content["price"]?.text == passage.price.description else {
                throw .receiptRefused(passage.code.text)
            }
            guard
                let counts = agreement.listing.price.counts(receipt.content["counts"], through: passage.door)
            else { throw .receiptRefused(passage.code.text) }
            let meter = try UseMeter.consume(passage, counts: counts, under: agreement, in: transaction)
            let price = try Bookkeeping.settle(
                id, through: passage.door, counts: counts, receipt: receipt.digest, under: agreement,
                fees: fees, in: transaction)
            let leaf = try context.record(
                .passageSettled, passage.code,
                [
                    "receipt": .string(receipt.digest.hex),
                    "holderLeaf": receipt.content["leafHash"] ?? .null,
                    "price": .string(price.description), "meter": .string(meter.hex),
                ], in: transaction)
            let document: JSON = [
                "receipt": receipt.json, "receiptDigest": .string(receipt.digest.hex),
                "leaf": .integer(Int64(leaf)), "meter": .string(meter.hex),
            ]
            guard
                try PassageBook.advance(
                    id, .keeper, from: passage.state, to: .settled, price: price, document: document,
                    answer: sealed, in: transaction)
            else { throw .receiptRefused(passage.code.text) }
            return try PassageBook.find(id, .keeper, in: transaction) ?? passage
        }
    }

    private func refuse(_ problem: Problem, _ question: Question, _ agreement: Agreement)
        async throws(Problem)
    {
        let (context, valve) = (context, valve)
        try await context.store.write { transaction throws(Problem) in
            if let passage = try PassageBook.find(question.passage, .keeper, in: transaction),
                try PassageBook.advance(
                    passage.id, .keeper, from: .reserved, to: .voided,
                    document: ["why": .string(problem.code)],
                    in: transaction)
            {
                try Self.giveUp(passage.id, in: transaction)
                try context.record(
                    .passageVoided, passage.code, ["why": .string(problem.code)], in: transaction)
            }
            try valve.refuse(problem, agreement: agreement, in: transaction)
        }
    }

    private func void(_ question: Question, _ agreement: Agreement, why: String) async throws(Problem) {
        let context = context
        try await context.store.write { transaction throws(Problem) in
            guard let passage = try PassageBook.find(question.passage, .keeper, in: transaction),
                try PassageBook.advance(
                    passage.id, .keeper, from: .reserved, to: .voided, document: ["why": .string(why)],
                    in: transaction)
            else { return }
            try Self.giveUp(passage.id, in: transaction)
            try context.record(.passageVoided, passage.code, ["why": .string(why)], in: transaction)
        }
    }

    /// Voids reservations whose time has passed: the money returns; a receipt that still comes is honored.
    package func expireReservations() async throws(Problem) {
        let context = context
        try await context.store.write { transaction throws(Problem) in
            for side in [Passage.Side.keeper, .holder] {
                for passage in try PassageBook.expired(side, at: transaction.now, in: transaction) {
                    guard
                        try PassageBook.advance(
                            passage.id, side, from: .reserved, to: .voided, document: ["why": "expired"],
                            in: transaction)
                    else { continue }
                    try Self.giveUp(passage.id, in: transaction)
                    try context.record(.passageVoided, passage.code, ["why": "expired"], in: transaction)
                }
            }
        }
    }

    /// What a voided passage had set aside is free again: the money, where this node keeps it, and the use.
    private static func giveUp(_ passage: ID<Passage>, in transaction: any SQLWriting) throws(Problem) {
        try Bookkeeping.void(passage, in: transaction)
        try UseMeter.release(passage, in: transaction)
    }

    private func reply(for passage: Passage) -> JSON {
        var reply = passage.document.object ?? [:]
        reply["passage"] = .string(passage.id.uuid)
        reply["code"] = .string(passage.code.text)
        reply["price"] = .string(passage.price.description)
        reply["answer"] = passage.answer.map { .string(Base64.encode($0)) } ?? .null
        return .object(reply)
    }

    private func repeated(_ receipt: PassageReceipt, _ sealed: [UInt8], _ original: String) -> JSON {
        [
            "passage": .string(original), "price": .string(Money.zero.description), "repeated": true,
            "code": ID<Passage>(uuid: original).map { .string(Code(.passage, $0).text) } ?? .null,
            "receipt": receipt.json, "receiptDigest": .string(receipt.digest.hex),
            "answer": .string(Base64.encode(sealed)),
        ]
    }

    // MARK: 2 · the holder

    /// Answers a question under an agreement of ours: decided by our own valve, whatever others decided.
    /// Answer and refusal alike leave on the release grid.
    package func answer(_ question: Question, price: Money, asker: Party) async throws(Problem) -> JSON {
        try await grid.release(context.clock) { () async throws(Problem) in
            try await decide(question, price: price, asker: asker)
        }
    }

    private func decide(_ question: Question, price: Money, asker: Party) async throws(Problem) -> JSON {
        let agreement = try await agreement(question.agreementCode)
        guard agreement.provider == context.own else { throw .receiptRefused(question.agreementCode) }
        do throws(Problem) {
            guard agreement.listing.price.allows(price, for: question.door) else {
                throw .receiptRefused(question.agreementCode)
            }
            if let first = try await answeredBefore(question, agreement) { return first }
            try await context.store.read { transaction throws(Problem) in
                try Self.requireLimits(question, agreement, in: transaction)
            }
            let cost = try await cost(of: question, agreement)
            if question.door == .query {
                if let first = try await repeated(question, agreement, cost) { return first }
                try await requireRoom(question, agreement, cost)
            }
            _ = try await reserve(question, agreement, asker, side: .holder, stated: price)
            return try await run(question, agreement, asker, price, cost)
        } catch {
            let (context, valve) = (context, valve)
            try await context.store.write { transaction throws(Problem) in
                if try PassageBook.advance(
                    question.passage, .holder, from: .reserved, to: .voided,
                    document: ["why": .string(error.code)],
                    in: transaction)
                {
                    try UseMeter.release(question.passage, in: transaction)
                    try context.record(
                        .passageVoided, Code(.passage, question.passage), ["why": .string(error.code)],
                        in: transaction)
                }
                try valve.refuse(error, agreement: agreement, in: transaction)
            }
            throw error
        }
    }

    /// The stored answer to this very passage, or to the same question under the same agreement over the same data.
    private func answeredBefore(_ question: Question, _ agreement: Agreement) async throws(Problem) -> JSON? {
        let (context, valve) = (context, valve)
        let version = try await version(of: agreement.listing)
        return try await context.store.write { transaction throws(Problem) in
            let asker = try PartyRegister.party(question.asker, in: transaction)
            let own = try PassageBook.find(question.passage, .holder, in: transaction)
            let earlier = try PassageBook.answered(
                question.digest, under: agreement.id, side: .holder, in: transaction)
            let known = own ?? earlier
            guard let known, known.state == .answered || known.state == .settled, known.asker == asker.id,
                known.request == question.digest, let answer = known.answer,
                own != nil || known.document["version"]?.text == version.digest.hex
            else { return nil }
            // A closed valve stops a repeat too, and so does an ended agreement.
            if own == nil {
                try valve.decide(
                    Use(agreement: agreement, door: question.door, asker: asker, purpose: question.purpose),
                    in: transaction)
            }
            return ["answer": .string(Base64.encode(answer)), "receipt": known.document["receipt"] ?? .null]
        }
    }

    private func run(
        _ question: Question, _ agreement: Agreement, _ asker: Party, _ price: Money, _ cost: QuestionCost
    ) async throws(Problem) -> JSON {
        let version = try await version(of: agreement.listing)
        let earlier = try await earlierSeed(cost, on: version.digest)
        let seed = earlier ?? Redacted(NoiseSeed.fresh().bytes)
        let history = try await history(
            on: version, agreement.listing.rulesDigest, comparing: cost.isCompared)
        let begun = context.clock.now()
        let release = try await release(question, agreement, version, seed: seed, after: history)
        let counts = counts(of: release, to: question, since: begun, under: agreement)
        let sealed = try SealedBytes(
            release.answer.canonicalBytes, to: asker.sealingKey, context: Self.sealContext(question.passage)
        ).bytes
        let (context, valve, budget) = (context, valve, budget)
        let use = Use(agreement: agreement, door: question.door, asker: asker, purpose: question.purpose)
        let kept = try keptSeed(seed, of: release, for: question.passage)
        // Commit 2: from here on the answer is given, whoever crashes: the outbox sends the receipt until it is taken.
        return try await context.store.write { transaction throws(Problem) in
            try valve.requireOpen(use, in: transaction)
            try Self.requireLimits(question, agreement, in: transaction)
            let epsilon = try budget.charge(
                cost, for: question, under: agreement, told: release.answer, of: version.digest,
                in: transaction)
            try Self.remember(
                question, agreement, cost, release.planDigest, version.digest, history, in: transaction)
            let leaf = try context.record(
                .passageAnswered, Code(.passage, question.passage),
                [
                    "agreement": .string(agreement.code.text), "plan": .string(release.planDigest.hex),
                    "version": .string(version.digest.hex), "answer": .string(Digest(of: sealed).hex),
                    "epsilon": .string(epsilon), "seed": .string(Digest(of: kept.text ?? "").hex),
                ], in: transaction)
            try recordMatch(question, agreement, release.answer, in: transaction)
            let answer = GivenAnswer(
                question: question, asker: asker, price: price, version: version.digest, release: release,
                counts: counts, sealed: sealed, epsilon: epsilon, leaf: leaf)
            let receipt = try answer.receipt(of: context, in: transaction)
            let document: JSON = [
                "receipt": receipt.json, "version": .string(version.digest.hex),
                "text": .string(question.text), "purpose": .string(question.purpose),
                "seed": kept, "leaf": .integer(Int64(leaf)),
            ]
            guard let passage = try PassageBook.find(question.passage, .holder, in: transaction) else {
                throw .receiptRefused(Code(.passage, question.passage).text)
            }
            try UseMeter.consume(passage, counts: counts, under: agreement, in: transaction)
            guard
                try PassageBook.advance(
                    question.passage, .holder, from: .reserved, to: .answered, document: document,
                    answer: sealed,
                    in: transaction)
            else { throw .receiptRefused(Code(.passage, question.passage).text) }
            let exchange = try context.exchange(in: transaction)
            if exchange.id != context.own {
                try context.lane.post(
                    "receipt", ["receipt": receipt.json, "answer": .string(Base64.encode(sealed))],
                    to: exchange.id, in: transaction)
            }
            return ["answer": .string(Base64.encode(sealed)), "receipt": receipt.json]
        }
    }

    // MARK: Small parts

    /// Commit 1 of either side: the decision and the reservation, with its leaf. The keeper says what the use may
    /// cost at most and reserves it; the holder is told.
    private func reserve(
        _ question: Question, _ agreement: Agreement, _ asker: Party, side: Passage.Side, stated: Money? = nil
    ) async throws(Problem) -> Passage {
        let (context, valve, fees) = (context, valve, fees)
        return try await context.store.write { transaction throws(Problem) in
            if let known = try PassageBook.find(question.passage, side, in: transaction) {
                guard known.request == question.digest, known.asker == asker.id else {
                    throw Problem(.conflict, "valve.passage-reused", ["passage": .code(known.code)])
                }
                guard known.state == .voided else { return known }
                throw Problem(.conflict, "compute.passage-voided", ["passage": .code(known.code)])
            }
            let current = try AgreementBook.agreement(agreement.code.text, in: transaction)
            try valve.decide(
                Use(agreement: current, door: question.door, asker: asker, purpose: question.purpose),
                in: transaction)
            let underWay = try UseMeter.reserve(question.passage, under: current, in: transaction)
            let bill = try RunningBill.current(for: agreement.id, at: transaction.now, in: transaction)
            let ceiling = try bill.ceiling(
                of: question.door, beside: underWay, under: current.listing.price)
            let price = stated ?? ceiling
            let passage = Passage(
                id: question.passage, side: side, agreement: agreement.id, agreementCode: agreement.code.text,
                door: question.door, asker: asker.id, state: .reserved, price: price,
                request: question.digest,
                document: [:], answer: nil, reservedAt: transaction.now,
                expiresAt: transaction.now.advanced(by: Passage.reservation))
            if side == .keeper {
                try Bookkeeping.reserve(passage.id, price, under: current, fees: fees, in: transaction)
            }
            try context.record(
                .passageReserved, passage.code,
                ["question": .string(question.digest.hex), "price": .string(price.description)],
                in: transaction)
            return try PassageBook.reserve(passage, in: transaction).stored
        }
    }

    func agreement(_ code: String) async throws(Problem) -> Agreement {
        try await context.store.read { transaction throws(Problem) in
            try AgreementBook.agreement(code, in: transaction)
        }
    }

    func version(of listing: Listing) async throws(Problem) -> AssetVersion {
        try await context.store.read { transaction throws(Problem) in
            let asset = try AssetShelf.asset(listing.assetCode, in: transaction)
            return try AssetShelf.newestVersion(of: asset.id, in: transaction)
        }
    }

    func stored(_ id: ID<Passage>, _ side: Passage.Side) async throws(Problem) -> Passage? {
        try await context.store.read { transaction throws(Problem) in
            try PassageBook.find(id, side, in: transaction)
        }
    }
}

extension Problem {
    static func receiptRefused(_ passage: String) -> Problem {
        Problem(.forbidden, "valve.receipt-refused", ["passage": .text(passage)])
    }
}
