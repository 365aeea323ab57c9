// SPDX-License-Identifier: Apache-2.0

import Identity
import Oblivious
import PSI
package import Primitives
import Register
import Store
import Trade
import Valve

/// Linked rows in shares: made by one passage, asked about by others. Each node keeps its own shares; neither says
/// anything alone. Every question over them is a passage of its own, with its plan, its place among the agreement's
/// sets, its ε and its price.
extension ComputeService {
    // MARK: The asker

    /// Sizes or sums of rows that a passage left in shares here, as a want of their own under the same agreement.
    package func question(
        _ want: MatchWant, overShares code: String
    ) async throws(Problem) -> (agreement: String, want: MatchWant) {
        let passage = try await context.store.read { transaction throws(Problem) in
            try PassageBook.passage(code, in: transaction)
        }
        let agreement = try await agreement(passage.agreementCode)
        let column = try await keptRun(of: passage.id, .asker, under: agreement).plan.want?.column
        switch want {
        case .size: return (agreement.code.text, .linked(passage.id, isSummed: false))
        case .sum(let name) where name == column:
            return (agreement.code.text, .linked(passage.id, isSummed: true))
        default:
            let wants = ["size"] + (column.map { ["sum:" + $0] } ?? [])
            throw Problem(
                .forbidden, "compute.match-want-refused", ["want": .text(want.text), "wants": .list(wants)])
        }
    }

    /// What this node keeps of the rows a question is about; `nil` where it is not about shares.
    func ownRows(for want: MatchWant, under agreement: Agreement) async throws(Problem) -> LinkedRows? {
        guard case .linked(let passage, _) = want else { return nil }
        return try await keptRun(of: passage, .asker, under: agreement).rows(sealingKey)
    }

    private func keptRun(
        of passage: ID<Passage>, _ side: Passage.Side, under agreement: Agreement
    ) async throws(Problem) -> KeptRun {
        let (runs, answered) = try await context.store.read { transaction throws(Problem) in
            (
                try ShareBook.runs(of: passage, side, in: transaction),
                try PassageBook.find(passage, side, in: transaction)
            )
        }
        // Of several runs the one that the passage's receipt names; before there is one, there are no shares.
        let named = answered?.document["receipt"]?["content"]?["transcript"]?.text
        guard let run = runs.first(where: { $0.transcript.hex == named }),
            run.agreementCode == agreement.code.text, case .shares = run.plan.want
        else {
            throw Problem(.missing, "compute.shares-unknown", ["passage": .code(Code(.passage, passage))])
        }
        return run
    }

    /// What this node brings to a run.
    func askerSide(
        _ request: MatchRequest, _ plan: MatchPlan, _ linked: LinkedRows?
    ) throws(Problem) -> AskerSide {
        switch request.want {
        case .shares: return .shares(request.items)
        case .linked:
            guard let linked else { throw .matchLost }
            var groups: [[Int]] = []
            var start = 0
            for size in request.groupSizes {
                guard let bins = linked.shares.bins(of: Array(request.items[start..<start + size])) else {
                    throw Problem(.invalid, "compute.shares-other-keys")
                }
                groups.append(bins)
                start += size
            }
            guard groups.count <= PSIParty.selectedGroupsMax else {
                throw Problem(
                    .limited, "compute.shares-too-many-groups",
                    [
                        "count": .integer(Int64(groups.count)),
                        "most": .integer(Int64(PSIParty.selectedGroupsMax)),
                    ])
            }
            return .selection(groups, linked.shares)
        case .size, .rows, .sum:
            let items = matchDoor.order(request, in: request.passage).map { request.items[$0] }
            let share = request.want.isSummed ? plan.set.map(matchDoor.share) : nil
            return .points(items, request.groupSizes, share)
        }
    }

    /// Makes durable what this node needs to read an answer of this run.
    func keep(_ flown: FlownMatch, of request: MatchRequest, _ plan: MatchPlan) async throws(Problem) {
        guard let secret = flown.kept else { return }
        let run = try KeptRun(
            secret, of: request.passage, .asker, flown.transcript, under: request.agreementCode, plan,
            sealedTo: sealingKey)
        try await context.store.write { transaction throws(Problem) in
            try ShareBook.keep(run, in: transaction)
        }
    }

    /// Drops runs that were lost on the way to the answer.
    func forgetOthers(_ transcript: String?, of request: MatchRequest) async throws(Problem) {
        guard request.want.word == "shares", let transcript = transcript.flatMap({ Digest(hex: $0) }) else {
            return
        }
        try await context.store.write { transaction throws(Problem) in
            try ShareBook.forget(runsOf: request.passage, but: transcript, in: transaction)
        }
    }

    /// The sums of a question over shares: this node's parts and what the holder released of its own.
    func openedShares(
        _ result: [String: JSON], _ answer: JSON, _ request: MatchRequest
    ) async throws(Problem) -> JSON {
        let passage = answer["passage"]?.text.flatMap { ID<Passage>(uuid: $0) } ?? request.passage
        let runs = try await context.store.read { transaction throws(Problem) in
            try ShareBook.runs(of: passage, .asker, in: transaction)
        }
        guard let run = runs.first(where: { $0.transcript.hex == result["transcript"]?.text }),
            let own = AskedSelection(
                secretBytes: try run.secret(sealingKey).disclosed, transcript: run.transcript.bytes)
        else { throw .sealBroken }
        var sums: [JSON] = []
        for (group, part) in (result["sums"]?.array ?? []).enumerated() {
            let sum = part.text.flatMap(ShareText.number).flatMap { own.open($0, group: group) }
            guard (sum == nil) == part.isNull else { throw .sealBroken }
            sums.append(sum.map { .integer($0) } ?? .null)
        }
        return .array(sums)
    }

    // MARK: The holder

    /// What a run works on: the table's keys, or what the holder keeps of an earlier passage, as long as the table is
    /// the one it was made from.
    func basis(
        of ask: MatchAsk, _ rules: MatchRules, _ agreement: Agreement, _ version: AssetVersion
    ) async throws(Problem) -> MatchBasis {
        guard case .linked(let passage, let isSummed) = ask.want else {
            return .keys(try await matchDoor.keys(of: agreement.listing, rules, ask.want, version))
        }
        let linked = try await keptRun(of: passage, .holder, under: agreement).rows(sealingKey)
        guard linked.transcript == ask.shares, linked.askerItems == ask.count else {
            throw Problem(.conflict, "compute.match-differs", ["agreement": .code(agreement.code)])
        }
        guard linked.plan.json["version"]?.text == version.digest.hex else {
            throw Problem(.conflict, "compute.shares-outdated", ["passage": .code(Code(.passage, passage))])
        }
        guard !isSummed || linked.column != nil else {
            throw Problem(
                .forbidden, "compute.match-want-refused", ["want": "sum", "wants": .list(["size"])])
        }
        return .shares(linked)
    }

    /// Keeps the holder's shares in the commit that answers: from then on both sides have theirs of one run.
    func keepHeld(_ question: Question, _ answer: JSON, in transaction: any SQLWriting) throws(Problem) {
        // A run that was begun anew in between is not the one that is answered.
        guard let run = matchDoor.run(question.passage), case .shared(let rows) = run.outcome,
            answer["transcript"]?.text == Hex.encode(rows.transcript),
            let transcript = Digest(bytes: rows.transcript)
        else { throw .matchLost }
        let kept = try KeptRun(
            Redacted(KeptShares(rows, of: []).secretBytes), of: question.passage, .holder, transcript,
            under: question.agreementCode, run.plan, sealedTo: sealingKey)
        try ShareBook.keep(kept, in: transaction)
    }
}

extension ComputeService {
    /// Drops the shares of agreements that are over, on this side; the other drops its own.
    package func forgetEndedShares() async throws(Problem) {
        let codes = try await context.store.read { transaction throws(Problem) in
            try ShareBook.ended(at: context.clock.now(), in: transaction)
        }
        guard !codes.isEmpty else { return }
        try await context.store.write { transaction throws(Problem) in
            for code in codes { try ShareBook.forget(under: code, in: transaction) }
        }
    }
}

/// What an asker brings to a run.
enum AskerSide: Sendable {
    /// Keys in an order nobody else knows, group after group; under sums this side's part of the joint key.
    case points([Block], [Int], JointKeyShare?)
    case shares([Block])
    /// Groups of bins of its own.
    case selection([[Int]], KeptShares)

    func play(_ party: PSIParty) async throws(PSIFailure) -> FlownMatch {
        var random = SystemRandomNumberGenerator()
        switch self {
        case .points(let items, let groupSizes, let share):
            let asked = try await party.ask(items, groupSizes: groupSizes, share: share, using: &random)
            return try FlownMatch(asked.transcript, keeping: nil)
        case .shares(let items):
            let rows = try await party.shareRows(items, using: &random)
            return try FlownMatch(rows.transcript, keeping: KeptShares(rows, of: items).secretBytes)
        case .selection(let groups, let shares):
            let asked = try await party.select(groups, of: shares, using: &random)
            return try FlownMatch(asked.transcript, keeping: asked.secretBytes)
        }
    }
}

/// What an asker has of a run once both sides are done.
struct FlownMatch: Sendable {
    let transcript: Digest
    /// What it needs to read an answer, or to ask about later.
    let kept: Redacted<[UInt8]>?

    init(_ transcript: [UInt8], keeping secret: [UInt8]?) throws(PSIFailure) {
        guard let digest = Digest(bytes: transcript) else { throw .malformed }
        self.transcript = digest
        kept = secret.map(Redacted.init)
    }
}

/// A share of 64 bits as it travels in an answer.
enum ShareText {
    static func bytes(_ share: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: share >> (8 * $0)) }
    }

    static func number(_ text: String) -> UInt64? {
        guard let bytes = Hex.decode(text), bytes.count == 8 else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
