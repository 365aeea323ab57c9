// SPDX-License-Identifier: Apache-2.0

/// Reads one `definitions` element. Logic that is not FEEL, or does not parse, becomes logic that answers `null`:
/// one broken decision must not take the others with it.
struct DMNReader {
    private let document: XMLElement
    private let space: String
    private var vocabulary: FEELVocabulary
    private var definitions: [String: XMLElement] = [:]
    private var resolving = Set<String>()

    init(_ document: XMLElement, names: Set<String>, imported: [String: FEELType]) {
        self.document = document
        space = document.attributes["namespace"] ?? ""
        vocabulary = FEELVocabulary(names)
        vocabulary.types.merge(imported) { own, _ in own }
        for definition in document.children("itemDefinition") {
            definitions[definition.attributes["name"] ?? ""] = definition
        }
    }

    /// Every name of the model: variables, components, parameters, entries.
    static func collectNames(_ element: XMLElement, into names: inout Set<String>) {
        if let name = element.attributes["name"] { names.insert(FEELParser.normalized(name)) }
        for child in element.children { collectNames(child, into: &names) }
    }

    // MARK: Types

    /// The item definitions by name, resolved.
    mutating func types() -> [String: FEELType] {
        var own: [String: FEELType] = [:]
        for name in definitions.keys.sorted() { own[name] = type(named: name) }
        return own
    }

    private mutating func type(named name: String?) -> FEELType {
        guard var name else { return .any }
        if name.hasPrefix("feel:") { name.removeFirst(5) }
        if let known = vocabulary.types[name] { return known }
        guard let definition = definitions[name], resolving.insert(name).inserted else {
            return (try? FEELParser.type(name, vocabulary)) ?? .unknown
        }
        let type = type(of: definition)
        resolving.remove(name)
        vocabulary.types[name] = type
        return type
    }

    private mutating func type(of definition: XMLElement) -> FEELType {
        var type: FEELType
        let components = definition.children("itemComponent")
        if let function = definition.child("functionItem") {
            type = .function(
                function.children("parameters").map { self.type(named: $0.attributes["typeRef"]) },
                self.type(named: function.attributes["outputTypeRef"]))
        } else if components.isEmpty {
            type = self.type(named: definition.child("typeRef").map { Self.trimmed($0.text) })
        } else {
            type = .context(
                components.map {
                    (FEELParser.normalized($0.attributes["name"] ?? ""), self.type(of: $0))
                })
        }
        if let allowed = tests(definition.child("allowedValues")) { type = .restricted(type, allowed) }
        if definition.attributes["isCollection"] == "true" { type = .list(type) }
        if let constraint = tests(definition.child("typeConstraint")) { type = .restricted(type, constraint) }
        return type
    }

    // MARK: Nodes

    mutating func nodes() -> [(String, DMNModel.Node)] {
        document.children.compactMap { element in
            let name = FEELParser.normalized(element.attributes["name"] ?? "")
            let id = element.attributes["id"] ?? name
            let type = type(named: element.child("variable")?.attributes["typeRef"])
            switch element.name {
            case "inputData": return (id, .input(name: name, type))
            case "decision":
                return (
                    id,
                    .decision(
                        DMNModel.Decision(
                            name: name, type: type, logic: boxed(in: element),
                            requirements: requirements(element)))
                )
            case "businessKnowledgeModel":
                guard let logic = element.child("encapsulatedLogic") else { return nil }
                var result = self.type(named: logic.attributes["typeRef"])
                if case .any = result {
                    if case .function(_, let output) = type { result = output } else { result = type }
                }
                return (
                    id,
                    .knowledge(
                        DMNModel.Knowledge(
                            name: name, logic: function(logic, result: result),
                            requirements: requirements(element)))
                )
            case "decisionService":
                return (
                    id,
                    .service(
                        DMNModel.Service(
                            name: name, type: type, outputs: references(element, "outputDecision"),
                            inputData: references(element, "inputData"),
                            inputDecisions: references(element, "inputDecision")))
                )
            default: return nil
            }
        }
    }

    private func references(_ element: XMLElement, _ name: String) -> [String] {
        element.children(name).compactMap { $0.attributes["href"].map(absolute) }
    }

    private func absolute(_ reference: String) -> String {
        reference.hasPrefix("#") ? space + reference : reference
    }

    private func requirements(_ element: XMLElement) -> [String] {
        element.children.flatMap { requirement in
            ["informationRequirement", "knowledgeRequirement"].contains(requirement.name)
                ? requirement.children.compactMap { $0.attributes["href"].map(absolute) } : []
        }
    }

    // MARK: Logic

    private static let boxes: Set<String> = [
        "literalExpression", "context", "list", "relation", "decisionTable", "invocation",
        "functionDefinition",
        "conditional", "filter", "for", "some", "every",
    ]

    /// The one box inside an element.
    private mutating func boxed(in element: XMLElement?) -> DMNExpression? {
        element?.children.first { Self.boxes.contains($0.name) }.map { box($0) }
    }

    private mutating func part(_ element: XMLElement, _ name: String) -> DMNExpression {
        boxed(in: element.child(name)) ?? .foreign
    }

    private mutating func box(_ element: XMLElement) -> DMNExpression {
        let logic = untyped(element)
        guard let reference = element.attributes["typeRef"], element.name != "functionDefinition" else {
            return logic
        }
        return .typed(logic, type(named: reference))
    }

    private mutating func untyped(_ element: XMLElement) -> DMNExpression {
        switch element.name {
        case "literalExpression": return literal(element.child("text")?.text).map { .literal($0) } ?? .foreign
        case "context":
            return .context(
                element.children("contextEntry").map { entry in
                    let variable = entry.child("variable")
                    return DMNContextEntry(
                        name: variable?.attributes["name"].map(FEELParser.normalized),
                        type: type(named: variable?.attributes["typeRef"]),
                        value: boxed(in: entry) ?? .foreign)
                })
        case "list": return .list(element.children.filter { Self.boxes.contains($0.name) }.map { box($0) })
        case "relation":
            return .relation(
                columns: element.children("column").map {
                    FEELParser.normalized($0.attributes["name"] ?? "")
                },
                rows: element.children("row").map { row in
                    row.children.filter { Self.boxes.contains($0.name) }.map { box($0) }
                })
        case "decisionTable": return .table(table(element))
        case "invocation":
            let bindings = element.children("binding").map { binding in
                (
                    name: FEELParser.normalized(binding.child("parameter")?.attributes["name"] ?? ""),
                    value: boxed(in: binding) ?? .foreign
                )
            }
            return .invocation(boxed(in: element) ?? .foreign, bindings: bindings)
        case "functionDefinition":
            return function(element, result: type(named: element.attributes["typeRef"]))
        case "conditional":
            return .conditional(part(element, "if"), part(element, "then"), part(element, "else"))
        case "filter": return .filter(part(element, "in"), part(element, "match"))
        case "for":
            return .loop(name: iterator(element), part(element, "in"), part(element, "return"))
        default:
            return .quantified(
                isEvery: element.name == "every", name: iterator(element), part(element, "in"),
                part(element, "satisfies"))
        }
    }

    private func iterator(_ element: XMLElement) -> String {
        FEELParser.normalized(element.attributes["iteratorVariable"] ?? "item")
    }

    private mutating func function(_ element: XMLElement, result: FEELType) -> DMNExpression {
        let parameters = element.children("formalParameter").map { parameter in
            FEELFunction.Parameter(
                name: FEELParser.normalized(parameter.attributes["name"] ?? ""),
                type: type(named: parameter.attributes["typeRef"]))
        }
        let isFEEL = (element.attributes["kind"] ?? "FEEL") == "FEEL"
        return .function(parameters, result, isFEEL ? boxed(in: element) ?? .foreign : .foreign)
    }

    private mutating func table(_ element: XMLElement) -> DecisionTable {
        let inputs = element.children("input").map { input in
            let expression = input.child("inputExpression")
            let inner = type(named: expression?.attributes["typeRef"])
            var allowed = tests(input.child("inputValues"))
            if allowed == nil, case .restricted(_, let tests) = inner { allowed = tests }
            return DecisionTable.Input(
                expression: literal(expression?.child("text")?.text) ?? .literal(.null), allowed: allowed)
        }
        let outputs = element.children("output").map { output in
            let inner = type(named: output.attributes["typeRef"])
            var values = tests(output.child("outputValues"))?.alternatives ?? []
            if values.isEmpty, case .restricted(_, let tests) = inner { values = tests.alternatives }
            return DecisionTable.Output(
                name: output.attributes["name"].map(FEELParser.normalized), type: inner, values: values,
                otherwise: literal(output.child("defaultOutputEntry")?.child("text")?.text))
        }
        let rules = element.children("rule").map { rule in
            DecisionTable.Rule(
                tests: rule.children("inputEntry").map {
                    tests($0) ?? FEELTests(alternatives: [], isNegated: false)
                },
                results: rule.children("outputEntry").map {
                    literal($0.child("text")?.text) ?? .literal(.null)
                })
        }
        return DecisionTable(
            policy: element.attributes["hitPolicy"].flatMap(DecisionTable.HitPolicy.init) ?? .unique,
            aggregation: element.attributes["aggregation"].flatMap(DecisionTable.Aggregation.init),
            inputs: inputs, outputs: outputs, rules: rules)
    }

    private func literal(_ text: String?) -> FEELExpression? {
        guard let text, !Self.trimmed(text).isEmpty else { return nil }
        return try? FEELParser.expression(text, vocabulary)
    }

    private func tests(_ element: XMLElement?) -> FEELTests? {
        guard let text = element?.child("text")?.text, !Self.trimmed(text).isEmpty else { return nil }
        // A test that does not parse passes nothing.
        return (try? FEELParser.tests(text, vocabulary))
            ?? FEELTests(alternatives: [.literal(.false)], isNegated: false)
    }

    private static func trimmed(_ text: String) -> String { FEELParser.normalized(text) }
}
