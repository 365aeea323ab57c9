// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Policy
package import Primitives
package import Store

/// The rights both sides signed 数字合约. The valve executes it; the contract 数据交易合同 names it.
package struct Agreement: Hashable, Sendable {
    package enum State: String, Sendable, CaseIterable {
        /// Stated in a negotiation; a signature is missing.
        case unsigned
        /// Signed by both; waits until the consumer's account holds the money of the first uses.
        case unfunded
        case inForce = "in-force"
        /// Ended by one side before its time: no use from now on; what was used stays charged.
        case revoked
    }

    package let id: ID<Agreement>
    package let provider: ID<Party>
    package let consumer: ID<Party>
    /// The ODRL agreement of the negotiation.
    package let policy: UsagePolicy
    /// The listing as it stood: table, rules, price, lineage.
    package let listing: Listing
    package let providerSignature: [UInt8]?
    package let consumerSignature: [UInt8]?
    package let state: State
    package let contractCode: String?

    package var code: Code { Code(.agreement, id) }

    package init(
        id: ID<Agreement>, provider: ID<Party>, consumer: ID<Party>, policy: UsagePolicy, listing: Listing,
        providerSignature: [UInt8]? = nil, consumerSignature: [UInt8]? = nil, state: State = .unsigned,
        contractCode: String? = nil
    ) {
        self.id = id
        self.provider = provider
        self.consumer = consumer
        self.policy = policy
        self.listing = listing
        self.providerSignature = providerSignature
        self.consumerSignature = consumerSignature
        self.state = state
        self.contractCode = contractCode
    }

    /// What both sides sign: the policy and the digests of the listing and of the contract in words, under a label of
    /// its own.
    package var signedBytes: [UInt8] {
        let statement: JSON = [
            "type": "hutong/agreement/v1", "policy": policy.json,
            "listing": .string(Digest(of: listing.json.canonicalBytes).hex),
            "contract": (try? contractText()).map { .string($0.digest.hex) } ?? .null,
        ]
        return statement.canonicalBytes
    }
}

/// The agreements a node knows.
package enum AgreementBook {
    /// Notes one side's signed view of an agreement. The answer says whether both signatures are there and it only
    /// has to come into force. Two views that differ in a byte are a conflict: nobody signed the same thing.
    package static func sign(
        _ agreement: Agreement, by party: Party, signature: [UInt8], in transaction: any SQLWriting
    ) throws(Problem) -> Bool {
        // A contract without one of its mandatory clauses is signed by nobody.
        _ = try agreement.contractText()
        guard party.id == agreement.provider || party.id == agreement.consumer,
            PartySignature.isValid(signature, over: agreement.signedBytes, by: party.signingKey)
        else { throw Problem(.forbidden, "trade.agreement-unsigned", ["agreement": .code(agreement.code)]) }
        try transaction.execute(
            """
            INSERT INTO trade_agreement (id, code, listing_code, provider_id, consumer_id, policy, listing, state)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
            """,
            [
                agreement.id, agreement.code, agreement.listing.code, agreement.provider, agreement.consumer,
                agreement.policy.json, agreement.listing.json, Agreement.State.unsigned.rawValue,
            ])
        let stored = try self.agreement(agreement.code.text, in: transaction)
        guard stored.signedBytes == agreement.signedBytes else {
            throw Problem(.conflict, "trade.agreement-differs", ["agreement": .code(agreement.code)])
        }
        let column = party.id == agreement.provider ? "provider_signature" : "consumer_signature"
        try transaction.execute(
            "UPDATE trade_agreement SET \(column) = ? WHERE id = ? AND \(column) IS NULL",
            [signature, agreement.id])
        let signed = try self.agreement(agreement.code.text, in: transaction)
        return signed.state == .unsigned && signed.providerSignature != nil && signed.consumerSignature != nil
    }

    /// Whether a side has signed already.
    static func isSigned(
        _ agreement: Agreement, by party: ID<Party>, in transaction: any SQLReading
    ) throws(Problem) -> Bool {
        let known = try select("code = ?", [agreement.code], in: transaction).first
        return (party == agreement.provider ? known?.providerSignature : known?.consumerSignature) != nil
    }

    /// Notes a consumer's acceptance that was proven by its credentials, not by a signature: the transcript's digest.
    static func acknowledge(_ code: String, by transcript: Digest, in transaction: any SQLWriting)
        throws(Problem)
    {
        try transaction.execute(
            "UPDATE trade_agreement SET consumer_evidence = ? WHERE code = ? AND consumer_evidence IS NULL",
            [transcript, code])
    }

    /// What an acceptance without a signature rests on; `nil` where the consumer signed.
    package static func evidence(of code: String, in transaction: any SQLReading) throws(Problem) -> Digest? {
        try transaction.first("SELECT consumer_evidence FROM trade_agreement WHERE code = ?", [code]) {
            row throws(Problem) in try row.optional(0, row.digest)
        } ?? nil
    }

    /// Brings an agreement with both signatures into force.
    package static func enter(_ agreement: Agreement, in transaction: any SQLWriting) throws(Problem) {
        try transaction.execute(
            "UPDATE trade_agreement SET state = ?, in_force_at = ?, contract_code = ? WHERE id = ?",
            [Agreement.State.inForce.rawValue, transaction.now, Code(.contract, agreement.id), agreement.id])
    }

    /// Notes that an agreement waits for money; `false` if it already did, or is no longer before its beginning.
    package static func wait(_ code: String, in transaction: any SQLWriting) throws(Problem) -> Bool {
        try transaction.execute(
            "UPDATE trade_agreement SET state = ? WHERE code = ? AND state = ?",
            [Agreement.State.unfunded.rawValue, code, Agreement.State.unsigned.rawValue]) == 1
    }

    /// A consumer's agreements that wait for money, the oldest first.
    package static func waiting(
        of consumer: ID<Party>, in transaction: any SQLReading
    ) throws(Problem) -> [Agreement] {
        try select(
            "consumer_id = ? AND state = ?", [consumer, Agreement.State.unfunded.rawValue], in: transaction
        ).reversed()
    }

    package static func agreement(_ code: String, in transaction: any SQLReading) throws(Problem) -> Agreement
    {
        guard let found = try select("code = ?", [Code(code)?.text ?? code], in: transaction).first else {
            throw Problem(.missing, "trade.agreement-unknown", ["agreement": .text(code)])
        }
        return found
    }

    /// The agreements of a party on either side, newest first; all of them for `nil`.
    package static func agreements(
        of party: ID<Party>?, in transaction: any SQLReading
    ) throws(Problem) -> [Agreement] {
        guard let party else { return try select("1 = 1", [], in: transaction) }
        return try select("provider_id = ? OR consumer_id = ?", [party, party], in: transaction)
    }

    /// Ends an agreement from the next use on. Either side may; ending it twice changes nothing.
    package static func revoke(_ code: String, by party: ID<Party>, in transaction: any SQLWriting)
        throws(Problem)
    {
        let agreement = try agreement(code, in: transaction)
        guard party == agreement.provider || party == agreement.consumer else {
            throw Problem(.missing, "trade.agreement-unknown", ["agreement": .text(code)])
        }
        try transaction.execute(
            "UPDATE trade_agreement SET state = ?, ended_at = ? WHERE id = ? AND state <> ?",
            [
                Agreement.State.revoked.rawValue, transaction.now, agreement.id,
                Agreement.State.revoked.rawValue,
            ])
    }

    private static func select(
        _ condition: String, _ arguments: [any SQLConvertible], in transaction: any SQLReading
    ) throws(Problem) -> [Agreement] {
        try transaction.all(
            """
            SELECT id, provider_id, consumer_id, policy, listing, provider_signature, consumer_signature, state,
            contract_code FROM trade_agreement WHERE \(condition) ORDER BY id DESC
            """,
            arguments
        ) { row throws(Problem) in
            Agreement(
                id: try row.id(0), provider: try row.id(1), consumer: try row.id(2),
                policy: try UsagePolicy(json: try row.json(3)), listing: try Listing(json: try row.json(4)),
                providerSignature: try row.optional(5, row.blob),
                consumerSignature: try row.optional(6, row.blob),
                state: Agreement.State(rawValue: try row.text(7)) ?? .unsigned,
                contractCode: try row.optional(8, row.text))
        }
    }
}
