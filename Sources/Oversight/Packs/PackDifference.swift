// SPDX-License-Identifier: Apache-2.0

import Primitives

/// What changed between two versions of a pack, named by what the parts are called and not by their lines: a clause
/// that moved has not changed.
package struct PackDifference: Hashable, Sendable {
    package let file: String
    /// `clauses › INC-07 › when`.
    package let place: String
    /// `nil` where it was added.
    package let old: String?
    /// `nil` where it was removed.
    package let new: String?

    /// In the order of files and places. A file that is no YAML is compared as a whole.
    package static func between(_ old: [String: String], _ new: [String: String]) -> [PackDifference] {
        Set(old.keys).union(new.keys).sorted().flatMap { file -> [PackDifference] in
            let (left, right) = (old[file].map { tree($0, file) }, new[file].map { tree($0, file) })
            guard left != right else { return [] }
            return compare(left, right, []).map {
                PackDifference(file: file, place: $0.place, old: $0.old, new: $0.new)
            }
        }
    }

    private static func tree(_ text: String, _ file: String) -> JSON {
        guard file.hasSuffix(".yaml"), let read = try? DeclarationFile(file, text) else {
            return .string(text)
        }
        return read.declaration.value
    }

    private static func compare(
        _ old: JSON?, _ new: JSON?, _ path: [String]
    ) -> [(place: String, old: String?, new: String?)] {
        guard old != new else { return [] }
        if let old = old.flatMap(members), let new = new.flatMap(members) {
            return Set(old.keys).union(new.keys).sorted().flatMap { compare(old[$0], new[$0], path + [$0]) }
        }
        return [(path.joined(separator: " › "), old.map(written), new.map(written))]
    }

    /// Members by name; the elements of a list by their `id`, `name` or key where they have one.
    private static func members(_ json: JSON) -> [String: JSON]? {
        if let object = json.object { return object }
        guard let elements = json.array else { return nil }
        var members: [String: JSON] = [:]
        for (place, element) in elements.enumerated() {
            let name = element["id"]?.text ?? element["name"]?.text ?? "\(place + 1)"
            guard members.updateValue(element, forKey: name) == nil else { return nil }
        }
        return members
    }

    private static func written(_ json: JSON) -> String { json.text ?? json.canonicalText }
}
