// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A plain HTTP exchange, as the pure endpoints of this room see it and as its clients ask for it.
package struct WebAnswer: Hashable, Sendable {
    package let status: Int
    /// Names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]

    package init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    static func text(_ status: Int, _ text: String, type: String = "text/plain; charset=utf-8") -> WebAnswer {
        WebAnswer(status: status, headers: ["content-type": type], body: Array(text.utf8))
    }
}

/// How this room reaches others: witnesses, logs that it mirrors, anchors. Filled by an adapter with a real
/// client; by a table of handlers in tests.
package protocol WebTransport: Sendable {
    /// One request and its answer. No answer within the adapter's time limit, no connection and a broken answer
    /// are thrown as `unavailable`; every status is an answer.
    func send(_ method: WebMethod, _ url: String, body: [UInt8], type: String) async throws(Problem)
        -> WebAnswer
}

package enum WebMethod: String, Hashable, Sendable {
    case get = "GET"
    case post = "POST"
}

extension WebTransport {
    package func get(_ url: String) async throws(Problem) -> WebAnswer {
        try await send(.get, url, body: [], type: "")
    }

    package func post(
        _ body: [UInt8],
        to url: String,
        type: String = "text/plain; charset=utf-8"
    ) async throws(Problem) -> WebAnswer {
        try await send(.post, url, body: body, type: type)
    }
}
