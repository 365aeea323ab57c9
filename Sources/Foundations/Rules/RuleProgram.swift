// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A rule book made ready for a whole register of applicants: who is eligible without applying (免申即享).
///
/// Names have become places in a row and constants are computed once; a derived value is computed when the first
/// clause asks for it, and the first condition that fails ends an applicant's turn. The answer is the verdict of
/// `RuleBook.decide` and nothing else: the reasons are asked for one applicant at a time.
package struct RuleProgram: Sendable {
    /// The facts a row holds, in this order; whatever else is known of an applicant decides nothing.
    package let facts: [String]
    private let types: [FEELType?]
    private let absent: [FEELValue]
    private let constants: [FEELValue]
    private let derived: [ProgramOperand]
    private let clauses: [ProgramClause]

    package init(_ book: RuleBook) {
        let derivations = Dictionary(book.derived.map { ($0.name, $0.expression) }) { $1 }
        let chosen = book.settings.filter { !$0.value.isNull }
        let used = book.expressions.values.reduce(into: Set<String>()) {
            $0.formUnion($1.names(through: derivations))
        }
        facts = used.subtracting(chosen.map(\.name)).filter { FEELBuiltins.function($0) == nil }.sorted()
        types = facts.map { book.factTypes[$0] }
        absent = facts.map { .missing([$0]) }
        constants = chosen.map { FEELValue($0.value) }
        var compiler = ProgramCompiler(facts: facts, settings: chosen.map(\.name))
        derived = book.derived.map { entry in
            // A derived value sees those before it, as in `RuleBook.scope`.
            let operand = compiler.operand(entry.expression)
            compiler.define(entry.name)
            return operand
        }
        let exceptions = book.clauses.filter { $0.kind == .exception }
        clauses = book.clauses.compactMap { clause in
            guard clause.kind == .condition || clause.kind == .exclusion,
                let expression = book.expressions[clause.id]
            else { return nil }
            return ProgramClause(
                isExclusion: clause.kind == .exclusion, test: compiler.test(expression),
                lifts: exceptions.filter { clause.kind == .condition && $0.lifts.contains(clause.id) }
                    .compactMap { book.expressions[$0.id].map { compiler.test($0) } })
        }
    }

    /// One applicant's facts as `verdicts(of:)` wants them; what was not given is missing.
    package func row(_ given: JSON) -> [FEELValue] {
        facts.indices.map { place in
            guard let value = given[facts[place]] else { return absent[place] }
            let read = FEELValue(value, at: facts[place])
            return types[place]?.read(read) ?? read
        }
    }

    /// The verdict of every row. One thread; about a microsecond a row and clause.
    package func verdicts(of rows: ArraySlice<[FEELValue]>, now: Instant? = nil) -> [Verdict] {
        let frame = ProgramFrame(
            constants: constants, derived: derived,
            evaluation: FEELEvaluation(
                isOpenWorld: true, now: now.map { FEELDateTime($0) }))
        return rows.map { row in
            frame.begin(row)
            return verdict(frame)
        }
    }

    private func verdict(_ frame: ProgramFrame) -> Verdict {
        var isOpen = false
        for clause in clauses {
            var truth = clause.test(frame)
            if clause.isExclusion { truth = truth.negated }
            if truth == .no, clause.lifts.contains(where: { $0(frame) == .yes }) { truth = .yes }
            switch truth {
            case .no: return .false
            case .null, .missing: isOpen = isOpen || !clause.lifts.contains { $0(frame) == .yes }
            case .yes: break
            }
        }
        return isOpen ? .unknown : .true
    }
}

/// FEEL's logic without the names of what is missing.
enum Truth: Sendable {
    case no, yes, null, missing

    init(_ value: FEELValue) {
        switch value {
        case .boolean(let value): self = value ? .yes : .no
        default: self = value.missingFacts == nil ? .null : .missing
        }
    }

    var negated: Truth {
        switch self {
        case .no: .yes
        case .yes: .no
        case .null, .missing: self
        }
    }

    /// Neither decides alone: the answer waits for facts if one of them does.
    static func undecided(_ left: Truth, _ right: Truth) -> Truth {
        left == .missing || right == .missing ? .missing : .null
    }

    static func compared(
        _ symbol: FEELExpression.ComparisonOperator, _ left: FEELValue, _ right: FEELValue
    ) -> Truth {
        switch (left, right) {
        case (.missing, _), (_, .missing): return .missing
        case (.list, _), (_, .list): return Truth(FEELEvaluation.compared(symbol, left, right))
        default: break
        }
        let answer: Bool? =
            switch symbol {
            case .equal: left.equals(right)
            case .unequal: left.equals(right).map { !$0 }
            case .less: left.precedes(right)?.less
            case .lessOrEqual: left.precedes(right).map { $0.less || $0.equal }
            case .greater: left.precedes(right).map { !$0.less && !$0.equal }
            case .greaterOrEqual: left.precedes(right).map { !$0.less }
            }
        return answer.map { $0 ? .yes : .no } ?? .null
    }
}

typealias ProgramTest = @Sendable (ProgramFrame) -> Truth

struct ProgramClause: Sendable {
    let isExclusion: Bool
    let test: ProgramTest
    let lifts: [ProgramTest]
}

/// Where an operand's value comes from.
enum ProgramOperand: Sendable {
    case fact(Int)
    case derived(Int)
    case constant(FEELValue)
    case computed(@Sendable (ProgramFrame) -> FEELValue)

    func value(_ frame: ProgramFrame) -> FEELValue {
        switch self {
        case .fact(let place): frame.row[place]
        case .derived(let place): frame.derivedValue(place)
        case .constant(let value): value
        case .computed(let compute): compute(frame)
        }
    }
}

/// One applicant's turn. Owned by one thread; holds the derived values that this turn has asked for.
final class ProgramFrame {
    private(set) var row: [FEELValue] = []
    var evaluation: FEELEvaluation
    let constants: [FEELValue]
    private let derived: [ProgramOperand]
    private var computed: [FEELValue?]
    private var isFresh = true

    init(constants: [FEELValue], derived: [ProgramOperand], evaluation: FEELEvaluation) {
        self.constants = constants
        self.derived = derived
        self.evaluation = evaluation
        computed = Array(repeating: nil, count: derived.count)
    }

    func begin(_ row: [FEELValue]) {
        self.row = row
        guard !isFresh else { return }
        for place in computed.indices { computed[place] = nil }
        isFresh = true
    }

    func derivedValue(_ place: Int) -> FEELValue {
        if let value = computed[place] { return value }
        let value = derived[place].value(self)
        computed[place] = value
        isFresh = false
        return value
    }
}

/// Turns expressions into tests and operands. What it has no short form for is evaluated as `FEELEvaluation` does,
/// over a scope of the names it reads.
struct ProgramCompiler {
    private static let undecided = FEELValue.missing(["?"])
    private var places: [String: ProgramOperand] = [:]
    private var derivedCount = 0

    init(facts: [String], settings: [String]) {
        for (place, name) in facts.enumerated() { places[name] = .fact(place) }
        for (place, name) in settings.enumerated() {
            places[name] = .computed { frame in frame.constants[place] }
        }
    }

    mutating func define(_ name: String) {
        places[name] = .derived(derivedCount)
        derivedCount += 1
    }

    func test(_ expression: FEELExpression) -> ProgramTest {
        switch expression {
        case .and(let left, let right):
            let (left, right) = (test(left), test(right))
            return { frame in
                let first = left(frame)
                if first == .no { return .no }
                let second = right(frame)
                if second == .no { return .no }
                return first == .yes && second == .yes ? .yes : Truth.undecided(first, second)
            }
        case .or(let left, let right):
            let (left, right) = (test(left), test(right))
            return { frame in
                let first = left(frame)
                if first == .yes { return .yes }
                let second = right(frame)
                if second == .yes { return .yes }
                return first == .no && second == .no ? .no : Truth.undecided(first, second)
            }
        case .call(.name("not"), let arguments) where arguments.count == 1:
            let inner = test(arguments[0])
            return { frame in inner(frame).negated }
        case .comparison(let symbol, let left, let right):
            let (left, right) = (operand(left), operand(right))
            return { frame in Truth.compared(symbol, left.value(frame), right.value(frame)) }
        case .inTests(let value, let alternatives):
            return membership(value, alternatives) ?? Self.truth(of: scoped(expression))
        case .conditional(let condition, let yes, let no):
            let (condition, yes, no) = (test(condition), test(yes), test(no))
            return { frame in
                switch condition(frame) {
                case .yes: return yes(frame)
                case .no, .null: return no(frame)
                case .missing:
                    let (first, second) = (yes(frame), no(frame))
                    return first == second ? first : .missing
                }
            }
        default: return Self.truth(of: operand(expression))
        }
    }

    private static func truth(of operand: ProgramOperand) -> ProgramTest {
        { frame in Truth(operand.value(frame)) }
    }

    /// `field in ("a", "b")` over texts.
    private func membership(_ value: FEELExpression, _ alternatives: [FEELExpression]) -> ProgramTest? {
        let texts = alternatives.compactMap { alternative -> String? in
            if case .literal(.string(let text)) = alternative { text } else { nil }
        }
        guard texts.count == alternatives.count else { return nil }
        let operand = operand(value)
        let known = texts.map(FEELValue.string)
        let other = Self.truth(of: scoped(.inTests(value, alternatives)))
        return { frame in
            let value = operand.value(frame)
            return switch value {
            case .string: known.contains { $0.equals(value) == true } ? .yes : .no
            case .missing: .missing
            default: other(frame)
            }
        }
    }

    func operand(_ expression: FEELExpression) -> ProgramOperand {
        switch expression {
        case .literal(let value): return .constant(value)
        case .name(let name): return places[name] ?? scoped(expression)
        case .arithmetic(let symbol, let left, let right):
            let (left, right) = (operand(left), operand(right))
            return .computed { frame in
                FEELArithmetic.combined(symbol, left.value(frame), right.value(frame))
            }
        case .negate(let inner):
            let inner = operand(inner)
            return .computed { frame in FEELArithmetic.negated(inner.value(frame)) }
        case .conditional(let condition, let yes, let no):
            let (condition, yes, no) = (test(condition), operand(yes), operand(no))
            return .computed { frame in
                switch condition(frame) {
                case .yes: return yes.value(frame)
                case .no, .null: return no.value(frame)
                case .missing:
                    let both = (yes.value(frame), no.value(frame))
                    return both.0.equals(both.1) == true ? both.0 : Self.undecided
                }
            }
        case .and, .or, .comparison, .inTests:
            let test = test(expression)
            return .computed { frame in
                switch test(frame) {
                case .yes: .boolean(true)
                case .no: .boolean(false)
                case .null: .null
                case .missing: Self.undecided
                }
            }
        default: return scoped(expression)
        }
    }

    /// Evaluates over a scope that holds just the names the expression reads.
    private func scoped(_ expression: FEELExpression) -> ProgramOperand {
        let names = expression.names(through: [:]).compactMap { name in places[name].map { (name, $0) } }
        guard !names.isEmpty else {
            return .computed { frame in frame.evaluation.value(expression, in: .empty) }
        }
        return .computed { frame in
            let scope = FEELScope(FEELContext(names.map { ($0.0, $0.1.value(frame)) }))
            return frame.evaluation.value(expression, in: scope)
        }
    }
}
