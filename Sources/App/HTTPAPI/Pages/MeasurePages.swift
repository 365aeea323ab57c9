// SPDX-License-Identifier: Apache-2.0

private import Measure
private import Packs
import Primitives
private import Register
private import Rules
import WebUI

/// Pages of measurement: what is published, where the plans stand, and the yearly report of an index.
extension Courtyard {
    var measurePages: [Route] {
        [
            page("/measure", .anyone, "Published indices, plans and rounds.") { _ throws(Problem) in
                try await measurePage()
            },
            page("/measure/:index/:period", .anyone, "The report of an index: ?version=.") {
                request throws(Problem) in
                try await indexReportPage(request)
            },
        ]
    }

    private func measurePage() async throws(Problem) -> any Page {
        let today = context.clock.now().day(in: .shanghai)
        return MeasurePage(
            reports: try await packs.reports().map {
                MeasurePage.Report(
                    index: $0.index.id, title: $0.index.title, period: $0.period, version: $0.version,
                    note: $0.note, publishedAt: $0.publishedAt)
            },
            plans: try await packs.plans().map { plan in
                MeasurePage.Plan(
                    title: plan.title,
                    goals: plan.targets.map { MeasurePage.Goal($0, on: today) }
                        + plan.tasks.map { MeasurePage.Goal($0, on: today) })
            },
            rounds: try await packs.rounds().map { round in
                MeasurePage.Round(
                    id: round.id, due: round.dueOn.description,
                    reported: round.reports.compactMap { $0["lead"]?.text }, silent: round.silent)
            },
            sameThing: SameThing(http: "curl $HUTONG_URL/api/v1/plans", cli: "hutong plan status"))
    }

    private func indexReportPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let report = try await indexReport(request)
        let newest = try await packs.report(report.index.id, period: report.period)
        let result = try report.result()
        let index = report.index
        let root = index.groups.last?.id ?? ""
        let dimensions = index.groups.filter { $0.parent == root || $0.id == root }
        let latest = IndexComparison(result, of: index).latest
        return IndexReportPage(
            name: index.title, period: report.period, version: report.version, versions: newest.version,
            note: report.note, source: index.source, digest: report.digest,
            publishedAt: report.publishedAt, dimensions: dimensions.map(\.title),
            lines: latest.map { line in
                let place = result.units.indices.first {
                    result.units[$0] == line.unit && result.years[$0] == line.year
                }
                return IndexReportPage.Line(
                    unit: line.unit,
                    cells: dimensions.map { dimension in
                        line.standings[dimension.id].map {
                            IndexReportPage.Cell(
                                score: $0.score, rank: $0.rank, gap: $0.gap, change: $0.change)
                        }
                    },
                    rankRange: place.flatMap { result.rankRanges[$0] })
            },
            imputed: result.imputed, hasDefaultWeights: index.hasDefaultWeights,
            sameThing: SameThing(
                http:
                    "curl '$HUTONG_URL/api/v1/indices/\(index.id)/\(report.period)?version=\(report.version)'",
                cli: "hutong index show \(index.id) \(report.period) --version \(report.version)"))
    }
}

extension MeasurePage.Goal {
    fileprivate init(_ target: ActionPlan.Target, on day: CalendarDay) {
        let bounds = [target.value, target.upper].compactMap { $0?.description }.joined(separator: "–")
        let words: [ActionPlan.Operator: String] = [
            .atLeast: "≥ ", .above: "> ", .equal: "", .about: "≈ ", .between: "", .qualitative: "",
        ]
        let growth = target.neededGrowthPercent.map {
            LocalizedText(zh: "还需年均增长 \($0)%", en: "\($0) % a year needed")
        }
        let said = [target.note, target.gap?.words, growth].compactMap(\.self)
        self.init(
            id: target.id, title: target.title,
            aim: bounds.isEmpty ? "–" : (words[target.symbol] ?? "") + bounds + " " + target.unit,
            due: target.year.map { "\($0)" } ?? "–", source: target.source,
            standing: Standing(target.light(on: day)),
            note: said.isEmpty
                ? nil
                : LocalizedText(
                    zh: said.map(\.zh).joined(separator: "；"), en: said.map(\.en).joined(separator: "; ")))
    }

    fileprivate init(_ task: ActionPlan.Task, on day: CalendarDay) {
        self.init(
            id: task.id, title: task.title, aim: ([task.lead] + task.coLeads).joined(separator: "、"),
            due: task.due?.description ?? "–", source: task.source,
            standing: Standing(task.light(on: day)), note: nil)
    }
}

extension Standing {
    fileprivate init(_ light: PlanLight) {
        switch light {
        case .late: self.init(light.name, .stopped)
        case .atRisk: self.init(light.name, .waits)
        case .done, .onTime, .unknown: self.init(light.name, .plain)
        }
    }
}

extension ActionPlan.Target.Gap {
    fileprivate var words: LocalizedText {
        switch self {
        case .numberAbsent: LocalizedText(zh: "原文没有数值", en: "the source states no number")
        case .figureAbsent: LocalizedText(zh: "尚无实际值", en: "no figure yet")
        case .unitDiffers:
            LocalizedText(zh: "实际值的单位与目标不同，未作比较", en: "the figure's unit differs; not compared")
        }
    }
}
