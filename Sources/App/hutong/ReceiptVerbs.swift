// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Identity
import Primitives
import Transparency

/// `hutong receipts [--out DIR]`: passages, and their receipts as files that outlive every node.
struct ReceiptsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "receipts", abstract: "List passages; write their receipts. 过阀记录与回执。",
        discussion: """
            With --out, each passage becomes PASSAGE.asker.tlog-proof and PASSAGE.holder.tlog-proof, one from each
            side's log, the first naming the leaf of the second; trust.policy holds the keys they were made under.
              hutong receipts --out ./receipts && hutong verify ./receipts/psg-….asker.tlog-proof
            """)
    @Option(help: "Write both sides' receipts as .tlog-proof into this folder, with trust.policy.")
    var out: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let node = try await door.open()
        let answer = try await node.get("/api/v1/passages")
        var members = answer.object ?? [:]
        if let out {
            let written = try await ReceiptFolder(out).write(answer["passages"]?.array ?? [], from: node)
            members["files"] = .array(written.files.map { .string($0) })
            members["missing"] = .array(written.missing.map { .string($0) })
            for passage in written.missing {
                console.note(
                    console.say(
                        LocalizedText(
                            zh: "\(passage)：持有方暂不可达，其一侧的回执未写出；请稍后再试。",
                            en:
                                "\(passage): its holder cannot be reached now; run this again for the holder's receipt."
                        )))
            }
        }
        console.answer(
            .object(members),
            text: Columns.text(answer["passages"], ["passage", "side", "agreement", "state", "price", "at"]))
    }
}

/// A folder of receipts that anybody can verify without a node.
struct ReceiptFolder {
    private let path: String

    init(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        self.path = path
    }

    /// Writes both sides of each passage, and the policy over every log they come from. A side that was written by
    /// another record of the same passage (in a node that plays two roles) is written once.
    func write(_ passages: [JSON], from node: NodeDoor) async throws -> (files: [String], missing: [String]) {
        var (files, missing): (Set<String>, [String]) = ([], [])
        var policy: TrustPolicy?
        for passage in passages where passage["leaf"]?.integer != nil {
            let code = passage["passage"]?.text ?? ""
            let answer = try await node.get("/api/v1/passages/\(code)/proofs")
            for proof in answer["proofs"]?.array ?? [] {
                let file = "\(path)/\(code).\(proof["side"]?.text ?? "asker").tlog-proof"
                guard let text = proof["proof"]?.text, files.insert(file).inserted else { continue }
                try Data(text.utf8).write(to: URL(filePath: file), options: .atomic)
                policy = (try policy ?? Self.policy(answer))?.adding(
                    logs: (proof["vkeys"]?.array ?? []).compactMap { $0.text.flatMap { NoteKey($0) } })
            }
            if answer["missing"]?.array?.isEmpty == false { missing.append(code) }
        }
        if let policy {
            try Data(policy.text.utf8).write(to: URL(filePath: path + "/trust.policy"), options: .atomic)
        }
        return (files.sorted(), missing)
    }

    private static func policy(_ answer: JSON) throws(Problem) -> TrustPolicy? {
        guard let text = answer["policy"]?.text else { return nil }
        do {
            return try TrustPolicy(parsing: text)
        } catch {
            throw error.problem
        }
    }
}
