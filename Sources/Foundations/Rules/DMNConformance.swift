// SPDX-License-Identifier: Apache-2.0

/// The public DMN Technology Compatibility Kit: its cases are data we read where they lie.
package struct DMNConformance: Sendable {
    /// One result of one case, a line of the kit's CSV.
    package struct Outcome: Hashable, Sendable {
        package let folder: String
        package let file: String
        package let test: String
        package let isPassed: Bool
        package let expectsNull: Bool
        package let detail: String
    }

    /// Runs one test file against its model. Numbers agree within 10⁻⁸, as the kit's other runners compare them.
    package static func run(
        folder: String, file: String, cases: XMLElement, model: XMLElement, imports: [XMLElement],
        now: FEELDateTime?
    ) -> [Outcome] {
        let model = DMNModel(model, imports: imports)
        return cases.children("testCase").map { test in
            let results = run(test, model, now: now)
            return Outcome(
                folder: folder, file: file, test: test.attributes["id"] ?? "",
                isPassed: results.allSatisfy { $0.detail == nil },
                expectsNull: results.allSatisfy(\.expectsNull),
                detail: results.compactMap(\.detail).joined(separator: "; "))
        }
    }

    /// What became of each expected result; `detail` says where it differs.
    private static func run(
        _ test: XMLElement, _ model: DMNModel, now: FEELDateTime?
    ) -> [(expectsNull: Bool, detail: String?)] {
        var inputs: [String: FEELValue] = [:]
        for node in test.children("inputNode") {
            inputs[FEELParser.normalized(node.attributes["name"] ?? "")] = value(in: node)
        }
        return test.children("resultNode").map { node in
            let name = FEELParser.normalized(node.attributes["name"] ?? "")
            var run = DMNRun(model, inputs: inputs, evaluation: FEELEvaluation(now: now))
            let expected = node.child("expected").map(value) ?? .null
            var answer: FEELValue
            if test.attributes["type"] == "decisionService", let service = test.attributes["invocableName"] {
                answer = run.call(service: FEELParser.normalized(service))
                if case .context(let outputs) = answer, let own = outputs[name] { answer = own }
            } else {
                answer = run.value(of: name)
            }
            let differs = "\(name): expected \(expected.text), got \(answer.text)"
            return (expected.isNull, agrees(answer, expected) ? nil : differs)
        }
    }

    /// `value`, `list` of `item`s or `component`s with names.
    private static func value(in element: XMLElement) -> FEELValue {
        if let list = element.child("list") {
            if list.attributes["nil"] == "true" { return .null }
            return .list(list.children("item").map(value))
        }
        let components = element.children("component")
        if !components.isEmpty {
            return .context(
                FEELContext(
                    components.map {
                        (FEELParser.normalized($0.attributes["name"] ?? ""), value(in: $0))
                    }))
        }
        guard let leaf = element.child("value"), leaf.attributes["nil"] != "true" else { return .null }
        let type = leaf.attributes["type"]?.split(separator: ":").last.map(String.init) ?? "string"
        switch type {
        case "decimal", "double", "int", "integer", "float", "long":
            return Decimal34(FEELParser.normalized(leaf.text)).map { .number($0) } ?? .null
        case "boolean": return .boolean(leaf.text == "true")
        case "date": return FEELType.date.read(.string(leaf.text))
        case "time": return FEELType.time.read(.string(leaf.text))
        case "dateTime": return FEELType.dateTime.read(.string(leaf.text))
        case "duration", "dayTimeDuration", "yearMonthDuration":
            return FEELType.daysAndTime.read(.string(leaf.text))
        default: return .string(leaf.text)
        }
    }

    private static func agrees(_ answer: FEELValue, _ expected: FEELValue) -> Bool {
        switch (answer, expected) {
        case (.number(let left), .number(let right)):
            let tolerance = Decimal34(isNegative: false, coefficient: 1, exponent: -8)
            return left.subtracting(right).map { $0.magnitude <= tolerance } ?? false
        case (.list(let left), .list(let right)):
            return left.count == right.count && zip(left, right).allSatisfy(agrees)
        case (.context(let left), .context(let right)):
            return Set(left.names) == Set(right.names)
                && left.entries.allSatisfy { agrees($0.value, right[$0.name] ?? .null) }
        default: return answer.equals(expected) == true
        }
    }
}
