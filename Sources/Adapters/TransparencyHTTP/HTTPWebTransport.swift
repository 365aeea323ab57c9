// SPDX-License-Identifier: Apache-2.0

private import AsyncHTTPClient
private import NIOCore
private import NIOHTTP1
package import Primitives
package import Transparency

/// Plain HTTP for witnesses, mirrors and anchors. Connections are kept and shared; each request has a limit, so
/// that a peer that accepts and never answers costs one task that long.
package struct HTTPWebTransport: WebTransport {
    /// Ten seconds: a witness answers in milliseconds, a bundle of 256 leaves has some 80 kB.
    private static let deadlineSeconds: Int64 = 10
    /// A full bundle has at most 256 × 65,537 bytes.
    private static let answerBytesMax = 17 * 1024 * 1024

    package init() {}

    package func send(
        _ method: WebMethod,
        _ url: String,
        body: [UInt8],
        type: String
    ) async throws(Problem) -> WebAnswer {
        do {
            var request = HTTPClientRequest(url: url)
            request.method = method == .get ? .GET : .POST
            if method == .post {
                request.headers.add(name: "Content-Type", value: type)
                request.body = .bytes(ByteBuffer(bytes: body))
            }
            let response = try await HTTPClient.shared.execute(
                request,
                timeout: .seconds(Self.deadlineSeconds)
            )
            let answer = try await response.body.collect(upTo: Self.answerBytesMax)
            var headers: [String: String] = [:]
            for header in response.headers { headers[header.name.lowercased()] = header.value }
            return WebAnswer(status: Int(response.status.code), headers: headers, body: Array(buffer: answer))
        } catch {
            throw Problem(
                .unavailable,
                "transparency.peer-unreachable",
                ["url": .text(url)],
                operatorNote: "\(error)"
            )
        }
    }
}
