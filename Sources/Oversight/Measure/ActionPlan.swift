// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Rules

/// A plan with its targets and tasks: who owes what, by when, says which document.
package struct ActionPlan: Sendable {
    /// What a target asks of its figure.
    package enum Operator: String, Sendable, CaseIterable {
        case atLeast, above, equal, about, between, qualitative
    }

    /// One stated target. Two documents may state different ones: both are kept.
    package struct Target: Sendable {
        package let id: String
        package let title: LocalizedText
        package let symbol: Operator
        package let value: Decimal34?
        package let upper: Decimal34?
        package let unit: String
        /// `nil` where the source states no year.
        package let year: Int?
        package let source: String
        package let owner: String?
        package let baseline: Figure?
        package let actual: Figure?
        package let note: LocalizedText?
    }

    /// A number of a year.
    package struct Figure: Hashable, Sendable {
        package let year: Int
        package let value: Decimal34
        /// As its reporter wrote it; `nil` where he wrote none. Another unit than the target's is never converted.
        package let unit: String?
    }

    package struct Task: Sendable {
        package let id: String
        package let title: LocalizedText
        package let lead: String
        package let coLeads: [String]
        package let due: CalendarDay?
        /// The article that orders it.
        package let source: String
        package let milestones: [Milestone]
        package let isDone: Bool
        /// The last day on which its lead reported.
        package let reported: CalendarDay?
    }

    /// A step on the way of a task.
    package struct Milestone: Hashable, Sendable {
        package let title: LocalizedText
        package let due: CalendarDay
        package let isDone: Bool
    }

    package let id: String
    package let title: LocalizedText
    package let targets: [Target]
    package let tasks: [Task]

    /// Reads what `docs/packs.md` describes under `plans/`.
    package init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("id", "title", "targets", "tasks")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        var targets: [Target] = []
        for entry in try declared.elements("targets") { targets.append(try Target(entry)) }
        self.targets = targets
        var tasks: [Task] = []
        for entry in try declared.elements("tasks") { tasks.append(try Task(entry)) }
        self.tasks = tasks
    }
}

extension ActionPlan.Target {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows(
            "id", "title", "operator", "value", "upper", "unit", "year", "source", "owner", "baseline",
            "actual", "note")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        symbol = try declared.member("operator").choice()
        value = try declared.optional("value")?.decimal()
        upper = try declared.optional("upper")?.decimal()
        unit = try declared.optional("unit")?.text() ?? ""
        year = try declared.optional("year")?.integer()
        source = try declared.member("source").text()
        owner = try declared.optional("owner")?.text()
        baseline = try declared.figure("baseline")
        actual = try declared.figure("actual")
        note = try declared.optional("note")?.localized()
    }
}

extension ActionPlan.Task {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows(
            "id", "title", "lead", "coLeads", "due", "source", "milestones", "done", "reported")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        lead = try declared.member("lead").text()
        coLeads = try declared.optional("coLeads")?.texts() ?? []
        due = try declared.optional("due")?.day()
        source = try declared.member("source").text()
        var milestones: [ActionPlan.Milestone] = []
        for entry in try declared.elements("milestones") {
            try entry.allows("title", "due", "done")
            milestones.append(
                ActionPlan.Milestone(
                    title: try entry.member("title").localized(), due: try entry.member("due").day(),
                    isDone: try entry.optional("done")?.bool() ?? false))
        }
        self.milestones = milestones
        isDone = try declared.optional("done")?.bool() ?? false
        reported = try declared.optional("reported")?.day()
    }
}

extension Declaration {
    fileprivate func decimal() throws(Fault) -> Decimal34 {
        guard let number = Decimal34(try text()) else {
            throw fault(
                zh: "此处应为数", en: "a number is expected here", remedyZH: "例如：4.6。",
                remedyEN: "For instance: 4.6.")
        }
        return number
    }

    fileprivate func figure(_ key: String) throws(Fault) -> ActionPlan.Figure? {
        guard let member = optional(key) else { return nil }
        try member.allows("year", "value", "unit")
        return ActionPlan.Figure(
            year: try member.member("year").integer(), value: try member.member("value").decimal(),
            unit: try member.optional("unit")?.text())
    }
}

// MARK: Status

/// Where a target or a task stands on a day.
package enum PlanLight: String, Hashable, Sendable {
    case done, onTime, atRisk, late
    /// Nothing to compare with: no figure, no base or no number in the source. Shown, not guessed.
    case unknown

    /// The word for people.
    package var name: LocalizedText {
        switch self {
        case .done: LocalizedText(zh: "完成", en: "done")
        case .onTime: LocalizedText(zh: "正常", en: "on time")
        case .atRisk: LocalizedText(zh: "有风险", en: "at risk")
        case .late: LocalizedText(zh: "逾期", en: "late")
        case .unknown: LocalizedText(zh: "无数据", en: "no figure")
        }
    }
}

extension ActionPlan.Target {
    /// Why there is nothing to compare with, or `nil`.
    package var gap: Gap? {
        guard value != nil else { return .numberAbsent }
        guard let actual else { return .figureAbsent }
        return [actual, baseline].contains { $0?.unit.map { $0 != unit } ?? false } ? .unitDiffers : nil
    }

    package enum Gap: String, Hashable, Sendable {
        /// The source states no number.
        case numberAbsent
        case figureAbsent
        /// The figure came in another unit than the target's.
        case unitDiffers
    }

    /// Green, amber or red by the latest figure.
    package func light(on day: CalendarDay) -> PlanLight {
        guard gap == nil, let value, let actual else { return .unknown }
        if isMet(by: actual.value, value) { return .done }
        guard let year else { return .atRisk }
        return day.year > year ? .late : .atRisk
    }

    private func isMet(by actual: Decimal34, _ value: Decimal34) -> Bool {
        switch symbol {
        case .atLeast, .about, .between, .qualitative: actual >= value
        case .above: actual > value
        case .equal: actual >= value
        }
    }

    /// Yearly growth from the base (or the latest figure) that just reaches the target, in percent with two
    /// decimals, rounded up; `nil` without a base, a number or a year.
    package var neededGrowthPercent: Decimal34? {
        guard gap != .unitDiffers, let value, let year, let start = actual ?? baseline, start.year < year,
            let ratio = value.divided(by: start.value), let log = ratio.logarithm,
            let root = log.divided(by: Decimal34(year - start.year))?.exponential
        else { return nil }
        return root.subtracting(.one)?.multiplied(by: Decimal34(100))?.rounded(to: 2, .ceiling)
    }
}

extension ActionPlan.Task {
    /// Late is late; a milestone that has passed undone, or within 30 days of the due date no report for 90 days, is
    /// at risk.
    package func light(on day: CalendarDay) -> PlanLight {
        if isDone { return .done }
        if let due, day > due { return .late }
        if milestones.contains(where: { !$0.isDone && day > $0.due }) { return .atRisk }
        guard let due else { return milestones.isEmpty ? .unknown : .onTime }
        let silence = reported.map { day.daysSince1970 - $0.daysSince1970 } ?? .max
        return due.daysSince1970 - day.daysSince1970 <= 30 && silence > 90 ? .atRisk : .onTime
    }
}

extension ActionPlan {
    /// Everybody who leads or helps to lead a task that is not done: whom a dispatch round asks.
    package var leads: Set<String> {
        tasks.filter { !$0.isDone }.reduce(into: []) { $0.formUnion([$1.lead] + $1.coLeads) }
    }

    /// Targets and tasks with their lights.
    package func json(on day: CalendarDay, in language: Language) -> JSON {
        [
            "plan": .string(id), "title": .string(title[language]), "day": .string(day.description),
            "targets": .array(
                targets.map { target in
                    [
                        "id": .string(target.id), "title": .string(target.title[language]),
                        "source": .string(target.source), "unit": .string(target.unit),
                        "value": target.value.map { .string($0.description) } ?? .null,
                        "year": target.year.map { .integer(Int64($0)) } ?? .null,
                        "state": .string(target.light(on: day).rawValue),
                        "gap": target.gap.map { .string($0.rawValue) } ?? .null,
                        "neededGrowthPercent": target.neededGrowthPercent.map { .string($0.description) }
                            ?? .null,
                        "note": target.note.map { .string($0[language]) } ?? .null,
                    ]
                }),
            "tasks": .array(
                tasks.map { task in
                    [
                        "id": .string(task.id), "title": .string(task.title[language]),
                        "lead": .string(task.lead),
                        "coLeads": .array(task.coLeads.map { .string($0) }),
                        "milestones": .array(
                            task.milestones.map {
                                [
                                    "title": .string($0.title[language]), "due": .string($0.due.description),
                                    "done": .bool($0.isDone),
                                ]
                            }),
                        "due": task.due.map { .string($0.description) } ?? .null,
                        "state": .string(task.light(on: day).rawValue), "source": .string(task.source),
                    ]
                }),
        ]
    }
}
