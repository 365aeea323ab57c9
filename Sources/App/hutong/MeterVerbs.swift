// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Metering
import Primitives
import Store

struct MeterVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "meter", abstract: "Count usage events. 用量计量。",
        subcommands: [MeterDefineVerb.self, MeterIngestVerb.self])
}

struct MeterDefineVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "define", abstract: "Say what is counted of one type of event. 定义计量项。",
        discussion: "Example: hutong meter define cn.example.rows sum --property rows")
    @OptionGroup var output: OutputOptions
    @OptionGroup var books: BooksOptions

    @Argument(help: "The events' type.")
    var type: String

    @Argument(help: "sum, count, average, minimum, maximum, unique or latest.")
    var aggregation: MeterDefinition.Aggregation

    @Option(help: "The member of the events' data that holds the quantity or word.")
    var property: String?

    func run(_ console: Console) async throws {
        let meter = MeterDefinition(type: type, aggregation: aggregation, property: property)
        let store = try books.open(toWrite: true)
        try await store.write { tx throws(Problem) in try UsageMeter.define(meter, in: tx) }
        await store.close()
        console.answer(
            ["type": .string(type), "aggregation": .string(aggregation.rawValue)],
            text: "\(type): \(aggregation.rawValue)")
    }
}

extension MeterDefinition.Aggregation: ExpressibleByArgument {}

struct MeterIngestVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Count CloudEvents from a file: one event or a batch. 计入 CloudEvents 用量事件。",
        discussion: """
            An event counts once for ever, by its source and id; the same file again changes nothing. An event of a \
            closed period counts now, as a correction.
            """)
    @OptionGroup var output: OutputOptions
    @OptionGroup var books: BooksOptions

    @Argument(help: "A JSON file: a CloudEvents 1.0 event or an array of them.")
    var file: String

    func run(_ console: Console) async throws {
        guard let bytes = try? Data(contentsOf: URL(filePath: file)) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        let json: JSON
        do {
            json = try JSON(parsing: Array(bytes))
        } catch {
            throw Problem(
                .invalid, "app.json-malformed",
                ["offset": .integer(Int64(error.offset)), "reason": .text(error.reason)])
        }
        let events = try UsageEvent.events(cloudEvents: json)
        let store = try books.open(toWrite: true)
        let outcomes = try await store.write { tx throws(Problem) in try UsageMeter.record(events, in: tx) }
        await store.close()
        let counts = [EventOutcome.counted, .countedLate, .repeated].map { outcome in
            (outcome.rawValue, outcomes.count { $0 == outcome })
        }
        console.answer(
            .object(Dictionary(uniqueKeysWithValues: counts.map { ($0.0, .integer(Int64($0.1))) })),
            text: counts.map { "\($0.1) \($0.0)" }.joined(separator: ", "))
    }
}
