// SPDX-License-Identifier: Apache-2.0

private import Compute
private import Dataspace
import Identity
private import Ledger
private import Packs
import Primitives
private import Register
private import Store
private import Trade
private import Valve
import WebUI

/// Pages of a signed-in party: its agreements, questions, passages and statements, and the operator's desk.
extension Courtyard {
    func agreementPage(_ request: APIRequest, form sent: [String: String] = [:]) async throws(Problem)
        -> any Page
    {
        let code = request.parameter("code")
        let agreement = try await listedAgreement(code, request)
        let (form, unfilled) = await filled(sent, agreement, request)
        let names = try await partyNames()
        let wire = try await api("GET", "/api/v1/agreements/" + code, as: request)
        let question = form["question"] ?? Self.firstQuestion(agreement["table"]?.text ?? "data")
        let purpose = form["purpose"] ?? Self.firstPurpose(of: wire["policy"])
        let outcome = await ask(form, agreement, request)
        let budget = try? await api(
            "GET", "/api/v1/budgets/" + (agreement["listing"]?.text ?? ""), as: request)
        return AgreementPage(
            code: try agreement.needed("agreement") { Code($0) },
            listing: Named(agreement["title"].localized, Code(agreement["listing"]?.text ?? "")),
            holder: names.party(agreement["provider"]?.text), buyer: names.party(agreement["consumer"]?.text),
            standing: PageWords.standing(agreement["state"]?.text),
            contract: Code(agreement["contract"]?.text ?? ""), terms: Terms(agreement["words"], names),
            moneyLeft: nil,
            budgets: budget.flatMap(Budget.init(status:)).map { [$0] } ?? [],
            tables: [
                (
                    agreement["table"]?.text ?? "data",
                    Self.askable(wire["listing"])
                )
            ],
            purpose: purpose, question: question, quote: outcome.quote, answer: outcome.answer,
            refusal: unfilled ?? outcome.refusal,
            idempotencyKey: ID<Passage>(at: context.clock.now()).uuid,
            sameThing: SameThing(
                http:
                    "curl -X POST -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/questions \\\n"
                    + "  -d '{\"agreement\": \"\(code)\", \"purpose\": \"…\", \"text\": \"SELECT …\"}'",
                cli: "hutong query \(code) 'SELECT …' --purpose …"))
    }

    /// A template's form with its question in the box, as it will be asked; or why it could not be filled in.
    private func filled(
        _ form: [String: String], _ agreement: JSON, _ request: APIRequest
    ) async -> (form: [String: String], refusal: Refusal?) {
        guard let template = form["template"] else { return (form, nil) }
        let arguments = form.filter { $0.key.hasPrefix("argument-") }.map {
            (String($0.key.dropFirst("argument-".count)), JSON.argument($0.value))
        }
        do throws(Problem) {
            let listing = try await market.listing(agreement["listing"]?.text ?? "")
            let body: JSON = [
                "template": .string(template), "arguments": .object(Dictionary(arguments) { $1 }),
            ]
            let text = try await questionText(body, on: listing, for: request.proven().party)
            return (form.merging(["question": text]) { $1 }, nil)
        } catch {
            return (form, Refusal(error, in: request.pageLanguage))
        }
    }

    /// With what the box begins, so that nobody faces an empty one.
    private static func firstQuestion(_ table: String) -> String { "SELECT COUNT(*) AS n FROM \(table)" }

    private static func firstPurpose(of policy: JSON?) -> String {
        TermsDraft(terms: policy)?.purposes.split(separator: ",").first.map(String.init) ?? ""
    }

    /// The columns a question may name, as the release rules have it.
    private static func askable(_ listing: JSON?) -> [String] {
        let rules = listing?["rules"]?["tables"]?[listing?["table"]?.text ?? ""]?["columns"]?.object
        return (listing?["summary"]?["fields"]?.array ?? []).compactMap { $0["name"]?.text }.filter {
            rules == nil || (rules?[$0] != nil && rules?[$0]?.text != "hidden")
        }
    }

    func listedAgreement(_ code: String, _ request: APIRequest) async throws(Problem) -> JSON {
        let all = try await api("GET", "/api/v1/agreements", as: request)["agreements"]?.array ?? []
        guard let found = all.first(where: { $0["agreement"]?.text == Code(code)?.text }) else {
            throw Problem(.missing, "trade.agreement-unknown", ["agreement": .text(code)])
        }
        return found
    }

    /// The form's step: first the price, then, at a second click, the answer. A refusal is shown in its place.
    private func ask(
        _ form: [String: String], _ agreement: JSON, _ request: APIRequest
    ) async -> (quote: Quote?, answer: Answer?, refusal: Refusal?) {
        guard let question = form["question"], !question.isEmpty else { return (nil, nil, nil) }
        do throws(Problem) {
            if form["step"] == "ask" {
                let reply = try await api(
                    "POST", "/api/v1/questions",
                    body: [
                        "agreement": agreement["agreement"] ?? .null, "text": .string(question),
                        "purpose": .string(form["purpose"] ?? ""),
                        "passage": .string(form["idempotency-key"] ?? ""),
                    ], as: request)
                return (nil, Answer(reply, at: context.clock.now()), nil)
            }
            let quoted = try await api(
                "POST", "/api/v1/questions/check",
                body: ["listing": agreement["listing"] ?? .null, "text": .string(question)], as: request)
            return (Quote(quoted), nil, nil)
        } catch {
            return (nil, nil, Refusal(error, in: request.pageLanguage))
        }
    }

    func minePage(_ request: APIRequest) async throws(Problem) -> any Page {
        let names = try await partyNames()
        let caller = try request.proven()
        let agreements = try await api("GET", "/api/v1/agreements", as: request)["agreements"]?.array ?? []
        let listings = try await ownListings(caller.party)
        let money = try await balances(of: caller.party)
        let own = Code(.party, caller.party).text
        return MinePage(
            offers: try await offerViews(request, names),
            agreements: agreements.map { row in
                let code = Code(row["agreement"]?.text ?? "")
                let isOpen = row["state"]?.text == "in-force" && row["consumer"]?.text == own
                return (
                    Named(row["title"].localized, code), PageWords.standing(row["state"]?.text), nil,
                    isOpen ? code.map { "/agreements/" + $0.text } : nil
                )
            },
            listings: listings, passages: try await passages(request), statementMonths: [thisMonth],
            balance: money.available,
            reserved: money.reserved,
            sameThing: SameThing(
                http: "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/passages",
                cli: "hutong receipts --out receipts"))
    }

    private func ownListings(
        _ party: ID<Party>
    ) async throws(Problem) -> [(listing: Named, standing: Standing, earned: Money?)] {
        try await store.read { transaction throws(Problem) in
            try ListingBook.all(in: Listing.State.allCases, in: transaction).filter { $0.0.holder == party }
                .map { (Named($0.title, $0.code), PageWords.standing($1.rawValue), nil) }
        }
    }

    private var thisMonth: String { String(context.clock.now().day(in: .shanghai).description.prefix(7)) }

    /// What the party can still spend here, and what is held for agreements in force.
    private func balances(of party: ID<Party>) async throws(Problem) -> (available: Money?, reserved: Money?)
    {
        guard isExchange else { return (nil, nil) }
        return try await store.read { transaction throws(Problem) in
            func balance(_ kind: AccountKind) throws(Problem) -> Money? {
                let account = try Books.account(Bookkeeping.account(kind, of: party.uuid), in: transaction)
                return account.map { Money(minorUnits: -$0.balance.net) }
            }
            return (try balance(.prepaid), nil)
        }
    }

    private func passages(_ request: APIRequest) async throws(Problem) -> [PassageView] {
        let rows = try await api("GET", "/api/v1/passages", as: request)["passages"]?.array ?? []
        return rows.compactMap(PassageView.init)
    }

    func statementPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let month = request.parameter("month")
        let statement = try await api("GET", "/api/v1/statement", query: ["month": month], as: request)
        let names = try await partyNames()
        let total = statement["total"]?.text.flatMap { Money($0) } ?? .zero
        let lines = statement["lines"]?.array ?? []
        let sum = lines.compactMap { $0["price"]?.text.flatMap { Money($0) } }.reduce(0) {
            $0 + $1.minorUnits
        }
        let party = names.party(statement["party"]?.text)
        return StatementPage(
            code: party.code ?? Code(.party, context.own), month: month, party: party,
            passages: lines.compactMap(PassageView.init),
            sums: [(LocalizedText(zh: "使用费合计", en: "all uses"), total)],
            difference: Money(minorUnits: total.minorUnits - sum),
            standing: Standing(LocalizedText(zh: "逐笔可核验", en: "each line has its receipt")),
            sameThing: SameThing(
                http:
                    "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" \"$HUTONG_URL/api/v1/statement?month=\(month)\"",
                cli: "hutong statement --month " + month))
    }

    func deskPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let names = try await partyNames()
        let caller = try request.proven()
        let agreements = try await api("GET", "/api/v1/agreements", as: request)["agreements"]?.array ?? []
        let filed =
            caller.may(.marketOperate)
            ? try await api("GET", "/api/v1/registrations", as: request)["registrations"]?.array ?? [] : []
        let today = context.clock.now().day(in: .shanghai)
        let (closures, listings, under, passages) = try await store.read { transaction throws(Problem) in
            (
                try DataValve.closures(in: transaction),
                try ListingBook.all(in: Listing.State.allCases, in: transaction),
                try NegotiationDesk.open(in: transaction).filter { $0.negotiation.state.actor != nil },
                try PassageBook.countsByTarget(since: Instant(startOf: today, in: .shanghai), in: transaction)
            )
        }
        let own = context.own
        var reviews: [DeskPage.Task] = []
        for (listing, state) in listings where state == .submitted && (isExchange || listing.holder != own) {
            reviews.append(
                DeskPage.Task(
                    subject: Named(listing.title, listing.code),
                    party: names.party(Code(.party, listing.holder).text),
                    standing: PageWords.standing(state.rawValue, owner: name),
                    path: "/listings/" + listing.code.text,
                    decidePath: caller.may(.marketOperate) ? "/desk/" + listing.code.text : nil,
                    cautions: try await packs.prudentHits(of: listing).map {
                        DeskPage.Caution(list: $0.list, entry: $0.entry, since: $0.since.description)
                    }))
        }
        return DeskPage(
            reviews: reviews,
            negotiations: under.map { row in
                let actor = row.negotiation.state.actor
                let waitsForUs = actor == row.negotiation.side
                return DeskPage.Task(
                    subject: Named(LocalizedText(row.listingCode), row.code),
                    party: names.party(Code(.party, row.counterparty).text),
                    standing: PageWords.standing(
                        row.negotiation.state.rawValue,
                        owner: names.party(
                            Code(.party, waitsForUs ? row.ownParty : row.counterparty).text
                        ).name.zh, due: row.negotiation.correspondence.actBefore))
            },
            agreements: agreements.map {
                DeskPage.Task(
                    subject: Named($0["title"].localized, Code($0["agreement"]?.text ?? "")),
                    party: names.party($0["consumer"]?.text), standing: PageWords.standing($0["state"]?.text))
            },
            cases: filed.map {
                DeskPage.Task(
                    subject: Named(
                        $0["claim"]?["title"].localized ?? LocalizedText("–"),
                        Code($0["registration"]?.text ?? "")),
                    party: names.party($0["holder"]?.text),
                    standing: PageWords.standing($0["state"]?.text, owner: name),
                    decidePath: $0["state"]?.text == "filed"
                        ? "/desk/" + ($0["registration"]?.text ?? "") : nil)
            },
            matches: matchRows,
            valves: Self.valves(listings.map(\.0), closures, names, passages),
            figures: try await figures(listings: listings.count),
            sameThing: SameThing(
                http: "curl -X POST -H \"Authorization: Bearer $HUTONG_TOKEN\" -d '{\"target\": \"CODE\"}' "
                    + "$HUTONG_URL/api/v1/valve/close",
                cli: "hutong valve close CODE"))
    }

    /// The private matches under way here.
    private var matchRows: [DeskPage.MatchRow] {
        let now = context.clock.now()
        return compute.matchesUnderWay.map { match in
            DeskPage.MatchRow(
                passage: Code(.passage, match.passage).text, isAsker: match.isAsker,
                percent: Int(min(99, 100 * match.bytes / max(1, match.bytesExpected))),
                flights: match.flights,
                seconds: Int(now.duration(since: match.begunAt).components.seconds))
        }
    }

    /// Every asset on offer, and whatever else is closed.
    private static func valves(
        _ listings: [Listing], _ closures: [(target: String, why: String, at: Instant)], _ names: PartyNames,
        _ passages: [String: Int]
    ) -> [DeskPage.ValveRow] {
        let closed = Dictionary(closures.map { ($0.target, $0) }) { $1 }
        let assets = Dictionary(listings.map { ($0.assetCode, $0.title) }) { first, _ in first }
        let targets = Set(assets.keys).union(closed.keys).sorted()
        return targets.map { target in
            let code = Code(target)
            return DeskPage.ValveRow(
                target: Named(assets[target] ?? LocalizedText(names.byCode[target] ?? target), code),
                kind: code.map { PageWords.kind($0.kind) } ?? LocalizedText(zh: "范围", en: "scope"),
                isClosed: closed[target] != nil, closedAt: closed[target]?.at, reason: closed[target]?.why,
                passagesToday: passages[target] ?? 0)
        }
    }
}

extension Budget {
    /// `nil` for a listing that protects its answers by group sizes.
    init?(status: JSON) {
        guard let total = status["total"]?.text, let spent = status["spent"]?.text,
            let left = status["left"]?.text
        else { return nil }
        let share = (Self.thousandths(spent) * 1000) / max(1, Self.thousandths(total))
        self.init(unit: "ε", total: total, spent: spent, left: left, spentShare: share)
    }

    /// What may be spent in the running period; `nil` where the rules name none.
    init?(period status: JSON) {
        guard let spent = status["spentInPeriod"]?.text, let left = status["leftInPeriod"]?.text else {
            return nil
        }
        let total = Self.thousandths(spent) + Self.thousandths(left)
        self.init(
            unit: "ε", total: Self.decimal(total), spent: spent, left: left,
            spentShare: Self.thousandths(spent) * 1000 / max(1, total),
            renews: status["periodEnds"]?.text.flatMap { Instant(rfc3339: $0) })
    }

    static func decimal(_ thousandths: Int) -> String {
        let fraction = String(thousandths % 1000 + 1000).dropFirst()
        let kept = fraction.reversed().drop { $0 == "0" }.reversed()
        return String(thousandths / 1000) + (kept.isEmpty ? "" : "." + String(kept))
    }

    /// A decimal in thousandths, for pictures and sums that are shown.
    static func thousandths(_ decimal: String) -> Int {
        let parts = decimal.split(separator: ".")
        let fraction = (parts.count > 1 ? String(parts[1]) : "") + "000"
        return (Int(parts.first ?? "0") ?? 0) * 1000 + (Int(fraction.prefix(3)) ?? 0)
    }
}

extension BudgetPage.Forecast {
    init(_ status: JSON) {
        self.init(
            questionsLeft: status["questionsLeft"]?.integer.map { Int($0) },
            lastsUntil: status["lastsUntil"]?.text.flatMap { Instant(rfc3339: $0) })
    }
}

extension BudgetPage.Spender {
    static func list(_ status: JSON, _ names: PartyNames) -> [Self] {
        let all = Budget.thousandths(status["spent"]?.text ?? "0")
        return (status["byAgreement"]?.array ?? []).compactMap { row in
            guard let agreement = row["agreement"]?.text.flatMap({ Code($0) }), let spent = row["spent"]?.text
            else { return nil }
            return Self(
                agreement: agreement, party: names.party(row["party"]?.text), spent: "ε " + spent,
                share: min(1000, Budget.thousandths(spent) * 1000 / max(1, all)))
        }
    }
}

extension Quote {
    fileprivate init(_ json: JSON) {
        let epsilon = json["cost"]?["epsilon"]?.double
        self.init(
            price: json["price"]?.text.flatMap { Money($0) } ?? .zero,
            privacyCost: epsilon.flatMap { $0 > 0 ? "ε \($0)" : nil },
            privacyLeftAfter: json["budget"]?["left"]?.text.map { "ε \($0)" },
            precision: Self.precision(json["errors"]?.array ?? []),
            plan: LocalizedText(
                zh: "允许；计划摘要 \(json["plan"]?.text?.prefix(12) ?? "–")",
                en: "allowed; plan \(json["plan"]?.text?.prefix(12) ?? "–")"))
    }

    /// How far counts and sums may be off, before anything is spent.
    private static func precision(_ errors: [JSON]) -> LocalizedText? {
        let parts = errors.compactMap { error -> LocalizedText? in
            guard let within = error["within"]?.figure else { return nil }
            let reach = within < 1e15 && within == within.rounded() ? String(Int(within)) : String(within)
            return error["figure"] == "count"
                ? LocalizedText(zh: "计数 ±\(reach)", en: "count ±\(reach)")
                : LocalizedText(zh: "合计 ±\(reach)", en: "sum ±\(reach)")
        }
        guard !parts.isEmpty else { return nil }
        return LocalizedText(
            zh: "每组误差约 " + parts.map(\.zh).joined(separator: "，") + "（95%）",
            en: "in each group about " + parts.map(\.en).joined(separator: ", ") + " (95%)")
    }
}

extension Answer {
    fileprivate init?(_ reply: JSON, at now: Instant) {
        guard
            let passage = Code(reply["code"]?.text ?? "")
                ?? reply["passage"]?.text
                .flatMap({ ID<Passage>(uuid: $0) }).map({ Code(.passage, $0) })
        else { return nil }
        let result = reply["result"] ?? .null
        let table = Preview(result)
        var notes: [LocalizedText] = []
        if result["intervals"]?.array?.contains(where: { $0.array?.contains { !$0.isNull } == true }) == true
        {
            notes.append(LocalizedText(zh: "数值含噪声；区间为 95%。", en: "Numbers carry noise; intervals are 95%."))
        }
        if let hidden = result["hiddenGroups"]?.integer, hidden > 0 {
            notes.append(
                LocalizedText(zh: "\(hidden) 个过小的组未显示。", en: "\(hidden) groups were too small to show."))
        }
        self.init(
            passage: passage, at: now, price: reply["price"]?.text.flatMap { Money($0) } ?? .zero,
            privacyCost: reply["epsilon"]?.text.map { "ε \($0)" }, notes: notes,
            body: reply["result"] == nil
                ? .sealed(
                    path: "/api/v1/passages/\(passage.text)", command: "hutong open \(passage.text).sealed")
                : .open(table, Chart(result).map { [$0] } ?? []),
            receiptPath: "/api/v1/passages/\(passage.text)/proof",
            logIndex: reply["leaf"]?.integer.map { Int($0) })
    }
}

extension Preview {
    /// An answer's table: columns, rows, and beside a noised value its interval.
    fileprivate init(_ result: JSON) {
        let columns = result["columns"]?.array?.compactMap(\.text) ?? []
        let rows = (result["rows"]?.array ?? []).prefix(Self.rowsShownMax)
        let numeric = columns.indices.filter { ["integer", "real"].contains(result["types"]?[$0]?.text) }
        self.init(
            columns: columns, numeric: Set(numeric),
            rows: rows.map { row in (row.array ?? []).map(Self.text) })
    }

    /// A page shows so many rows; the API gives all.
    private static let rowsShownMax = 200

    private static func text(_ value: JSON) -> String? {
        switch value {
        case .null: nil
        case .string(let text): text
        case .integer(let number): String(number)
        case .number(let number): String((number * 100).rounded() / 100)
        default: value.prettyText
        }
    }
}

extension Chart {
    /// The last column over the first, where that is a picture: two columns or more, few enough categories.
    fileprivate init?(_ result: JSON) {
        let rows = result["rows"]?.array ?? []
        let columns = result["columns"]?.array?.compactMap(\.text) ?? []
        guard columns.count == 2, (2...400).contains(rows.count) else { return nil }
        let points = rows.enumerated().compactMap { place, row -> Chart.Point? in
            guard let y = row[1]?.figure else { return nil }
            let ends = result["intervals"]?[place]?[1]
            let interval = ends?[0]?.figure.flatMap { low in
                ends?[1]?.figure.map { low <= $0 ? low...$0 : $0...low }
            }
            return Chart.Point(x: Double(place), y: y, interval: interval)
        }
        guard points.count > 1 else { return nil }
        let name = LocalizedText(columns[1])
        self.init(
            rows.count <= 24 ? .bars : .line,
            title: LocalizedText(zh: "答案：\(columns[1])", en: "Answer: \(columns[1])"),
            xName: LocalizedText(columns[0]), yName: name,
            categories: rows.map { $0[0]?.text ?? $0[0]?.integer.map { String($0) } ?? "" },
            series: [Chart.Series(name, points)])
    }
}

extension PassageView {
    fileprivate init?(_ row: JSON) {
        guard let code = Code(row["passage"]?.text ?? "") else { return nil }
        let at = row["at"]?.text
        self.init(
            code: code, at: at.flatMap { Instant(rfc3339: $0) } ?? Instant(seconds: 0),
            agreement: Named(row["agreement"]?.text ?? "–", Code(row["agreement"]?.text ?? "")),
            door: PageWords.door(row["door"]?.text ?? "–"),
            standing: row["side"]?.text == "holder" && row["state"]?.text == "answered"
                ? Standing(LocalizedText(zh: "已应答", en: "answered"))
                : PageWords.standing(row["state"]?.text ?? "settled"),
            price: row["price"]?.text.flatMap { Money($0) } ?? .zero,
            privacyCost: row["receipt"]?["content"]?["epsilon"]?.text.flatMap { $0 == "0" ? nil : "ε " + $0 },
            receiptPath: row["leaf"]?.integer == nil ? nil : "/api/v1/passages/\(code.text)/proof")
    }
}

extension JSON {
    /// What somebody typed for a template's place: a number or a truth value where it reads as one.
    fileprivate static func argument(_ typed: String) -> JSON {
        guard typed.first?.isNumber == true || typed == "true" || typed == "false",
            let value = try? JSON(parsing: typed)
        else { return .string(typed) }
        return value
    }
}
