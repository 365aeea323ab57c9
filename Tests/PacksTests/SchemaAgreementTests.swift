// SPDX-License-Identifier: Apache-2.0

import Foundation
import Packs
import Primitives
import Testing

/// `hutong pack check` and the editors' schema must say the same of a file's shape: tried on every file of the house,
/// as it is and with one slip at every place.
@Suite("The schema of a pack and its check")
struct SchemaAgreementTests {
    @Test("agree on every file of the house, on every misspelt word and on every member left out")
    func agree() throws {
        // One slip of four in each run of the tests; every one of them by `make soak`.
        let isThorough = ProcessInfo.processInfo.environment["HUTONG_SOAK"] == "1"
        let names = try FileManager.default.contentsOfDirectory(atPath: PackTests.root.path)
        var tried = 0
        for name in names.sorted() {
            let files = try PackFiles.of(name)
            for (path, text) in files.sorted(by: { $0.key < $1.key }) where path.hasSuffix(".yaml") {
                let schema = try #require(PackJSONSchema(file: path)).document
                let tree = try #require(PackDeclaration.json(path, text))
                #expect(SchemaCheck(schema).faults(tree) == [], "\(name)/\(path)")
                for slip in Slip.all(in: tree) {
                    tried += 1
                    guard isThorough || tried.isMultiple(of: 4) else { continue }
                    let bySchema = !SchemaCheck(schema).faults(slip.tree).isEmpty
                    let byCheck = refuses(files, path, slip.tree)
                    // The check may refuse more, for what was left out may be named elsewhere; never less.
                    if bySchema { #expect(byCheck, "\(name)/\(path): only the schema refuses \(slip.what)") }
                    if slip.isMisspelling {
                        #expect(bySchema == byCheck, "\(name)/\(path): \(slip.what)")
                    }
                }
            }
        }
        #expect(tried > 1000)
    }

    @Test(
        "a new pack's files begin with the line by which editors find the schema, and the check ignores the schemas"
    )
    func modelines() throws {
        let files = PackTemplate.files(id: "n", version: try #require(CalendarDay("2026-11-21")))
        let rule = try #require(files.first { $0.path == "rules/first.yaml" })
        #expect(rule.text.hasPrefix("# yaml-language-server: $schema=../.schema/rules.schema.json\n"))
        #expect(files.contains { $0.path == ".schema/rules.schema.json" })
        for (path, text) in files where path.hasSuffix(".yaml") {
            let schema = try #require(PackJSONSchema(file: path)).document
            #expect(SchemaCheck(schema).faults(try #require(PackDeclaration.json(path, text))) == [])
        }
    }

    private func refuses(_ files: [String: String], _ path: String, _ tree: JSON) -> Bool {
        var files = files
        // JSON is YAML.
        files[path] = tree.canonicalText
        return (try? Pack(files: files)) == nil
    }
}

/// One thing wrong with a tree.
private struct Slip {
    let tree: JSON
    let what: String
    let isMisspelling: Bool

    /// At every object a member too many, and each of its members left out. Maps whose names are the author's own
    /// take any name.
    static func all(in tree: JSON, _ path: [String] = []) -> [Slip] {
        var slips: [Slip] = []
        func inside(_ child: JSON, _ name: String, _ put: (JSON) -> JSON) {
            for slip in all(in: child, path + [name]) {
                slips.append(
                    Slip(tree: put(slip.tree), what: slip.what, isMisspelling: slip.isMisspelling))
            }
        }
        switch tree {
        case .object(let members):
            let place = path.joined(separator: " › ")
            if !isOpen(path) {
                var more = members
                more["mispelt"] = "x"
                slips.append(Slip(tree: .object(more), what: place + " + mispelt", isMisspelling: true))
            }
            for (name, child) in members.sorted(by: { $0.key < $1.key }) {
                var fewer = members
                fewer[name] = nil
                slips.append(Slip(tree: .object(fewer), what: place + " − " + name, isMisspelling: false))
                inside(child, name) { changed in
                    var members = members
                    members[name] = changed
                    return .object(members)
                }
            }
        case .array(let elements):
            // Elements of a list are alike; the first two stand for all.
            for (place, child) in elements.enumerated().prefix(2) {
                inside(child, "\(place)") { changed in
                    var elements = elements
                    elements[place] = changed
                    return .array(elements)
                }
            }
        default: break
        }
        return slips
    }

    /// Where the author names the members: facts, fields, entries, the values of tests.
    private static func isOpen(_ path: [String]) -> Bool {
        let named: Set = [
            "facts", "settings", "fields", "roles", "letters", "entry", "answers", "inputs", "parties",
            "where",
            "references", "by",
        ]
        let free: Set = ["entries", "expect", "applicants", "value"]
        guard let last = path.last else { return false }
        // `facts` at the top declares facts; further in it gives them.
        let gives = path.dropFirst().contains("facts")
        return named.contains(last) || gives || path.contains(where: free.contains)
    }
}

/// As much of JSON Schema (draft 7) as the schemas use.
private struct SchemaCheck {
    private let schema: JSON

    init(_ schema: JSON) { self.schema = schema }

    func faults(_ value: JSON) -> [String] { Self.faults(value, schema, "") }

    private static func faults(_ value: JSON, _ schema: JSON, _ path: String) -> [String] {
        var faults: [String] = []
        if let condition = schema["if"] {
            let branch = Self.faults(value, condition, path).isEmpty ? "then" : "else"
            faults += Self.faults(value, schema[branch] ?? [:], path)
        }
        if let alternatives = schema["anyOf"]?.array,
            !alternatives.contains(where: { Self.faults(value, $0, path).isEmpty })
        {
            faults.append(path + ": none of the forms")
        }
        if let words = schema["enum"]?.array, !words.contains(value) { faults.append(path + ": not a word") }
        if let type = schema["type"] {
            let types = type.array?.compactMap(\.text) ?? [type.text ?? ""]
            if !types.contains(where: { value.isOf($0) }) { faults.append("\(path): not \(types)") }
        }
        if let text = value.text {
            if let least = schema["minLength"]?.integer, text.count < least {
                faults.append(path + ": short")
            }
            if let pattern = schema["pattern"]?.text, let form = try? Regex(pattern),
                (try? form.firstMatch(in: text)) == nil
            {
                faults.append(path + ": not of the form")
            }
        }
        if let number = value.integer {
            if let low = schema["minimum"]?.integer, number < low { faults.append(path + ": small") }
            if let high = schema["maximum"]?.integer, number > high { faults.append(path + ": large") }
        }
        for (place, element) in (value.array ?? []).enumerated() {
            if let items = schema["items"] { faults += Self.faults(element, items, "\(path)/\(place)") }
        }
        if let members = value.object { faults += Self.faults(of: members, schema, path) }
        return faults
    }

    private static func faults(of members: [String: JSON], _ schema: JSON, _ path: String) -> [String] {
        var faults: [String] = []
        for name in schema["required"]?.array?.compactMap(\.text) ?? [] where members[name] == nil {
            faults.append("\(path): \(name) is missing")
        }
        if let least = schema["minProperties"]?.integer, members.count < least {
            faults.append(path + ": few")
        }
        if let most = schema["maxProperties"]?.integer, members.count > most {
            faults.append(path + ": many")
        }
        for (name, member) in members {
            if let known = schema["properties"]?[name] {
                faults += Self.faults(member, known, path + "/" + name)
            } else if schema["additionalProperties"]?.bool == false {
                faults.append("\(path): \(name) is not known")
            } else if let others = schema["additionalProperties"] {
                faults += Self.faults(member, others, path + "/" + name)
            }
        }
        return faults
    }
}

extension JSON {
    fileprivate func isOf(_ type: String) -> Bool {
        switch (type, self) {
        case ("object", .object), ("array", .array), ("string", .string), ("boolean", .bool), ("null", .null),
            ("integer", .integer), ("number", .integer), ("number", .number):
            true
        default: false
        }
    }
}
