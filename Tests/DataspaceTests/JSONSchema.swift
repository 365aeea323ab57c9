// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives

/// The part of JSON Schema 2019-09 that the protocol's schemas use, written independently of the readers under
/// test. An unknown keyword is reported, so that nothing passes because it was not looked at.
struct JSONSchema {
    private let documents: [String: JSON]

    /// Loads every `*-schema.json` below the folder, by `$id`.
    init(folder: String) throws {
        var documents: [String: JSON] = [:]
        for part in ["catalog", "common", "negotiation", "transfer"] {
            for path in Shared.files(folder + "/" + part, "-schema.json") {
                // Upstream writes a few references without the slash; as shipped they resolve to nothing.
                let text = String(decoding: try Shared.bytes(path), as: UTF8.self)
                    .replacing(".json#definitions", with: ".json#/definitions")
                let schema = try JSON(parsing: text)
                if let id = schema["$id"]?.text { documents[id] = schema }
            }
        }
        self.documents = documents
    }

    var count: Int { documents.count }

    /// What is wrong with a message of the given `@type`, by the schema of its name.
    func faults(_ message: JSON) -> [String] {
        guard let type = message["@type"]?.text else { return ["no @type"] }
        let name = type.replacing(#/([a-z])([A-Z])/#) { "\($0.1)-\($0.2)" }.lowercased()
        for domain in ["negotiation", "transfer", "catalog"] {
            let id = "https://w3id.org/dspace/2025/1/\(domain)/\(name)-schema.json"
            if let schema = documents[id] { return faults(message, schema, id, type) }
        }
        return ["no schema for \(type)"]
    }

    func faults(_ message: JSON, id: String) -> [String] {
        guard let schema = documents[id] else { return ["no schema \(id)"] }
        return faults(message, schema, id, "")
    }

    private func faults(_ value: JSON, _ schema: JSON, _ base: String, _ place: String) -> [String] {
        guard let members = schema.object else { return schema.bool == false ? ["\(place): never"] : [] }
        var faults: [String] = []
        for (keyword, argument) in members {
            faults += self.faults(value, keyword, argument, base, place)
        }
        return faults
    }

    // Long because it is one case a keyword.
    private func faults(_ value: JSON, _ keyword: String, _ argument: JSON, _ base: String, _ place: String)
        -> [String]
    {
        func all(_ parts: [JSON]?) -> [[String]] { (parts ?? []).map { faults(value, $0, base, place) } }
        switch keyword {
        case "$schema", "$id", "$comment", "title", "definitions", "description": return []
        case "$ref":
            let (schema, base) = resolve(argument.text ?? "", base)
            return schema.map { faults(value, $0, base, place) } ?? ["\(place): \(argument) is not there"]
        case "type":
            let matches =
                switch (argument.text, value) {
                case ("object", .object), ("array", .array), ("string", .string), ("integer", .integer),
                    ("boolean", .bool), ("number", .integer), ("number", .number):
                    true
                default: false
                }
            return matches ? [] : ["\(place) is no \(argument.text ?? "")"]
        case "const": return value == argument ? [] : ["\(place) is not \(argument.canonicalText)"]
        case "enum": return argument.array?.contains(value) == true ? [] : ["\(place) is none of the enum"]
        case "pattern":
            guard let text = value.text, let pattern = argument.text else { return [] }
            return text.range(of: pattern, options: .regularExpression) == nil
                ? ["\(place) breaks \(pattern)"] : []
        case "required":
            guard let members = value.object else { return [] }
            return (argument.array ?? []).compactMap(\.text).filter { members[$0] == nil }.map {
                "\(place) lacks \($0)"
            }
        case "properties":
            guard let members = value.object else { return [] }
            return (argument.object ?? [:]).flatMap { name, schema in
                members[name].map { faults($0, schema, base, "\(place).\(name)") } ?? []
            }
        case "items":
            return (value.array ?? []).enumerated().flatMap {
                faults($0.element, argument, base, "\(place)[\($0.offset)]")
            }
        case "minItems":
            guard let array = value.array, let minimum = argument.integer else { return [] }
            return array.count < minimum ? ["\(place) is too short"] : []
        case "contains":
            guard let array = value.array else { return [] }
            return array.contains { faults($0, argument, base, place).isEmpty }
                ? [] : ["\(place) lacks an element"]
        case "allOf": return all(argument.array).flatMap(\.self)
        case "anyOf":
            return all(argument.array).contains(where: \.isEmpty) ? [] : ["\(place) fits none of anyOf"]
        case "oneOf":
            let fitting = all(argument.array).count(where: \.isEmpty)
            return fitting == 1 ? [] : ["\(place) fits \(fitting) of oneOf"]
        case "not": return faults(value, argument, base, place).isEmpty ? ["\(place) fits not"] : []
        default: return ["the keyword \(keyword) is unknown here"]
        }
    }

    private func resolve(_ reference: String, _ base: String) -> (JSON?, String) {
        let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let id = parts[0].isEmpty ? base : parts[0]
        var schema = documents[id]
        for name in (parts.count > 1 ? parts[1] : "").split(separator: "/") { schema = schema?[String(name)] }
        return (schema, id)
    }
}
