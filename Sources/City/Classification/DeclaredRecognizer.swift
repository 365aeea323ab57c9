// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Scan

/// A recognizer that a pack declares beside the scanner's own: a form, a check character, the headers that name it.
package struct DeclaredRecognizer: Hashable, Sendable {
    /// The check that a value must pass beyond its form.
    package enum Check: String, Hashable, Sendable, CaseIterable {
        case none
        /// ISO/IEC 7812-1 annex B.
        case luhn
        /// ISO 7064 MOD 11-2, as the resident identity number has it.
        case mod11 = "mod-11-2"
        /// ISO 7064 MOD 97-10, as IBAN has it without the rotation.
        case mod97 = "mod-97-10"
    }

    package let kind: EvidenceKind
    /// `nil`: whatever stands under such a header counts.
    package let form: ValueForm?
    package let check: Check
    private let headers: [String]
    /// Without one of its headers the form alone says nothing.
    private let needsHeader: Bool

    init(_ kind: EvidenceKind, form: ValueForm? = nil, check: Check = .none, headers: [String]) {
        self.kind = kind
        self.form = form
        self.check = check
        self.headers = headers.map { $0.lowercased() }
        needsHeader = form == nil
    }

    /// Reads `{kind, title, class, grade, form, check, headers, needsHeader}`.
    package init(_ declaration: Declaration) throws(Declaration.Fault) {
        try declaration.allows("kind", "title", "class", "grade", "form", "check", "headers", "needsHeader")
        let gradeWord = try declaration.member("grade")
        guard let grade = DataGrade(word: try gradeWord.text()), grade < .important else {
            throw gradeWord.fault(
                zh: "识别规则不能给出这个级别", en: "a recognizer cannot give this grade",
                remedyZH: "可用：general-1 至 general-4；重要数据由目录给出。",
                remedyEN: "Known: general-1 to general-4; important data comes from a catalog.")
        }
        kind = EvidenceKind(
            word: try declaration.member("kind").text(), title: try declaration.member("title").localized(),
            dataClass: try declaration.member("class").choice(), grade: grade)
        if let written = declaration.optional("form") {
            guard let form = ValueForm(try written.text()) else {
                throw written.fault(
                    zh: "无法读懂这个格式", en: "this form cannot be read",
                    remedyZH: "可用：字符、[A-Z0-9]、\\d，及其后的 {n}、{n,m}、?；最多 \(ValueForm.placesMax) 位。",
                    remedyEN: "Known: characters, [A-Z0-9], \\d, each with {n}, {n,m} or ?; "
                        + "at most \(ValueForm.placesMax) places.")
            }
            self.form = form
        } else {
            form = nil
        }
        check = try declaration.optional("check")?.choice() ?? .none
        headers = (try declaration.optional("headers")?.texts() ?? []).map { $0.lowercased() }
        needsHeader = try declaration.optional("needsHeader")?.bool() ?? (form == nil)
        guard form != nil || !headers.isEmpty else {
            throw declaration.fault(
                zh: "既没有格式也没有列名", en: "it has neither a form nor headers",
                remedyZH: "请写上 form 或 headers。", remedyEN: "Write a form or headers.")
        }
    }

    /// Whether a column's header names this kind: a Latin word by its beginning, a Han word wherever it stands.
    package func isNamed(by header: String) -> Bool {
        let lowered = header.lowercased()
        let words = lowered.split { !($0.isLetter || $0.isNumber) }
        return headers.contains { name in
            name.utf8.allSatisfy { $0 < 0x80 }
                ? lowered == name || words.contains { $0.hasPrefix(name) } : lowered.contains(name)
        }
    }

    /// Whether it looks into a column of this header at all.
    package func looks(under header: String) -> Bool { !needsHeader || isNamed(by: header) }

    /// Why the value is one of these, or `nil` where it is none.
    package func evidence(for value: ArraySlice<UInt8>, isNamed: Bool) -> Finding.Evidence? {
        if let form, !form.matches(value) { return nil }
        switch check {
        case .none: return isNamed ? .labelled : needsHeader ? nil : .heuristic
        case .luhn: return Self.isLuhn(value) ? .checked : nil
        case .mod11: return Self.isMod11(value) ? .checked : nil
        case .mod97: return Self.isMod97(value) ? .checked : nil
        }
    }

    private static func isLuhn(_ value: ArraySlice<UInt8>) -> Bool {
        let digits = value.filter { (48...57).contains($0) }.map { Int($0) - 48 }
        let sum = digits.reversed().enumerated().reduce(0) { sum, item in
            let doubled = item.element * (item.offset % 2 == 0 ? 1 : 2)
            return sum + (doubled > 9 ? doubled - 9 : doubled)
        }
        return digits.count >= 2 && sum % 10 == 0
    }

    private static func isMod11(_ value: ArraySlice<UInt8>) -> Bool {
        var sum = 0
        for (place, byte) in value.enumerated() {
            let isLast = place == value.count - 1
            guard (48...57).contains(byte) || (isLast && byte | 0x20 == UInt8(ascii: "x")) else {
                return false
            }
            sum = (sum * 2 + ((48...57).contains(byte) ? Int(byte) - 48 : 10)) % 11
        }
        return sum == 1
    }

    private static func isMod97(_ value: ArraySlice<UInt8>) -> Bool {
        var rest = 0
        for byte in value {
            switch byte {
            case 48...57: rest = (rest * 10 + Int(byte) - 48) % 97
            case 65...90: rest = (rest * 100 + Int(byte) - 55) % 97
            default: return false
            }
        }
        return rest == 1
    }
}

extension DeclaredRecognizer {
    /// What a column's name alone tells, where no recognizer knows the values: codes of people in a pseudonym, codes of
    /// diseases. Part of the program, because no law dates them.
    package static let builtIn: [DeclaredRecognizer] = [
        DeclaredRecognizer(
            EvidenceKind(
                word: "health-field", title: LocalizedText(zh: "健康信息", en: "health information"),
                dataClass: .personalHealth, grade: .general4),
            headers: [
                "icd", "diagnos", "disease", "symptom", "prescription", "medication", "respiratory", "诊断",
                "病种",
                "疾病", "症状", "处方", "用药", "病史", "检验结果", "手术",
            ]),
        DeclaredRecognizer(
            EvidenceKind(
                word: "person-code", title: LocalizedText(zh: "人员代码", en: "code of a person"),
                dataClass: .personalIdentity, grade: .general3),
            headers: [
                "person", "patient", "passenger", "customer", "citizen", "resident", "患者", "病人", "人员编号",
                "人员代码",
                "乘客", "客户编号", "居民编号", "用户id",
            ]),
    ]
}

/// A kind of sensitive value: one of the scanner's own, or one that a pack declares.
package struct EvidenceKind: Hashable, Sendable {
    package let word: String
    package let title: LocalizedText
    package let dataClass: DataClass
    package let grade: DataGrade

    package init(word: String, title: LocalizedText, dataClass: DataClass, grade: DataGrade) {
        self.word = word
        self.title = title
        self.dataClass = dataClass
        self.grade = grade
    }

    package init(_ kind: SensitiveKind) {
        self.init(word: kind.rawValue, title: kind.title, dataClass: kind.dataClass, grade: kind.grade)
    }
}

/// Everything a grading rests on beside the scanner: dated catalogs and declared recognizers, as packs bring them.
package struct GradingRules: Hashable, Sendable {
    package var catalogs: [ImportantDataCatalog]
    package var recognizers: [DeclaredRecognizer]

    package init(catalogs: [ImportantDataCatalog] = [], recognizers: [DeclaredRecognizer] = []) {
        self.catalogs = catalogs
        self.recognizers = DeclaredRecognizer.builtIn + recognizers
    }

    /// The program's own recognizers, and no catalog.
    package static let builtIn = GradingRules()

    /// Reads a document that is either a catalog (`sector`, `items`) or a list of `recognizers`.
    package mutating func add(_ declaration: Declaration) throws(Declaration.Fault) {
        guard declaration.optional("recognizers") != nil else {
            catalogs.append(try ImportantDataCatalog(declaration))
            return
        }
        try declaration.allows("recognizers", "title", "version")
        for recognizer in try declaration.elements("recognizers") {
            recognizers.append(try DeclaredRecognizer(recognizer))
        }
    }
}
