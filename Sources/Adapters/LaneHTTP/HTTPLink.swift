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
    ) async throws(Problem) -> (status: Int, body: JSON?) {
        let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer " + token)]
        let (response, bytes) = try await send(
            method, url, body == nil ? [headers[1]] : headers, body?.canonicalBytes ?? [], deadline, name: url
        )
        return (Int(response.status.code), try? JSON(parsing: bytes))
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
