// SPDX-License-Identifier: Apache-2.0

package import Primitives
private import Yams

/// What is wrong with a pack, where, and what to write instead.
package struct PackFault: Error, Hashable, Sendable {
    package let file: String
    package let line: Int
    package let place: String
    package let found: LocalizedText
    package let remedy: LocalizedText

    static let noPackFile = PackFault(
        file: "pack.yaml", line: 1, place: "",
        found: LocalizedText(zh: "目录中没有 pack.yaml", en: "the folder has no pack.yaml"),
        remedy: LocalizedText(zh: "可用 hutong pack new 生成一个。", en: "Let hutong pack new write one."))
}

/// Everything that is wrong, so that a person corrects it in one round.
package struct PackFaults: Error, Hashable, Sendable {
    package let faults: [PackFault]
}

/// One YAML file as a declaration that remembers its lines.
struct DeclarationFile {
    private let path: String
    private let root: Node
    let declaration: Declaration

    init(_ path: String, _ text: String) throws(PackFault) {
        self.path = path
        do {
            guard let node = try Yams.compose(yaml: text) else {
                throw PackFault(
                    file: path, line: 1, place: "", found: LocalizedText(zh: "文件为空", en: "the file is empty"),
                    remedy: LocalizedText(zh: "请写上 id 和 title。", en: "Write id and title."))
            }
            root = node
        } catch let fault as PackFault {
            throw fault
        } catch {
            let line = (error as? YamlError)?.line ?? 1
            throw PackFault(
                file: path, line: line, place: "",
                found: LocalizedText(zh: "不是合法的 YAML", en: "this is not YAML"),
                remedy: LocalizedText(
                    zh: "请检查缩进（用空格）、冒号后的空格和引号。",
                    en: "Check the indentation (spaces), the space after colons, and the quotes."))
        }
        declaration = Declaration(Self.json(root))
    }

    /// The same fault with its line.
    func fault(_ fault: Declaration.Fault) -> PackFault {
        var node = root
        for step in fault.path {
            switch step {
            case .key(let key): node = node.mapping?[Node(key)] ?? node
            case .place(let place):
                node = node.sequence.flatMap { $0.indices.contains(place) ? $0[place] : nil } ?? node
            }
        }
        return PackFault(
            file: path, line: node.mark?.line ?? 1, place: fault.place, found: fault.found,
            remedy: fault.remedy)
    }

    /// Numbers with a point stay texts, so that no digit is lost on the way to a decimal.
    private static func json(_ node: Node) -> JSON {
        switch node {
        case .mapping(let mapping):
            return .object(
                Dictionary(mapping.map { ($0.key.string ?? "", json($0.value)) }) { _, last in last })
        case .sequence(let sequence): return .array(sequence.map(json))
        case .scalar(let scalar):
            guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
            switch scalar.string {
            case "", "null", "~": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: return Int64(scalar.string).map { .integer($0) } ?? .string(scalar.string)
            }
        case .alias: return .null
        }
    }
}

extension YamlError {
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        default: nil
        }
    }
}

/// A file of a pack as the tree that its readers see.
package enum PackDeclaration {
    /// `nil` for what is no YAML.
    package static func json(_ path: String, _ text: String) -> JSON? {
        (try? DeclarationFile(path, text))?.declaration.value
    }
}
