// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Identity
import Primitives
import SignersOpenSSL
import Store
import StoreSQLite
import Transparency

struct LogVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "The node's transparency log. 数据节点的存证日志。",
        subcommands: [
            LogKeyVerb.self, LogCheckpointVerb.self, LogProveVerb.self, LogAnchorsVerb.self,
            LogBenchVerb.self,
        ]
    )
}

/// A node's folder with its log, for verbs that only read it.
struct LogFolderOptions: ParsableArguments {
    @Option(help: "The node's data folder.") var data = "hutong-data"

    var storage: LogFolder { LogFolder(data + "/" + DataFolder.log) }

    func checkpoint() throws -> SignedCheckpoint {
        guard let bytes = try storage.read("checkpoint"), let signed = SignedCheckpoint(parsing: bytes) else {
            throw Problem(.invalid, "transparency.folder-unknown", ["folder": .text(data)])
        }
        return signed
    }
}

struct LogKeyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "vkey",
        abstract: "Print the log's verifier key, for trust policies. 显示日志验证密钥。"
    )
    @OptionGroup var place: LogFolderOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let file = place.data + "/" + DataFolder.keys + "/log.vkey"
        let text = String(decoding: try DataFolder.bytes(file), as: UTF8.self)
        let key = text.trimmingCharacters(in: .whitespacesAndNewlines)
        console.answer(["vkey": .string(key), "policy": .string("log \(key)\nquorum none\n")], text: key)
    }
}

struct LogCheckpointVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Print the newest published checkpoint. 显示最新检查点。"
    )
    @OptionGroup var place: LogFolderOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let signed = try place.checkpoint()
        let text = String(decoding: signed.bytes, as: UTF8.self)
        console.answer(
            [
                "origin": .string(signed.checkpoint.origin),
                "size": .integer(Int64(clamping: signed.checkpoint.size)),
                "note": .string(text),
            ],
            text: text
        )
    }
}

struct LogProveVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Write a leaf's receipt as a .tlog-proof file. 导出某一叶的凭证。",
        discussion:
            "hutong log prove 17 --out receipt.tlog-proof && hutong verify receipt.tlog-proof --trust my.policy"
    )
    @Argument(help: "The leaf's index, from 0.") var index: UInt64
    @Option(help: "The file to write; otherwise standard output.") var out: String?
    @OptionGroup var place: LogFolderOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard let store = try DataFolder.store(place.data) else {
            throw Problem(.invalid, "transparency.folder-unknown", ["folder": .text(place.data)])
        }
        let receipt = try await LogPublisher.receipt(
            for: index,
            under: try place.checkpoint(),
            store: store,
            storage: place.storage
        )
        await store.close()
        let text = String(decoding: receipt.bytes, as: UTF8.self)
        if let out {
            guard FileManager.default.createFile(atPath: out, contents: Data(receipt.bytes)) else {
                throw Problem(.fault, "transparency.files-failed", operatorNote: out)
            }
        }
        console.answer(
            ["index": .integer(Int64(clamping: index)), "receipt": .string(text)],
            text: out ?? text
        )
    }
}

struct LogAnchorsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "anchors",
        abstract: "Tell when outside authorities stamped the log. 列出可信时间戳。",
        discussion: """
            With --ca every kept token is checked again, offline; with --out each is written for other tools:
              hutong log anchors --ca tsa.pem --out stamps
              openssl ts -verify -data stamps/17.txt -in stamps/17.tsr -CAfile tsa.pem
            """
    )
    @Option(help: "The authority's certificates in PEM.") var ca: String?
    @Option(help: "A folder to write each stamped text and its token to.") var out: String?
    @OptionGroup var place: LogFolderOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard let store = try DataFolder.store(place.data) else {
            throw Problem(.invalid, "transparency.folder-unknown", ["folder": .text(place.data)])
        }
        let stamps = try await store.read { reading throws(Problem) in
            try TransparencyLog.stamps(in: reading)
        }
        await store.close()
        let certificates = try ca.map { String(decoding: try DataFolder.bytes($0), as: UTF8.self) }
        var lines: [String] = []
        var members: [JSON] = []
        for stamp in stamps {
            let size = stamp.checkpoint.checkpoint.size
            if let certificates {
                let anchor = Anchor(
                    authority: stamp.authority, url: "", certificates: certificates,
                    tokens: OpenSSLTimestamps())
                _ = try anchor.verify(stamp)
            }
            if let out { try write(stamp, to: out) }
            members.append([
                "size": .integer(Int64(clamping: size)), "authority": .string(stamp.authority),
                "time": .string(stamp.time.rfc3339), "isVerified": .bool(certificates != nil),
            ])
            lines.append("\(size)  \(stamp.time.rfc3339)  \(stamp.authority)")
        }
        console.answer(["anchors": .array(members)], text: lines.joined(separator: "\n"))
    }

    private func write(_ stamp: Anchor.Stamp, to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let name = folder + "/\(stamp.checkpoint.checkpoint.size)"
        let files = [name + ".txt": Array(stamp.stampedText.utf8), name + ".tsr": stamp.token]
        for (file, bytes) in files {
            guard FileManager.default.createFile(atPath: file, contents: Data(bytes)) else {
                throw Problem(.fault, "transparency.files-failed", operatorNote: file)
            }
        }
    }
}
