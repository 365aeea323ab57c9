// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
import Wire

/// One request as a verb sees it: decoded, with its caller proven.
package struct APIRequest: Sendable {
    package let method: String
    package let path: String
    /// What the `:name` parts of the route's path hold.
    package var parameters: [String: String] = [:]
    package let query: [String: String]
    /// Names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]
    /// The staged file of an upload route.
    package let upload: String?
    package var caller: Caller?
    package var language: Language

    package init(
        method: String, path: String, query: [String: String] = [:], headers: [String: String] = [:],
        body: [UInt8] = [], upload: String? = nil, caller: Caller? = nil, language: Language = .en
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.upload = upload
        self.caller = caller
        self.language = language
    }

    /// The same request with its body, or with the file its body was staged in.
    func with(body: [UInt8], upload: String?) -> APIRequest {
        APIRequest(
            method: method, path: path, query: query, headers: headers, body: body, upload: upload,
            caller: caller, language: language)
    }

    /// The proven caller; routes with a scope always have one.
    package func proven() throws(Problem) -> Caller {
        guard let caller else { throw .tokenRefused }
        return caller
    }

    package func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// The body as JSON; an empty body is an empty object.
    package func json() throws(Problem) -> JSON {
        guard !body.isEmpty else { return [:] }
        do {
            return try JSON(parsing: body)
        } catch {
            throw Problem(
                .invalid, "app.json-malformed",
                ["offset": .integer(Int64(error.offset)), "reason": .text(error.reason)])
        }
    }
}

/// What a verb answers.
package struct APIReply: Sendable {
    package let status: Int
    package let contentType: String
    package var headers: [String: String] = [:]
    package let body: [UInt8]
    /// A part of a file that is the body instead.
    package var file: FileSlice?

    package init(status: Int = 200, contentType: String, headers: [String: String] = [:], body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }

    package init(_ json: JSON, status: Int = 200) {
        self.init(status: status, contentType: "application/json; charset=utf-8", body: json.canonicalBytes)
    }

    package init(html: String, status: Int = 200) {
        self.init(status: status, contentType: "text/html; charset=utf-8", body: Array(html.utf8))
    }

    /// RFC 9457.
    package init(_ problem: Problem, in language: Language, request: String) {
        self.init(
            status: problem.kind.status, contentType: "application/problem+json; charset=utf-8",
            headers: ["Content-Language": language.rawValue],
            body: problem.body(in: language, request: request).canonicalBytes)
    }
}

/// One line of the table of doors: method, path, who may, what it does.
package struct Route: Sendable {
    package enum Access: Hashable, Sendable {
        /// Anybody; nothing here is private.
        case anyone
        /// The body proves its sender itself: a lane message or an invitation.
        case message
        /// Any proven caller.
        case signedIn
        case scope(Scope)
    }

    package typealias Verb = @Sendable (APIRequest) async throws(Problem) -> APIReply

    package let method: String
    package let path: String
    /// The path's parts: every request is held against those of every route.
    private let parts: [Substring]
    package let access: Access
    /// One line for people and for `openapi.json`.
    package let summary: String
    /// Bodies beyond this are refused before they are read.
    package let bodyBytesMax: Int
    /// The body is a file: it is staged on disk and never held in memory.
    package let isUpload: Bool
    package let verb: Verb

    package init(
        _ method: String, _ path: String, _ access: Access, _ summary: String, bodyBytesMax: Int = 1 << 20,
        isUpload: Bool = false, _ verb: @escaping Verb
    ) {
        self.method = method
        self.path = path
        parts = path.split(separator: "/")
        self.access = access
        self.summary = summary
        self.bodyBytesMax = bodyBytesMax
        self.isUpload = isUpload
        self.verb = verb
    }

    /// The parameters of a path that fits, else `nil`. `*` as last part takes the rest.
    func match(_ asked: [Substring]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (place, part) in parts.enumerated() {
            if part == "*" {
                parameters["*"] = asked.dropFirst(place).joined(separator: "/")
                return asked.count > place ? parameters : nil
            }
            guard place < asked.count else { return nil }
            if part.hasPrefix(":") {
                parameters[String(part.dropFirst())] = String(asked[place])
            } else if part != asked[place] {
                return nil
            }
        }
        return asked.count == parts.count ? parameters : nil
    }
}

/// Every door of a node, and the one place where a caller is proven and a scope required.
package struct RouteTable: Sendable {
    package let routes: [Route]
    let authenticate: @Sendable (_ token: String) async throws(Problem) -> Caller

    package init(
        _ routes: [Route], authenticate: @escaping @Sendable (_ token: String) async throws(Problem) -> Caller
    ) {
        self.routes = routes
        self.authenticate = authenticate
    }

    /// The route of a request with its parameters: `app.route-unknown`, or `app.method-unknown` where only the
    /// method does not fit.
    package func find(_ method: String, _ path: String) throws(Problem) -> (Route, [String: String]) {
        let parts = path.split(separator: "/")
        var isPathKnown = false
        for route in routes {
            guard let parameters = route.match(parts) else { continue }
            isPathKnown = true
            if route.method == method || (method == "HEAD" && route.method == "GET") {
                return (route, parameters)
            }
        }
        throw isPathKnown
            ? Problem(.invalid, "app.method-unknown", ["method": .text(method)])
            : Problem(.missing, "app.route-unknown", ["path": .text(path)])
    }

    /// Proves the caller, requires the route's scope, runs its verb.
    package func answer(_ request: APIRequest, route: Route, parameters: [String: String])
        async throws(Problem) -> APIReply
    {
        var request = try await admit(request, route)
        request.parameters = parameters.mapValues { $0.removingPercentEncoding }
        return try await route.verb(request)
    }

    /// The request with its proven caller, where the route lets that caller in. Reads no body.
    package func admit(_ request: APIRequest, _ route: Route) async throws(Problem) -> APIRequest {
        var request = request
        // A message proves its sender itself.
        if request.caller == nil, route.access != .message, let token = request.bearer {
            do throws(Problem) {
                request.caller = try await authenticate(token)
            } catch {
                // A session that has ended does not close the public pages; a token that was sent on purpose does.
                guard route.access == .anyone, request.headers["authorization"] == nil else { throw error }
            }
        }
        switch route.access {
        case .anyone, .message: break
        case .signedIn: _ = try request.proven()
        case .scope(let scope): try request.proven().require(scope)
        }
        return request
    }

    /// Finds and answers in one step: the way of a local verb.
    package func answer(_ request: APIRequest) async throws(Problem) -> APIReply {
        let (route, parameters) = try find(request.method, request.path)
        return try await answer(request, route: route, parameters: parameters)
    }
}

extension APIRequest {
    /// The token of `Authorization: Bearer …`, or of the session cookie that the pages use.
    var bearer: String? {
        if let value = headers["authorization"], value.lowercased().hasPrefix("bearer ") {
            return String(value.dropFirst(7))
        }
        return cookie(sessionCookie)
    }

    /// The name of the session's cookie. Browsers do not part cookies by port: two nodes on one machine would end
    /// each other's sessions.
    var sessionCookie: String {
        "hutong-" + (headers["host"]?.split(separator: ":").dropFirst().last ?? "443")
    }

    package func cookie(_ name: String) -> String? {
        for pair in (headers["cookie"] ?? "").split(separator: ";") {
            let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return String(parts[1]) }
        }
        return nil
    }
}

extension String {
    /// RFC 3986 §2.1; what is not a valid escape stays as it is.
    var removingPercentEncoding: String {
        guard contains("%") else { return self }
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self))
            {
                bytes += value
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension RouteTable {
    /// The table of a node that only dials out: the lane's doors do not exist there.
    package var withoutPeerRoutes: RouteTable {
        RouteTable(
            routes.filter { !$0.path.hasPrefix("/lane/") && $0.path != "/api/v1/parties/join" },
            authenticate: authenticate)
    }
}
