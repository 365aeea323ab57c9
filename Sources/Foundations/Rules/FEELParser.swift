// SPDX-License-Identifier: Apache-2.0

/// The words a parser may meet: FEEL's names contain spaces and signs, so that they must be known beforehand.
package struct FEELVocabulary: Sendable {
    /// Multi-part names by their first part, longest first.
    private var phrases: [String: [[String]]] = [:]
    var types: [String: FEELType] = FEELType.builtIn

    package init(_ names: some Sequence<String> = []) {
        for name in FEELBuiltins.names { add(name) }
        for name in names { add(name) }
    }

    mutating func add(_ name: String) {
        let parts = Self.parts(of: name)
        guard parts.count > 1, phrases[parts[0]]?.contains(parts) != true else { return }
        phrases[parts[0], default: []].append(parts)
        phrases[parts[0]]?.sort { $0.count > $1.count }
    }

    func phrases(beginning first: String) -> [[String]] { phrases[first] ?? [] }

    /// `Pre-bureau risk` → `Pre`, `-`, `bureau`, `risk`.
    private static func parts(of name: String) -> [String] {
        var parts: [String] = []
        var word = ""
        for scalar in name.unicodeScalars {
            if FEELParser.isNamePart(scalar) {
                word.unicodeScalars.append(scalar)
                continue
            }
            if !word.isEmpty { parts.append(word) }
            word = ""
            if !scalar.properties.isWhitespace { parts.append(String(scalar)) }
        }
        return word.isEmpty ? parts : parts + [word]
    }
}

/// Why a text is not FEEL, and at which character.
package struct FEELSyntaxFailure: Error, Hashable, Sendable {
    package let offset: Int
    package let expected: String
}

/// A recursive-descent parser over Unicode scalars. Nothing it reads makes it recurse deeper than `depthMax`.
package struct FEELParser {
    static let depthMax = 96
    private static let keywords: Set<String> = [
        "and", "or", "if", "then", "else", "for", "in", "return", "some", "every", "satisfies", "between",
        "instance", "function", "true", "false", "null",
    ]

    private let text: [Unicode.Scalar]
    private var place = 0
    private var depth = 0
    private var vocabulary: FEELVocabulary

    private init(_ text: String, _ vocabulary: FEELVocabulary) {
        self.text = Array(text.unicodeScalars)
        self.vocabulary = vocabulary
    }

    /// Reads one whole expression.
    package static func expression(
        _ text: String, _ vocabulary: FEELVocabulary = FEELVocabulary()
    ) throws(FEELSyntaxFailure) -> FEELExpression {
        var parser = FEELParser(text, vocabulary)
        let expression = try parser.expression()
        try parser.end()
        return expression
    }

    /// Reads the unary tests of a table cell (grammar rule 17).
    package static func tests(
        _ text: String, _ vocabulary: FEELVocabulary = FEELVocabulary()
    ) throws(FEELSyntaxFailure) -> FEELTests {
        var parser = FEELParser(text, vocabulary)
        let start = parser.place
        if parser.take("-"), (try? parser.end()) != nil {
            return FEELTests(alternatives: [], isNegated: false)
        }
        parser.place = start
        if parser.takeWord("not"), parser.take("(") {
            if let alternatives = try? parser.testList(), parser.take(")"), (try? parser.end()) != nil {
                return FEELTests(alternatives: alternatives, isNegated: true)
            }
        }
        parser.place = start
        let alternatives = try parser.testList()
        try parser.end()
        return FEELTests(alternatives: alternatives, isNegated: false)
    }

    /// Reads a type such as `list<number>`.
    package static func type(
        _ text: String, _ vocabulary: FEELVocabulary
    ) throws(FEELSyntaxFailure) -> FEELType {
        var parser = FEELParser(text, vocabulary)
        let type = try parser.type()
        try parser.end()
        return type
    }

    // MARK: Levels of binding, loosest first

    private mutating func expression() throws(FEELSyntaxFailure) -> FEELExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw failure("less nesting") }
        var left = try conjunction()
        while takeWord("or") { left = .or(left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws(FEELSyntaxFailure) -> FEELExpression {
        var left = try comparison()
        while takeWord("and") { left = .and(left, try comparison()) }
        return left
    }

    private mutating func comparison() throws(FEELSyntaxFailure) -> FEELExpression {
        var left = try addition()
        while true {
            if let symbol = comparisonOperator() {
                left = .comparison(symbol, left, try addition())
            } else if takeWord("between") {
                let low = try addition()
                guard takeWord("and") else { throw failure("and") }
                left = .between(left, low, try addition())
            } else if takeWord("in") {
                left = .inTests(left, try inAlternatives())
            } else {
                return left
            }
        }
    }

    private mutating func inAlternatives() throws(FEELSyntaxFailure) -> [FEELExpression] {
        let start = place
        if take("("), let tests = try? testList(), take(")") {
            skipSpace()
            if place >= text.count || text[place] != "." { return tests }
        }
        place = start
        return [try test()]
    }

    private mutating func testList() throws(FEELSyntaxFailure) -> [FEELExpression] {
        var tests = [try test()]
        while take(",") { tests.append(try test()) }
        return tests
    }

    private mutating func test() throws(FEELSyntaxFailure) -> FEELExpression {
        if let range = try unaryRange() { return range }
        return try expression()
    }

    /// `< 5`, `>= 2`, `= 3`, `!= 4`.
    private mutating func unaryRange() throws(FEELSyntaxFailure) -> FEELExpression? {
        guard let symbol = comparisonOperator() else { return nil }
        let bound = try addition()
        return switch symbol {
        case .less: .range(nil, isLowIncluded: false, bound, isHighIncluded: false)
        case .lessOrEqual: .range(nil, isLowIncluded: false, bound, isHighIncluded: true)
        case .greater: .range(bound, isLowIncluded: false, nil, isHighIncluded: false)
        case .greaterOrEqual: .range(bound, isLowIncluded: true, nil, isHighIncluded: false)
        case .equal: .equalTest(bound, isNegated: false)
        case .unequal: .equalTest(bound, isNegated: true)
        }
    }

    private mutating func addition() throws(FEELSyntaxFailure) -> FEELExpression {
        var left = try multiplication()
        while true {
            if take("+") {
                left = .arithmetic(.add, left, try multiplication())
            } else if take("-") {
                left = .arithmetic(.subtract, left, try multiplication())
            } else {
                return left
            }
        }
    }

    private mutating func multiplication() throws(FEELSyntaxFailure) -> FEELExpression {
        var left = try power()
        while true {
            if !looksAt("**"), take("*") {
                left = .arithmetic(.multiply, left, try power())
            } else if take("/") {
                left = .arithmetic(.divide, left, try power())
            } else {
                return left
            }
        }
    }

    private mutating func power() throws(FEELSyntaxFailure) -> FEELExpression {
        var left = try negation()
        while take("**") { left = .arithmetic(.power, left, try negation()) }
        return left
    }

    private mutating func negation() throws(FEELSyntaxFailure) -> FEELExpression {
        guard take("-") else { return try instanceOf() }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw failure("less nesting") }
        return .negate(try negation())
    }

    private mutating func instanceOf() throws(FEELSyntaxFailure) -> FEELExpression {
        let value = try postfix()
        guard takeWord("instance") else { return value }
        guard takeWord("of") else { throw failure("of") }
        return .instanceOf(value, try type())
    }

    private mutating func postfix() throws(FEELSyntaxFailure) -> FEELExpression {
        var value = try primary()
        while true {
            let start = place
            if !looksAt(".."), take(".") {
                value = .path(value, try name())
            } else if take("[") {
                // `[1..5[` ends with a bracket that opens no filter.
                guard let condition = try? expression(), take("]") else {
                    place = start
                    return value
                }
                value = .filter(value, condition)
            } else if take("(") {
                value = try call(value)
            } else {
                return value
            }
        }
    }

    private mutating func call(_ function: FEELExpression) throws(FEELSyntaxFailure) -> FEELExpression {
        if take(")") { return .call(function, []) }
        let start = place
        if let first = try? name(), take(":") {
            var named = [(name: first, value: try expression())]
            while take(",") {
                let next = try name()
                guard take(":") else { throw failure(":") }
                named.append((next, try expression()))
            }
            guard take(")") else { throw failure(")") }
            return .namedCall(function, named)
        }
        place = start
        var arguments = [try expression()]
        while take(",") { arguments.append(try expression()) }
        guard take(")") else { throw failure(")") }
        return .call(function, arguments)
    }

    // MARK: Primary expressions

    private mutating func primary() throws(FEELSyntaxFailure) -> FEELExpression {
        skipSpace()
        guard place < text.count else { throw failure("an expression") }
        let first = text[place]
        switch first {
        case "\"": return .literal(.string(try string()))
        case "@": return try atLiteral()
        case "(", "]": return try parenthesis()
        case "[": return try bracket()
        case "{": return try context()
        case "0"..."9", ".": return .literal(.number(try number()))
        default: break
        }
        if let word = keywordExpression() { return try word(&self) }
        return .name(try name())
    }

    private typealias Continuation = (inout FEELParser) throws(FEELSyntaxFailure) -> FEELExpression

    private mutating func keywordExpression() -> Continuation? {
        if takeWord("true") { return { _ in .literal(.true) } }
        if takeWord("false") { return { _ in .literal(.false) } }
        if takeWord("null") { return { _ in .literal(.null) } }
        if takeWord("if") { return { parser throws(FEELSyntaxFailure) in try parser.conditional() } }
        if takeWord("for") { return { parser throws(FEELSyntaxFailure) in try parser.loop() } }
        if takeWord("some") {
            return { parser throws(FEELSyntaxFailure) in try parser.quantified(isEvery: false) }
        }
        if takeWord("every") {
            return { parser throws(FEELSyntaxFailure) in try parser.quantified(isEvery: true) }
        }
        if takeWord("function") { return { parser throws(FEELSyntaxFailure) in try parser.function() } }
        return nil
    }

    private mutating func conditional() throws(FEELSyntaxFailure) -> FEELExpression {
        let test = try expression()
        guard takeWord("then") else { throw failure("then") }
        let yes = try expression()
        guard takeWord("else") else { throw failure("else") }
        return .conditional(test, yes, try expression())
    }

    private mutating func iterations() throws(FEELSyntaxFailure) -> [FEELExpression.Iteration] {
        var iterations: [FEELExpression.Iteration] = []
        repeat {
            let name = try freshName { $0.looksAtWord("in") }
            guard takeWord("in") else { throw failure("in") }
            let source = try expression()
            let end = take("..") ? try expression() : nil
            iterations.append(FEELExpression.Iteration(name: name, source: source, end: end))
        } while take(",")
        return iterations
    }

    private mutating func loop() throws(FEELSyntaxFailure) -> FEELExpression {
        let iterations = try iterations()
        guard takeWord("return") else { throw failure("return") }
        vocabulary.add("partial")
        return .loop(iterations, try expression())
    }

    private mutating func quantified(isEvery: Bool) throws(FEELSyntaxFailure) -> FEELExpression {
        let iterations = try iterations()
        guard takeWord("satisfies") else { throw failure("satisfies") }
        return .quantified(isEvery: isEvery, iterations, try expression())
    }

    private mutating func function() throws(FEELSyntaxFailure) -> FEELExpression {
        guard take("(") else { throw failure("(") }
        var parameters: [FEELFunction.Parameter] = []
        while !take(")") {
            let name = try freshName { $0.looksAt(":") || $0.looksAt(",") || $0.looksAt(")") }
            parameters.append(FEELFunction.Parameter(name: name, type: take(":") ? try type() : .any))
            guard take(",") || looksAt(")") else { throw failure(")") }
        }
        if takeWord("external") {
            _ = try expression()
            return .function(parameters, .literal(.null))
        }
        return .function(parameters, try expression())
    }

    private mutating func parenthesis() throws(FEELSyntaxFailure) -> FEELExpression {
        let isRangeOnly = looksAt("]")
        place += 1
        if !isRangeOnly, let range = try unaryRange() {
            guard take(")") else { throw failure(")") }
            return range
        }
        let low = try expression()
        if take("..") { return try rangeEnd(low, isLowIncluded: false) }
        guard !isRangeOnly, take(")") else { throw failure(")") }
        return low
    }

    private mutating func bracket() throws(FEELSyntaxFailure) -> FEELExpression {
        place += 1
        if take("]") { return .list([]) }
        var elements = [try test()]
        if take("..") { return try rangeEnd(elements[0], isLowIncluded: true) }
        while take(",") { elements.append(try test()) }
        guard take("]") else { throw failure("]") }
        return .list(elements)
    }

    private mutating func rangeEnd(_ low: FEELExpression, isLowIncluded: Bool) throws(FEELSyntaxFailure)
        -> FEELExpression
    {
        let high = try expression()
        if take("]") { return .range(low, isLowIncluded: isLowIncluded, high, isHighIncluded: true) }
        guard take(")") || take("[") else { throw failure("]") }
        return .range(low, isLowIncluded: isLowIncluded, high, isHighIncluded: false)
    }

    private mutating func context() throws(FEELSyntaxFailure) -> FEELExpression {
        place += 1
        var entries: [(key: String, value: FEELExpression)] = []
        if take("}") { return .context([]) }
        repeat {
            skipSpace()
            let key =
                place < text.count && text[place] == "\"" ? try string() : try freshName { $0.looksAt(":") }
            guard take(":") else { throw failure(":") }
            vocabulary.add(key)
            entries.append((key, try expression()))
        } while take(",")
        guard take("}") else { throw failure("}") }
        return .context(entries)
    }

    private mutating func atLiteral() throws(FEELSyntaxFailure) -> FEELExpression {
        place += 1
        skipSpace()
        guard place < text.count, text[place] == "\"" else { throw failure("\"") }
        let text = try string()
        let value =
            FEELTemporalReader.duration(text)
            ?? FEELTemporalReader.day(text).map { .date($0) }
            ?? (text.contains("T") && !text.hasPrefix("T")
                ? FEELTemporalReader.dateTime(text).map { .dateTime($0) }
                : FEELTemporalReader.time(text).map { .time($0) })
        guard let value else { throw failure("a date, time or duration") }
        return .literal(value)
    }

    // MARK: Types

    private mutating func type() throws(FEELSyntaxFailure) -> FEELType {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw failure("less nesting") }
        if takeWord("list"), take("<") { return .list(try closed(try type())) }
        if takeWord("range"), take("<") { return .range(try closed(try type())) }
        if takeWord("context"), take("<") {
            var members: [(name: String, type: FEELType)] = []
            repeat {
                let name = try freshName { $0.looksAt(":") }
                guard take(":") else { throw failure(":") }
                members.append((name, try type()))
            } while take(",")
            return try closed(.context(members))
        }
        if takeWord("function") {
            guard take("<") else { return .function(nil, .any) }
            var parameters: [FEELType] = []
            while !take(">") {
                parameters.append(try type())
                guard take(",") || looksAt(">") else { throw failure(">") }
            }
            guard take("->") else { throw failure("->") }
            return .function(parameters, try type())
        }
        for name in vocabulary.types.keys.sorted(by: { $0.count > $1.count }) where takePhrase(name) {
            return vocabulary.types[name] ?? .unknown
        }
        _ = try name()
        while take(".") { _ = try name() }
        return .unknown
    }

    private mutating func closed(_ type: FEELType) throws(FEELSyntaxFailure) -> FEELType {
        guard take(">") else { throw failure(">") }
        return type
    }

    // MARK: Words, names, literals

    private func failure(_ expected: String) -> FEELSyntaxFailure {
        FEELSyntaxFailure(offset: place, expected: expected)
    }

    private mutating func end() throws(FEELSyntaxFailure) {
        skipSpace()
        guard place == text.count else { throw failure("the end") }
    }

    private mutating func skipSpace() {
        while place < text.count {
            if Self.isSpace(text[place]) {
                place += 1
            } else if text[place] == "/", place + 1 < text.count, text[place + 1] == "/" {
                while place < text.count, text[place] != "\n" { place += 1 }
            } else if text[place] == "/", place + 1 < text.count, text[place + 1] == "*" {
                place += 2
                while place < text.count,
                    !(text[place] == "*" && place + 1 < text.count && text[place + 1] == "/")
                {
                    place += 1
                }
                place = min(place + 2, text.count)
            } else {
                return
            }
        }
    }

    private func looksAt(_ symbol: String) -> Bool {
        var copy = self
        return copy.take(symbol)
    }

    private mutating func take(_ symbol: String) -> Bool {
        skipSpace()
        let scalars = symbol.unicodeScalars
        guard place + scalars.count <= text.count, zip(scalars, text[place...]).allSatisfy({ $0 == $1 })
        else {
            return false
        }
        place += scalars.count
        return true
    }

    private func looksAtWord(_ word: String) -> Bool {
        var copy = self
        return copy.takeWord(word)
    }

    private mutating func takeWord(_ word: String) -> Bool {
        let start = place
        if take(word), place == text.count || !Self.isNamePart(text[place]) { return true }
        place = start
        return false
    }

    /// Several words with any space between them.
    private mutating func takePhrase(_ phrase: String) -> Bool {
        let start = place
        for word in phrase.split(separator: " ") where !takeWord(String(word)) {
            place = start
            return false
        }
        return true
    }

    private mutating func comparisonOperator() -> FEELExpression.ComparisonOperator? {
        for symbol in ["!=", "<=", ">=", "<", ">", "="] where take(symbol) {
            return FEELExpression.ComparisonOperator(rawValue: symbol)
        }
        return nil
    }

    /// The longest name that is known here, or a plain identifier.
    private mutating func name() throws(FEELSyntaxFailure) -> String {
        let first = try identifier()
        let afterFirst = place
        for phrase in vocabulary.phrases(beginning: first) {
            place = afterFirst
            var isWhole = true
            for part in phrase.dropFirst() {
                let isWord = part.unicodeScalars.first.map(Self.isNamePart) ?? false
                isWhole = isWhole && (isWord ? takeWord(part) : take(part))
            }
            if isWhole { return Self.joined(phrase) }
        }
        place = afterFirst
        guard !Self.keywords.contains(first) else { throw failure("a name") }
        return first
    }

    /// One spelling for a name however its spaces were typed.
    static func normalized(_ name: String) -> String {
        name.split(whereSeparator: { $0.isWhitespace }).joined(separator: " ")
    }

    private static func joined(_ parts: [String]) -> String {
        var name = ""
        var wasWord = false
        for part in parts {
            let isWord = part.unicodeScalars.first.map(isNamePart) ?? false
            name += (isWord && wasWord ? " " : "") + part
            wasWord = isWord
        }
        return name
    }

    private mutating func identifier() throws(FEELSyntaxFailure) -> String {
        skipSpace()
        guard place < text.count, Self.isNameStart(text[place]) else { throw failure("a name") }
        let start = place
        while place < text.count, Self.isNamePart(text[place]) { place += 1 }
        return Self.string(text[start..<place])
    }

    /// A name that is being introduced: everything up to a delimiter, with single spaces.
    private mutating func freshName(until isOver: (FEELParser) -> Bool) throws(FEELSyntaxFailure) -> String {
        var name = try identifier()
        while !isOver(self) {
            skipSpace()
            guard place < text.count else { throw failure("the end of the name") }
            let start = place
            while place < text.count, Self.isNamePart(text[place]) { place += 1 }
            if start == place {
                guard "./-'+*".unicodeScalars.contains(text[place]) else { throw failure("a name") }
                place += 1
                name += Self.string(text[start..<place])
            } else {
                let isAfterWord = name.unicodeScalars.last.map(Self.isNamePart) ?? false
                name += (isAfterWord ? " " : "") + Self.string(text[start..<place])
            }
        }
        vocabulary.add(name)
        return name
    }

    private mutating func number() throws(FEELSyntaxFailure) -> Decimal34 {
        let start = place
        func isDigit(_ place: Int) -> Bool { place < text.count && ("0"..."9").contains(text[place]) }
        while isDigit(place) { place += 1 }
        if place < text.count, text[place] == ".", isDigit(place + 1) {
            place += 1
            while isDigit(place) { place += 1 }
        }
        if place < text.count, text[place] == "e" || text[place] == "E" {
            let mark = place
            place += 1
            if place < text.count, text[place] == "+" || text[place] == "-" { place += 1 }
            if isDigit(place) {
                while isDigit(place) { place += 1 }
            } else {
                place = mark
            }
        }
        guard let number = Decimal34(Self.string(text[start..<place])) else { throw failure("a number") }
        return number
    }

    private mutating func string() throws(FEELSyntaxFailure) -> String {
        place += 1
        var units: [Unicode.Scalar] = []
        while place < text.count, text[place] != "\"" {
            let scalar = text[place]
            place += 1
            guard scalar == "\\", place < text.count else {
                units.append(scalar)
                continue
            }
            let escape = text[place]
            place += 1
            switch escape {
            case "n": units.append("\n")
            case "r": units.append("\r")
            case "t": units.append("\t")
            case "\"", "'", "\\": units.append(escape)
            case "u": units.append(contentsOf: try escaped(digits: 4))
            case "U": units.append(contentsOf: try escaped(digits: 6))
            default: units.append(contentsOf: [scalar, escape])
            }
        }
        guard place < text.count else { throw failure("\"") }
        place += 1
        return Self.string(units[...])
    }

    private mutating func escaped(digits: Int) throws(FEELSyntaxFailure) -> [Unicode.Scalar] {
        guard let value = hex(digits) else { throw failure("hexadecimal digits") }
        if (0xd800..<0xdc00).contains(value), place + 1 < text.count, text[place] == "\\",
            text[place + 1] == "u"
        {
            place += 2
            if let low = hex(4), (0xdc00..<0xe000).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (value - 0xd800) << 10 + (low - 0xdc00))
            {
                return [scalar]
            }
        }
        guard let scalar = Unicode.Scalar(value) else { throw failure("a character") }
        return [scalar]
    }

    private mutating func hex(_ digits: Int) -> UInt32? {
        guard place + digits <= text.count else { return nil }
        let value = UInt32(Self.string(text[place..<place + digits]), radix: 16)
        place += digits
        return value
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return text
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || scalar.value == 0xfeff
    }

    /// Grammar rule 28.
    static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x3f, 0x41...0x5a, 0x5f, 0x61...0x7a, 0xc0...0xd6, 0xd8...0xf6, 0xf8...0x2ff, 0x370...0x37d,
            0x37f...0x1fff, 0x200c...0x200d, 0x2070...0x218f, 0x2c00...0x2fef, 0x3001...0xd7ff,
            0xf900...0xfdcf,
            0xfdf0...0xfffd, 0x10000...0xeffff:
            true
        default: false
        }
    }

    /// Grammar rule 29.
    static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x30...0x39, 0xb7, 0x300...0x36f, 0x203f...0x2040: true
        default: isNameStart(scalar)
        }
    }
}
