// SPDX-License-Identifier: Apache-2.0

/// A value somebody declared in a file, with the place where it stands.
///
/// Engines read their declarations through this type, so that whatever is wrong names its place and says what
/// to write instead. The loader of the file turns the place into a line.
package struct Declaration: Hashable, Sendable {
    /// One step of the way into a declaration.
    package enum Step: Hashable, Sendable, CustomStringConvertible {
        case key(String)
        case place(Int)

        package var description: String {
            switch self {
            case .key(let name): name
            case .place(let index): String(index + 1)
            }
        }
    }

    /// What is wrong at a place, and what belongs there.
    package struct Fault: Error, Hashable, Sendable {
        package let path: [Step]
        package let found: LocalizedText
        package let remedy: LocalizedText

        package init(at path: [Step], found: LocalizedText, remedy: LocalizedText) {
            self.path = path
            self.found = found
            self.remedy = remedy
        }

        /// `states › 2 › owner`: list places count from one.
        package var place: String { path.map(\.description).joined(separator: " › ") }
    }

    package let value: JSON
    package let path: [Step]

    package init(_ value: JSON, path: [Step] = []) {
        self.value = value
        self.path = path
    }

    // MARK: Going deeper

    /// The member `key`; refused where it is absent.
    package func member(_ key: String) throws(Fault) -> Declaration {
        guard let member = optional(key) else {
            throw Fault(
                at: path, found: LocalizedText(zh: "缺少“\(key)”", en: "“\(key)” is missing"),
                remedy: LocalizedText(zh: "在此处写上“\(key): …”。", en: "Write “\(key): …” here."))
        }
        return member
    }

    /// The member `key`, or `nil` where it is absent or null.
    package func optional(_ key: String) -> Declaration? {
        guard let member = value[key], !member.isNull else { return nil }
        return Declaration(member, path: path + [.key(key)])
    }

    /// The elements of a list; a member that is absent is an empty list.
    package func elements(_ key: String) throws(Fault) -> [Declaration] {
        try optional(key)?.elements() ?? []
    }

    package func elements() throws(Fault) -> [Declaration] {
        guard let elements = value.array else { throw expected("a list", "一个列表", example: "- …") }
        return elements.enumerated().map { Declaration($0.element, path: path + [.place($0.offset)]) }
    }

    /// The members of a mapping in the order of their names.
    package func members() throws(Fault) -> [(key: String, value: Declaration)] {
        guard let members = value.object else { throw expected("a mapping", "一组“名称: 值”", example: "name: …") }
        return members.sorted { $0.key < $1.key }
            .map { ($0.key, Declaration($0.value, path: path + [.key($0.key)])) }
    }

    /// Refuses members that are not among `keys`: a misspelt word must not be ignored.
    package func allows(_ keys: String...) throws(Fault) {
        for (key, member) in try members() where !keys.contains(key) {
            let nearest = keys.min { Self.distance($0, key) < Self.distance($1, key) } ?? ""
            throw Fault(
                at: member.path,
                found: LocalizedText(zh: "此处不认识“\(key)”", en: "“\(key)” is not known here"),
                remedy: LocalizedText(
                    zh: "是否要写“\(nearest)”？可用：\(keys.joined(separator: "、"))。",
                    en: "Did you mean “\(nearest)”? Known: \(keys.joined(separator: ", "))."))
        }
    }

    // MARK: Reading

    package func text() throws(Fault) -> String {
        switch value {
        case .string(let text) where !text.isEmpty: return text
        case .integer(let number): return String(number)
        default: throw expected("a text", "文字", example: "\"…\"")
        }
    }

    /// `{zh: …, en: …}`, or one text for both.
    package func localized() throws(Fault) -> LocalizedText {
        if case .string(let same) = value { return LocalizedText(same) }
        try allows("zh", "en")
        return LocalizedText(zh: try member("zh").text(), en: try member("en").text())
    }

    package func integer() throws(Fault) -> Int {
        guard let number = value.integer else { throw expected("a whole number", "整数", example: "5") }
        return Int(number)
    }

    package func bool() throws(Fault) -> Bool {
        guard let bool = value.bool else { throw expected("true or false", "true 或 false", example: "true") }
        return bool
    }

    package func day() throws(Fault) -> CalendarDay {
        guard let day = value.text.flatMap({ CalendarDay($0) }) else {
            throw expected("a day", "日期", example: "2020-11-05")
        }
        return day
    }

    /// A text or a list of texts.
    package func texts() throws(Fault) -> [String] {
        guard value.array != nil else { return [try text()] }
        var texts: [String] = []
        for element in try elements() { texts.append(try element.text()) }
        return texts
    }

    /// One of a closed set of words.
    package func choice<Choice: RawRepresentable & CaseIterable>(
        of type: Choice.Type = Choice.self
    ) throws(Fault) -> Choice where Choice.RawValue == String {
        let word = try text()
        guard let choice = Choice(rawValue: word) else {
            let known = Choice.allCases.map(\.rawValue)
            throw fault(
                zh: "“\(word)”不是可用的词", en: "“\(word)” is not one of the words",
                remedyZH: "请写其中之一：\(known.joined(separator: "、"))。",
                remedyEN: "Write one of: \(known.joined(separator: ", ")).")
        }
        return choice
    }

    /// A fault at this place.
    package func fault(zh: String, en: String, remedyZH: String, remedyEN: String) -> Fault {
        Fault(
            at: path, found: LocalizedText(zh: zh, en: en), remedy: LocalizedText(zh: remedyZH, en: remedyEN))
    }

    private func expected(_ en: String, _ zh: String, example: String) -> Fault {
        fault(
            zh: "此处应为\(zh)", en: "\(en) is expected here",
            remedyZH: "例如：\(example)", remedyEN: "For instance: \(example)")
    }

    /// How many insertions, deletions and substitutions lie between two short words (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.unicodeScalars)
        var row = Array(0...right.count)
        for (line, scalar) in left.unicodeScalars.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in right.indices {
                let changed = diagonal + (right[column] == scalar ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(changed, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
