// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Packs
import Primitives
import Rules

/// How fast a register of firms is decided, and how long one explanation takes.
struct RulesBenchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure eligibility over made-up firms. 测量免申即享。",
        discussion: """
            Each made-up firm takes each fact from the values that the rule's own examples use. Facts lie in memory; only
            the deciding is timed, on one thread.
              hutong rules bench Packs/first-stores store --firms 1000000
            """)
    @Argument(help: "The pack's folder.") var pack: String
    @Argument(help: "The rule's id.") var rule: String
    @Option(help: "How many firms.") var firms = 1_000_000
    @OptionGroup var output: OutputOptions

    /// Firms that lie in memory at once.
    private static let batch = 20_000

    func run(_ console: Console) async throws {
        let pack = try PackFolder.open(pack)
        let book = try pack.book(rule)
        let program = RuleProgram(book)
        let examples = pack.examples.filter { $0.rule == rule }.flatMap(\.facts)
        let values = program.facts.map { name in examples.compactMap { $0[name] } + [.null] }
        var random = SeededRandom(seed: 20)
        var counts: [Verdict: Int] = [:]
        var deciding = Duration.zero
        var sample: [JSON] = []
        let clock = ContinuousClock()
        for start in stride(from: 0, to: firms, by: Self.batch) {
            let made = (0..<min(Self.batch, firms - start)).map { _ in
                JSON.object(
                    Dictionary(
                        uniqueKeysWithValues: zip(program.facts, values).compactMap { name, values in
                            values.randomElement(using: &random).flatMap { $0.isNull ? nil : (name, $0) }
                        }))
            }
            let rows = made.map(program.row)
            var verdicts: [Verdict] = []
            deciding += clock.measure { verdicts = program.verdicts(of: rows[...]) }
            for verdict in verdicts { counts[verdict, default: 0] += 1 }
            sample = Array(made.prefix(200))
        }
        var length = 0
        let explaining = clock.measure {
            for facts in sample { length += book.decide(facts).json(in: .zh).canonicalBytes.count }
        }
        let perSecond = Double(firms) / deciding.inSeconds
        let milliseconds = explaining.inSeconds * 1000 / Double(max(1, sample.count))
        console.answer(
            [
                "rule": .string(rule), "firms": .integer(Int64(firms)),
                "perSecond": .integer(Int64(perSecond)),
                "explanationMilliseconds": .number((milliseconds * 1000).rounded() / 1000),
                "eligible": .integer(Int64(counts[.true] ?? 0)),
                "unknown": .integer(Int64(counts[.unknown] ?? 0)),
                "refused": .integer(Int64(counts[.false] ?? 0)),
            ],
            text: """
                \(pack.id)/\(rule): \(firms) firms, \(Int(perSecond)) a second on one thread, without explanation
                \(counts[.true] ?? 0) eligible, \(counts[.unknown] ?? 0) with facts missing, \(counts[.false] ?? 0) not
                one explanation with its tree as JSON: \((milliseconds * 1000).rounded() / 1000) ms (\(length / max(1, sample.count)) bytes)
                """)
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
