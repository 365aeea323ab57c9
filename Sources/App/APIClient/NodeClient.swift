// SPDX-License-Identifier: Apache-2.0

private import AsyncHTTPClient
private import NIOCore
private import NIOHTTP1
private import NIOSSL
package import Primitives

/// Calls a node's API over HTTP. A problem document becomes a `Problem`.
package struct NodeClient: Sendable {
    package let url: String
    let token: Redacted<String>?
    private let client: HTTPClient

    /// `roots` is a PEM file of certificate authorities that are trusted besides the system's.
    package init(url: String, token: Redacted<String>?, roots: String) throws(Problem) {
        guard let authorities = try? NIOSSLCertificate.fromPEMFile(roots), !authorities.isEmpty else {
            throw Problem(.invalid, "lane.roots-unreadable", ["file": .text(roots)])
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.additionalTrustRoots = [.certificates(authorities)]
        self.url = url
        self.token = token
        client = Self.client(tls)
    }

    package init(url: String, token: Redacted<String>?) {
        self.url = url
        self.token = token
        client = Self.plain
    }

    private static let plain = client(.makeClientConfiguration())

    /// Where nobody listens the reader is told at once: the library's own client would try on for a minute and a half.
    private static func client(_ tls: TLSConfiguration) -> HTTPClient {
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Longest answer that is held in memory.
    private static let answerBytesMax = 256 << 20

    package func get(_ path: String) async throws(Problem) -> JSON { try await json("GET", path, nil) }

    package func post(_ path: String, _ body: JSON = [:]) async throws(Problem) -> JSON {
        try await json("POST", path, .bytes(ByteBuffer(bytes: body.canonicalBytes)))
    }

    /// The raw bytes of an answer: a proof, a tile, a page.
    package func bytes(_ path: String) async throws(Problem) -> [UInt8] {
        try await send("GET", path, nil)
    }

    /// Streams a file up.
    package func upload(_ path: String, pieces: AsyncStream<[UInt8]>, byteCount: Int64) async throws(Problem)
        -> JSON
    {
        let body = HTTPClientRequest.Body.stream(
            pieces.map { ByteBuffer(bytes: $0) }, length: .known(byteCount))
        return try await json("POST", path, body)
    }

    private func json(_ method: String, _ path: String, _ body: HTTPClientRequest.Body?) async throws(Problem)
        -> JSON
    {
        let bytes = try await send(method, path, body)
        guard let json = try? JSON(parsing: bytes) else { return .null }
        return json
    }

    private func send(_ method: String, _ path: String, _ body: HTTPClientRequest.Body?) async throws(Problem)
        -> [UInt8]
    {
        var request = HTTPClientRequest(url: url + path)
        request.method = .RAW(value: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer " + token.disclosed) }
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = body
        let bytes: [UInt8]
        let status: UInt
        do {
            let response = try await client.execute(request, timeout: .minutes(10))
            status = response.status.code
            bytes = Array(buffer: try await response.body.collect(upTo: Self.answerBytesMax))
        } catch {
            throw Problem(.unavailable, "app.node-unreachable", ["url": .text(url)], operatorNote: "\(error)")
        }
        guard (200..<300).contains(status) else { throw Self.problem(bytes, status: status) }
        return bytes
    }

    /// The problem as the node told it: its sentences are shown as they came, in the language they were asked for.
    private static func problem(_ bytes: [UInt8], status: UInt) -> Problem {
        guard let json = try? JSON(parsing: bytes), let code = json["code"]?.text else {
            return Problem(.unavailable, "app.answer-unreadable", ["status": .integer(Int64(status))])
        }
        let kind = json["kind"]?.text.flatMap(Problem.Kind.init(rawValue:)) ?? .invalid
        var arguments: [String: Problem.Argument] = [:]
        for (name, value) in json["arguments"]?.object ?? [:] {
            arguments[name] = Problem.Argument(json: value)
        }
        return Problem(kind, code, arguments)
    }
}
