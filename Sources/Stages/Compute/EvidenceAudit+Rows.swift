// SPDX-License-Identifier: Apache-2.0

private import Identity
private import Policy
import Primitives
private import Register
import Store
private import Trade
private import Transparency
private import Valve

/// Column by column: what a row says must follow from its identifier, from a signed receipt, or from the leaf that was
/// written in the same commit. A changed byte then contradicts one of them.
extension EvidenceAudit {
    static func rowFaults(in transaction: any SQLReading) throws(Problem) -> [Fault] {
        var faults: [Fault] = []
        for row in try transaction.all(PassageRow.select, [], PassageRow.init) {
            faults += try row.faults(in: transaction)
        }
        for row in try transaction.all(AgreementRow.select, [], AgreementRow.init) {
            faults += try row.faults(in: transaction)
        }
        for row in try transaction.all(RegistrationRow.select, [], RegistrationRow.init) {
            faults += try row.faults(in: transaction)
        }
        return faults
    }
}

/// Leaves about one code, for comparing a row with what was logged of it.
private struct Evidence {
    let leaves: [StoredLeaf]

    init(about code: String, in transaction: any SQLReading) throws(Problem) {
        guard let code = Code(code) else {
            leaves = []
            return
        }
        leaves = try TransparencyLog.leaves(about: code, limit: .max, in: transaction)
    }

    /// Whether a leaf of this kind was written at this moment, with this index and these members, where given.
    func has(
        _ kind: LogEntryKind, at time: Instant? = nil, index: Int64? = nil, _ members: [String: String] = [:]
    ) -> Bool {
        leaves.contains { leaf in
            guard leaf.leaf.kind == kind, time.map({ $0 == leaf.leaf.time }) ?? true,
                index.map({ $0 == Int64(clamping: leaf.index) }) ?? true
            else { return false }
            guard !members.isEmpty else { return true }
            let content = (try? JSON(parsing: leaf.content)) ?? .null
            return members.allSatisfy { content[$0.key]?.text == $0.value }
        }
    }
}

/// A passage as it lies there, every column as raw as it is.
private struct PassageRow {
    static let select = """
        SELECT id, side, code, agreement_id, agreement_code, door, asker_id, state, price, request, document, answer, \
        reserved_at, expires_at, finished_at FROM valve_passage
        """

    let id: ID<Passage>?
    let side: Passage.Side?
    let code: String
    let agreement: ID<Agreement>?
    let agreementCode: String
    let door: Door?
    let asker: ID<Party>?
    let state: Passage.State?
    let price: Int64
    let request: Digest?
    let document: JSON
    let answer: [UInt8]?
    let reservedAt: Instant
    let expiresAt: Instant
    let finishedAt: Instant?

    init(_ row: any SQLRow) throws(Problem) {
        id = try? row.id(0)
        side = Passage.Side(rawValue: try row.text(1))
        code = try row.text(2)
        agreement = try? row.id(3)
        agreementCode = try row.text(4)
        door = Door(rawValue: try row.text(5))
        asker = try? row.id(6)
        state = Passage.State(rawValue: try row.text(7))
        price = try row.integer(8)
        request = try? row.digest(9)
        document = (try? row.json(10)) ?? .null
        answer = try row.optional(11, row.blob)
        reservedAt = try row.instant(12)
        expiresAt = try row.instant(13)
        finishedAt = try row.optional(14, row.instant)
    }

    func faults(in transaction: any SQLReading) throws(Problem) -> [EvidenceAudit.Fault] {
        guard let id, let side, let agreement, let door, let asker, let state, let request else {
            return [fault("含无法识别的值", "holds a value that no passage has")]
        }
        var faults: [EvidenceAudit.Fault] = []
        func require(_ holds: Bool, _ zh: String, _ en: String) {
            if !holds { faults.append(fault(zh, en)) }
        }
        require(Code(.passage, id).text == code, "编码与标识不符", "its code is not its identifier's")
        let named =
            side == .asker
            ? agreement == ID(derivedFrom: Digest(of: agreementCode))
            : Code(.agreement, agreement).text == agreementCode
        require(named, "合约编码与标识不符", "names two different agreements")
        require(side != .asker || [.query, .match].contains(door), "通道不符", "names another door")
        let evidence = try Evidence(about: code, in: transaction)
        let wait = side == .asker ? Duration.zero : Passage.reservation
        require(expiresAt == reservedAt.advanced(by: wait), "有效期不符", "has another expiry than its time gives")
        if side == .asker {
            let noted = ["receipt": document["receiptDigest"]?.text ?? ""].merging(paid) { $1 }
            require(
                state == .settled && evidence.has(.passageSettled, at: reservedAt, index: leaf, noted),
                "与结算存证不符", "is not what its leaf says")
            require(isAsReplied, "答复所述与回执不符", "its reply speaks of another passage or price")
        } else {
            require(
                evidence.has(
                    .passageReserved, at: reservedAt,
                    ["question": request.hex].merging(state == .settled ? [:] : paid) { $1 }),
                "与预留存证不符", "is not what was logged when it was reserved")
            require(isFinished(state, evidence), "状态与存证不符", "its state is not what was logged last")
        }
        if state == .answered {
            let question = Question(
                passage: id, agreementCode: agreementCode, door: door, text: document["text"]?.text ?? "",
                purpose: document["purpose"]?.text ?? "", asker: asker)
            require(question.digest == request, "问题与摘要不符", "its question is not the one that was asked")
        }
        require(
            hasTranscript(id, side, state, evidence), "求交记录摘要与回执不符",
            "its log names another run than its receipt")
        require(
            (document.object ?? [:]).keys.allSatisfy(Self.members.contains), "含未知字段",
            "has a member that no passage has")
        faults += try receiptFaults(id, side, asker, state, request, in: transaction)
        return faults
    }

    /// What a passage's document may hold, at any side of any door.
    private static let members: Set<String> = [
        "receipt", "receiptDigest", "leaf", "meter", "version", "why", "consents",
        // A question, at its holder and at its asker.
        "text", "purpose", "seed", "passage", "code", "price", "repeated",
        // A copy.
        "file", "mark", "rules", "fields", "people",
    ]

    /// Whether the holder's reply, which its asker keeps, speaks of the passage of its receipt and of what was paid.
    private var isAsReplied: Bool {
        guard let passage = document["passage"]?.text, let id = ID<Passage>(uuid: passage) else {
            return false
        }
        return document["receipt"]?["content"]?["passage"]?.text == passage
            && document["code"]?.text == Code(.passage, id).text
            && document["price"]?.text == Money(minorUnits: price).description
    }

    private func isFinished(_ state: Passage.State, _ evidence: Evidence) -> Bool {
        switch state {
        case .reserved: finishedAt == nil && !evidence.has(.passageVoided)
        case .answered:
            evidence.has(
                .passageAnswered, at: finishedAt, index: leaf,
                ["seed": Digest(of: document["seed"]?.text ?? "").hex])
        case .settled:
            evidence.has(
                .passageSettled, at: finishedAt, index: leaf,
                paid.merging(["meter": document["meter"]?.text ?? ""]) { $1 })
        case .voided:
            evidence.has(.passageVoided, at: finishedAt, ["why": document["why"]?.text ?? ""])
        }
    }

    /// Whether this log names the run that the holder's receipt names, as the other side's does. A keeper saw no run; an
    /// answer that was given again is another passage's.
    private func hasTranscript(
        _ id: ID<Passage>, _ side: Passage.Side, _ state: Passage.State, _ evidence: Evidence
    ) -> Bool {
        let content = document["receipt"]?["content"]
        guard door == .match, side != .keeper, state == .answered || state == .settled,
            content?["passage"]?.text == id.uuid
        else { return true }
        guard let transcript = content?["transcript"]?.text else { return false }
        let time = side == .asker ? reservedAt : finishedAt
        return evidence.has(.matchTranscript, at: time, ["transcript": transcript])
    }

    private var leaf: Int64 { document["leaf"]?.integer ?? -1 }

    /// The price as leaves say it: the ceiling when it was reserved, and what was paid when it was settled.
    private var paid: [String: String] { ["price": Money(minorUnits: price).description] }

    /// The row beside the receipt that its holder signed.
    private func receiptFaults(
        _ id: ID<Passage>, _ side: Passage.Side, _ asker: ID<Party>, _ state: Passage.State,
        _ request: Digest, in transaction: any SQLReading
    ) throws(Problem) -> [EvidenceAudit.Fault] {
        guard state == .answered || state == .settled else { return [] }
        guard let receipt = document["receipt"].flatMap(PassageReceipt.init(json:)) else {
            return [fault("没有回执", "has no receipt")]
        }
        let content = receipt.content
        // An answer that was given again carries the receipt of the passage that first got it.
        let isOwn = side != .asker || document["repeated"] != true
        var faults: [EvidenceAudit.Fault] = []
        for (name, own) in [given(side)]
            + (isOwn
                ? [
                    ("passage", id.uuid), ("agreement", agreementCode), ("asker", asker.uuid),
                    ("question", request.hex),
                ] : [])
        where content[name]?.text != own {
            faults.append(fault("\(name) 与回执不符", "its \(name) is not what its receipt says"))
        }
        if side == .holder || isOfCopy, document["version"]?.text != content["version"]?.text {
            faults.append(fault("版本与回执不符", "its version is not what its receipt says"))
        }
        if let noted = document["receiptDigest"]?.text, noted != receipt.digest.hex {
            faults.append(fault("回执摘要不符", "notes another digest than its receipt has"))
        }
        if side == .asker, try !isSigned(receipt, in: transaction) {
            faults.append(fault("回执没有持有方的有效签名", "has a receipt that its holder did not sign"))
        }
        return faults
    }

    /// At the other sides `EvidenceAudit` asks the agreement for the holder, which an asker's node may not have.
    private func isSigned(
        _ receipt: PassageReceipt, in transaction: any SQLReading
    ) throws(Problem) -> Bool {
        guard let id = receipt.content["holder"]?.text.flatMap({ ID<Party>(uuid: $0) }) else { return false }
        return receipt.isSigned(by: try PartyRegister.party(id, in: transaction))
    }

    private var isOfCopy: Bool { door?.handsOverACopy == true }

    /// What left, under the name that the receipt has for it.
    private func given(_ side: Passage.Side) -> (String, String) {
        if isOfCopy { return ("file", document["file"]?["digest"]?.text ?? "") }
        return (side == .asker ? "result" : "answer", answer.map { Digest(of: $0).hex } ?? "")
    }

    private func fault(_ zh: String, _ en: String) -> EvidenceAudit.Fault {
        EvidenceAudit.Fault(place: "passage \(code)", what: LocalizedText(zh: zh, en: en))
    }
}

/// An agreement as it lies there.
private struct AgreementRow {
    static let select = """
        SELECT id, code, listing_code, provider_id, consumer_id, policy, listing, state, in_force_at, ended_at, \
        contract_code FROM trade_agreement
        """

    let id: ID<Agreement>?
    let code: String
    let listingCode: String
    let provider: ID<Party>?
    let consumer: ID<Party>?
    let policy: JSON
    let listing: Listing?
    /// Whether the listing is written as it was signed, with no member more or less.
    let isListingWhole: Bool
    let state: Agreement.State?
    let inForceAt: Instant?
    let endedAt: Instant?
    let contractCode: String?

    init(_ row: any SQLRow) throws(Problem) {
        id = try? row.id(0)
        code = try row.text(1)
        listingCode = try row.text(2)
        provider = try? row.id(3)
        consumer = try? row.id(4)
        policy = (try? row.json(5)) ?? .null
        let written = (try? row.json(6)) ?? .null
        listing = try? Listing(json: written)
        isListingWhole = listing?.json == written
        state = Agreement.State(rawValue: try row.text(7))
        inForceAt = try row.optional(8, row.instant)
        endedAt = try row.optional(9, row.instant)
        contractCode = try row.optional(10, row.text)
    }

    func faults(in transaction: any SQLReading) throws(Problem) -> [EvidenceAudit.Fault] {
        guard let id, let provider, let consumer, let listing, let state else {
            return [fault("含无法识别的值", "holds a value that no agreement has")]
        }
        var faults: [EvidenceAudit.Fault] = []
        func require(_ holds: Bool, _ zh: String, _ en: String) {
            if !holds { faults.append(fault(zh, en)) }
        }
        require(Code(.agreement, id).text == code, "编码与标识不符", "its code is not its identifier's")
        require(isListingWhole, "挂牌含未知字段", "its listing has members that no listing has")
        require(listing.code.text == listingCode, "挂牌编码不符", "names another listing")
        require(listing.holder == provider, "提供方不符", "names another provider than its listing")
        guard state != .unsigned else { return faults }
        let evidence = try Evidence(about: code, in: transaction)
        require(
            evidence.has(.agreementSigned, at: inForceAt), "生效时间与存证不符",
            "came into force at another time than was logged")
        require(
            contractCode == Code(.contract, id).text, "合同编码不符", "names another contract")
        let isEnded = state == .revoked
        require(
            evidence.has(.agreementRevoked) == isEnded, "状态与存证不符", "its state is not what was logged last")
        require(
            isEnded ? evidence.has(.agreementRevoked, at: endedAt) : endedAt == nil, "终止时间与存证不符",
            "ended at another time than was logged")
        let stored = try? AgreementBook.agreement(code, in: transaction)
        let signed = stored.map { Digest(of: $0.signedBytes).hex } ?? ""
        require(
            evidence.has(.agreementSigned, ["agreement": signed]), "文本与存证不符",
            "is not the text whose digest was logged")
        return faults
            + (try signatureFaults(stored, provider: provider, consumer: consumer, in: transaction))
    }

    /// Ended agreements keep their signatures too.
    private func signatureFaults(
        _ stored: Agreement?, provider: ID<Party>, consumer: ID<Party>, in transaction: any SQLReading
    ) throws(Problem) -> [EvidenceAudit.Fault] {
        guard let stored else { return [fault("无法读取", "cannot be read")] }
        var signatures = [(provider, stored.providerSignature), (consumer, stored.consumerSignature)]
        // Who has no key of ours accepted by what its credentials proved, which a leaf pins.
        if stored.consumerSignature == nil,
            let accepted = try AgreementBook.evidence(of: code, in: transaction),
            try Evidence(about: code, in: transaction).has(.offerAccepted, ["evidence": accepted.hex])
        {
            signatures.removeLast()
        }
        return signatures.compactMap { id, signature in
            let party = try? PartyRegister.party(id, in: transaction)
            let isValid = party.flatMap { party in
                signature.map {
                    PartySignature.isValid($0, over: stored.signedBytes, by: party.signingKey)
                }
            }
            return isValid == true
                ? nil : fault("缺少一方的有效签名", "one side's valid signature is missing")
        }
    }

    private func fault(_ zh: String, _ en: String) -> EvidenceAudit.Fault {
        EvidenceAudit.Fault(place: "agreement \(code)", what: LocalizedText(zh: zh, en: en))
    }
}

/// A registration as it lies there, with the right it gave.
private struct RegistrationRow {
    static let select = """
        SELECT r.id, r.code, r.asset_code, r.kind, r.holder_id, r.document, r.leaf_index, r.registered_at, \
        r.revoked_at, h.kind, h.recorded_at, r.content FROM register_registration r LEFT JOIN register_right h \
        ON h.asset_code = r.asset_code AND h.party_id = r.holder_id AND h.evidence = r.code
        """

    let id: ID<Registration>?
    let code: String
    let asset: String
    let kind: String
    let holder: ID<Party>?
    let document: JSON
    let leaf: Int64
    let registeredAt: Instant
    let revokedAt: Instant?
    let rightKind: String?
    let rightAt: Instant?
    let content: String?

    init(_ row: any SQLRow) throws(Problem) {
        id = try? row.id(0)
        code = try row.text(1)
        asset = try row.text(2)
        kind = try row.text(3)
        holder = try? row.id(4)
        document = (try? row.json(5)) ?? .null
        leaf = try row.integer(6)
        registeredAt = try row.instant(7)
        revokedAt = try row.optional(8, row.instant)
        rightKind = try row.optional(9, row.text)
        rightAt = try row.optional(10, row.instant)
        content = try row.optional(11, row.text)
    }

    func faults(in transaction: any SQLReading) throws(Problem) -> [EvidenceAudit.Fault] {
        guard let id, let holder else { return [fault("含无法识别的值", "holds a value that no registration has")] }
        var faults: [EvidenceAudit.Fault] = []
        func require(_ holds: Bool, _ zh: String, _ en: String) {
            if !holds { faults.append(fault(zh, en)) }
        }
        require(Code(.registration, id).text == code, "编码与标识不符", "its code is not its identifier's")
        // The identifier follows from who claimed what (`RegistrationService.submit`).
        let derived = ID<Registration>(derivedFrom: Digest(of: holder.uuid + document.canonicalText))
        // A moved registration has a new holder: who claimed it stands in the one it ended.
        require(
            derived == id || document["grantee"] != nil, "主体或内容与标识不符",
            "another holder or another claim than its identifier says")
        require(document["asset"]?.text == asset, "资产编码不符", "names another asset than its claim")
        require(document["version"]?.text == content, "内容摘要不符", "names another content than its claim")
        require(document["kind"]?.text == kind, "登记类型不符", "is of another kind than its claim")
        let evidence = try Evidence(about: asset, in: transaction)
        require(
            evidence.has(.assetRegistered, at: registeredAt, index: leaf, ["registration": code]),
            "与登记存证不符", "is not what its leaf says")
        require(
            revokedAt.map { evidence.has(.registrationRevoked, at: $0) } ?? true, "撤销未经存证",
            "was revoked without a leaf")
        require(
            revokedAt != nil || (rightKind == "hold" && rightAt == registeredAt), "权益记录缺失或不符",
            "the right it gave is missing or changed")
        return faults
    }

    private func fault(_ zh: String, _ en: String) -> EvidenceAudit.Fault {
        EvidenceAudit.Fault(place: "registration \(code)", what: LocalizedText(zh: zh, en: en))
    }
}
