// SPDX-License-Identifier: Apache-2.0

/// The models of one decision, with those they import, ready to run (DMN 1.5, read from its XML).
package struct DMNModel: Sendable {
    struct Decision: Sendable {
        let name: String
        let type: FEELType
        let logic: DMNExpression?
        let requirements: [String]
    }

    struct Knowledge: Sendable {
        let name: String
        let logic: DMNExpression
        let requirements: [String]
    }

    struct Service: Sendable {
        let name: String
        let type: FEELType
        let outputs: [String]
        let inputData: [String]
        let inputDecisions: [String]
    }

    enum Node: Sendable {
        case input(name: String, FEELType)
        case decision(Decision)
        case knowledge(Knowledge)
        case service(Service)

        var name: String {
            switch self {
            case .input(let name, _): name
            case .decision(let decision): decision.name
            case .knowledge(let knowledge): knowledge.name
            case .service(let service): service.name
            }
        }
    }

    /// By `namespace#id`.
    private(set) var nodes: [String: Node] = [:]
    /// The import names of each namespace: imported namespace → name.
    private var importNames: [String: [String: String]] = [:]
    let namespace: String

    /// Reads the main model and those it may import.
    package init(_ main: XMLElement, imports: [XMLElement] = []) {
        namespace = main.attributes["namespace"] ?? ""
        // A model is read after those it imports, so that their types are known.
        var types: [String: [String: FEELType]] = [:]
        var names = Set<String>()
        var pending = [main] + imports
        for document in pending { DMNReader.collectNames(document, into: &names) }
        while !pending.isEmpty {
            let place =
                pending.firstIndex { document in
                    document.children("import").allSatisfy { types[$0.attributes["namespace"] ?? ""] != nil }
                } ?? pending.count - 1
            let document = pending.remove(at: place)
            let space = document.attributes["namespace"] ?? ""
            guard types[space] == nil else { continue }
            var imported: [String: FEELType] = [:]
            for element in document.children("import") {
                let other = element.attributes["namespace"] ?? ""
                let prefix = element.attributes["name"] ?? ""
                importNames[space, default: [:]][other] = prefix
                for (name, type) in types[other] ?? [:] { imported[prefix + "." + name] = type }
            }
            var reader = DMNReader(document, names: names, imported: imported)
            types[space] = reader.types()
            for (id, node) in reader.nodes() { nodes[space + "#" + id] = node }
        }
    }

    /// The import name by which `space` knows the other namespace; `nil` for its own.
    func importName(of other: String, in space: String) -> String? {
        other == space ? nil : importNames[space]?[other] ?? ""
    }

    func keys(named name: String) -> [String] {
        nodes.filter { $0.value.name == name }.keys.sorted { left, _ in left.hasPrefix(namespace + "#") }
    }
}

/// One run of a model over given inputs; each decision is taken once.
package struct DMNRun {
    private let model: DMNModel
    private let inputs: [String: FEELValue]
    private var taken: [String: FEELValue] = [:]
    private var evaluation: FEELEvaluation

    package init(
        _ model: DMNModel, inputs: [String: FEELValue], evaluation: FEELEvaluation = FEELEvaluation()
    ) {
        self.model = model
        self.inputs = inputs
        self.evaluation = evaluation
    }

    /// The value of a decision, or of a service called with the inputs as its arguments.
    package mutating func value(of name: String) -> FEELValue {
        guard let key = model.keys(named: name).first else { return .null }
        return value(at: key)
    }

    /// Calls a service by name; its parameters are taken from the inputs.
    package mutating func call(service name: String) -> FEELValue {
        guard let key = model.keys(named: name).first(where: { model.nodes[$0]?.isService == true }),
            case .function(let function) = value(at: key)
        else { return .null }
        return evaluation.apply(function, function.parameters.map { inputs[$0.name] ?? .null })
    }

    private mutating func value(at key: String) -> FEELValue {
        if let value = taken[key] { return value }
        guard let node = model.nodes[key] else { return .null }
        taken[key] = .null  // A cycle ends here.
        let value = made(node, key)
        taken[key] = value
        return value
    }

    private mutating func made(_ node: DMNModel.Node, _ key: String) -> FEELValue {
        switch node {
        case .input(let name, let type):
            return type.coerced(type.read(inputs[name] ?? .null), &evaluation)
        case .decision(let decision):
            guard let logic = decision.logic else { return .null }
            let value = evaluation.value(logic, in: scope(of: decision.requirements, key))
            return decision.type.coerced(value, &evaluation)
        case .knowledge(let knowledge):
            let run = self
            guard case .function(let parameters, let result, let body) = knowledge.logic else { return .null }
            return .function(
                FEELFunction(parameters: parameters, result: result) { arguments, evaluation in
                    var run = run
                    run.taken[key] = nil
                    run.evaluation = evaluation
                    let own = FEELContext(Array(zip(parameters.map(\.name), arguments)))
                    let scope = FEELScope(own, in: run.scope(of: knowledge.requirements + [key], key))
                    return evaluation.value(body, in: scope)
                })
        case .service(let service): return .function(function(service))
        }
    }

    private func function(_ service: DMNModel.Service) -> FEELFunction {
        let run = self
        let keys = service.inputData + service.inputDecisions
        let parameters = keys.compactMap { key -> FEELFunction.Parameter? in
            switch model.nodes[key] {
            case .input(let name, let type)?: FEELFunction.Parameter(name: name, type: type)
            case .decision(let decision)?: FEELFunction.Parameter(name: decision.name, type: decision.type)
            default: nil
            }
        }
        return FEELFunction(parameters: parameters, result: service.type) { arguments, evaluation in
            var inner = DMNRun(run.model, inputs: run.inputs, evaluation: evaluation)
            for (key, argument) in zip(keys, arguments) { inner.taken[key] = argument }
            guard service.outputs.count > 1 else {
                return service.outputs.first.map { inner.value(at: $0) } ?? .null
            }
            return .context(
                FEELContext(
                    service.outputs.map { key in
                        (run.model.nodes[key]?.name ?? "", inner.value(at: key))
                    }))
        }
    }

    private mutating func scope(of requirements: [String], _ key: String) -> FEELScope {
        let space = key.prefix { $0 != "#" }
        var context = FEELContext()
        for other in requirements {
            guard let node = model.nodes[other] else { continue }
            let value = other == key ? made(node, key) : value(at: other)
            if let prefix = model.importName(of: String(other.prefix { $0 != "#" }), in: String(space)) {
                var members = FEELContext()
                if case .context(let known)? = context[prefix] { members = known }
                members[node.name] = value
                context[prefix] = .context(members)
            } else {
                context[node.name] = value
            }
        }
        return FEELScope(context)
    }
}

extension DMNModel.Node {
    fileprivate var isService: Bool { if case .service = self { true } else { false } }
}
