// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The operator's desk: what waits for whom until when, and the valve.
package struct DeskPage: Page {
    /// Something that can be closed, and whether it is.
    package struct ValveRow: Hashable, Sendable {
        package let target: Named
        /// Asset, party, space, country.
        package let kind: LocalizedText
        package let isClosed: Bool
        package let closedAt: Instant?
        package let reason: String?
        package let passagesToday: Int

        package init(
            target: Named,
            kind: LocalizedText,
            isClosed: Bool,
            closedAt: Instant? = nil,
            reason: String? = nil,
            passagesToday: Int
        ) {
            self.target = target
            self.kind = kind
            self.isClosed = isClosed
            self.closedAt = closedAt
            self.reason = reason
            self.passagesToday = passagesToday
        }
    }

    /// A line of work: a listing to review, an agreement under way, a case.
    package struct Task: Hashable, Sendable {
        package let subject: Named
        package let party: Named
        package let standing: Standing
        package let path: String?
        /// Where the operator's decision is sent; `nil` where there is nothing to decide.
        package let decidePath: String?
        /// Entries of the prudent lists that it matches: the reviewer reads them before he decides.
        package let cautions: [Caution]

        package init(
            subject: Named, party: Named, standing: Standing, path: String? = nil, decidePath: String? = nil,
            cautions: [Caution] = []
        ) {
            self.subject = subject
            self.party = party
            self.standing = standing
            self.path = path
            self.decidePath = decidePath
            self.cautions = cautions
        }
    }

    /// An entry of a prudent list, since when it is in force.
    package struct Caution: Hashable, Sendable {
        package let list: LocalizedText
        package let entry: String
        package let since: String

        package init(list: LocalizedText, entry: String, since: String) {
            self.list = list
            self.entry = entry
            self.since = since
        }
    }

    /// A private match under way at this node.
    package struct MatchRow: Hashable, Sendable {
        package let passage: String
        /// Whether this node asks; else it holds.
        package let isAsker: Bool
        package let percent: Int
        package let flights: Int
        package let seconds: Int

        package init(passage: String, isAsker: Bool, percent: Int, flights: Int, seconds: Int) {
            self.passage = passage
            self.isAsker = isAsker
            self.percent = percent
            self.flights = flights
            self.seconds = seconds
        }
    }

    package let reviews: [Task]
    package let negotiations: [Task]
    package let agreements: [Task]
    package let cases: [Task]
    package let matches: [MatchRow]
    package let valves: [ValveRow]
    package let figures: CatalogPage.Figures
    package let sameThing: SameThing?
    package var section: Section { .desk }

    package init(
        reviews: [Task],
        negotiations: [Task] = [],
        agreements: [Task],
        cases: [Task] = [],
        matches: [MatchRow] = [],
        valves: [ValveRow],
        figures: CatalogPage.Figures,
        sameThing: SameThing?
    ) {
        self.reviews = reviews
        self.negotiations = negotiations
        self.agreements = agreements
        self.cases = cases
        self.matches = matches
        self.valves = valves
        self.figures = figures
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("运营台", "Operator's desk") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        \(figureBand(say))
        \(taskSection(say("待审核的挂牌", "Listings to review"), reviews,
                      say("没有待审核的挂牌。", "No listing waits for review."), say))
        \(when(!negotiations.isEmpty) { taskSection(say("磋商", "Negotiations"), negotiations, "", say) })
        \(taskSection(say("合约", "Agreements"), agreements,
                      say("还没有合约。", "No agreement yet."), say))
        \(when(!cases.isEmpty) { taskSection(say("事项", "Cases"), cases, "", say) })
        \(when(!matches.isEmpty) { matchSection(say) })
        <section><h2>\(say("数据阀", "The valve"))</h2>
        <p>\(say(
            "关阀在下一条记录之前生效，进行中的流也会停止；已经交付的副本不受影响。",
            "Closing acts before the next record, streams included; copies already handed over are not affected."
        ))</p>
        \(valveTable(say))</section>
        """
    }

    private func figureBand(_ say: Reader) -> HTML {
        let cells = [
            (figures.listings, say("挂牌", "listings")), (figures.passages, say("过阀次数", "passages")),
            (figures.refusals, say("拒绝次数", "refusals")), (figures.logSize, say("存证条目", "log entries")),
        ]
        return """
            <dl class="band">\(each(cells) { count, name in
                "<div><dt>\(name)</dt><dd class=\"figure\">\(say.number(count))</dd></div>"
            })</dl>
            """
    }

    /// Granting is one click; refusing needs its reason, which the other side is told.
    private func decision(_ path: String, _ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)"><button name="decision" value="grant">\
        \(say("批准", "Approve"))</button></form>\
        <details><summary>\(say("拒绝", "Refuse"))</summary><form method="post" action="\(path)">\
        \(Field.text("why", id: path + "-why", label: say("理由", "Reason"), isRequired: true))\
        <p><button name="decision" value="refuse">\(say("拒绝", "Refuse"))</button></p></form></details>
        """
    }

    private func cautions(_ task: Task, _ say: Reader) -> HTML {
        each(task.cautions) { caution in
            """
            <p class="caution"><span class="chip waits">\(say("谨慎", "prudent"))</span> \
            \(say(caution.list))\(say("：", ": "))\(caution.entry) \
            <span class="fine">\(say("自", "since ")) \(caution.since)</span></p>
            """
        }
    }

    private func taskSection(_ name: String, _ tasks: [Task], _ emptiness: String, _ say: Reader) -> HTML {
        let table = DataTable(
            caption: name,
            columns: [
                .text(say("事项", "Subject")), .text(say("主体", "Party")),
                .text(say("状态、责任人、期限", "State, owner, deadline")),
            ],
            rows: tasks.map { task in
                let subject = task.path.map { "<a href=\"\($0)\">\(say(task.subject.name))</a>" as HTML }
                let code: HTML = given(task.subject.code) { " <span class=\"fine\">\($0.link)</span>" }
                return [
                    (subject ?? HTML(say(task.subject.name))) + code + cautions(task, say),
                    task.party.link(say),
                    task.standing.chip(say) + given(task.decidePath) { decision($0, say) },
                ]
            }
        )
        return """
            <section><h2>\(name) <span class="count">\(tasks.count)</span></h2>
            \(tasks.isEmpty ? "<p class=\"fine\">\(emptiness)</p>" : table.html)</section>
            """
    }

    private func matchSection(_ say: Reader) -> HTML {
        let table = DataTable(
            caption: say("进行中的隐私求交", "Private matches under way"),
            columns: [
                .text(say("过阀记录", "Passage")), .text(say("本节点", "This node")),
                .number(say("已传（%）", "Sent (%)")), .number(say("往返", "Flights")),
                .number(say("秒", "Seconds")),
            ],
            rows: matches.map { match in
                [
                    HTML(match.passage), HTML(match.isAsker ? say("提问", "asks") : say("持有", "holds")),
                    HTML(say.number(match.percent)), HTML(say.number(match.flights)),
                    HTML(say.number(match.seconds)),
                ]
            })
        return "<section><h2>\(say("隐私求交", "Private matches"))</h2>\(table.html)</section>"
    }

    private func valveTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("数据阀状态", "State of the valve"),
            columns: [
                .text(say("对象", "Target")), .text(say("状态", "State")), .text(say("操作", "Action")),
                .text(say("类别", "Kind")), .number(say("今日过阀", "Passages today")),
            ],
            rows: valves.map { valve in
                [
                    valve.target.link(say), state(of: valve, say), button(for: valve, say),
                    HTML(say(valve.kind)),
                    HTML(say.number(valve.passagesToday)),
                ]
            }
        ).html
    }

    private func state(of valve: ValveRow, _ say: Reader) -> HTML {
        let standing =
            valve.isClosed
            ? Standing(LocalizedText(zh: "已关阀", en: "closed"), .stopped)
            : Standing(LocalizedText(zh: "开", en: "open"))
        return """
            \(standing.chip(say))\(given(valve.closedAt) { " <span class=\"fine\">\(say.time($0))</span>" })\
            \(given(valve.reason) { " <span class=\"fine\">\($0)</span>" })
            """
    }

    private func button(for valve: ValveRow, _ say: Reader) -> HTML {
        given(valve.target.code) { code in
            valve.isClosed
                ? """
                <form method="post" action="/valve/\(code.text)/open">\
                <button>\(say("开阀", "Open"))</button></form>
                """
                : """
                <form method="post" action="/valve/\(code.text)/close">\
                <button class="valve">\(say("关阀", "Close the valve"))</button></form>
                """
        }
    }
}
