// SPDX-License-Identifier: Apache-2.0

private import AsyncHTTPClient
private import Foundation
package import Identity
package import Lane
private import NIOCore
private import NIOHTTP1
private import NIOSSL
package import Primitives

/// The lane over HTTP. A peer with a URL is called there; one that only dials out is reached through the mailbox
/// this node keeps, or through the exchange that does.
package struct HTTPLink: PeerLink, OutsideCaller {
    /// Where messages for parties without a URL go.
    package enum Detour: Sendable {
        /// This node is the exchange: it keeps the boxes.
        case mailbox(Mailbox)
        /// The exchange's URL, known once this node has joined one.
        case exchange(@Sendable () async -> String?)
    }

    private let client: HTTPClient
    let detour: Detour

    /// `peerRoots` is a PEM file of certificate authorities that are trusted besides the system's: a city's own.
    package init(detour: Detour, peerRoots: String? = nil) throws(Problem) {
        self.detour = detour
        guard let peerRoots else {
            client = HTTPClient.shared
            return
        }
        guard let roots = try? NIOSSLCertificate.fromPEMFile(peerRoots), !roots.isEmpty else {
            throw Problem(.invalid, "lane.roots-unreadable", ["file": .text(peerRoots)])
        }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.additionalTrustRoots = [.certificates(roots)]
        client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: HTTPClient.Configuration(tlsConfiguration: tls)
        )
    }

    package func exchange(
        _ message: LaneMessage, with peer: Party, deadline: Duration
    ) async throws(Problem) -> LaneMessage {
        switch (peer.address, detour) {
        case (.url(let url), _): return try await post(message, to: peer, at: url, deadline: deadline)
        case (_, .mailbox(let mailbox)):
            return try await mailbox.exchange(message, with: peer, deadline: deadline)
        case (_, .exchange(let url)):
            guard let url = await url() else { throw .peerUnreachable(peer.name, note: "no exchange joined") }
            return try await post(message, to: peer, at: url, deadline: deadline)
        }
    }

    private func post(
        _ message: LaneMessage, to peer: Party, at url: String, deadline: Duration
    ) async throws(Problem) -> LaneMessage {
        let headers = [("Hutong-Token", message.token), ("Hutong-To", peer.id.uuid)]
        let (response, body) = try await send(
            "POST", url + "/lane/v1/messages", headers, message.body, deadline, name: peer.name)
        guard response.status == .ok, let token = response.headers.first(name: "Hutong-Token") else {
            throw Self.problem(in: body, peer: peer.name, status: Int(response.status.code))
        }
        return LaneMessage(token: token, body: body)
    }

    // MARK: Dialing out

    /// One poll of our box at the exchange: answers the message that waits, if any comes in time.
    package func poll(
        _ poll: LaneMessage, at url: String,
        answer: (LaneMessage) async throws(Problem) -> LaneMessage
    ) async throws(Problem) {
        let (response, body) = try await send(
            "POST", url + "/lane/v1/mailbox", [("Hutong-Token", poll.token)], poll.body, .seconds(30),
            name: url)
        guard response.status == .ok, let token = response.headers.first(name: "Hutong-Token"),
            let ticket = response.headers.first(name: "Hutong-Ticket")
        else {
            guard response.status == .noContent else {
                throw Self.problem(in: body, peer: url, status: Int(response.status.code))
            }
            return
        }
        let reply = try await answer(LaneMessage(token: token, body: body))
        _ = try await send(
            "POST", url + "/lane/v1/mailbox/" + ticket, [("Hutong-Token", reply.token)], reply.body,
            .seconds(30),
            name: url)
    }

    package func post(_ url: String, _ body: JSON) async throws(Problem) -> JSON {
        let (response, bytes) = try await send(
            "POST", url, [("Content-Type", "application/json")], body.canonicalBytes, .seconds(30), name: url)
        guard (200..<300).contains(Int(response.status.code)), let json = try? JSON(parsing: bytes) else {
            throw Self.problem(in: bytes, peer: url, status: Int(response.status.code))
        }
        return json
    }

    package func call(
        _ method: String, _ url: String, token: String, _ body: JSON?, deadline: Duration
    ) async throws(Problem) -> OutsideReply {
        let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer " + token)]
        let (response, bytes) = try await send(
            method, url, body == nil ? [headers[1]] : headers, body?.canonicalBytes ?? [], deadline, name: url
        )
        return OutsideReply(
            status: Int(response.status.code), body: try? JSON(parsing: bytes),
            next: response.headers[canonicalForm: "Link"].lazy.compactMap {
                $0.firstMatch(of: /<([^>]*)>\s*;\s*rel="?next"?/).map { String($0.output.1) }
            }.first)
    }

    package func fetch(
        _ url: String, token: String, from offset: Int64, into path: String
    ) async throws(Problem) -> FetchedPart {
        guard Self.isPermitted(url) else { throw Problem(.forbidden, "lane.plain-http", ["url": .text(url)]) }
        var request = HTTPClientRequest(url: url)
        request.headers.add(name: "Authorization", value: "Bearer " + token)
        if offset > 0 { request.headers.add(name: "Range", value: "bytes=\(offset)-") }
        do {
            let response = try await client.execute(request, timeout: .hours(6))
            let status = Int(response.status.code)
            guard status == 200 || status == 206 else {
                let body = try await response.body.collect(upTo: 1 << 20)
                let json = try? JSON(parsing: Array(buffer: body))
                return FetchedPart(
                    status: status, total: nil, digest: nil, passage: nil, problem: json?["code"]?.text)
            }
            // A server that does not know ranges sends the whole again.
            try await Self.write(response.body, to: path, at: status == 206 ? offset : 0)
            return FetchedPart(
                status: status, total: Self.total(in: response), digest: Self.digest(in: response),
                passage: response.headers.first(name: "Hutong-Passage"), problem: nil)
        } catch {
            throw .peerUnreachable(url, note: "\(error)")
        }
    }

    private static func write(
        _ body: HTTPClientResponse.Body, to path: String, at offset: Int64
    ) async throws {
        if !FileManager.default.fileExists(atPath: path) {
            guard
                FileManager.default.createFile(
                    atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
        }
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? handle.close() }
        try handle.truncate(atOffset: UInt64(offset))
        for try await piece in body { try handle.write(contentsOf: Data(Array(buffer: piece))) }
        try handle.synchronize()
    }

    private static func total(in response: HTTPClientResponse) -> Int64? {
        if let range = response.headers.first(name: "Content-Range") {
            return range.split(separator: "/").last.flatMap { Int64($0) }
        }
        return response.headers.first(name: "Content-Length").flatMap { Int64($0) }
    }

    private static func digest(in response: HTTPClientResponse) -> Digest? {
        let text = response.headers.first(name: "Repr-Digest") ?? ""
        guard let match = text.firstMatch(of: /sha-256=:([^:]+):/) else { return nil }
        return Base64.decode(String(match.output.1)).flatMap { Digest(bytes: $0) }
    }

    // MARK: Small parts

    private func send(
        _ method: String, _ url: String, _ headers: [(String, String)], _ body: [UInt8], _ deadline: Duration,
        name: String
    ) async throws(Problem) -> (HTTPClientResponse, [UInt8]) {
        guard Self.isPermitted(url) else { throw Problem(.forbidden, "lane.plain-http", ["url": .text(url)]) }
        var request = HTTPClientRequest(url: url)
        request.method = .RAW(value: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await client.execute(
                request, timeout: .nanoseconds(deadline.wholeMicroseconds * 1000))
            let bytes = try await response.body.collect(upTo: LaneMessage.bodyBytesMax + 1024)
            return (response, Array(buffer: bytes))
        } catch {
            throw .peerUnreachable(name, note: "\(error)")
        }
    }

    /// Plain http is for this machine alone; everywhere else the channel is TLS.
    static func isPermitted(_ url: String) -> Bool {
        guard let parts = URLComponents(string: url), let scheme = parts.scheme, let host = parts.host else {
            return false
        }
        if scheme == "https" { return true }
        return scheme == "http"
            && (host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]")
    }

    /// What an unsigned answer says: enough to tell a user, never believed as the peer's word.
    private static func problem(in body: [UInt8], peer: String, status: Int) -> Problem {
        let code = (try? JSON(parsing: body))?["code"]?.text
        if status == 401 || status == 403 || status == 404, let code {
            return Problem(.forbidden, code, ["party": .text(peer)])
        }
        return .peerUnreachable(peer, note: "status \(status) \(code ?? "")")
    }
}
