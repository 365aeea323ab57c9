// SPDX-License-Identifier: Apache-2.0

/// `Package.swift` as the table it is: each target with its layer and its arrows.
///
/// The manifest holds no logic, so its text is enough: calls of `room`, `tests` and SwiftPM's own target
/// functions, read by their parentheses.
struct Manifest {
    struct Target {
        let name: String
        /// Kernels, Foundations … or `Tests`.
        let layer: String
        let path: String
        /// The modules it may import, whether ours or a package's.
        let dependencies: Set<String>
    }

    let targets: [Target]

    init(text: String) {
        let source = SwiftSource(path: "Package.swift", text: text)
        let products = Self.products(in: source)
        let makers: Set<String> = [
            "room", "tests", "target", "executableTarget", "testTarget", "systemLibrary",
        ]
        let words = source.words()
        targets = words.indices.compactMap { index in
            let word = words[index]
            let isDeclaration = index > 0 && words[index - 1].text == "func"
            guard makers.contains(word.text), !isDeclaration, word.end < source.bytes.count,
                source.bytes[word.end] == UInt8(ascii: "("), let call = source.call(at: word.end)
            else { return nil }
            return Self.target(maker: word.text, call: call, products: products)
        }
    }

    /// What the files of a target may import: what its own line names, and every room that its arrows reach. A
    /// package is never reached through another room: a heavy one stays where it was let in.
    func reached(from target: Target) -> Set<String> {
        let rooms = Dictionary(targets.map { ($0.name, $0) }) { first, _ in first }
        var reached = target.dependencies
        var waiting = Array(target.dependencies)
        while let name = waiting.popLast() {
            for next in rooms[name]?.dependencies ?? []
            where rooms[next] != nil && reached.insert(next).inserted {
                waiting.append(next)
            }
        }
        return reached
    }

    /// `let crypto: Target.Dependency = .product(name: "Crypto", package: …)`, by the name of the constant.
    private static func products(in source: SwiftSource) -> [String: String] {
        var products: [String: String] = [:]
        for line in source.lines(.code, .string) {
            let words = line.split(separator: " ")
            guard words.first == "let", words.count > 2, line.contains("Target.Dependency") else { continue }
            products[words[1].filter { $0 != ":" }] = quoted(in: String(line)).first
        }
        return products
    }

    private static func target(maker: String, call: String, products: [String: String]) -> Target? {
        let label = maker == "room" || maker == "tests" ? "[" : "dependencies: ["
        let opening = call.firstRange(of: label)?.lowerBound ?? call.endIndex
        let head = quoted(in: String(call[..<opening]))
        let list = String(call[opening...].prefix { $0 != "]" })
        var dependencies = Set(list.contains("package:") ? quotedNames(in: list) : quoted(in: list))
        for (constant, product) in products where identifiers(in: list).contains(constant) {
            dependencies.insert(product)
        }
        switch maker {
        case "room":
            guard head.count >= 2 else { return nil }
            return Target(
                name: head[1],
                layer: head[0],
                path: "Sources/\(head[0])/\(head[1])",
                dependencies: dependencies
            )
        case "tests":
            guard let name = head.first else { return nil }
            return Target(name: name, layer: "Tests", path: "Tests/\(name)", dependencies: dependencies)
        default:
            guard let name = head.first, !call.hasPrefix("name: name") else { return nil }
            let path = value(of: "path", in: call) ?? "Sources/\(name)"
            let parts = path.split(separator: "/").map(String.init)
            let layer = parts.first == "Tests" ? "Tests" : parts.dropFirst().first ?? ""
            return Target(name: name, layer: layer, path: path, dependencies: dependencies)
        }
    }

    private static func value(of label: String, in call: String) -> String? {
        guard let place = call.firstRange(of: label + ": \"") else { return nil }
        return String(call[place.upperBound...].prefix { $0 != "\"" })
    }

    private static func quoted(in text: String) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }
            .map { String($0.element) }
    }

    /// The strings of a list that also holds `.product(name: "X", package: "y")`: without the package names.
    private static func quotedNames(in list: String) -> [String] {
        let pieces = list.split(separator: "\"", omittingEmptySubsequences: false)
        return pieces.indices.filter { !$0.isMultiple(of: 2) && !pieces[$0 - 1].hasSuffix("package: ") }
            .map { String(pieces[$0]) }
    }

    private static func identifiers(in list: String) -> Set<String> {
        let code = list.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset.isMultiple(of: 2) }
            .map(\.element)
        return Set(
            code.flatMap { $0.split { !$0.isLetter && !$0.isNumber } }.map(String.init)
        )
    }
}

extension SwiftSource {
    /// The text between a call's parentheses, comments blanked; `open` is the offset of the first.
    func call(at open: Int) -> String? {
        var depth = 0
        for place in open..<bytes.count where natures[place] == .code {
            if bytes[place] == UInt8(ascii: "(") { depth += 1 }
            if bytes[place] == UInt8(ascii: ")") {
                depth -= 1
                if depth == 0 {
                    let inside = zip(bytes[(open + 1)..<place], natures[(open + 1)..<place])
                    return String(
                        decoding: inside.map { $1 == .comment ? UInt8(ascii: " ") : $0 },
                        as: UTF8.self
                    )
                }
            }
        }
        return nil
    }
}
