// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What is measured here: published indices, and the plan ledger with its lights and rounds.
package struct MeasurePage: Page {
    package struct Report: Hashable, Sendable {
        package let index: String
        package let title: LocalizedText
        package let period: String
        package let version: Int
        package let note: String
        package let publishedAt: Instant

        package init(
            index: String, title: LocalizedText, period: String, version: Int, note: String,
            publishedAt: Instant
        ) {
            self.index = index
            self.title = title
            self.period = period
            self.version = version
            self.note = note
            self.publishedAt = publishedAt
        }
    }

    /// A target or a task of a plan.
    package struct Goal: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        package let aim: String
        package let due: String
        package let source: String
        package let standing: Standing
        package let note: LocalizedText?

        package init(
            id: String, title: LocalizedText, aim: String, due: String, source: String, standing: Standing,
            note: LocalizedText?
        ) {
            self.id = id
            self.title = title
            self.aim = aim
            self.due = due
            self.source = source
            self.standing = standing
            self.note = note
        }
    }

    package struct Plan: Hashable, Sendable {
        package let title: LocalizedText
        package let goals: [Goal]

        package init(title: LocalizedText, goals: [Goal]) {
            self.title = title
            self.goals = goals
        }
    }

    /// A dispatch round: who has reported, who is silent.
    package struct Round: Hashable, Sendable {
        package let id: String
        package let due: String
        package let reported: [String]
        package let silent: [String]

        package init(id: String, due: String, reported: [String], silent: [String]) {
            self.id = id
            self.due = due
            self.reported = reported
            self.silent = silent
        }
    }

    package let reports: [Report]
    package let plans: [Plan]
    package let rounds: [Round]
    package let sameThing: SameThing?
    package var section: Section { .measure }

    package init(reports: [Report], plans: [Plan], rounds: [Round], sameThing: SameThing?) {
        self.reports = reports
        self.plans = plans
        self.rounds = rounds
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("测度", "Measurement") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        <section id="reports"><h2>\(say("已发布的指数", "Published indices"))</h2>
        \(reports.isEmpty ? emptiness(say) : reportTable(say))</section>
        \(when(!rounds.isEmpty) { roundSection(say) })
        \(each(plans) { planSection($0, say) })
        """
    }

    private func emptiness(_ say: Reader) -> HTML {
        EmptyState(
            what: say("还没有发布指数。", "No index is published yet."),
            first: "<code>hutong index publish benchmark --period 2025 --data figures.csv</code>"
        ).html
    }

    private func reportTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("已发布的指数", "Published indices"),
            columns: [
                .text(say("指数", "Index")), .text(say("期间", "Period")), .number(say("版本", "Version")),
                .text(say("更正说明", "Correction")), .text(say("发布", "Published")),
            ],
            rows: reports.map { report in
                let path = "/measure/\(report.index)/\(report.period)?version=\(report.version)"
                return [
                    "<a href=\"\(path)\">\(say(report.title))</a>", HTML(report.period),
                    HTML(say.number(report.version)), HTML(report.note), say.day(report.publishedAt),
                ]
            }
        ).html
    }

    private func roundSection(_ say: Reader) -> HTML {
        """
        <section id="rounds"><h2>\(say("调度轮次", "Dispatch rounds"))</h2>
        \(DataTable(
            caption: say("调度轮次", "Dispatch rounds"),
            columns: [
                .text(say("轮次", "Round")), .text(say("截止", "Due")), .text(say("已报送", "Reported")),
                .text(say("尚未报送", "Silent")),
            ],
            rows: rounds.map { round in
                let mark: HTML = round.silent.isEmpty ? HTML("–") : HTML(round.silent.joined(separator: "、"))
                return [HTML(round.id), HTML(round.due), HTML(round.reported.joined(separator: "、")), mark]
            }).html)</section>
        """
    }

    private func planSection(_ plan: Plan, _ say: Reader) -> HTML {
        """
        <section><h2>\(say(plan.title)) <span class="count">\(plan.goals.count)</span></h2>
        \(DataTable(
            caption: say(plan.title),
            columns: [
                .text(say("编号", "No.")), .text(say("目标或任务", "Target or task")), .text(say("要求", "Asked")),
                .text(say("期限", "Due")), .text(say("状态", "State")), .text(say("出处", "Source")),
            ],
            rows: plan.goals.map { goal in
                let note: HTML = given(goal.note) { "<br><span class=\"fine\">\(say($0))</span>" }
                return [
                    HTML(goal.id), HTML(say(goal.title)) + note, HTML(goal.aim), HTML(goal.due),
                    goal.standing.chip(say), HTML(goal.source),
                ]
            }).html)</section>
        """
    }
}
