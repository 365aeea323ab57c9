// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import Identity
import Primitives
import Register
import Testing

/// Every door of a node against every role: the verdicts stand in docs/reference/routes.md, and the node is asked.
@Suite("The doors of a node", .serialized)
struct RouteTests {
    private static let roles: [Role?] = [nil, .buyer, .holder, .assessor, .auditor, .node, .operator]

    @Test("each route lets in exactly the roles that the documentation says")
    func everyRouteEveryRole() async throws {
        try await withNode { node in
            let table = node.courtyard.table
            var lines = [
                "# Routes", "",
                "Who may use which door: generated from the route table and checked by a test.", "",
                "| method | path | access | "
                    + Self.roles.map { $0?.rawValue ?? "nobody" }.joined(separator: " | ") + " |",
                "| --- | --- | --- |" + String(repeating: " --- |", count: Self.roles.count),
            ]
            for route in table.routes {
                var verdicts: [String] = []
                for role in Self.roles {
                    let verdict = try await isLetIn(role, through: route, of: table, node)
                    #expect(
                        verdict == route.isOpen(to: role),
                        "\(route.method) \(route.path) for \(role?.rawValue ?? "nobody")")
                    verdicts.append(verdict ? "yes" : "–")
                }
                lines.append(
                    "| \(route.method) | `\(route.path)` | \(route.access.word) | "
                        + verdicts.joined(separator: " | ") + " |")
            }
            try Golden.compare(lines.joined(separator: "\n") + "\n", with: "docs/reference/routes.md")
        }
    }

    @Test("openapi.json says what the node serves")
    func openAPI() async throws {
        try await withNode { node in
            let document = OpenAPI.document(node.courtyard.table.routes, version: "0.1.0")
            try Golden.compare(document.prettyText + "\n", with: "docs/reference/openapi.json")
        }
    }

    @Test("a path that is not there, a wrong method and an unreadable body each say so")
    func badRequests() async throws {
        try await withNode { node in
            let table = node.courtyard.table
            let token = Node.operatorToken(of: node.settings.data) ?? ""
            func code(_ method: String, _ path: String, _ body: String) async -> String {
                do throws(Problem) {
                    _ = try await table.answer(
                        APIRequest(
                            method: method, path: path, headers: ["authorization": "Bearer " + token],
                            body: Array(body.utf8)))
                    return "answered"
                } catch {
                    return error.code
                }
            }
            #expect(await code("GET", "/nowhere/at/all", "") == "app.route-unknown")
            #expect(await code("DELETE", "/healthz", "") == "app.method-unknown")
            #expect(await code("POST", "/api/v1/valve/close", "{") == "app.json-malformed")
            #expect(await code("POST", "/api/v1/valve/close", "{}") == "app.part-missing")
            #expect(
                await code("POST", "/api/v1/valve/close", #"{"target":"everything"}"#)
                    == "valve.target-unknown")
            #expect(
                await code("POST", "/api/v1/assets", #"{"deliveries":["../../etc/passwd"],"title":"t"}"#)
                    == "app.part-missing")
            #expect(await code("GET", "/api/v1/listings/lst-0000000000000", "") == "trade.listing-unknown")
        }
    }

    private func withNode(_ body: (Node) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-doors-\(UInt64.random(in: 0...UInt64.max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let settings = NodeSettings(
            data: folder.path(percentEncoded: false), port: 0, name: "doors", role: .exchange)
        try await body(try await Node.open(settings, version: "0.1.0"))
    }

    /// Asks the real table; whatever a verb answers to an empty request, it was let in unless the door refused.
    private func isLetIn(_ role: Role?, through route: Route, of table: RouteTable, _ node: Node) async throws
        -> Bool
    {
        let path = route.path.replacing(/:\w+/, with: "x").replacing("*", with: "x")
        var request = APIRequest(method: route.method, path: path)
        if let role {
            request.caller = Caller(
                party: node.own.id, roles: [role], scopes: role.scopes, jurisdiction: "CN")
        }
        do throws(Problem) {
            _ = try await table.answer(request)
            return true
        } catch {
            return !["identity.scope-missing", "identity.token-refused"].contains(error.code)
        }
    }
}

extension Route {
    fileprivate func isOpen(to role: Role?) -> Bool {
        switch access {
        case .anyone, .message: true
        case .signedIn: role != nil
        case .scope(let scope): role?.scopes.contains(scope) == true
        }
    }
}

/// Files that reviewers see change. `HUTONG_WRITE_REFERENCE=1` writes them anew.
enum Golden {
    static func compare(_ text: String, with path: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: path)
        if ProcessInfo.processInfo.environment["HUTONG_WRITE_REFERENCE"] == "1" {
            try Data(text.utf8).write(to: file)
        }
        let stored = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        #expect(stored == text, "\(path) is not what the code says; HUTONG_WRITE_REFERENCE=1 writes it anew")
    }
}
