// SPDX-License-Identifier: Apache-2.0

import Identity
import PSI
import Policy
import Primitives
import Store
import Trade
import Valve

/// Shares that this node keeps of one run: of linked rows for later questions, or, at the asker, of one question's sums
/// until its answer is read. Sealed to the node's own key; gone when the agreement ends.
struct KeptRun: Sendable {
    let passage: ID<Passage>
    let side: Passage.Side
    /// Which run of the passage: the other side's shares are of the same.
    let transcript: Digest
    let agreementCode: String
    let plan: MatchPlan
    let sealed: [UInt8]

    /// - Parameter secret: what must stay readable by this node alone.
    init(
        _ secret: Redacted<[UInt8]>, of passage: ID<Passage>, _ side: Passage.Side, _ transcript: Digest,
        under agreementCode: String, _ plan: MatchPlan, sealedTo key: SealingKey
    ) throws(Problem) {
        let context = Self.context(passage, transcript)
        sealed = try SealedBytes(secret.disclosed, to: key.publicKey, context: context).bytes
        (self.passage, self.side, self.transcript) = (passage, side, transcript)
        (self.agreementCode, self.plan) = (agreementCode, plan)
    }

    init(_ row: any SQLRow) throws(Problem) {
        guard let side = Passage.Side(rawValue: try row.text(1)), let plan = MatchPlan(text: try row.text(4))
        else { throw .sealBroken }
        (passage, self.side, transcript) = (try row.id(0), side, try row.digest(2))
        (agreementCode, self.plan, sealed) = (try row.text(3), plan, try row.blob(5))
    }

    func secret(_ key: SealingKey) throws(Problem) -> Redacted<[UInt8]> {
        guard let bytes = SealedBytes(bytes: sealed) else { throw .sealBroken }
        return Redacted(try key.open(bytes, context: Self.context(passage, transcript)))
    }

    /// The run's linked rows; throws where it left none.
    func rows(_ key: SealingKey) throws(Problem) -> LinkedRows {
        guard let shares = KeptShares(secretBytes: try secret(key).disclosed) else { throw .sealBroken }
        return LinkedRows(transcript: transcript, plan: plan, shares: shares)
    }

    private static func context(_ passage: ID<Passage>, _ transcript: Digest) -> String {
        "hutong/shares/v1/\(passage.uuid)/\(transcript.hex)"
    }
}

/// Linked rows in shares, as one of both sides has them.
struct LinkedRows: Sendable {
    let transcript: Digest
    let plan: MatchPlan
    let shares: KeptShares

    var askerItems: Int { plan.askerItems }
    var holderItems: Int { plan.holderItems }
    /// The holder's column that was shared beside the links.
    var column: String? { plan.want?.column }
}

/// The runs a node keeps shares of.
enum ShareBook {
    static func keep(_ run: KeptRun, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            """
            INSERT INTO compute_share (passage_id, side, transcript, agreement_code, plan, sealed, kept_at)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (passage_id, side, transcript) DO NOTHING
            """,
            [
                run.passage, run.side.rawValue, run.transcript, run.agreementCode, run.plan.text, run.sealed,
                transaction.now,
            ])
    }

    /// The shares of a passage; at the asker, before its answer came, perhaps of several runs.
    static func runs(
        of passage: ID<Passage>, _ side: Passage.Side, in transaction: any SQLReading
    ) throws(Problem) -> [KeptRun] {
        try transaction.all(
            """
            SELECT passage_id, side, transcript, agreement_code, plan, sealed FROM compute_share
            WHERE passage_id = ? AND side = ? ORDER BY kept_at
            """,
            [passage, side.rawValue], KeptRun.init)
    }

    /// Drops what runs of a passage left here that its answer was not made from.
    static func forget(
        runsOf passage: ID<Passage>, but transcript: Digest, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            "DELETE FROM compute_share WHERE passage_id = ? AND side = 'asker' AND transcript <> ?",
            [passage, transcript])
    }

    /// Agreements with shares here that are over: ended by a side, or by their own terms.
    static func ended(at now: Instant, in transaction: any SQLReading) throws(Problem) -> [String] {
        let codes = try transaction.all("SELECT DISTINCT agreement_code FROM compute_share") {
            row throws(Problem) in try row.text(0)
        }
        var ended: [String] = []
        for code in codes {
            let agreement = try AgreementBook.agreement(code, in: transaction)
            let isPast = PlainTerms(agreement.policy)?.until.map { $0 <= now } ?? false
            if agreement.state != .inForce || isPast { ended.append(code) }
        }
        return ended
    }

    static func forget(under agreement: String, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute("DELETE FROM compute_share WHERE agreement_code = ?", [agreement])
    }
}
