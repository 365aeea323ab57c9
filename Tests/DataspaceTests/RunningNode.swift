// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Identity
import Primitives
import Testing
import TestKit

/// The real binary serving a data folder on a free port of this machine.
final class RunningNode: @unchecked Sendable {
    // SAFETY: a test uses its node from one task at a time; `process` changes only between its calls.
    let folder: URL
    private let arguments: [String]
    private var process = Process()
    private(set) var url = ""

    init(_ name: String = "courtyard", _ arguments: [String] = []) throws {
        folder = try Python.temporaryFolder()
        self.arguments =
            ["serve", "--json", "--data", folder.appending(path: "data").path(percentEncoded: false)]
            + ["--name", name] + arguments
        try start(port: LoopbackHTTP.freePort())
    }

    deinit { stop() }

    var token: String {
        let file = folder.appending(path: "data/keys/operator.token")
        return (try? String(contentsOf: file, encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    }

    /// `kill -9`, and the same folder again on the same port.
    func crashAndReturn() throws {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try start(port: URL(string: url)?.port ?? 0)
    }

    func stop() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    static var binary: String {
        URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "hutong").path(percentEncoded: false)
    }

    private func start(port: Int) throws {
        process = Process()
        process.executableURL = URL(filePath: Self.binary)
        process.arguments = arguments + ["--port", String(port)]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = Data()
        while (try? JSON(parsing: Array(text))) == nil {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else { throw POSIXError(.ECONNREFUSED) }
            text += piece
        }
        // What it prints is where others reach it, which may be by way of a network of the test's.
        url = "http://127.0.0.1:\(port)"
    }

    /// A verb of the command line, on this node, in its operator's name. Its failure ends the test.
    @discardableResult
    func run(_ arguments: [String]) async throws -> JSON {
        let (status, answer) = try await attempt(arguments)
        try #require(status == 0, "\(arguments): \(answer.canonicalText)")
        return answer
    }

    /// The code of the problem that a verb meets.
    func problem(of arguments: [String]) async throws -> String {
        let (status, answer) = try await attempt(arguments)
        return status == 0 ? "answered" : answer["code"]?.text ?? "\(status)"
    }

    private func attempt(_ arguments: [String]) async throws -> (status: Int32, answer: JSON) {
        let (url, token) = (url, token)
        let (status, bytes) = try await OwnThread.run { try Self.command(arguments, url, token) }
        return (status, try JSON(parsing: Array(bytes)))
    }

    private static func command(_ arguments: [String], _ url: String, _ token: String) throws -> (Int32, Data)
    {
        let process = Process()
        process.executableURL = URL(filePath: binary)
        process.arguments = arguments + ["--json"]
        process.environment = ProcessInfo.processInfo.environment.merging([
            "HUTONG_URL": url, "HUTONG_TOKEN": token,
        ]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, bytes)
    }

    struct Reply {
        let status: Int
        let headers: [String: String]
        let body: [UInt8]
        var json: JSON { (try? JSON(parsing: body)) ?? .null }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    func call(
        _ method: String, _ path: String, _ body: JSON? = nil, token: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> Reply {
        let address = path.hasPrefix("http") ? path : url + path
        var request = URLRequest(url: try #require(URL(string: address)))
        request.httpMethod = method
        request.httpBody = body.map { Data($0.canonicalBytes) }
        if let token { request.setValue("Bearer " + token, forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.data(for: request)
        let answer = try #require(response as? HTTPURLResponse)
        var told: [String: String] = [:]
        for (name, value) in answer.allHeaderFields {
            told["\(name)".lowercased()] = "\(value)"
        }
        return Reply(status: answer.statusCode, headers: told, body: Array(data))
    }

    /// Posts a form, as OAuth and browsers do.
    func post(_ address: String, form: String) async throws -> Reply {
        var request = URLRequest(url: try #require(URL(string: address)))
        request.httpMethod = "POST"
        request.httpBody = Data(form.utf8)
        request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
        let (data, response) = try await URLSession.shared.data(for: request)
        return Reply(
            status: (response as? HTTPURLResponse)?.statusCode ?? 0, headers: [:], body: Array(data))
    }

    /// Calls in the operator's name; anything but success ends the test.
    @discardableResult
    func ask(_ method: String, _ path: String, _ body: JSON? = nil) async throws -> JSON {
        let reply = try await call(method, path, body, token: token)
        try #require((200..<300).contains(reply.status), "\(method) \(path): \(reply.text)")
        return reply.json
    }

    /// Gives a party a role in a procedure.
    func appoint(_ party: String, _ procedure: String, _ role: String) async throws {
        try await ask(
            "POST", "/api/v1/duties",
            [
                "party": .string(party), "scope": .string(procedure), "role": .string(role),
                "until": "2099-12-31",
            ])
    }

    /// Calls in an account's name; anything but success ends the test.
    @discardableResult
    func ask(
        _ method: String, _ path: String, _ body: JSON? = nil, as account: Account
    ) async throws -> JSON {
        let reply = try await call(method, path, body, token: account.token)
        try #require((200..<300).contains(reply.status), "\(method) \(path): \(reply.text)")
        return reply.json
    }

    /// The code of the problem that an account meets.
    func problem(
        _ method: String, _ path: String, _ body: JSON? = nil, as account: Account
    ) async throws -> String {
        let reply = try await call(method, path, body, token: account.token)
        return reply.status < 300 ? "answered" : reply.json["code"]?.text ?? "\(reply.status)"
    }

    /// The party that owns the node.
    func own() async throws -> String {
        let parties = try await ask("GET", "/api/v1/parties")["parties"]?.array ?? []
        return try #require(parties.first { $0["address"]?.text?.hasPrefix("http") == true }?["code"]?.text)
    }

    /// A file of the test, by its path.
    func file(_ name: String, _ text: String) throws -> String {
        let file = folder.appending(path: name)
        try Data(text.utf8).write(to: file)
        return file.path(percentEncoded: false)
    }

    /// A pack of the repository.
    static func pack(_ name: String) -> String {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Packs/" + name).path(percentEncoded: false)
    }

    /// Publishes a table and answers its listing's and its asset's code.
    func publish(
        _ csv: String, title: String, doors: String = "download", openness: String = "unconditional",
        terms: JSON? = nil, price: String = "free", catalog: JSON? = nil, delivery: JSON? = nil,
        space: String? = nil, lineage: String? = nil
    ) async throws -> (listing: String, asset: String) {
        let answer = try await run(
            try publication(
                of: csv, title: title, doors: doors, openness: openness, terms: terms, price: price,
                catalog: catalog, delivery: delivery, space: space, lineage: lineage))
        return (try #require(answer["listing"]?.text), try #require(answer["asset"]?.text))
    }

    /// The command that publishes a table.
    func publication(
        of csv: String, title: String, doors: String = "download", openness: String = "unconditional",
        terms: JSON? = nil, price: String = "free", catalog: JSON? = nil, delivery: JSON? = nil,
        space: String? = nil, lineage: String? = nil
    ) throws -> [String] {
        func written(_ json: JSON, _ name: String) throws -> String {
            let file = folder.appending(path: name)
            try Data(json.canonicalBytes).write(to: file)
            return file.path(percentEncoded: false)
        }
        let file = folder.appending(path: "\(UInt32.random(in: 0...UInt32.max)).csv")
        try Data(csv.utf8).write(to: file)
        var arguments = [
            "publish", file.path(percentEncoded: false), "--title", title, "--owner", "city", "--ground",
            "own-operation", "--document", "rules", "--table", "air", "--confirm", "--openness", openness,
            "--price", price, "--doors", doors,
        ]
        if let terms { arguments += ["--terms", try written(terms, "terms.json")] }
        if let catalog { arguments += ["--catalog", try written(catalog, "catalog.json")] }
        if let delivery { arguments += ["--delivery", try written(delivery, "delivery.json")] }
        if let space { arguments += ["--space", space] }
        if let lineage { arguments += ["--lineage", lineage] }
        return arguments
    }

    /// A party with an account here: its code, its identifier and a token of its own.
    func account(_ name: String, roles: String = "buyer", creditCode: String? = nil) async throws -> Account {
        let invited = try await ask(
            "POST", "/api/v1/parties/invitations",
            [
                "name": .string(name), "roles": .string(roles),
                "creditCode": creditCode.map(JSON.string) ?? .null,
            ])
        let invitation = try #require(invited["invitation"]?.text)
        let secret = try #require(Invitation(text: invitation)).secret.disclosed
        let id = ID<Party>(high: .random(in: 0...UInt64.max), low: .random(in: 0...UInt64.max))
        let key = Base64.encode([UInt8](repeating: 9, count: 32))
        let reply = try await call(
            "POST", "/api/v1/parties/join",
            [
                "secret": .string(secret), "id": .string(id.uuid), "signingKey": .string(key),
                "sealingKey": .string(key), "address": "account",
            ])
        try #require(reply.status == 200, "\(reply.text)")
        let token = try #require(reply.json["token"]?.text)
        return Account(id: id, token: token)
    }

    /// The code of an agreement by the name it has in the protocol.
    func agreement(_ urn: String) async throws -> String {
        let id = try #require(ID<Party>(uuid: urn))
        return Code(.agreement, id).text
    }

    struct Account {
        let id: ID<Party>
        let token: String
        var code: String { Code(.party, id).text }
    }
}

/// Everything that needs whole nodes, one test after another: a machine has two cores.
@Suite("On running nodes", .serialized, .ownThread)
enum OnRunningNodes {}
