// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// The corpus of questions that the checker is tested with, asked of a running node by a buyer who may pay for it.
@Suite("The corpus through a node", .serialized)
struct CleanRoomCorpusTests {
    private struct Entry {
        let sql: String
        /// `nil`: answered.
        let code: String?
        /// A node's listing is one table; questions about others are refused whatever they say.
        var isAboutVisits: Bool { !sql.contains("people") && !sql.contains("districts") }
    }

    private static func entries() throws -> [Entry] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/PrivateSQL/corpus.txt")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            if line.hasPrefix("+ ") { return Entry(sql: String(line.dropFirst(2)), code: nil) }
            guard line.hasPrefix("- ") else { return nil }
            let parts = line.dropFirst(2).split(separator: " ", maxSplits: 1)
            return Entry(sql: String(parts[1]), code: "privatesql." + parts[0])
        }
    }

    @Test(
        "more than 250 questions over HTTP: each is answered or refused as the checker says, and only answers cost"
    )
    func everyQuestion() async throws {
        let entries = try Self.entries()
        try #require(entries.count >= 250)
        // Groups of a δ-threshold share the account's δ, so that their number is limited: here no budget stands before
        // the verdicts.
        let rules = CleanRoomNode.rules(["minimumGroup": 3])
        try await CleanRoomNode.run(rules, visits: CleanRoomNode.visits(people: 400)) { room in
            let buyer = try await room.buyer("buyer")
            var answered = 0
            for entry in entries {
                let outcome = try await room.ask(entry.sql, as: buyer)
                let code = outcome.code
                if entry.isAboutVisits, entry.code == nil {
                    // Exact mode tells no single row's extremes and compares every answer with all before it.
                    let isExactsOwn = ["privatesql.extremes-refused", "privatesql.history-too-fine"]
                        .contains(code ?? "")
                    #expect(code == nil || isExactsOwn, "\(entry.sql): \(code ?? "")")
                    answered += code == nil ? 1 : 0
                } else {
                    #expect(
                        code?.hasPrefix("privatesql.") == true || Self.isExactlyAllowed(entry.code),
                        "\(entry.sql): \(code ?? "answered")")
                }
            }
            #expect(answered >= 40, "\(answered) answered")
            let passages = try await room.get("/api/v1/passages", as: buyer)["passages"]?.array ?? []
            let settled = passages.filter { $0["state"] == "settled" }.count
            #expect(settled <= answered + 60 && settled >= 40, "\(settled)")
        }
    }

    /// What noise must refuse and exact groups may answer.
    private static func isExactlyAllowed(_ code: String?) -> Bool {
        [
            "privatesql.distinct-refused", "privatesql.groups-unlisted", "privatesql.bounds-missing",
            "privatesql.noise-too-wide", "privatesql.range-too-wide",
        ].contains(code ?? "")
    }
}
