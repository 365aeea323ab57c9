// SPDX-License-Identifier: Apache-2.0

private import Identity
package import Primitives

/// The table of doors as an OpenAPI 3.1 document: generated, so that it cannot lag behind.
package enum OpenAPI {
    package static func document(_ routes: [Route], version: String) -> JSON {
        var paths: [String: [String: JSON]] = [:]
        for route in routes where route.path.hasPrefix("/api/") {
            let path = route.path.split(separator: "/").map {
                $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0)
            }
            paths["/" + path.joined(separator: "/"), default: [:]][route.method.lowercased()] = operation(
                route)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Hutong 互通", "version": .string(version),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "paths": .object(paths.mapValues(JSON.object)),
            "components": [
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
                "responses": [
                    "problem": [
                        "description": "RFC 9457: what happened, why, what to do.",
                        "content": ["application/problem+json": ["schema": ["type": "object"]]],
                    ]
                ],
            ],
        ]
    }

    private static func operation(_ route: Route) -> JSON {
        let parameters = route.path.split(separator: "/").filter { $0.hasPrefix(":") }.map { part -> JSON in
            [
                "name": .string(String(part.dropFirst())), "in": "path", "required": true,
                "schema": ["type": "string"],
            ]
        }
        var operation: [String: JSON] = [
            "summary": .string(route.summary), "x-access": .string(route.access.word),
            "responses": [
                "200": [
                    "description": "Done.", "content": ["application/json": ["schema": ["type": "object"]]],
                ],
                "default": ["$ref": "#/components/responses/problem"],
            ],
        ]
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if route.method == "POST" {
            let type = route.isUpload ? "application/octet-stream" : "application/json"
            operation["requestBody"] = ["content": [type: ["schema": [:]]]]
        }
        switch route.access {
        case .anyone, .message: break
        case .signedIn, .scope: operation["security"] = [["token": []]]
        }
        return .object(operation)
    }
}

extension Route.Access {
    /// One word for documents: `anyone`, `message`, `signed-in`, or the scope.
    package var word: String {
        switch self {
        case .anyone: "anyone"
        case .message: "message"
        case .signedIn: "signed-in"
        case .scope(let scope): scope.rawValue
        }
    }
}
