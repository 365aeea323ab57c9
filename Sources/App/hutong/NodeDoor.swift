// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Assembly
import Foundation
import HTTPAPI
import Identity
import Primitives

/// Where a verb works: on a running node (`HUTONG_URL`, `HUTONG_TOKEN`), or with `--data` on a stopped folder.
struct DoorOptions: ParsableArguments {
    @Option(help: "Work on this stopped node's folder instead of on HUTONG_URL.") var data: String?

    func open() async throws -> NodeDoor {
        guard let data else {
            let token = Environment.token.map { Redacted($0) }
            guard let roots = Environment.roots else {
                return .remote(NodeClient(url: Environment.url, token: token))
            }
            return .remote(try NodeClient(url: Environment.url, token: token, roots: roots))
        }
        guard NodeStore.exists(in: data) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(data)])
        }
        let settings = NodeSettings(data: data, port: 0, passphrase: try Environment.passphrase())
        let node = try await Node.open(settings, version: Version.text)
        return .local(node)
    }
}

/// The same routes, over HTTP or in this process: a verb does not see which.
enum NodeDoor: Sendable {
    case remote(NodeClient)
    case local(Node)

    func get(_ path: String) async throws(Problem) -> JSON {
        switch self {
        case .remote(let client): try await client.get(path)
        case .local(let node): try await Self.answer(node, "GET", path, [])
        }
    }

    func post(_ path: String, _ body: JSON = [:]) async throws(Problem) -> JSON {
        switch self {
        case .remote(let client): return try await client.post(path, body)
        case .local(let node):
            let answer = try await Self.answer(node, "POST", path, body.canonicalBytes)
            await node.settleOnce()
            return answer
        }
    }

    func bytes(_ path: String) async throws(Problem) -> [UInt8] {
        switch self {
        case .remote(let client): try await client.bytes(path)
        case .local(let node): try await Self.reply(node, "GET", path, []).body
        }
    }

    /// Stages a file at the node and returns its delivery's name.
    func stage(_ file: String) async throws(Problem) -> String {
        let name = URL(filePath: file).lastPathComponent
        let encoded = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "file.csv"
        return try await upload(file, to: "/api/v1/deliveries?name=" + encoded)["delivery"]?.text ?? ""
    }

    /// Uploads a file to a path of the node.
    func upload(_ file: String, to path: String) async throws(Problem) -> JSON {
        guard let handle = FileHandle(forReadingAtPath: file) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        defer { try? handle.close() }
        switch self {
        case .remote(let client):
            let size = (try? handle.seekToEnd()) ?? 0
            try? handle.seek(toOffset: 0)
            let pieces = AsyncStream {
                (try? handle.read(upToCount: 1 << 20)).flatMap { $0.isEmpty ? nil : Array($0) }
            }
            return try await client.upload(path, pieces: pieces, byteCount: Int64(size))
        case .local(let node):
            let copy = node.courtyard.inbox + "/" + ID<NodeDoor>(at: WallClock.system.now()).uuid
            do {
                try FileManager.default.copyItem(atPath: file, toPath: copy)
            } catch {
                throw Problem(.fault, "store.storage-failed", operatorNote: "\(error)")
            }
            // A route that keeps the file moves it away.
            defer { try? FileManager.default.removeItem(atPath: copy) }
            return try await Self.answer(node, "POST", path, [], upload: copy)
        }
    }

    private static func answer(
        _ node: Node, _ method: String, _ path: String, _ body: [UInt8], upload: String? = nil
    ) async throws(Problem) -> JSON {
        // Outside of `try?`: a refusal is the caller's to hear.
        let bytes = try await reply(node, method, path, body, upload: upload).body
        return (try? JSON(parsing: bytes)) ?? .null
    }

    private static func reply(
        _ node: Node, _ method: String, _ path: String, _ body: [UInt8], upload: String? = nil
    ) async throws(Problem) -> APIReply {
        let parts = path.split(separator: "?", maxSplits: 1)
        var query: [String: String] = [:]
        for pair in (parts.count == 2 ? parts[1] : "").split(separator: "&") {
            let words = pair.split(separator: "=", maxSplits: 1)
            if words.count == 2 { query[String(words[0])] = String(words[1]).removingPercentEncoding ?? "" }
        }
        let token = Node.operatorToken(of: node.settings.data) ?? ""
        return try await node.courtyard.table.answer(
            APIRequest(
                method: method, path: String(parts[0]), query: query,
                headers: ["authorization": "Bearer " + token],
                body: body, upload: upload))
    }
}

/// A file's text or bytes, for verbs that take one.
enum GivenFile {
    static func json(_ path: String) throws(Problem) -> JSON {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(path)])
        }
        do {
            return try JSON(parsing: Array(bytes))
        } catch {
            throw Problem(
                .invalid, "app.json-malformed",
                ["offset": .integer(Int64(error.offset)), "reason": .text(error.reason)])
        }
    }
}
