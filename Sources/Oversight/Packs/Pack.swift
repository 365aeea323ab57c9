// SPDX-License-Identifier: Apache-2.0

package import Casework
package import Classification
package import Lists
package import Measure
package import Primitives
package import Rules

/// A folder of declarations, read and found consistent: what `docs/packs.md` describes.
package struct Pack: Sendable {
    /// A document that the pack puts into practice.
    package struct Source: Hashable, Sendable {
        package let document: String
        package let title: LocalizedText
    }

    /// One example of a rule with its expected answer; the pack's own proof.
    package struct Example: Sendable {
        package let id: String
        package let rule: String
        package let facts: [JSON]
        package let expectation: Declaration
        package let file: String
    }

    package let id: String
    package let version: CalendarDay
    package let title: LocalizedText
    package let sources: [Source]
    /// Packs that have to be installed first.
    package let needs: [String]
    /// What whoever relies on the pack has to know, such as that its entries are examples.
    package let note: LocalizedText?
    package private(set) var lists: [(schema: ListSchema, entries: [JSON])] = []
    /// Parts of lists under names of their own.
    package private(set) var selections: [ListSelection] = []
    package private(set) var procedures: [Procedure] = []
    /// What the procedures were read from, in their order: kept with the cases.
    package private(set) var procedureDeclarations: [JSON] = []
    package private(set) var rules: [RuleBook] = []
    package private(set) var examples: [Example] = []
    package private(set) var periodExamples: [PeriodExample] = []
    package private(set) var plans: [ActionPlan] = []
    package private(set) var indices: [CompositeIndicator] = []
    /// Important-data catalogs and recognizers, beside the program's own.
    package private(set) var grading = GradingRules.builtIn
    /// Facts of made-up applicants, by file name without its ending.
    package private(set) var samples: [String: [JSON]] = [:]
    package private(set) var scenario: Scenario?

    /// Reads a pack from its files, by their path inside the folder. All faults are told at once.
    package init(files: [String: String]) throws(PackFaults) {
        var faults: [PackFault] = []
        var trees: [String: DeclarationFile] = [:]
        for (path, text) in files.sorted(by: { $0.key < $1.key }) where path.hasSuffix(".yaml") {
            do throws(PackFault) {
                trees[path] = try DeclarationFile(path, text)
            } catch { faults.append(error) }
        }
        guard let head = trees["pack.yaml"] else {
            throw PackFaults(faults: faults.isEmpty ? [.noPackFile] : faults)
        }
        var identity:
            (
                id: String, version: CalendarDay, title: LocalizedText, sources: [Source], needs: [String],
                note: LocalizedText?
            )?
        do throws(Declaration.Fault) {
            identity = try Self.identity(head.declaration)
        } catch { faults.append(head.fault(error)) }
        guard let identity else { throw PackFaults(faults: faults) }
        (id, version, title, sources, needs, note) = identity
        for (path, tree) in trees.sorted(by: { $0.key < $1.key }) where path != "pack.yaml" {
            do throws(Declaration.Fault) {
                try take(path, tree.declaration)
            } catch { faults.append(tree.fault(error)) }
        }
        for (path, text) in files.sorted(by: { $0.key < $1.key }) where path.hasPrefix("samples/") {
            do throws(PackFault) {
                try takeSample(path, text)
            } catch { faults.append(error) }
        }
        checkReferences(trees, &faults)
        guard faults.isEmpty else { throw PackFaults(faults: faults) }
    }

    /// `samples/firms.json` is an array of objects, `samples/firms.csv` a table with a header.
    private mutating func takeSample(_ path: String, _ text: String) throws(PackFault) {
        let name = path.dropFirst("samples/".count)
        if name.hasSuffix(".csv") {
            samples[String(name.dropLast(4))] = SampleTable.rows(text)
            return
        }
        guard name.hasSuffix(".json") else { return }
        guard let rows = (try? JSON(parsing: Array(text.utf8)))?.array else {
            throw PackFault(
                file: path, line: 1, place: "",
                found: LocalizedText(zh: "不是 JSON 数组", en: "this is not an array in JSON"),
                remedy: LocalizedText(
                    zh: "请写 [{\"id\": …}, …]。", en: "Write [{\"id\": …}, …]."))
        }
        samples[String(name.dropLast(5))] = rows
    }

    private static func identity(
        _ declared: Declaration
    ) throws(Declaration.Fault) -> (String, CalendarDay, LocalizedText, [Source], [String], LocalizedText?) {
        try declared.allows("id", "version", "title", "sources", "needs", "note")
        var sources: [Source] = []
        for source in try declared.elements("sources") {
            try source.allows("document", "title")
            sources.append(
                Source(
                    document: try source.member("document").text(),
                    title: try source.member("title").localized()))
        }
        return (
            try declared.member("id").text(), try declared.member("version").day(),
            try declared.member("title").localized(), sources,
            try declared.optional("needs")?.texts() ?? [], try declared.optional("note")?.localized()
        )
    }

    private mutating func take(_ path: String, _ declared: Declaration) throws(Declaration.Fault) {
        switch path.split(separator: "/").first {
        case "lists" where declared.value["selects"] != nil: selections.append(try ListSelection(declared))
        case "lists":
            let schema = try ListSchema(declared)
            var entries: [JSON] = []
            for entry in try declared.elements("entries") {
                try schema.check(entry)
                entries.append(entry.value)
            }
            lists.append((schema, entries))
        case "cases":
            let procedure = try Procedure(declared, version: version.description)
            procedures.append(procedure)
            for test in try declared.elements("tests") {
                periodExamples.append(try PeriodExample(test, of: procedure))
            }
            procedureDeclarations.append(declared.value)
        case "scenario.yaml": scenario = try Scenario(declared)
        case "rules":
            let book = try RuleBook(declared, version: version.description)
            rules.append(book)
            for test in try declared.elements("tests") {
                try test.allows("id", "facts", "applicants", "expect")
                let facts = try test.optional("applicants")?.elements().map(\.value)
                examples.append(
                    Example(
                        id: try test.member("id").text(), rule: book.id,
                        facts: facts ?? [test.optional("facts")?.value ?? [:]],
                        expectation: try test.member("expect"),
                        file: path))
            }
        case "plans": plans.append(try ActionPlan(declared))
        case "grading": try grading.add(declared)
        case "indicators": indices.append(try CompositeIndicator(declared))
        default:
            throw declared.fault(
                zh: "不认识此处的文件", en: "a file is not expected here",
                remedyZH: "请放入 lists/、cases/、rules/、plans/、grading/、indicators/ 或 samples/。",
                remedyEN: "Put it into lists/, cases/, rules/, plans/, grading/, indicators/ or samples/.")
        }
    }
}

// MARK: Examples

extension Pack {
    /// What became of one example: empty `differences` is a pass.
    package struct ExampleOutcome: Hashable, Sendable {
        package let id: String
        package let rule: String
        package let differences: [String]
    }

    /// Runs every example of every rule and procedure.
    package func runExamples() -> [ExampleOutcome] {
        periodExamples.map { ExampleOutcome(id: $0.id, rule: $0.procedure.id, differences: $0.differences) }
            + examples.map { example in
                guard let book = rules.first(where: { $0.id == example.rule }) else {
                    return ExampleOutcome(id: example.id, rule: example.rule, differences: ["rule missing"])
                }
                return ExampleOutcome(
                    id: example.id, rule: example.rule, differences: Self.differences(example, book))
            }
    }

    private static func differences(_ example: Example, _ book: RuleBook) -> [String] {
        var differences: [String] = []
        func compare(_ what: String, _ actual: JSON, _ expected: JSON) {
            if actual != expected {
                differences.append("\(what): expected \(expected.canonicalText), got \(actual.canonicalText)")
            }
        }
        let expected = example.expectation.value
        let decision = book.decide(example.facts.first ?? [:])
        if let verdict = expected["verdict"] {
            compare(
                "verdict", .string(decision.verdict.rawValue),
                verdict.bool.map { .string("\($0)") } ?? verdict)
        }
        if let amount = expected["amount"] {
            compare(
                "amount", decision.amountYuan.map { .string($0.description) } ?? .null,
                amount.integer.map { .string("\($0)") } ?? amount)
        }
        if let missing = expected["missing"] {
            compare("missing", .array(decision.missing.sorted().map { .string($0) }), missing)
        }
        for (id, verdict) in expected["clauses"]?.object ?? [:] {
            let found = decision.findings.first { $0.clause.id == id }?.verdict.rawValue ?? "no such clause"
            compare(id, .string(found), verdict.bool.map { .string("\($0)") } ?? verdict)
        }
        for (name, value) in expected["values"]?.object ?? [:] {
            compare(name, book.derivedValue(name, example.facts.first ?? [:]), value)
        }
        if let awards = expected["awards"]?.array {
            compare(
                "awards", .array(book.awards(example.facts).map { .integer(Int64($0.totalYuan)) }),
                .array(awards))
        }
        if let totals = expected["rankingTotals"]?.object {
            for (id, total) in totals {
                compare(id, .integer(Int64(book.rankings.first { $0.id == id }?.totalYuan ?? -1)), total)
            }
        }
        return differences
    }
}
