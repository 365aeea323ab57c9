// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import Identity
import Ledger
import Primitives
import SignersOpenSSL
import Store
import Transparency

/// The names inside a node's data folder that offline verbs look for.
enum DataFolder {
    static let log = "log"
    static let keys = "keys"

    static func bytes(_ file: String) throws(Problem) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        return [UInt8](data)
    }

    /// Opens a node's database for reading what is there; the node may be running.
    static func store(_ folder: String) throws(Problem) -> (any DataStore)? {
        guard NodeStore.exists(in: folder) else { return nil }
        return try NodeStore.openBeside(folder, clock: WallClock { Instant(microseconds: 0) })
    }
}

/// Whose word a verification takes, and where that came from.
struct Trust {
    static let checkers = SignatureCheckers(SM2Checker())

    let policy: TrustPolicy
    let source: LocalizedText
    /// Whether the reader named the keys himself. Keys that came with what they judge prove little to a stranger.
    let isGiven: Bool

    /// The policy of `--trust`, else `trust.policy` beside the file, else `nil`.
    static func find(_ given: String?, beside file: String) throws(Problem) -> Trust? {
        if let given {
            return Trust(
                policy: try read(given),
                source: .init(zh: "密钥来自 --trust \(given)", en: "keys from --trust \(given)"),
                isGiven: true
            )
        }
        let folder = (file as NSString).deletingLastPathComponent
        let beside = (folder.isEmpty ? "." : folder) + "/trust.policy"
        guard FileManager.default.fileExists(atPath: beside) else { return nil }
        return Trust(
            policy: try read(beside),
            source: .init(
                zh: "密钥来自文件旁的 trust.policy，请用 --trust 核对",
                en: "keys from trust.policy beside the file: compare them with --trust"
            ),
            isGiven: false
        )
    }

    /// The log's key that lies in a data folder: it shows damage, and proves nothing to a stranger.
    static func own(_ folder: String) -> Trust? {
        let file = folder + "/" + DataFolder.keys + "/log.vkey"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let key = NoteKey(text.trimmingCharacters(in: .whitespacesAndNewlines))
        else { return nil }
        return Trust(
            policy: TrustPolicy(log: key),
            source: .init(
                zh: "密钥来自该目录本身，请用 --trust 核对",
                en: "keys from the folder itself: compare them with --trust"
            ),
            isGiven: false
        )
    }

    private static func read(_ file: String) throws(Problem) -> TrustPolicy {
        do {
            return try TrustPolicy(parsing: String(decoding: try DataFolder.bytes(file), as: UTF8.self))
        } catch let failure as TrustPolicy.Failure {
            throw failure.problem
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.fault, "app.unexpected", operatorNote: "\(error)")
        }
    }
}

struct VerifyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a receipt, a copy of a log or a data folder, offline. 离线验证凭证或日志。",
        discussion: """
            Says in one sentence what is proven and by whom, and names everything that was changed.
              hutong verify psg-7k3m9x2pqv0dc.asker.tlog-proof --trust exchange.policy
              hutong verify ./hutong-data --against ./other-node
            Exit code 0: everything holds; 1: something does not.
            """
    )
    @Argument(help: "A .tlog-proof file, a mirror's folder, or a node's data folder.") var place: String
    @Option(help: "A tlog-policy file with the keys you trust.") var trust: String?
    @Option(help: "Another node's data folder: checkpoints of this log that it kept must fit.") var against:
        String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        var isFolder: ObjCBool = false
        // SAFETY: the call writes one Boolean that lives across it.
        guard unsafe FileManager.default.fileExists(atPath: place, isDirectory: &isFolder) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(place)])
        }
        if isFolder.boolValue { try await verifyFolder(console) } else { try verifyReceipt(console) }
    }

    private func verifyReceipt(_ console: Console) throws {
        guard let trust = try Trust.find(trust, beside: place) else {
            throw Problem(.invalid, "transparency.trust-missing")
        }
        let verifier = ReceiptVerifier(policy: trust.policy, checkers: Trust.checkers)
        let proof = try verifier.verify(try DataFolder.bytes(place))
        guard case .object(var members) = proof.json else { return }
        members["sentence"] = ["zh": .string(proof.sentence.zh), "en": .string(proof.sentence.en)]
        members["trust"] = .string(trust.source.en)
        members["trustFrom"] = .string(trust.isGiven ? "--trust" : "beside the file")
        var lines = [proof.sentence, trust.source]
        if let pair = try otherSide(of: proof) {
            members["holderReceipt"] = .string(pair.file)
            lines.append(pair.sentence)
        }
        console.answer(.object(members), text: lines.map { console.say($0) }.joined(separator: "\n"))
    }

    /// The holder's receipt beside an asker's: the leaf it proves must be the one that the asker's names.
    private func otherSide(of proof: ReceiptVerifier.Proof) throws -> (file: String, sentence: LocalizedText)?
    {
        let (mine, theirs) = (".asker.tlog-proof", ".holder.tlog-proof")
        guard place.hasSuffix(mine), let named = proof.disclosure.content["holderLeaf"]?.text else {
            return nil
        }
        let file = place.dropLast(mine.count) + theirs
        guard let bytes = FileManager.default.contents(atPath: String(file)) else { return nil }
        let other = (try? Receipt(parsing: [UInt8](bytes)))?.extra.flatMap { Disclosure(parsing: $0) }
        guard let other, other.leafHash == named else {
            throw Problem(.invalid, "transparency.receipts-unrelated", ["file": .text(String(file))])
        }
        return (
            String(file),
            LocalizedText(
                zh: "它指名的持有方存证就是旁边文件所证的那一叶（请同样核验该文件）。",
                en:
                    "It names the holder's leaf, which is the one in the file beside it (verify that file too)."
            )
        )
    }

    private func verifyFolder(_ console: Console) async throws {
        let trust = try Trust.find(trust, beside: place + "/x") ?? Trust.own(place)
        let report: InspectionReport
        if let store = try DataFolder.store(place) {
            let storage = LogFolder(place + "/" + DataFolder.log)
            let inspector = LogInspector(
                store: store,
                storage: storage,
                policy: trust?.policy,
                checkers: Trust.checkers,
                others: DataChecks.all(place)
            )
            report = try await inspector.inspect(peers: try await keptCheckpoints(of: storage))
            await store.close()
        } else if let storage = try copy() {
            report = try Mirror.inspect(storage, policy: trust?.policy, checkers: Trust.checkers)
        } else {
            throw Problem(.invalid, "transparency.folder-unknown", ["folder": .text(place)])
        }
        try console.tell(report, trust: trust)
    }

    /// A mirror's folder, or one that holds a log folder.
    private func copy() throws -> LogFolder? {
        for folder in [place, place + "/" + DataFolder.log] {
            let storage = LogFolder(folder)
            if try storage.read("checkpoint") != nil { return storage }
        }
        return nil
    }

    /// What the other node remembers of this log.
    private func keptCheckpoints(of storage: LogFolder) async throws -> [SignedCheckpoint] {
        guard let against else { return [] }
        guard let bytes = try storage.read("checkpoint"), let own = SignedCheckpoint(parsing: bytes),
            let other = try DataFolder.store(against)
        else { throw Problem(.invalid, "transparency.folder-unknown", ["folder": .text(against)]) }
        let origin = own.checkpoint.origin
        let kept = try await other.read { reading throws(Problem) in
            try PeerCheckpoints.all(of: origin, in: reading)
        }
        await other.close()
        return kept
    }
}

struct FsckVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "fsck",
        abstract: "Re-derive everything a node keeps and name what differs. 逐项重算并核对数据目录。",
        discussion: """
            Leaves from contents and salts, tiles from leaves, the checkpoint from the tree, balances from transfers.
            With --repair, derived files (tiles, bundles) are written anew; the database and signatures never are.
              hutong fsck ./hutong-data --repair
            """
    )
    @Argument(help: "A stopped node's data folder.") var folder: String
    @Flag(help: "Write derived files anew.") var repair = false
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard let store = try DataFolder.store(folder) else {
            throw Problem(.invalid, "transparency.folder-unknown", ["folder": .text(folder)])
        }
        let storage = LogFolder(folder + "/" + DataFolder.log)
        let inspector = LogInspector(store: store, storage: storage, others: DataChecks.all(folder))
        let report = try await inspector.inspect(repairing: repair)
        await store.close()
        try console.tell(report, trust: nil, isRepaired: repair)
    }
}

extension Console {
    /// The report, and exit code 1 if anything is left that is wrong.
    fileprivate func tell(_ report: InspectionReport, trust: Trust?, isRepaired: Bool = false) throws {
        var lines = report.findings.map { "\($0.place): \(say($0.what))" }
        if report.unlistedCount > 0 { lines.append("… +\(report.unlistedCount)") }
        let checks = (["log"] + report.checksRun).joined(separator: ", ")
        lines.append(
            say(
                report.isClean
                    ? .init(
                        zh: "一致：\(report.leavesChecked) 个叶、\(report.filesChecked) 个文件（\(checks)）。",
                        en:
                            "Everything fits: \(report.leavesChecked) leaves, \(report.filesChecked) files (\(checks))."
                    )
                    : .init(
                        zh: "发现 \(report.findings.count) 处不符（\(checks)）。",
                        en: "\(report.findings.count) findings (\(checks))."
                    )
            )
        )
        if let trust { lines.append(say(trust.source)) }
        answer(report.json, text: lines.joined(separator: "\n"))
        let isLeft = isRepaired ? report.findings.contains { !$0.isRepairable } : !report.isClean
        if isLeft { throw ExitCode(1) }
    }
}
