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
        let proofs = try await keepProofs()
        stop()
        for node in nodes {
            let (code, answer) = try run(["verify", node.data, "--json"])
            try hold(code == 0, "\(node.name) verifies: \(answer.canonicalText.prefix(600))")
        }
        for proof in proofs {
            let trust = DemoWitnesses.trustFile(in: data)
            let (code, answer) = try run(["verify", proof, "--trust", trust, "--json"])
            try hold(code == 0, "the receipt verifies: \(answer.canonicalText.prefix(400))")
            let cosigners = answer["cosignedBy"]?.object ?? [:]
            try hold(cosigners.count >= 2, "two witnesses cosigned it")
        }
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
        return ["folders": .integer(5), "receipts": .integer(Int64(proofs.count)), "frauds": .array(found)]
    }

    /// Both sides' receipts of the buyer's question to the clinic, as files that outlive every node: the asker's,
    /// the holder's, and the policy whose witnesses cosigned both.
    private func keepProofs() async throws -> [String] {
        let folder = data + "/receipts"
        let own = try await buyer.door.get("/api/v1/passages")["passages"]?.array ?? []
        let asked = own.filter { $0["receipt"]?["content"]?["passage"]?.text == codes["passage.id"] }
        try hold(!asked.isEmpty, "the buyer keeps its passage")
        let written = try await ReceiptFolder(folder).write(asked, from: .remote(buyer.door))
        try hold(written.missing.isEmpty && written.files.count >= 2, "both sides' receipts: \(written)")
        return written.files
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

    /// Pages that show what just happened.
    var pages: [(what: LocalizedText, url: String)] {
        [
            (
                LocalizedText(zh: "一码六步（就诊数据）", en: "one code through six steps (the visits)"),
                exchange.url + "/codes/" + (codes["clinic.asset"] ?? "")
            ),
            (
                LocalizedText(zh: "登记凭证", en: "certificate of registration"),
                exchange.url + "/certificates/" + (codes["clinic.registration"] ?? "")
            ),
            (LocalizedText(zh: "存证日志", en: "the log"), exchange.url + "/log"),
            (
                LocalizedText(zh: "提问（买方登录）", en: "ask a question (sign in as buyer)"),
                buyer.url + "/agreements/" + (codes["clinic.agreement"] ?? "")
            ),
            (LocalizedText(zh: "关阀（医院登录）", en: "shut the valve (sign in as clinic)"), clinic.url + "/desk"),
        ]
    }

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

    /// 原始数据出域 0 行 · 过阀 N 次，拒绝 M 次 · 隐私预算 x/y · 结算 z 元，借贷差 0 · 谁联署 · 可离线核验
    var card: LocalizedText {
        let passages = report["settle"]?["passages"]?.integer ?? 0
        let total = report["settle"]?["total"]?.text ?? ""
        let refused = refusals.count
        let witnessing = report["register"]?["witnessing"]
        let names = (witnessing?["cosignedBy"]?.array ?? []).compactMap(\.text).joined(separator: ", ")
        let known = witnessing?["witnesses"]?.integer ?? 0
        return LocalizedText(
            zh:
                "原始数据出域 0 行 · 过阀 \(passages) 次，拒绝 \(refused) 次 · 隐私预算 4/4 · 结算 \(total)，借贷差 0 · 见证：\(names)（共 \(known) 个）· 可离线核验",
            en: "raw rows that left: 0 · \(passages) passages, \(refused) refusals · privacy budget 4/4 · "
                + "settled \(total), debits less credits 0 · witnessed by \(names) (of \(known)) · verifiable offline"
        )
    }
}
