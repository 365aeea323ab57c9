// SPDX-License-Identifier: Apache-2.0

import Identity
private import Policy
import Primitives
private import Register
private import Store
private import Trade
private import Transparency
private import Valve
import WebUI

/// Negotiations as forms, and the papers that come out of them.
extension Courtyard {
    /// The negotiations of the caller that are not over, those that wait for it first.
    func offerViews(_ request: APIRequest, _ names: PartyNames) async throws(Problem) -> [OfferView] {
        let rows = try await api("GET", "/api/v1/offers", as: request)["offers"]?.array ?? []
        var views: [OfferView] = []
        for row in rows where !["FINALIZED", "TERMINATED"].contains(row["state"]?.text ?? "") {
            let code = row["listing"]?.text ?? ""
            let title = try? await catalog("/api/v1/listings/" + code, as: request)["title"].localized
            if let view = OfferView(
                row, listing: Named(title ?? LocalizedText(code), Code(code)), names,
                signsHere: try request.proven().party == context.own)
            {
                views.append(view)
            }
        }
        return views.filter { !$0.moves.isEmpty } + views.filter(\.moves.isEmpty)
    }

    /// Asks for a listing: under its terms, or, from the second form, under the asker's own.
    func ask(forListing code: String, _ form: [String: String], _ request: APIRequest) async throws(Problem) {
        var body: [String: JSON] = ["listing": .string(code)]
        if form["step"] == "counter" {
            let terms = try await catalog("/api/v1/listings/" + code, as: request)["terms"]
            body["counter"] = try await changed(terms ?? .null, by: form)
        }
        _ = try await api("POST", "/api/v1/offers", body: .object(body), as: request)
    }

    func counter(_ form: [String: String], _ request: APIRequest) async throws(Problem) -> APIReply {
        let code = request.parameter("code")
        let rows = try await api("GET", "/api/v1/offers", as: request)["offers"]?.array ?? []
        guard let row = rows.first(where: { $0["offer"]?.text == code }) else { throw .offerUnknown(code) }
        _ = try await api(
            "POST", "/api/v1/offers/\(code)/counter",
            body: ["terms": try await changed(row["terms"] ?? .null, by: form)], as: request)
        return APIReply(seeOther: "/mine")
    }

    func decline(_ form: [String: String], _ request: APIRequest) async throws(Problem) -> APIReply {
        _ = try await api(
            "POST", "/api/v1/offers/\(request.parameter("code"))/decline",
            body: ["why": .string(form["why"] ?? "")], as: request)
        return APIReply(seeOther: "/mine")
    }

    /// The terms on the table with what the form changed; terms that the form cannot show stay as they are.
    func changed(_ terms: JSON, by form: [String: String]) async throws(Problem) -> JSON {
        let policy = try UsagePolicy(json: terms)
        guard var plain = PlainTerms(policy) else { return terms }
        plain.change(by: form)
        plain.recipients = try await recipients(form["recipients"] ?? "")
        return plain.policy(id: policy.id, target: policy.target).json
    }

    /// The parties that a form names, as terms name them; an unknown one is `identity.party-unknown`.
    func recipients(_ words: String) async throws(Problem) -> Set<String> {
        // A name may hold spaces; those around it are none of it.
        let names = words.split { ",，、".contains($0) }
            .map { $0.split(separator: " ").joined(separator: " ") }.filter { !$0.isEmpty }
        return try await store.read { transaction throws(Problem) in
            Set(
                try names.map { name throws(Problem) in
                    name.hasPrefix("urn:")
                        ? name : try PartyRegister.party(named: name, in: transaction).id.urn
                })
        }
    }

    /// The operator's decision on a listing or a registration, as the desk's form sends it.
    func decide(_ form: [String: String], _ request: APIRequest) async throws(Problem) -> APIReply {
        let code = request.parameter("code")
        let grants = JSON.bool(form["decision"] == "grant")
        let why = JSON.string(form["why"] ?? "")
        if Code(code)?.kind == .registration {
            _ = try await api(
                "POST", "/api/v1/registrations/\(code)/review", body: ["grants": grants, "why": why],
                as: request)
        } else {
            _ = try await api(
                "POST", "/api/v1/listings/\(code)/review", body: ["opens": grants, "why": why], as: request)
        }
        return APIReply(seeOther: "/desk")
    }

    // MARK: Papers

    func agreementPaper(_ request: APIRequest) async throws(Problem) -> any Page {
        try await paper(of: request.parameter("code"), as: .agreement, request)
    }

    /// 数据交易合同: found by its own code.
    func contractPaper(_ request: APIRequest) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let all = try await api("GET", "/api/v1/agreements", as: request)["agreements"]?.array ?? []
        guard
            let agreement = all.first(where: { $0["contract"]?.text == Code(code)?.text })?["agreement"]?.text
        else { throw Problem(.missing, "trade.agreement-unknown", ["agreement": .text(code)]) }
        return try await paper(of: agreement, as: .contract, request)
    }

    private func paper(
        of code: String, as kind: PaperPage.Kind, _ request: APIRequest
    ) async throws(Problem) -> any Page {
        let wire = try await api("GET", "/api/v1/agreements/" + code, as: request)
        let agreement = try Agreement(wire: wire)
        let names = try await partyNames()
        let (provider, consumer, signing, state) = try await store.read { transaction throws(Problem) in
            (
                try PartyRegister.party(agreement.provider, in: transaction),
                try PartyRegister.party(agreement.consumer, in: transaction),
                try TransparencyLog.leaves(about: agreement.code, limit: 20, in: transaction)
                    .first { $0.leaf.kind == .agreementSigned },
                try AgreementBook.agreement(agreement.code.text, in: transaction).state
            )
        }
        let paperCode = kind == .contract ? Code(.contract, agreement.id) : agreement.code
        func signature(_ role: LocalizedText, _ party: Party, _ bytes: [UInt8]?) -> PaperPage.Signature? {
            guard let bytes, let at = signing?.leaf.time ?? agreement.policy.timestamp else { return nil }
            return PaperPage.Signature(
                role: role, party: Named(party.name, party.code), at: at,
                keyFingerprint: Digest(of: party.signingKey).hex.prefix(16) + " · "
                    + Base64.encode(bytes).prefix(20) + "…")
        }
        let leaf = signing.map { Int($0.index) }
        return PaperPage(
            kind: kind, code: paperCode, subject: agreement.listing.title,
            facts: ContractWords.facts(agreement, provider, consumer, state),
            clauses: ContractWords.clauses(agreement, kind, names),
            signatures: [
                signature(LocalizedText(zh: "持有方", en: "holder"), provider, agreement.providerSignature),
                signature(LocalizedText(zh: "使用方", en: "buyer"), consumer, agreement.consumerSignature),
            ].compactMap(\.self),
            digest: Digest(of: agreement.signedBytes), logIndex: leaf,
            isWitnessed: try await isWitnessed(size: (leaf ?? -1) + 1),
            sameThing: SameThing(
                http: "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/agreements/"
                    + agreement.code.text,
                cli: "hutong verify hutong-data"))
    }

    // MARK: The budget, charge by charge

    func budgetPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let agreement = try await listedAgreement(request.parameter("code"), request)
        let code = try agreement.needed("agreement") { Code($0) }
        let listing = agreement["listing"]?.text ?? ""
        let status = try await api("GET", "/api/v1/budgets/" + listing, as: request)
        guard let budget = Budget(status: status) else {
            throw Problem(.missing, "app.route-unknown", ["path": .text(request.path)])
        }
        let rows = try await api("GET", "/api/v1/passages", as: request)["passages"]?.array ?? []
        var seen: Set<String> = []
        var charges: [BudgetPage.Charge] = []
        var sums: [Int] = []
        let charged = rows.filter { $0["agreement"]?.text == code.text && $0["state"]?.text != "voided" }
        for row in charged.sorted(by: { ($0["at"]?.text ?? "") < ($1["at"]?.text ?? "") }) {
            let receipt = row["receipt"]?["content"]
            // An answer that was given again bears the receipt of the passage that paid for it.
            guard let passage = Code(row["passage"]?.text ?? ""), seen.insert(passage.text).inserted,
                let paying = receipt?["passage"]?.text.flatMap({ ID<Passage>(uuid: $0) }),
                Code(.passage, paying) == passage,
                let cost = receipt?["epsilon"]?.text, cost != "0",
                let at = row["at"]?.text.flatMap({ Instant(rfc3339: $0) })
            else { continue }
            let sum = (sums.last ?? 0) + Budget.thousandths(cost)
            sums.append(sum)
            charges.append(
                BudgetPage.Charge(
                    passage: passage, at: at, cost: "ε " + cost, sum: "ε " + Budget.decimal(sum)))
        }
        return BudgetPage(
            agreement: Named(agreement["title"].localized, code),
            asset: Named(LocalizedText(listing), Code(listing)), budget: budget,
            period: Budget(period: status), forecast: BudgetPage.Forecast(status),
            spenders: BudgetPage.Spender.list(status, try await partyNames()), charges: charges,
            course: Chart(chargedSums: sums),
            sameThing: SameThing(
                http: "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/budgets/" + listing,
                cli: "hutong statement"))
    }
}

extension Chart {
    /// What was charged under an agreement after each of its questions, in thousandths of ε; `nil` for fewer than two.
    fileprivate init?(chargedSums sums: [Int]) {
        guard sums.count > 1 else { return nil }
        let points = sums.enumerated().map { place, sum in
            Chart.Point(x: Double(place), y: Double(sum) / 1000)
        }
        self.init(
            sums.count <= 24 ? .bars : .line,
            title: LocalizedText(zh: "累计消耗", en: "Charged so far"),
            xName: LocalizedText(zh: "提问", en: "question"), yName: LocalizedText("ε"),
            categories: sums.indices.map { String($0 + 1) },
            series: [Chart.Series(LocalizedText(zh: "累计", en: "sum"), points)], decimals: 3)
    }
}

/// The clauses of the papers, in the words of the agreement that both sides signed.
private enum ContractWords {
    static func facts(
        _ agreement: Agreement, _ provider: Party, _ consumer: Party, _ state: Agreement.State
    ) -> [(name: LocalizedText, value: LocalizedText)] {
        func named(_ party: Party) -> LocalizedText {
            LocalizedText(
                [party.name, party.creditCode, party.jurisdiction].compactMap(\.self).joined(separator: " · ")
            )
        }
        return [
            (LocalizedText(zh: "持有方（甲方）", en: "Holder"), named(provider)),
            (LocalizedText(zh: "使用方（乙方）", en: "Buyer"), named(consumer)),
            (LocalizedText(zh: "数字合约", en: "Agreement"), LocalizedText(agreement.code.text)),
            (LocalizedText(zh: "挂牌", en: "Listing"), LocalizedText(agreement.listing.code.text)),
            (LocalizedText(zh: "状态", en: "State"), PageWords.standing(state.rawValue).label),
        ]
    }

    static func clauses(
        _ agreement: Agreement, _ kind: PaperPage.Kind, _ names: PartyNames
    ) -> [PaperPage.Clause] {
        let terms = PaperPage.Clause(
            LocalizedText(zh: "使用条款", en: "Terms of use"),
            agreement.policy.plainWords.map(names.named))
        let rules = PageWords.rules(agreement.listing.rules)
        let release = PaperPage.Clause(LocalizedText(zh: "答案放行规则", en: "What an answer must satisfy"), rules)
        guard kind == .contract else { return [terms] + (rules.isEmpty ? [] : [release]) }
        let prices = PriceLine.list(agreement.listing.price.json).map { line in
            LocalizedText(
                zh: "\(line.door.zh)：\(line.amount) / 次", en: "\(line.door.en): \(line.amount) a use")
        }
        return [
            PaperPage.Clause(
                LocalizedText(zh: "标的", en: "Subject"), [agreement.listing.title, agreement.listing.about]),
            PaperPage.Clause(
                LocalizedText(zh: "交付方式", en: "Delivery"),
                [
                    LocalizedText(
                        zh: agreement.listing.doors.map { PageWords.door($0.rawValue).zh }.joined(
                            separator: "、"),
                        en: agreement.listing.doors.map { PageWords.door($0.rawValue).en }.joined(
                            separator: ", "))
                ]),
            PaperPage.Clause(
                LocalizedText(zh: "价格与结算", en: "Price and settlement"),
                (prices.isEmpty ? [LocalizedText(zh: "免费", en: "free")] : prices) + [
                    LocalizedText(
                        zh: "逐次计量，凭回执结算；被拒绝的使用不收费。",
                        en: "Metered use by use and settled on receipts; a refused use costs nothing.")
                ]),
            terms,
        ] + (rules.isEmpty ? [] : [release]) + [
            PaperPage.Clause(
                LocalizedText(zh: "证据", en: "Evidence"),
                [
                    LocalizedText(
                        zh: "每次使用留有持有方签名的回执和日志中的存在性证明，任何人可离线核验。",
                        en:
                            "Each use leaves a receipt signed by the holder and a proof in the log, which anybody can check offline."
                    )
                ])
        ]
    }
}

extension OfferView {
    fileprivate init?(_ row: JSON, listing: Named, _ names: PartyNames, signsHere: Bool) {
        guard let code = Code(row["offer"]?.text ?? ""), let state = row["state"]?.text else { return nil }
        let isOurs = row["turn"]?.text == row["side"]?.text
        let other = names.party(row["counterparty"]?.text)
        let isOpen = isOurs && ["REQUESTED", "OFFERED"].contains(state)
        let waits = LocalizedText(
            zh: PageWords.standing(state).label.zh + (isOurs ? "，等我处理" : ""),
            en: PageWords.standing(state).label.en + (isOurs ? ", my turn" : ""))
        let plain = (try? UsagePolicy(json: row["terms"] ?? .null)).flatMap { PlainTerms($0) }
        self.init(
            code: code, listing: listing, other: other,
            standing: Standing(
                waits, .waits, owner: isOurs ? nil : other.name.zh,
                due: row["until"]?.text.flatMap { Instant(rfc3339: $0) }),
            terms: Terms(row["words"], names), moves: isOpen ? [.accept, .counter, .decline] : [],
            draft: plain.map { TermsDraft($0, names) },
            note: signsHere
                ? nil
                : LocalizedText(
                    zh: "您的密钥不在本节点：双方谈妥后用 hutong accept \(code.text) 签署。",
                    en: "Your key is not on this node: once agreed, hutong accept \(code.text) signs."))
    }
}

extension TermsDraft {
    fileprivate init(_ plain: PlainTerms, _ names: PartyNames) {
        self.init(
            purposes: plain.purposes.sorted().joined(separator: ", "),
            until: plain.until.map { $0.advanced(by: .microseconds(-1)).day(in: .shanghai) },
            usesMax: plain.usesMax,
            recipients: plain.recipients.map { names.byURN[$0] ?? $0 }.sorted().joined(separator: ", "))
    }

    /// Of terms as ODRL; `nil` where the form could not show them.
    init?(terms: JSON?, _ names: PartyNames = PartyNames(byCode: [:], byURN: [:])) {
        guard let policy = try? UsagePolicy(json: terms ?? .null), let plain = PlainTerms(policy) else {
            return nil
        }
        self.init(plain, names)
    }
}
