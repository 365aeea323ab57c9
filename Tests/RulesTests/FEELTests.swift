// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

import Rules

@Suite("A decimal number")
struct Decimal34Tests {
    func number(_ text: String) throws -> Decimal34 { try #require(Decimal34(text)) }

    /// Expected values from Python's `decimal` with 34 digits, ROUND_HALF_EVEN.
    @Test(
        "computes as an independent decimal library does",
        arguments: [
            ("1", "/", "3", "0.3333333333333333333333333333333333"),
            ("2", "/", "3", "0.6666666666666666666666666666666667"),
            ("0.1", "+", "0.2", "0.3"),
            ("9999999999999999999999999999999999", "+", "1", "10000000000000000000000000000000000"),
            ("1E30", "+", "1E-30", "1000000000000000000000000000000"),
            ("1", "-", "1E-40", "1"),
            (
                "1234567890123456789012345678901234", "*", "9876543210987654321098765432109876",
                "12193263113702179522618503273386670000000000000000000000000000000000"
            ),
            ("110.25", "/", "105", "1.05"),
            ("-7", "*", "0.5", "-3.5"),
        ])
    func arithmetic(_ row: (String, String, String, String)) throws {
        let (left, right) = (try number(row.0), try number(row.2))
        let result =
            switch row.1 {
            case "+": left.adding(right)
            case "-": left.subtracting(right)
            case "*": left.multiplied(by: right)
            default: left.divided(by: right)
            }
        #expect(try result == number(row.3))
    }

    @Test("keeps the laws of arithmetic on seeded numbers (seed 11)")
    func laws() throws {
        var random = SeededRandom(seed: 11)
        for _ in 0..<2000 {
            let left = Decimal34(Int.random(in: -1_000_000_000...1_000_000_000, using: &random))
            let right = Decimal34(Int.random(in: 1...1_000_000, using: &random))
            let quotient = try #require(left.divided(by: right))
            let back = try #require(quotient.multiplied(by: right))
            let error = try #require(back.subtracting(left)).magnitude
            #expect(error <= (try number("1E-20")))
            #expect(left.adding(right) == right.adding(left))
            #expect(left.adding(right)?.subtracting(right) == left)
            #expect((left < right) == !(right <= left))
        }
    }

    @Test("is equal and hashes alike whatever zeros it was written with")
    func equality() throws {
        #expect(try number("1.0") == number("1.000"))
        #expect(try Set([number("100"), number("1E2"), number("100.00")]).count == 1)
    }

    @Test(
        "rounds as each of its seven ways says",
        arguments: [
            ("2.5", Decimal34.Rounding.halfEven, "2"), ("3.5", .halfEven, "4"), ("-1.5", .floor, "-2"),
            ("-1.5", .ceiling, "-1"), ("1.1", .up, "2"), ("-1.1", .up, "-2"), ("1.9", .down, "1"),
            ("2.5", .halfUp, "3"), ("2.5", .halfDown, "2"),
        ])
    func rounding(_ row: (String, Decimal34.Rounding, String)) throws {
        #expect(try number(row.0).rounded(to: 0, row.1) == number(row.2))
    }

    @Test("knows roots, powers and logarithms to thirty digits")
    func functions() throws {
        #expect(
            try number("2").squareRoot?.description.hasPrefix("1.41421356237309504880168872420969") == true)
        #expect(try number("16").squareRoot == number("4"))
        #expect(try number("1").exponential?.description.hasPrefix("2.71828182845904523536028747135") == true)
        #expect(try number("10").logarithm?.description.hasPrefix("2.30258509299404568401799145468") == true)
        #expect(try number("1.15").raised(to: number("3")) == number("1.520875"))
    }
}

@Suite("An expression")
struct FEELTests {
    func value(_ text: String, _ facts: JSON = [:], open: Bool = false) throws -> JSON {
        var evaluation = FEELEvaluation(isOpenWorld: open)
        var context = FEELContext()
        for (name, fact) in facts.object ?? [:] { context[name] = FEELValue(fact, at: name) }
        return evaluation.value(try FEELParser.expression(text), in: FEELScope(context)).json
    }

    @Test(
        "says what a person means",
        arguments: [
            ("1 + 2 * 3", 7 as JSON), ("if 3 > 2 then \"yes\" else \"no\"", "yes"), ("5 in [1..5]", true),
            ("5 in [1..5)", false), ("sum([1, 2, 3])", 6), ("[1, 2, 3][item > 1]", .array([2, 3])),
            ("some x in [1, 2] satisfies x > 1", true), ("for i in 1..3 return i * i", .array([1, 4, 9])),
            ("false and null", false), ("true or null", true), ("null > 1", nil),
            ("date(\"2020-02-29\") + @\"P1Y\" = date(\"2021-02-28\")", true), ("{a: 1, b: a + 1}.b", 2),
            ("string length(\"胡同\")", 2),
        ])
    func means(_ row: (String, JSON)) throws {
        #expect(try value(row.0) == row.1)
    }

    @Test("names the facts that are missing instead of guessing")
    func missing() throws {
        #expect(
            try value("staff <= 100 and income <= 5", ["income": 3], open: true) == ["missing": ["staff"]])
        #expect(try value("staff <= 100 and income <= 5", ["income": 9], open: true) == false)
        #expect(try value("x = 5", open: true) == ["missing": ["x"]])
        #expect(
            try value("count(firms[staff > 1])", ["firms": [["staff": nil]]], open: true) == [
                "missing": ["firms[1].staff"]
            ])
    }

    @Test("survives whatever somebody types (seed 3)")
    func fuzz() {
        var random = SeededRandom(seed: 3)
        let seeds = [
            "if a then b else c", "[1..5[", "{a: 1}.a", "f(x: 1)", "@\"P1D\"", "not(1, 2)", "((((", "\"\\u12",
        ]
        let alphabet = Array("()[]{}<>=!.,:+-*/\"@?abin 019\\u")
        for _ in 0..<20_000 {
            var text = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)])
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0...text.count, using: &random)
                text.insert(alphabet[Int.random(in: 0..<alphabet.count, using: &random)], at: place)
            }
            var evaluation = FEELEvaluation()
            if let expression = try? FEELParser.expression(String(text)) {
                _ = evaluation.value(expression, in: .empty)
            }
            _ = try? XMLReader.read(Array(String(text).utf8))
        }
        let deep = String(repeating: "(", count: 100_000)
        #expect(throws: FEELSyntaxFailure.self) { try FEELParser.expression(deep) }
    }
}

@Suite("A decision table")
struct DecisionTableTests {
    @Test("is read from DMN and answers by its hit policy")
    func decides() throws {
        let xml = """
            <definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" namespace="n" name="m">
              <inputData name="Staff Count" id="i"><variable name="Staff Count" typeRef="number"/></inputData>
              <decision name="Size" id="d"><variable name="Size" typeRef="string"/>
                <informationRequirement><requiredInput href="#i"/></informationRequirement>
                <decisionTable hitPolicy="FIRST">
                  <input><inputExpression><text>Staff Count</text></inputExpression></input>
                  <output/>
                  <rule><inputEntry><text>&lt; 10</text></inputEntry><outputEntry><text>"micro"</text></outputEntry></rule>
                  <rule><inputEntry><text>[10..100]</text></inputEntry><outputEntry><text>"small"</text></outputEntry></rule>
                  <rule><inputEntry><text>-</text></inputEntry><outputEntry><text>"large"</text></outputEntry></rule>
                </decisionTable></decision>
            </definitions>
            """
        let model = DMNModel(try XMLReader.read(Array(xml.utf8)))
        for (staff, size) in [(9, "micro"), (10, "small"), (100, "small"), (101, "large")] {
            var run = DMNRun(model, inputs: ["Staff Count": .number(Decimal34(staff))])
            #expect(run.value(of: "Size").text == size)
        }
    }

    @Test("refuses a document type, which could name files of the machine")
    func refusesDoctype() {
        #expect(throws: XMLFailure.self) {
            try XMLReader.read(
                Array("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>".utf8))
        }
    }
}

@Suite("The public DMN kit")
struct ConformanceKitTests {
    @Test("at least 3,300 of its cases pass, and 1,850 of those that expect a value")
    func passes() throws {
        let shared = ProcessInfo.processInfo.environment["HUTONG_SHARED"] ?? "../../shared"
        let root = URL(fileURLWithPath: shared).appendingPathComponent("conformance/dmn-tck")
        let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        let files = (walk?.allObjects ?? []).compactMap { $0 as? URL }
        guard !files.isEmpty else {
            print("skipped: no shared data")
            return
        }
        var outcomes: [DMNConformance.Outcome] = []
        for file in files where file.lastPathComponent.contains("-test-") && file.pathExtension == "xml" {
            let cases = try XMLReader.read(Array(Data(contentsOf: file)))
            let name = cases.child("modelName")?.text.trimmingCharacters(in: .whitespacesAndNewlines)
            let folder = file.deletingLastPathComponent()
            let models = files.filter {
                $0.deletingLastPathComponent() == folder && $0.pathExtension == "dmn"
            }
            let model = try #require(models.first { $0.lastPathComponent == name })
            outcomes += DMNConformance.run(
                folder: folder.lastPathComponent, file: file.lastPathComponent, cases: cases,
                model: try XMLReader.read(Array(Data(contentsOf: model))),
                imports: try models.filter { $0 != model }.map {
                    try XMLReader.read(Array(Data(contentsOf: $0)))
                },
                now: FEELDateTime(Instant(seconds: 1_700_000_000)))
        }
        #expect(outcomes.count == 3391)
        #expect(outcomes.count { $0.expectsNull } == 1464)
        #expect(outcomes.count { $0.isPassed } >= 3350)
        #expect(outcomes.count { $0.isPassed && !$0.expectsNull } >= 1891)
    }
}
