// SPDX-License-Identifier: Apache-2.0

package import Primitives

extension SyntaxTree {
    /// A question longer than this many bytes is refused before it is parsed.
    package static let textBytesMax = 20_000
    /// Expressions and queries nested deeper are refused: everything that walks them recurses.
    package static let depthMax = 40

    /// Reads the tree that DuckDB's `json_serialize_sql` gives (2.0; `TableEngine.syntax(of:)`).
    ///
    /// Each node's members are known by name. A member that is not, and is not empty, is a construct this
    /// reader has never seen: it is refused by its name, so a newer parser cannot slip a meaning past us.
    package init(serialized tree: JSON, text: String) throws(SyntaxRefusal) {
        if tree["error"]?.bool == true {
            let offset = tree["position"]?.text.flatMap { Int($0) }
            throw .unparsed(
                tree["error_message"]?.text ?? "",
                offset.map { SyntaxPlace(offset: $0, length: 1) }
            )
        }
        let statements = tree["statements"]?.array ?? []
        guard statements.count == 1, let node = statements[0]["node"] else {
            throw .statements(statements.count)
        }
        try SerializedNode(statements[0], depth: 0).knowsOnly(["node", "named_param_map"])
        self.init(text: text, query: try SerializedNode(node, depth: 0).query())
    }
}

/// One node of the parser's JSON.
private struct SerializedNode {
    let json: JSON
    let depth: Int

    init(_ json: JSON, depth: Int) throws(SyntaxRefusal) {
        guard depth <= SyntaxTree.depthMax else {
            throw .tooLarge("nested deeper than \(SyntaxTree.depthMax)")
        }
        self.json = json
        self.depth = depth
    }

    var type: String { json["type"]?.text ?? json["class"]?.text ?? "?" }

    var place: SyntaxPlace? {
        guard let offset = json["query_location"]?.integer,
            (0...Int64(SyntaxTree.textBytesMax)).contains(offset)
        else { return nil }
        return SyntaxPlace(offset: Int(offset), length: Int(json["query_location_length"]?.integer ?? 0))
    }

    func child(_ json: JSON) throws(SyntaxRefusal) -> SerializedNode {
        try SerializedNode(json, depth: depth + 1)
    }

    func child(_ name: String) throws(SyntaxRefusal) -> SerializedNode {
        guard let json = json[name] else { throw unknown("\(type) without \(name)") }
        return try child(json)
    }

    func children(_ name: String) throws(SyntaxRefusal) -> [SerializedNode] {
        var nodes: [SerializedNode] = []
        for json in json[name]?.array ?? [] { nodes.append(try child(json)) }
        return nodes
    }

    func unknown(_ what: String) -> SyntaxRefusal { .unknown(what, place) }

    /// Refuses every member that is neither named here nor empty.
    func knowsOnly(_ names: Set<String>) throws(SyntaxRefusal) {
        let everywhere: Set<String> = [
            "type", "class", "alias", "query_location", "query_location_length", "qualified_name",
        ]
        for (name, value) in (json.object ?? [:]).sorted(by: { $0.key < $1.key })
        where !names.contains(name) && !everywhere.contains(name) && !Self.isEmpty(value) {
            throw unknown("\(type).\(name)")
        }
    }

    /// Null, false, nothing; or an object whose members, but for its type, are all empty.
    private static func isEmpty(_ value: JSON) -> Bool {
        switch value {
        case .null, .bool(false), .string(""), .array([]): true
        case .object(let members): members.allSatisfy { $0.key == "type" || isEmpty($0.value) }
        default: false
        }
    }
}

// MARK: Queries

extension SerializedNode {
    func query() throws(SyntaxRefusal) -> SyntaxQuery {
        guard type == "SELECT_NODE" else { throw unknown(type) }
        try knowsOnly([
            "modifiers", "cte_map", "select_list", "from_table", "where_clause", "group_expressions",
            "group_sets",
            "aggregate_handling", "having",
        ])
        var query = SyntaxQuery()
        for entry in json["cte_map"]?["map"]?.array ?? [] {
            query.commonTables.append(try child(entry).commonTable())
        }
        for output in try children("select_list") {
            let alias = output.json["alias"]?.text ?? ""
            query.outputs.append(
                .init(expression: try output.expression(), alias: alias.isEmpty ? nil : alias)
            )
        }
        query.source = try child("from_table").source()
        query.condition = try optional("where_clause")
        query.having = try optional("having")
        try readGroups(into: &query)
        for modifier in try children("modifiers") { try modifier.modify(&query) }
        query.place = query.outputs.first?.expression.place
        return query
    }

    private func optional(_ name: String) throws(SyntaxRefusal) -> SyntaxExpression? {
        guard let json = json[name], !json.isNull else { return nil }
        return try child(json).expression()
    }

    private func readGroups(into query: inout SyntaxQuery) throws(SyntaxRefusal) {
        for group in try children("group_expressions") { query.groups.append(try group.expression()) }
        switch json["aggregate_handling"]?.text {
        case "STANDARD_HANDLING": break
        case "FORCE_AGGREGATES": query.groupsByAll = true
        default: throw unknown("aggregate_handling")
        }
        // One set of all groups, or none: ROLLUP, CUBE and GROUPING SETS say several.
        let sets = json["group_sets"]?.array ?? []
        let all = JSON.array((0..<Int64(query.groups.count)).map(JSON.integer))
        guard sets.isEmpty || sets == [all] else { throw unknown("GROUPING SETS") }
    }

    private func commonTable() throws(SyntaxRefusal) -> SyntaxQuery.CommonTable {
        guard let name = json["key"]?.text, let value = json["value"], let node = value["query_node"] else {
            throw unknown("WITH")
        }
        let body = try child(value)
        guard value["materialized"]?.text?.hasPrefix("CTE_MATERIALIZE") == true else { throw unknown("WITH") }
        try body.knowsOnly(["query_node", "query", "materialized"])
        return .init(name: name, query: try body.child(node).query())
    }

    private func modify(_ query: inout SyntaxQuery) throws(SyntaxRefusal) {
        switch type {
        case "DISTINCT_MODIFIER":
            try knowsOnly([])
            query.isDistinct = true
        case "ORDER_MODIFIER":
            try knowsOnly(["orders"])
            for order in try children("orders") { query.order.append(try order.order()) }
        case "LIMIT_MODIFIER":
            try knowsOnly(["limit", "limit_type"])
            guard json["limit_type"]?.text == "ROW_COUNT",
                case .integer(let count) = try child("limit").expression().form,
                (0...1_000_000).contains(count)
            else { throw unknown("LIMIT") }
            query.limit = Int(count)
        default:
            throw unknown(type)
        }
    }

    private func order() throws(SyntaxRefusal) -> SyntaxQuery.Order {
        let nulls: Bool? =
            switch json["null_order"]?.text {
            case "NULLS FIRST", "NULLS_FIRST": true
            case "NULLS LAST", "NULLS_LAST": false
            default: nil
            }
        return .init(
            expression: try child("expression").expression(),
            isDescending: type == "DESCENDING",
            nullsFirst: nulls
        )
    }

    private func source() throws(SyntaxRefusal) -> SyntaxSource? {
        let alias = json["alias"]?.text ?? ""
        switch type {
        case "EMPTY":
            return nil
        case "BASE_TABLE":
            try knowsOnly(["table_name"])
            guard let name = json["table_name"]?.text else { throw unknown(type) }
            return .table(name: name, alias: alias.isEmpty ? nil : alias, place)
        case "SUBQUERY":
            try knowsOnly(["subquery"])
            guard let node = json["subquery"]?["node"], !alias.isEmpty else {
                throw unknown("subquery without a name")
            }
            return .query(try child(node).query(), alias: alias, place)
        case "JOIN":
            return try join()
        default:
            throw unknown(type)
        }
    }

    private func join() throws(SyntaxRefusal) -> SyntaxSource {
        try knowsOnly([
            "left", "right", "condition", "join_type", "ref_type", "using_columns", "nearest_count",
            "nearest_order_type",
        ])
        guard json["ref_type"]?.text == "REGULAR" else {
            throw unknown("\(json["ref_type"]?.text ?? "") JOIN")
        }
        guard let word = json["join_type"]?.text, let kind = SyntaxSource.JoinKind(rawValue: word) else {
            throw unknown("\(json["join_type"]?.text ?? "") JOIN")
        }
        guard let left = try child("left").source(), let right = try child("right").source() else {
            throw unknown(type)
        }
        let using = (json["using_columns"]?.array ?? []).compactMap(\.text)
        return .join(kind, left, right, on: try optional("condition"), using: using, place)
    }
}

// MARK: Expressions

extension SerializedNode {
    func expression() throws(SyntaxRefusal) -> SyntaxExpression {
        SyntaxExpression(try form(), at: place)
    }

    private func form() throws(SyntaxRefusal) -> SyntaxExpression.Form {
        switch json["class"]?.text {
        case "COLUMN_REF":
            try knowsOnly(["column_names"])
            return .column((json["column_names"]?.array ?? []).compactMap(\.text))
        case "CONSTANT": return try constant()
        case "PARAMETER":
            try knowsOnly(["identifier"])
            guard let name = json["identifier"]?.text else { throw unknown(type) }
            return .parameter(name)
        case "STAR":
            try knowsOnly([])
            return .star
        case "COMPARISON": return try comparison()
        case "CONJUNCTION": return try conjunction()
        case "OPERATOR": return try operation()
        case "BETWEEN":
            try knowsOnly(["input", "lower", "upper"])
            let input = try child("input").expression()
            return .and([
                SyntaxExpression(
                    .compare(.greaterOrEqual, input, try child("lower").expression()),
                    at: place
                ),
                SyntaxExpression(.compare(.lessOrEqual, input, try child("upper").expression()), at: place),
            ])
        case "CASE": return try branches()
        case "CAST":
            try knowsOnly(["child", "type_expr", "try_cast"])
            return .cast(try child("child").expression(), to: try child("type_expr").typeName())
        case "FUNCTION": return try call()
        default: throw unknown(type)
        }
    }

    private func constant() throws(SyntaxRefusal) -> SyntaxExpression.Form {
        try knowsOnly(["literal"])
        let text = json["literal"]?["text"]?.text ?? ""
        switch json["literal"]?["kind"]?.text {
        case "NULL_LITERAL": return .null
        case "BOOLEAN": return .bool(text == "true")
        case "STRING": return .text(text)
        case "INTEGER":
            guard let value = Int64(text) else { throw unknown("a number beyond 64 bits") }
            return .integer(value)
        case "NUMERIC":
            guard let value = ExactDecimal(numeral: text) else {
                throw unknown("the number \(text.prefix(40))")
            }
            return .decimal(value)
        default: throw unknown("a literal of this kind")
        }
    }

    private func comparison() throws(SyntaxRefusal) -> SyntaxExpression.Form {
        try knowsOnly(["left", "right"])
        let kinds: [String: SyntaxExpression.Comparison] = [
            "COMPARE_EQUAL": .equal, "COMPARE_NOTEQUAL": .unequal, "COMPARE_LESSTHAN": .less,
            "COMPARE_LESSTHANOREQUALTO": .lessOrEqual, "COMPARE_GREATERTHAN": .greater,
            "COMPARE_GREATERTHANOREQUALTO": .greaterOrEqual,
        ]
        guard let kind = kinds[type] else { throw unknown(type) }
        return .compare(kind, try child("left").expression(), try child("right").expression())
    }

    private func conjunction() throws(SyntaxRefusal) -> SyntaxExpression.Form {
        try knowsOnly(["children"])
        let parts = try expressions("children")
        switch type {
        case "CONJUNCTION_AND": return .and(parts)
        case "CONJUNCTION_OR": return .or(parts)
        default: throw unknown(type)
        }
    }

    private func operation() throws(SyntaxRefusal) -> SyntaxExpression.Form {
        try knowsOnly(["children"])
        let parts = try expressions("children")
        guard let first = parts.first else { throw unknown(type) }
        switch type {
        case "OPERATOR_NOT": return .not(first)
        case "OPERATOR_IS_NULL": return .isNull(first)
        case "OPERATOR_IS_NOT_NULL": return .not(SyntaxExpression(.isNull(first), at: place))
        case "COMPARE_IN": return .isIn(first, Array(parts.dropFirst()))
        case "COMPARE_NOT_IN":
            return .not(SyntaxExpression(.isIn(first, Array(parts.dropFirst())), at: place))
        case "OPERATOR_COALESCE": return .call("coalesce", parts, isDistinct: false, filter: nil)
        default: throw unknown(type)
        }
    }

    private func branches() throws(SyntaxRefusal) -> SyntaxExpression.Form {
        try knowsOnly(["case_checks", "else_expr"])
        var branches: [SyntaxExpression.Branch] = []
        for check in try children("case_checks") {
            branches.append(
                .init(
                    condition: try check.child("when_expr").expression(),
                    value: try check.child("then_expr").expression()
                )
            )
        }
        return .branches(branches, otherwise: try child("else_expr").expression())
    }

    private func call() throws(SyntaxRefusal) -> SyntaxExpression.Form {
        try knowsOnly(["function_name", "arguments", "distinct", "is_operator", "filter", "order_bys"])
        guard let name = json["function_name"]?.text?.lowercased() else { throw unknown(type) }
        var arguments: [SyntaxExpression] = []
        for argument in try children("arguments") {
            guard argument.json["name"]?.text ?? "" == "" else {
                throw unknown("\(name) with named arguments")
            }
            arguments.append(try argument.child("expression").expression())
        }
        for order in try child(json["order_bys"] ?? .null).children("orders") {
            // percentile_cont(0.5) WITHIN GROUP (ORDER BY x): the ordered value is the first argument.
            guard name.hasPrefix("quantile"), arguments.count == 1, order.type != "DESCENDING" else {
                throw unknown("\(name) with ORDER BY")
            }
            arguments.insert(try order.child("expression").expression(), at: 0)
        }
        return .call(
            name,
            arguments,
            isDistinct: json["distinct"]?.bool ?? false,
            filter: try optional("filter")
        )
    }

    private func expressions(_ name: String) throws(SyntaxRefusal) -> [SyntaxExpression] {
        var values: [SyntaxExpression] = []
        for child in try children(name) { values.append(try child.expression()) }
        return values
    }

    private func typeName() throws(SyntaxRefusal) -> String {
        guard let name = json["type_name"]?.text else { throw unknown("CAST") }
        return name.lowercased()
    }
}

extension ExactDecimal {
    /// Reads `1.50`, `-3`, `.5`, `2.` and `1e3`; `nil` for more than 30 digits or another form.
    package init?(numeral text: String) {
        let parts = text.lowercased().split(separator: "e", omittingEmptySubsequences: false)
        guard let mantissa = parts.first, parts.count <= 2 else { return nil }
        let exponent = parts.count == 2 ? Int(parts[1]) : 0
        let isNegative = mantissa.hasPrefix("-")
        let digits = mantissa.drop { $0 == "-" || $0 == "+" }
        let pieces = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard let exponent, (-18...18).contains(exponent), pieces.count <= 2, let whole = pieces.first else {
            return nil
        }
        let fraction = pieces.count == 2 ? pieces[1] : ""
        let all = whole + fraction
        guard !all.isEmpty, all.count <= 18, var unscaled = Int128(String(all)) else { return nil }
        var scale = fraction.count - exponent
        while scale < 0 { (unscaled, scale) = (unscaled * 10, scale + 1) }
        while scale > 0 && unscaled % 10 == 0 { (unscaled, scale) = (unscaled / 10, scale - 1) }
        self.init(unscaled: isNegative ? -unscaled : unscaled, scale: scale)
    }
}
