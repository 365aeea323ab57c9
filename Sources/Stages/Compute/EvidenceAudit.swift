// SPDX-License-Identifier: Apache-2.0

private import Identity
package import Primitives
private import Register
package import Store
private import Transparency
private import Trade
private import Valve

/// Holds rows against their evidence: each settled passage has its leaf, its receipt and its payment; each agreement
/// both signatures; each registration the claim that was logged. Needs the database alone.
package enum EvidenceAudit {
    /// One thing that does not hold, and where.
    package struct Fault: Hashable, Sendable {
        package let place: String
        package let what: LocalizedText
    }

    package static func faults(in transaction: any SQLReading) throws(Problem) -> [Fault] {
        try passageFaults(in: transaction) + agreementFaults(in: transaction)
            + registrationFaults(in: transaction) + rowFaults(in: transaction)
    }

    // MARK: Passages

    private static func passageFaults(in transaction: any SQLReading) throws(Problem) -> [Fault] {
        var faults: [Fault] = []
        let keeper = try PassageBook.passages(side: .keeper, in: transaction)
        for passage in keeper where passage.state == .settled {
            faults += try settledFaults(passage, in: transaction)
        }
        for passage in try PassageBook.passages(side: .holder, in: transaction)
        where passage.state == .answered {
            if try !hasLeaf(
                "passage-answered", passage.code.text, ["answer": answerDigest(passage)], in: transaction)
            {
                faults.append(
                    Fault(
                        place: passage.code.text,
                        what: LocalizedText(zh: "没有对应的回答存证", en: "has no leaf that answers it")))
            }
            if try !isSigned(passage, in: transaction) { faults.append(unsigned(passage)) }
        }
        let known = Set(keeper.filter { $0.state == .settled }.map(\.code.text))
        let logged = try transaction.all(
            "SELECT subject FROM transparency_leaf WHERE kind = 'passage-settled' AND subject IS NOT NULL"
        ) {
            row throws(Problem) in try row.text(0)
        }
        if !keeper.isEmpty {
            for code in logged where !known.contains(code) {
                faults.append(
                    Fault(
                        place: code,
                        what: LocalizedText(zh: "已存证的过阀记录缺失", en: "was logged as settled and is missing")))
            }
        }
        return faults
    }

    private static func settledFaults(_ passage: Passage, in transaction: any SQLReading) throws(Problem)
        -> [Fault]
    {
        var faults: [Fault] = []
        func fault(_ zh: String, _ en: String) {
            faults.append(Fault(place: passage.code.text, what: LocalizedText(zh: zh, en: en)))
        }
        guard let receipt = passage.document["receipt"].flatMap(PassageReceipt.init(json:)) else {
            return [Fault(place: passage.code.text, what: LocalizedText(zh: "没有回执", en: "has no receipt"))]
        }
        if try !hasLeaf(
            "passage-settled", passage.code.text, ["receipt": receipt.digest.hex], in: transaction)
        {
            fault("没有对应的结算存证", "has no leaf that settles it")
        }
        if receipt.content["passage"]?.text != passage.id.uuid {
            fault("回执属于另一笔", "carries another passage's receipt")
        }
        if try !Bookkeeping.isPaid(passage.id, passage.price, in: transaction) {
            fault("没有付款", "was not paid")
        }
        if try !isSigned(passage, in: transaction) { faults.append(unsigned(passage)) }
        return faults
    }

    /// Whether the passage's receipt bears the signature of its agreement's holder.
    private static func isSigned(
        _ passage: Passage, in transaction: any SQLReading
    ) throws(Problem) -> Bool {
        guard let receipt = passage.document["receipt"].flatMap(PassageReceipt.init(json:)),
            let agreement = try? AgreementBook.agreement(passage.agreementCode, in: transaction)
        else { return false }
        return receipt.isSigned(by: try PartyRegister.party(agreement.provider, in: transaction))
    }

    private static func unsigned(_ passage: Passage) -> Fault {
        Fault(
            place: passage.code.text,
            what: LocalizedText(zh: "回执没有持有方的有效签名", en: "has a receipt that its holder did not sign"))
    }

    private static func answerDigest(_ passage: Passage) -> String {
        passage.answer.map { Digest(of: $0).hex } ?? ""
    }

    /// True if a leaf of this kind about this code discloses these members.
    private static func hasLeaf(
        _ kind: String, _ code: String, _ members: [String: String], in transaction: any SQLReading
    ) throws(Problem) -> Bool {
        guard let code = Code(code) else { return false }
        let leaves = try TransparencyLog.leaves(about: code, limit: .max, in: transaction)
        return leaves.contains { leaf in
            guard leaf.leaf.kind.rawValue == kind, let content = try? JSON(parsing: Array(leaf.content.utf8))
            else {
                return false
            }
            return members.allSatisfy { content[$0.key]?.text == $0.value }
        }
    }

    // MARK: Agreements and registrations

    private static func agreementFaults(in transaction: any SQLReading) throws(Problem) -> [Fault] {
        var faults: [Fault] = []
        for agreement in try AgreementBook.agreements(of: nil, in: transaction)
        where agreement.state == .inForce {
            for (id, signature) in [
                (agreement.provider, agreement.providerSignature),
                (agreement.consumer, agreement.consumerSignature),
            ] {
                let party = try PartyRegister.party(id, in: transaction)
                if signature == nil, id == agreement.consumer,
                    let evidence = try AgreementBook.evidence(of: agreement.code.text, in: transaction),
                    try hasLeaf(
                        "offer-accepted", agreement.code.text, ["evidence": evidence.hex], in: transaction)
                {
                    continue
                }
                let bytes = agreement.signedBytes
                guard let signature, PartySignature.isValid(signature, over: bytes, by: party.signingKey)
                else {
                    faults.append(
                        Fault(
                            place: agreement.code.text,
                            what: LocalizedText(
                                zh: "没有 \(party.name) 的有效签名", en: "was not signed by \(party.name)")))
                    continue
                }
            }
        }
        return faults
    }

    private static func registrationFaults(in transaction: any SQLReading) throws(Problem) -> [Fault] {
        let rows = try transaction.all(
            "SELECT code, asset_code, document FROM register_registration WHERE revoked_at IS NULL"
        ) { row throws(Problem) in (try row.text(0), try row.text(1), try row.json(2)) }
        var faults: [Fault] = []
        for (code, asset, document) in rows {
            let members = ["registration": code, "claim": Digest(of: document.canonicalBytes).hex]
            guard try !hasLeaf("asset-registered", asset, members, in: transaction) else { continue }
            faults.append(
                Fault(place: code, what: LocalizedText(zh: "登记内容与存证不符", en: "does not say what was logged")))
        }
        return faults
    }
}
