// SPDX-License-Identifier: Apache-2.0

import Primitives
import Testing

@Suite("A code")
struct CodeTests {
    private enum Thing {}

    @Test("is read back as typed, with capitals, spaces and look-alike letters")
    func readsBack() throws {
        let id = ID<Thing>(high: 1, low: 2)
        let code = Code(.agreement, id)
        #expect(Code(code.text) == code)
        #expect(Code(code.text.uppercased()) == code)
    }

    @Test("refuses every single wrong character, and nearly every swap of neighbors (ISO 7064 §4.2)")
    func findsTypingErrors() throws {
        var random = SeededRandom(seed: 7)
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
        var swaps = 0
        var missed = 0
        for _ in 0..<200 {
            let id = ID<Thing>(at: Instant(seconds: 1_700_000_000), using: &random)
            let text = Array(Code(.passage, id).text)
            for place in 4..<text.count - 1 {
                for character in alphabet where character != text[place] {
                    var wrong = text
                    wrong[place] = character
                    #expect(Code(String(wrong)) == nil)
                }
                guard place > 4, text[place] != text[place - 1] else { continue }
                var swapped = text
                swapped.swapAt(place, place - 1)
                swaps += 1
                missed += Code(String(swapped)) == nil ? 0 : 1
            }
        }
        #expect(missed * 100 <= swaps, "at most one swap in a hundred goes unnoticed")
    }
}

@Suite("JSON")
struct JSONTests {
    @Test(
        "writes numbers as ECMAScript does (RFC 8785 appendix B)",
        arguments: [
            (0.0, "0"), (-0.0, "0"), (Double.leastNonzeroMagnitude, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (9007199254740992, "9007199254740992"), (295147905179352825856, "295147905179352830000"),
            (9.999999999999997e22, "9.999999999999997e+22"), (1e23, "1e+23"), (1e21, "1e+21"),
            (999999999999999737856, "999999999999999700000"), (0.000001, "0.000001"), (1e-7, "1e-7"),
            (333333333.3333332, "333333333.3333332"),
            (-0.0000033333333333333333, "-0.0000033333333333333333"),
            (1424953923781206.2, "1424953923781206.2"), (4.5, "4.5"), (-1.5e300, "-1.5e+300"),
        ])
    func numbers(_ value: Double, _ text: String) {
        #expect(JSON.number(value).canonicalText == text)
    }

    @Test("sorts members by UTF-16 code units and escapes only what it must")
    func canonical() throws {
        let value = try JSON(parsing: #"{"€":1,"\r":2,"1":3,"😂":4,"\ufb33":5, "a":"\u0001/\"é"}"#)
        #expect(
            value.canonicalText
                == "{\"\\r\":2,\"1\":3,\"a\":\"\\u0001/\\\"é\",\"€\":1,\"😂\":4,\"\u{fb33}\":5}")
        #expect(try JSON(parsing: value.prettyText) == value)
    }

    @Test(
        "refuses what is not strict JSON, with the place",
        arguments: [
            "", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "1.", "\"\\ud800\"", "nul", "[1] 2", "\"\u{1}\"",
            "+1", "1e",
        ])
    func refuses(_ text: String) {
        #expect(throws: JSON.ParseFailure.self) { try JSON(parsing: text) }
    }

    @Test("refuses nesting that would exhaust the stack")
    func deep() {
        #expect(throws: JSON.ParseFailure.self) { try JSON(parsing: String(repeating: "[", count: 100_000)) }
    }
}

@Suite("An instant")
struct InstantTests {
    @Test(
        "is written and read as RFC 3339",
        arguments: [
            "1970-01-01T00:00:00Z", "2026-11-21T03:44:04Z", "2000-02-29T23:59:59.000001Z",
            "1969-12-31T23:59:59.500000Z",
        ])
    func roundTrip(_ text: String) throws {
        #expect(try #require(Instant(rfc3339: text)).rfc3339 == text)
    }

    @Test("knows offsets and refuses days that do not exist")
    func offsets() {
        #expect(Instant(rfc3339: "2026-11-21T11:44:04+08:00") == Instant(rfc3339: "2026-11-21T03:44:04Z"))
        #expect(Instant(rfc3339: "2026-02-29T00:00:00Z") == nil)
        #expect(Instant(rfc3339: "2026-02-28T24:00:00Z") == nil)
    }

    @Test("counts days both ways for four centuries")
    func days() {
        for number in stride(from: -80_000, through: 80_000, by: 1) {
            #expect(CalendarDay(daysSince1970: number).daysSince1970 == number)
        }
        #expect(CalendarDay("2026-11-21")?.weekday == 6)
    }
}

@Suite("Money")
struct MoneyTests {
    @Test("is exact and refuses a third decimal")
    func reads() {
        #expect(Money("0.50CNY") == Money(minorUnits: 50))
        #expect(Money("-3.5 cny")?.description == "-3.50 CNY")
        #expect(Money("1.005CNY") == nil)
        #expect(Money("1 XYZ") == nil)
        #expect(Money(".5CNY") == nil)
    }
}

@Suite("Base 64")
struct Base64Tests {
    @Test("gives every value one text and reads only that (RFC 4648)")
    func roundTrip() {
        var random = SeededRandom(seed: 3)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
        }
        #expect(Base64.encode(Array("foob".utf8)) == "Zm9vYg==")
        for text in ["Zm9vYh==", "Zm9vYg=", "Zm9vYg", "Zm9v Yg==", "=", "===="] {
            #expect(Base64.decode(text) == nil)
        }
    }
}
