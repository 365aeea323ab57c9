// SPDX-License-Identifier: Apache-2.0

import APIClient
import Foundation
import Primitives
import Store
import StoreSQLite

/// Steps 8 to 10: settling, verifying, the last card.
extension Story {
    // MARK: 8 · settle

    func settle() async throws -> [String: JSON] {
        let balances = try await exchange.door.get("/api/v1/balances")
        try hold(balances["sum"]?.integer == 0, "all accounts add up to zero")
        let statement = try await exchange.door.get("/api/v1/statement")
        let settled = statement["lines"]?.array?.count ?? 0
        try hold(settled >= 6, "a line for each passage, got \(settled)")
        let fee = balances["accounts"]?.array?.first { $0["kind"]?.text == "Fee" }?["balance"] ?? .null
        return [
            "sum": .integer(0), "passages": .integer(Int64(settled)), "total": statement["total"] ?? .null,
            "fee": fee,
        ]
    }

    // MARK: 9 · verify, and the operator cheats

    func verify() async throws -> [String: JSON] {
        stop()
        for node in nodes {
            let (code, answer) = try run(["verify", node.data, "--json"])
            try hold(code == 0, "\(node.name) verifies: \(answer.canonicalText.prefix(600))")
        }
        let proof = try await keepProof()
        let (code, answer) = try run(["verify", proof, "--json"])
        try hold(code == 0, "the receipt verifies: \(answer.canonicalText.prefix(400))")
        let frauds = [
            (
                "drops a charge",
                "DELETE FROM ledger_transfer WHERE rowid = (SELECT max(rowid) FROM ledger_transfer)"
            ),
            (
                "adds a passage",
                """
                INSERT INTO valve_passage SELECT randomblob(16), side, 'psg-forged', agreement_id, agreement_code, door,
                asker_id, state, price, request, document, answer, reserved_at, expires_at, finished_at
                FROM valve_passage WHERE side = 'keeper' AND state = 'settled' LIMIT 1
                """
            ),
            (
                "rewrites a leaf",
                "UPDATE transparency_leaf SET content = '{\"rewritten\":true}' WHERE leaf_index = 3"
            ),
        ]
        var found: [JSON] = []
        // A fraud needs a copy of the exchange: of a folder that is easily made, of a database server not.
        for (name, sql) in store == nil ? frauds : [] {
            let copy = data + "/forged"
            try? FileManager.default.removeItem(atPath: copy)
            try FileManager.default.copyItem(atPath: exchange.data, toPath: copy)
            let store = try SQLiteStore.open(
                at: copy + "/node.sqlite", clock: WallClock { Instant(seconds: 0) })
            let changed = try await store.write { transaction throws(Problem) in try transaction.execute(sql)
            }
            await store.close()
            try hold(changed > 0, "the fraud changed something: " + name)
            let (code, answer) = try run(["verify", copy, "--against", clinic.data, "--json"])
            try hold(code == 1, "found: " + name)
            found.append([
                "fraud": .string(name), "finding": answer["findings"]?[0] ?? answer["title"] ?? .null,
            ])
            try FileManager.default.removeItem(atPath: copy)
        }
        for node in nodes { try node.start() }
        return ["folders": .integer(4), "receipts": .integer(1), "frauds": .array(found)]
    }

    /// The buyer's receipt of its question to the clinic, as a file that outlives every node.
    private func keepProof() async throws -> String {
        try exchange.start()
        defer { exchange.stop() }
        let path = data + "/receipt.tlog-proof"
        let bytes = try await exchange.door.bytes("/api/v1/passages/\(codes["passage"] ?? "")/proof")
        try Data(bytes).write(to: URL(filePath: path))
        let key = try await exchange.door.bytes("/log/vkey")
        try Data(Array("log ".utf8) + key + Array("quorum none\n".utf8)).write(
            to: URL(filePath: data + "/trust.policy"))
        return path
    }

    /// Another process of this binary: what anybody can run.
    private func run(_ arguments: [String]) throws -> (code: Int32, answer: JSON) {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, (try? JSON(parsing: Array(bytes))) ?? .null)
    }

    // MARK: 10 · the card

    /// The planted effect beside the recovered one: "synthetic" becomes a proof of accuracy.
    var effect: LocalizedText {
        let ask = report["ask"]
        func number(_ json: JSON?) -> String { json?.double.map { "\($0)" } ?? "–" }
        let recovered =
            "\(number(ask?["recovered"])) (\(number(ask?["interval"]?[0])) … \(number(ask?["interval"]?[1])))"
        return LocalizedText(
            zh: "坏空气带来就诊吗：植入 \(number(ask?["planted"]))，还原 \(recovered) 例/日/(µg/m³)",
            en:
                "Does bad air bring patients: planted \(number(ask?["planted"])), recovered \(recovered) visits a day per µg/m³"
        )
    }

    /// 原始数据出域 0 行 · 过阀 N 次，拒绝 M 次 · 隐私预算 x/y · 结算 z 元，借贷差 0 · 可离线核验
    var card: LocalizedText {
        let passages = report["settle"]?["passages"]?.integer ?? 0
        let total = report["settle"]?["total"]?.text ?? ""
        let refused = refusals.count
        return LocalizedText(
            zh: "原始数据出域 0 行 · 过阀 \(passages) 次，拒绝 \(refused) 次 · 隐私预算 3/3 · 结算 \(total)，借贷差 0 · 可离线核验",
            en: "raw rows that left: 0 · \(passages) passages, \(refused) refusals · privacy budget 3/3 · "
                + "settled \(total), debits less credits 0 · verifiable offline")
    }
}
