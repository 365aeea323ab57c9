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
        "more than 250 questions over HTTP, eight at a time: answered or refused as the checker says, and only answers cost"
    )
    func everyQuestion() async throws {
        let entries = try Self.entries()
        try #require(entries.count >= 250)
        let rules = CleanRoomNode.noised(epsilon: "0.1", total: "100")
        try await CleanRoomNode.run(rules, visits: CleanRoomNode.visits(people: 400)) { room in
            let buyer = try await room.buyer("buyer")
            let codes = try await Self.ask(entries.map(\.sql), of: room, as: buyer)
            var answered = 0
            for (entry, code) in zip(entries, codes) {
                if entry.isAboutVisits, entry.code == nil {
                    // Without a δ, groups that nobody published are refused.
                    #expect(
                        code == nil || code == "privatesql.groups-unlisted", "\(entry.sql): \(code ?? "")")
                    answered += code == nil ? 1 : 0
                } else if entry.isAboutVisits {
                    #expect(code == entry.code, "\(entry.sql)")
                } else {
                    #expect(code?.hasPrefix("privatesql.") == true, "\(entry.sql): \(code ?? "answered")")
                }
            }
            #expect(answered >= 50, "\(answered) answered")
            let passages = try await room.get("/api/v1/passages", as: buyer)["passages"]?.array ?? []
            // A node that keeps the account of its own listing has two records of a passage.
            let charged = Set(
                passages.filter { $0["receipt"]?["content"]?["epsilon"] == "0.1" }.map { $0["passage"] }
            ).count
            #expect(charged > 40 && charged <= answered)
            #expect(try await room.budget()["spent"]?.text == Self.tenths(charged))
        }
    }

    private static func tenths(_ count: Int) -> String {
        count % 10 == 0 ? "\(count / 10)" : "\(count / 10).\(count % 10)"
    }

    private static func ask(
        _ texts: [String], of room: CleanRoomNode, as buyer: Account
    ) async throws -> [String?] {
        try await withThrowingTaskGroup(of: (Int, String?).self) { group in
            var codes: [String?] = Array(repeating: nil, count: texts.count)
            for place in texts.indices {
                if place >= 8, let (done, code) = try await group.next() { codes[done] = code }
                group.addTask { (place, try await room.ask(texts[place], as: buyer).code) }
            }
            for try await (done, code) in group { codes[done] = code }
            return codes
        }
    }
}
