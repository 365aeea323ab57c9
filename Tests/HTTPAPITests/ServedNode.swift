// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Identity
import Logging
import Primitives
import Synchronization
import TestKit

/// A node that really serves a port in this process, over a folder that is gone afterwards.
struct ServedNode: Sendable {
    let node: Node
    let port: Int
    let token: String

    /// Starts a node, runs `body` against it, and stops it.
    static func run(_ body: @escaping @Sendable (ServedNode) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-served-\(UInt64.random(in: 0...UInt64.max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let settings = NodeSettings(
            data: folder.path(percentEncoded: false), port: try LoopbackHTTP.freePort(), name: "served",
            role: .exchange)
        let node = try await Node.open(settings, version: "0.1.0")
        let token = Node.operatorToken(of: settings.data) ?? ""
        let (urls, continuation) = AsyncStream.makeStream(of: String.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await node.serve(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { url in
                    continuation.yield(url)
                }
            }
            group.addTask {
                for await url in urls {
                    let port = url.split(separator: ":").last.flatMap { Int($0) } ?? 0
                    return try await body(ServedNode(node: node, port: port, token: token))
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    func ask(
        _ method: String, _ path: String, _ body: [UInt8] = [], headers: [String: String] = [:]
    ) async throws -> (status: Int, json: JSON) {
        let reply = try await LoopbackHTTP.ask(
            method, path, port: port,
            headers: headers.merging(["Authorization": "Bearer " + token]) { given, _ in given }, body: body)
        return (reply.status, (try? JSON(parsing: reply.body)) ?? .null)
    }

    /// A page as a browser gets it; the operator's without other headers.
    func page(
        _ path: String, headers: [String: String] = [:], in language: String
    ) async throws -> (status: Int, text: String) {
        let own = ["Authorization": "Bearer " + token, "Accept": "text/html", "Accept-Language": language]
        let reply = try await LoopbackHTTP.ask(
            "GET", path, port: port, headers: own.merging(headers) { _, given in given })
        return (reply.status, reply.text)
    }

    func post(_ path: String, _ body: JSON = [:]) async throws -> (status: Int, json: JSON) {
        try await ask("POST", path, body.canonicalBytes)
    }

    /// The same node as a party sees it that was invited to it just now.
    func guest(roles: String) async throws -> ServedNode {
        let invited = try await post(
            "/api/v1/parties/invitations", ["name": "guest", "roles": .string(roles)])
        let secret = Invitation(text: invited.json["invitation"]?.text ?? "")?.secret.disclosed ?? ""
        let key = Base64.encode((0..<32).map { UInt8($0) })
        let joined = try await post(
            "/api/v1/parties/join",
            [
                "secret": .string(secret), "id": .string(ID<Party>(at: Instant(seconds: 1_800_000_000)).uuid),
                "signingKey": .string(key), "sealingKey": .string(key), "address": "account",
            ])
        return ServedNode(node: node, port: port, token: joined.json["token"]?.text ?? "")
    }

    /// Uploads bytes as a file of this name and takes them in; the answer of the step that refused, else of the last.
    func publish(
        _ bytes: [UInt8], named name: String, title: String = "t", asset: String? = nil
    ) async throws -> (status: Int, json: JSON) {
        let encoded = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "x"
        let staged = try await ask("POST", "/api/v1/deliveries?name=" + encoded, bytes)
        guard let delivery = staged.json["delivery"] else { return staged }
        return try await post(
            "/api/v1/assets",
            [
                "deliveries": [delivery], "title": .string(title), "asset": asset.map(JSON.string) ?? .null,
                "source": [
                    "name": "test", "kind": "institution", "owner": "Center", "collector": "Center",
                    "method": "system", "ground": "own-operation", "document": "rules",
                ],
            ])
    }
}
