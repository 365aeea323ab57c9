// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A weighted set of indicators as data: OECD/JRC Handbook (2008), steps 1 and 3 to 6.
package struct CompositeIndicator: Sendable {
    package enum Aggregation: String, Sendable, CaseIterable { case arithmetic, geometric }
    /// What stands in for a missing value.
    package enum MissingRule: String, Sendable, CaseIterable {
        /// Its weight is left out of the unit's group.
        case skip
        /// The mean of the units with the same value in the grouping column.
        case groupMean
    }

    package enum Normalization: Hashable, Sendable {
        /// 0 to 100 over the units.
        case minMax
        /// 0 to 1 between fixed posts, values beyond them cut off; on a logarithmic scale if `isLogarithmic`.
        case goalposts(low: Double, high: Double, isLogarithmic: Bool)
    }

    package struct Indicator: Sendable {
        package let id: String
        package let title: LocalizedText
        package let parent: String
        package let weight: Double
        /// Whether less is better.
        package let isCost: Bool
        package let normalization: Normalization
        /// A column to divide by.
        package let denominator: String?
        package let source: String
        /// What its figures count; empty where the source says nothing.
        package let unit: String
    }

    package struct Group: Sendable {
        package let id: String
        package let title: LocalizedText
        package let parent: String?
        package let weight: Double
        package let aggregation: Aggregation
    }

    package let id: String
    package let title: LocalizedText
    package let source: String
    package let indicators: [Indicator]
    /// Children before parents; the last is the index.
    package let groups: [Group]
    package let missing: MissingRule
    package let groupColumn: String?
    /// Outliers are winsorized or, failing that, put on a logarithmic scale, as COINr does.
    package let treatsOutliers: Bool
    /// Weights that no source gives: equal by default, and said so.
    package let hasDefaultWeights: Bool

    /// Reads what `docs/packs.md` describes under `indicators/`.
    package init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows(
            "id", "title", "source", "indicators", "groups", "missing", "groupColumn", "treatOutliers")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        source = try declared.member("source").text()
        missing = try declared.optional("missing")?.choice() ?? .skip
        groupColumn = try declared.optional("groupColumn")?.text()
        treatsOutliers = try declared.optional("treatOutliers")?.bool() ?? false
        var groups: [Group] = []
        for entry in try declared.elements("groups") {
            try entry.allows("id", "title", "parent", "weight", "aggregate")
            groups.append(
                Group(
                    id: try entry.member("id").text(), title: try entry.member("title").localized(),
                    parent: try entry.optional("parent")?.text(),
                    weight: try entry.optional("weight")?.double() ?? 1,
                    aggregation: try entry.optional("aggregate")?.choice() ?? .arithmetic))
        }
        var indicators: [Indicator] = []
        for entry in try declared.elements("indicators") { indicators.append(try Indicator(entry, groups)) }
        self.indicators = indicators
        self.groups = groups
        hasDefaultWeights = try (declared.elements("groups") + declared.elements("indicators"))
            .contains { $0.optional("weight") == nil && $0.value["parent"] != nil }
        guard let root = groups.last, root.parent == nil, !indicators.isEmpty else {
            throw declared.fault(
                zh: "最后一个 group 应为没有 parent 的总指数，且至少有一个指标",
                en:
                    "the last group must be the index itself, without a parent, and there must be an indicator",
                remedyZH: "请把总指数写在 groups 的最后。", remedyEN: "Write the index last under groups.")
        }
    }

    /// The members of a group and their weights, rescaled to 1.
    package func weights(in group: String) -> [(id: String, weight: Double)] {
        let members =
            indicators.filter { $0.parent == group }.map { ($0.id, $0.weight) }
            + groups.filter { $0.parent == group }.map { ($0.id, $0.weight) }
        let sum = members.reduce(0) { $0 + $1.1 }
        return members.map { ($0.0, $0.1 / sum) }
    }
}

extension CompositeIndicator.Indicator {
    fileprivate init(_ declared: Declaration, _ groups: [CompositeIndicator.Group]) throws(Declaration.Fault)
    {
        try declared.allows(
            "id", "title", "parent", "weight", "cost", "goalposts", "denominator", "source", "unit")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        let parent = try declared.member("parent").text()
        guard groups.contains(where: { $0.id == parent }) else {
            let known = groups.map(\.id).joined(separator: ", ")
            throw try declared.member("parent").fault(
                zh: "没有维度“\(parent)”", en: "there is no group “\(parent)”", remedyZH: "可用：\(known)。",
                remedyEN: "Known: \(known).")
        }
        self.parent = parent
        weight = try declared.optional("weight")?.double() ?? 1
        isCost = try declared.optional("cost")?.bool() ?? false
        denominator = try declared.optional("denominator")?.text()
        source = try declared.member("source").text()
        unit = try declared.optional("unit")?.text() ?? ""
        guard let posts = declared.optional("goalposts") else {
            normalization = .minMax
            return
        }
        try posts.allows("low", "high", "log")
        normalization = .goalposts(
            low: try posts.member("low").double(), high: try posts.member("high").double(),
            isLogarithmic: try posts.optional("log")?.bool() ?? false)
    }
}

extension Declaration {
    /// A finite number; YAML hands those with a point over as texts.
    package func double() throws(Fault) -> Double {
        guard let number = value.double ?? value.text.flatMap(Double.init), number.isFinite else {
            throw fault(
                zh: "此处应为数", en: "a number is expected here", remedyZH: "例如：0.25。",
                remedyEN: "For instance: 0.25.")
        }
        return number
    }
}
