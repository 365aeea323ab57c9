// SPDX-License-Identifier: Apache-2.0

import Casework
import Foundation
import Packs
import Testing

/// The test vectors of the source document against the examples of the packs: each is one, by its id, and holds. A
/// vector with several cases has an example each: INC-T4a, INC-T4b.
@Suite("The vectors of the source")
struct VectorTests {
    /// Vectors that the source's table names, for where that table does not lie beside the checkout.
    private static let known = [
        "INC": 12, "FST": 17, "INB": 9, "CTB": 8,
    ]

    @Test(
        "S220, S222, S224, S226: every vector is an example of its pack, by id, and holds",
        arguments: [
            ("INC", "incubator"), ("FST", "first-stores"), ("INB", "inbound-tourism"),
            ("CTB", "experience-bases"),
        ])
    func covered(_ prefix: String, _ name: String) throws {
        let pack = try Pack(files: try PackFiles.of(name))
        let outcomes = pack.runExamples()
        let ids = Set(outcomes.map { String($0.id.reversed().drop { $0.isLowercase }.reversed()) })
        let asked = try vectors(prefix)
        #expect(asked.count == Self.known[prefix])
        #expect(asked.subtracting(ids) == [], "no example of \(name) stands for these")
        for outcome in outcomes { #expect(outcome.differences.isEmpty, "\(outcome.id)") }
    }

    private func vectors(_ prefix: String) throws -> Set<String> {
        let root = ProcessInfo.processInfo.environment["HUTONG_SHARED"] ?? "../shared"
        guard let text = try? String(contentsOfFile: root + "/reference/systems.md", encoding: .utf8) else {
            print("skipped: no shared data; the count of \(prefix) vectors is checked")
            return Set((1...(Self.known[prefix] ?? 1)).map { "\(prefix)-T\($0)" })
        }
        return Set(
            text.matches(of: /[A-Z]{3}-T[0-9]+/).map { String($0.output) }.filter { $0.hasPrefix(prefix) })
    }

    @Test("S226, S220: INC-T12 and CTB-T6 bar nothing, INC-T11 and CTB-T5 bar for two years")
    func bars() throws {
        for (name, bars) in [("incubator", 1), ("experience-bases", 1)] {
            let procedure = try #require(try Pack(files: try PackFiles.of(name)).procedures.first)
            #expect(procedure.steps.count { $0.bar != nil } == bars, "\(name)")
        }
    }
}
