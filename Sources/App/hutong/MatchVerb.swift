// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute
import Foundation
import PSI
import Primitives

/// `hutong match AGREEMENT FILE`: what do our keys and theirs have in common?
struct MatchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "match", abstract: "Match a table with a holder's, showing neither. 按合约隐私求交。",
        discussion: """
            Examples: hutong match agr-… clients.csv --key person --want 'size:by district' --purpose care
                      hutong match agr-… clients.csv --key person --want 'sum:cost:by district' --out sums.csv
                      hutong match agr-… clients.csv --key phone --want rows --out matched.csv
                      hutong match agr-… clients.csv --key person --want shares:cost
            FILE stays in this process; your own node runs the protocol with digests of its keys. Below the agreement's
            minimum nothing is told; `rows` needs a listing that permits it and its legal basis. `shares` tells nothing:
            both nodes keep their shares of the linked rows, and `hutong query PASSAGE` asks about them.
            """)
    @Argument(help: "The agreement's code.") var agreement: String
    @Argument(help: "A CSV file with a header line.") var file: String
    @Option(help: "Key columns, comma separated, in the order of the agreement's.") var key: String
    @Option(
        help:
            "size, rows, sum:COL or shares[:COL] (a column of the holder); sizes and sums ':by COL' of FILE.")
    var want = "size"
    @Option(help: "Where counts, or matched rows, are written as CSV.") var out: String?
    @Option var purpose = ""
    @Flag(help: "Show the plan that both sides would sign, with its cost; match nothing.") var dryRun = false
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    /// What is wanted, and the column of FILE whose values are the groups.
    private var wish: (want: MatchWant, by: String?)? {
        let parts = want.components(separatedBy: ":by ")
        guard parts.count <= 2, let first = MatchWant(text: parts[0]) else { return nil }
        let mayGroup = first.word == "size" || first.word == "sum"
        guard parts.count == 2 else { return (first, nil) }
        return mayGroup && !parts[1].isEmpty ? (first, parts[1]) : nil
    }

    private static let wishes =
        "--want is size, rows, sum:COL or shares[:COL]; size and sum also ':by COL' of FILE."

    func validate() throws {
        guard let wish else { throw ValidationError(Self.wishes) }
        if wish.want.word == "shares", out != nil {
            throw ValidationError("Shares stay at the nodes: there is nothing for --out.")
        }
        guard !key.split(separator: ",").isEmpty else { throw ValidationError("Name a key column.") }
    }

    func run(_ console: Console) async throws {
        guard let wish else { throw ValidationError(Self.wishes) }
        let node = try await door.open()
        let keys = key.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let recipe = try await MatchCall.recipe(of: agreement, keyCount: keys.count, through: node)
        let call = try MatchCall(
            agreement: agreement, purpose: purpose, want: wish.want, file: file, key: keys, by: wish.by,
            recipe: recipe)
        console.progress("\(call.table.items.items.count) ↔ \(agreement)")
        let answer = try await call.ask(through: node, dryRun: dryRun)
        if dryRun { return console.answer(answer, text: answer.prettyText) }
        let matched = call.matchedRows(answer)
        if let out {
            if let matched {
                try call.table.write(rows: matched, to: out)
            } else {
                try Data(Self.csv(answer).utf8).write(to: URL(filePath: out))
            }
        }
        console.answer(answer, text: text(answer, matched, console))
    }

    static func csv(_ answer: JSON) -> String {
        let lines = (answer["groups"]?.array ?? []).map { group in
            let name = (group["group"]?.text ?? "").replacing("\"", with: "\"\"")
            return "\"\(name)\",\(group["count"]?.integer.map(String.init) ?? ""),\(sum(group) ?? "")"
        }
        return (["group,count,sum"] + lines).joined(separator: "\n") + "\n"
    }

    private static func sum(_ group: JSON) -> String? { group["sum"]?.text }

    private func text(_ answer: JSON, _ matched: [Int]?, _ console: Console) -> String {
        var lines = Self.lines(answer, console)
        if want == "rows" {
            lines.insert(matched.map { "\($0.count)" } ?? Self.few(answer, console), at: lines.count - 1)
        }
        return lines.joined(separator: "\n")
    }

    private static func few(_ answer: JSON, _ console: Console) -> String {
        let least = answer["result"]?["minimum"]?.integer ?? 0
        return console.say(LocalizedText(zh: "少于 \(least)，不予显示", en: "below \(least): not told"))
    }

    /// A line a group, then the passage and its price.
    static func lines(_ answer: JSON, _ console: Console) -> [String] {
        let groups = (answer["groups"]?.array ?? []).map { group in
            let count = group["count"]?.integer.map(String.init) ?? few(answer, console)
            return [count, sum(group), group["group"]?.text].compactMap { $0 }.joined(separator: "\t")
        }
        return groups + ["\(answer["code"]?.text ?? "")  \(answer["price"]?.text ?? "")"]
    }
}
