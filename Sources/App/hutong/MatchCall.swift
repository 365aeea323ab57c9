// SPDX-License-Identifier: Apache-2.0

import Assembly
import Compute
import Foundation
import Oblivious
import PSI
import Primitives
import Tables
import Valve

/// One private match as its asker sees it: a table, its key columns, and an agreement or the passage that left shares. The
/// table stays in this process; its node gets digests of the keys.
struct MatchCall {
    /// What is asked for, and under which agreement or of which passage's shares.
    private let terms: [String: JSON]
    let purpose: String
    let table: KeyedTable
    /// For each place in what is sent, the place in the table's items; groups stand together.
    private let order: [Int]
    private let groupSizes: [Int]
    private let groupNames: [String]

    /// - Parameter recipe: the agreement's, from `recipe(of:through:)`.
    init(
        agreement: String, purpose: String, want: MatchWant, file: String, key: [String], by: String?,
        recipe: KeyRecipe
    ) throws {
        self.init(
            ["agreement": .string(agreement), "want": .string(want.text)], purpose,
            try KeyedTable(file: file, key: key, recipe: recipe, by: by))
    }

    /// Asks about rows of `table` that a passage left in shares.
    init(shares passage: String, purpose: String, want: String, table: KeyedTable) {
        self.init(["shares": .string(passage), "want": .string(want)], purpose, table)
    }

    private init(_ terms: [String: JSON], _ purpose: String, _ table: KeyedTable) {
        (self.terms, self.purpose, self.table) = (terms, purpose, table)
        let hasGroups = !table.groupNames.isEmpty
        let groups = hasGroups ? table.groups : [Int](repeating: 0, count: table.items.items.count)
        groupNames = hasGroups ? table.groupNames : [""]
        var members = [[Int]](repeating: [], count: groupNames.count)
        for (item, group) in groups.enumerated() { members[group].append(item) }
        order = members.flatMap { $0 }
        groupSizes = members.map(\.count)
    }

    /// The normalization both sides agreed on: it stands in the listing's rules, which both signed.
    static func recipe(of agreement: String, keyCount: Int, through door: NodeDoor) async throws -> KeyRecipe
    {
        let rules = try await door.get("/api/v1/agreements/" + agreement)["listing"]?["rules"]?["match"]
        guard let keys = rules?["keys"]?.array else {
            throw Problem(.forbidden, "compute.match-not-offered", ["listing": .text(agreement)])
        }
        guard keys.count == keyCount else {
            throw Problem(
                .invalid, "compute.match-keys-differ",
                ["keys": .list(keys.compactMap(\.text)), "count": .integer(Int64(keyCount))])
        }
        guard let steps = rules?["steps"]?.array else { return KeyRecipe() }
        return KeyRecipe(steps: steps.compactMap { $0.text.flatMap(KeyRecipe.Step.init(rawValue:)) })
    }

    /// Asks the caller's own node, which runs the protocol with the holder's. Asked again while the node does not
    /// answer: the passage's number makes that one match.
    ///
    /// - Parameter console: shows how far the match is, on a terminal.
    func ask(through door: NodeDoor, dryRun: Bool = false, on console: Console? = nil) async throws -> JSON {
        let watching = Task { await MatchLine.watch(door, console) }
        defer { watching.cancel() }
        return try await asked(door, dryRun)
    }

    private func asked(_ door: NodeDoor, _ dryRun: Bool) async throws -> JSON {
        // Digests of short keys can be guessed.
        let folder = try FileManager.default.privateFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "items")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16 * order.count)
        for place in order { table.items.items[place].append(to: &bytes) }
        try Data(bytes).write(to: file)
        let passage = ID<Passage>(at: WallClock.system.now())
        var attempt = 1
        while true {
            do throws(Problem) {
                let delivery = try await door.stage(file.path)
                return named(try await door.post("/api/v1/matches", body(passage, delivery, dryRun)))
            } catch {
                guard error.code == "app.node-unreachable", attempt < 20 else { throw error }
                try await Task.sleep(for: .milliseconds(500))
                attempt += 1
            }
        }
    }

    private func body(_ passage: ID<Passage>, _ delivery: String, _ dryRun: Bool) -> JSON {
        let call: [String: JSON] = [
            "purpose": .string(purpose), "delivery": .string(delivery), "passage": .string(passage.uuid),
            "dryRun": .bool(dryRun), "groups": .array(groupSizes.map { .integer(Int64($0)) }),
        ]
        return .object(call.merging(terms) { $1 })
    }

    /// The counts under the names of this side's groups, which never left it.
    private func named(_ answer: JSON) -> JSON {
        var members = answer.object ?? [:]
        members["rows"] = .integer(Int64(table.items.rowCount))
        members["keys"] = .integer(Int64(table.items.items.count))
        members["rejected"] = .integer(Int64(table.items.rejectedCount))
        guard let counts = answer["result"]?["counts"]?.array else { return .object(members) }
        let sums = answer["result"]?["sums"]?.array
        let decimals = Int(answer["result"]?["decimals"]?.integer ?? 0)
        members["groups"] = .array(
            counts.enumerated().map { place, count in
                Self.group(groupNames[place], count, sums?[place].integer, decimals)
            })
        return .object(members)
    }

    private static func group(_ name: String, _ count: JSON, _ sum: Int64?, _ decimals: Int) -> JSON {
        var group: [String: JSON] = ["group": .string(name), "count": count]
        if let sum {
            group["sum"] = .string(ExactDecimal(unscaled: Int128(sum), scale: decimals).description)
            let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
            if let count = count.integer, count > 0 {
                group["mean"] = .number(Double(sum) / scale / Double(count))
            }
        }
        return .object(group)
    }

    /// The table's rows that match, under `rows`; `nil` when nothing was told.
    func matchedRows(_ answer: JSON) -> [Int]? {
        guard let items = answer["result"]?["items"]?.array else { return nil }
        return table.items.rows(of: items.compactMap { $0.integer.map { order[Int($0)] } })
    }
}

extension FileManager {
    /// A new temporary folder that its owner alone can enter. The caller removes it.
    func privateFolder() throws -> URL {
        let folder = temporaryDirectory.appending(path: "hutong-\(UInt64.random(in: 0...UInt64.max))")
        try createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        return folder
    }
}

/// How far a match is, in one line.
enum MatchLine {
    static func all(_ matches: JSON?, _ console: Console) -> [String] {
        (matches?.array ?? []).map { match in
            let (bytes, all) = (match["bytes"]?.integer ?? 0, max(1, match["of"]?.integer ?? 1))
            let share = min(99, 100 * bytes / all)
            let words = LocalizedText(
                zh: "求交 \(match["passage"]?.text ?? "") · \(share)% · \(bytes / 1000) kB · "
                    + "第 \(match["flights"]?.integer ?? 0) 次往返 · \(match["seconds"]?.integer ?? 0) 秒",
                en: "match \(match["passage"]?.text ?? "") · \(share)% · \(bytes / 1000) kB · "
                    + "\(match["flights"]?.integer ?? 0) flights · \(match["seconds"]?.integer ?? 0) s")
            return console.say(words)
        }
    }

    /// Shows the node's matches until cancelled; only where somebody sees it.
    static func watch(_ door: NodeDoor, _ console: Console?) async {
        guard let console, console.showsProgress else { return }
        while !Task.isCancelled {
            if let answer = try? await door.get("/api/v1/matches"), !Task.isCancelled {
                if let line = all(answer["matches"], console).last { console.progress(line) }
            }
            try? await Task.sleep(for: .milliseconds(400))
        }
    }
}
