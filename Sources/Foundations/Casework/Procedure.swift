// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A procedure as a bureau declares it: states with an owner and a deadline, steps between them, the materials
/// and the letters. It is data; `CaseFile` runs it. What is read here is consistent ever after: every step joins
/// known states, every open state has an owner and a due date, every state can be reached.
package struct Procedure: Hashable, Sendable {
    /// A stretch of the way in which one role has to act.
    package struct State: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        /// The role that has to act next. The applicant is a role too.
        package let owner: String
        /// Absent only in final states: nothing waits without a date.
        package let deadline: Deadline?
        package let isFinal: Bool
        /// A public notice: anybody may object while the case is here.
        package let isNotice: Bool
        /// The owner may stop the clock here, for instance while the applicant corrects materials.
        package let maySuspend: Bool
    }

    /// How long a state may last, and what happens by itself when the time is over.
    package struct Deadline: Hashable, Sendable {
        package let period: Period
        package let countsFirstDay: Bool
        /// Taken on the day after the last; without it the case stays, and its owner is reported overdue.
        package let thenStep: String?
    }

    /// A way from some states to another (or back to the same).
    package struct Step: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        package let from: Set<String>
        package let to: String
        /// Roles that may take it. The clock takes only what a deadline names.
        package let by: Set<String>
        /// Fields the taker must fill in, such as a reason.
        package let inputs: [String]
        /// Points from 0 to 100 that the taker must give, one a dimension.
        package let scores: [Score]
        /// All required materials must have been accepted.
        package let needsMaterials: Bool
        /// The lists that exclude are asked again, as at the award.
        package let checksLists: Bool
        package let reviews: ReviewRule?
        package let objections: ObjectionRule?
        /// Only up to this long after the state began, such as an appeal.
        package let within: Period?
        /// The applicant may not open this procedure again for so long.
        package let bar: Period?
        package let letter: String?
        /// What the step writes into a list, and what it ends there, in its own commit.
        package let enlistment: Enlistment?
        package let delisting: Delisting?
        /// The article that orders the step.
        package let citation: String?
    }

    /// One dimension of a score sheet.
    package struct Score: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
    }

    /// An entry that a step writes: its fields are texts with `{code}`, `{subject}`, `{applicant}`, `{day}`, `{due}`,
    /// an answer or an input in braces.
    package struct Enlistment: Hashable, Sendable {
        package let list: String
        package let entry: [String: String]
    }

    package struct Delisting: Hashable, Sendable {
        package let list: String
        package let key: String
    }

    /// Expert marks that a step needs, 0 to 100.
    package struct ReviewRule: Hashable, Sendable {
        package let reviewersMin: Int
        /// Mean of the marks, in whole points; `nil` where the source gives no pass mark.
        package let markMin: Int?
    }

    /// What a step asks of the objections.
    package enum ObjectionRule: String, Hashable, Sendable, CaseIterable {
        /// Each has been looked at and none was upheld.
        case noneUpheld
        /// At least one was upheld.
        case upheld
    }

    package struct Material: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        package let isRequired: Bool
    }

    /// What the applicant states when the case is opened, such as a credit code.
    package struct Question: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        package let isRequired: Bool
        /// The answer must be the key of an entry that this list has on the day, such as an open scene.
        package let list: String?
    }

    /// A list whose entries may not apply: the answer to a question is looked up in its key.
    package struct Exclusion: Hashable, Sendable {
        package let list: String
        package let question: String
    }

    package let id: String
    package let version: String
    package let title: LocalizedText
    package let citation: String
    /// The rule that says who is eligible, for the page of the procedure.
    package let rule: String?
    package let questions: [Question]
    package let exclusions: [Exclusion]
    package let roles: [String: LocalizedText]
    package let start: String
    package let states: [State]
    package let steps: [Step]
    package let materials: [Material]
    package let letters: [String: LocalizedText]

    /// The role of whoever opens the case.
    package static let applicant = "applicant"
    package static let statesMax = 64

    /// The last day of a bar that a step sets, or of a deadline, by a calendar without holidays.
    package static func end(of period: Period, from day: CalendarDay, countsFirstDay: Bool) -> CalendarDay {
        WorkingCalendar().end(of: period, from: day, countsFirstDay: countsFirstDay)
    }

    package func state(_ id: String) -> State? { states.first { $0.id == id } }
    package func step(_ id: String) -> Step? { steps.first { $0.id == id } }
    package func steps(from state: String) -> [Step] { steps.filter { $0.from.contains(state) } }
}

// MARK: Reading a declaration

extension Procedure {
    /// Reads what `docs/packs.md` describes; the fault names the place and what to write there.
    package init(_ declared: Declaration, version: String) throws(Declaration.Fault) {
        try declared.allows(
            "id", "title", "citation", "rule", "roles", "start", "states", "steps", "materials", "letters",
            "questions", "excludedBy", "tests")
        id = try declared.member("id").text()
        self.version = version
        title = try declared.member("title").localized()
        citation = try declared.member("citation").text()
        var roles: [String: LocalizedText] = [:]
        for (name, role) in try declared.member("roles").members() { roles[name] = try role.localized() }
        self.roles = roles
        start = try declared.member("start").text()
        rule = try declared.optional("rule")?.text()
        let questions = try declared.elements("questions").read { item throws(Declaration.Fault) in
            try Question(item)
        }
        self.questions = questions
        exclusions = try declared.elements("excludedBy").read { item throws(Declaration.Fault) in
            try Exclusion(item, among: questions)
        }
        states = try declared.elements("states").read { state throws(Declaration.Fault) in try State(state) }
        steps = try declared.elements("steps").read { step throws(Declaration.Fault) in try Step(step) }
        materials = try declared.elements("materials").read { item throws(Declaration.Fault) in
            try Material(item)
        }
        var letters: [String: LocalizedText] = [:]
        for (name, letter) in try declared.optional("letters")?.members() ?? [] {
            letters[name] = try letter.localized()
        }
        self.letters = letters
        try checkSteps(declared)
        try checkStates(declared)
    }

    private func checkStates(_ declared: Declaration) throws(Declaration.Fault) {
        let places = try declared.elements("states")
        guard (1...Self.statesMax).contains(states.count) else {
            throw declared.fault(
                zh: "状态应为 1 至 \(Self.statesMax) 个", en: "there must be 1 to \(Self.statesMax) states",
                remedyZH: "请在 states 下列出状态。", remedyEN: "List them under states.")
        }
        guard roles[Self.applicant] != nil else {
            throw declared.fault(
                zh: "roles 中没有 applicant", en: "roles has no applicant",
                remedyZH: "请写上：applicant: {zh: 申请人, en: Applicant}。",
                remedyEN: "Write: applicant: {zh: 申请人, en: Applicant}.")
        }
        for (state, place) in zip(states, places) {
            guard roles[state.owner] != nil else {
                throw try place.member("owner").unknown(state.owner, among: Array(roles.keys))
            }
            if let step = state.deadline?.thenStep, self.step(step)?.from.contains(state.id) != true {
                throw try place.member("deadline").unknown(step, among: steps(from: state.id).map(\.id))
            }
            guard states.count(where: { $0.id == state.id }) == 1 else {
                throw place.fault(
                    zh: "状态“\(state.id)”写了两次", en: "the state “\(state.id)” is written twice",
                    remedyZH: "请给其中一个换名。", remedyEN: "Rename one of them.")
            }
            guard state.id == start || steps.contains(where: { $0.to == state.id }) else {
                throw place.fault(
                    zh: "没有步骤通向状态“\(state.id)”", en: "no step leads to the state “\(state.id)”",
                    remedyZH: "请增加 to: \(state.id) 的步骤，或删去该状态。",
                    remedyEN: "Add a step with to: \(state.id), or remove the state.")
            }
        }
        guard state(start) != nil else {
            throw try declared.member("start").unknown(start, among: states.map(\.id))
        }
    }

    private func checkSteps(_ declared: Declaration) throws(Declaration.Fault) {
        let known = states.map(\.id)
        for (step, place) in zip(steps, try declared.elements("steps")) {
            for state in step.from.sorted() where !known.contains(state) {
                throw try place.member("from").unknown(state, among: known)
            }
            guard known.contains(step.to) else { throw try place.member("to").unknown(step.to, among: known) }
            for role in step.by.sorted() where roles[role] == nil {
                throw try place.member("by").unknown(role, among: Array(roles.keys))
            }
            if let letter = step.letter, letters[letter] == nil {
                throw try place.member("letter").unknown(letter, among: Array(letters.keys))
            }
            guard steps.count(where: { $0.id == step.id }) == 1 else {
                throw place.fault(
                    zh: "步骤“\(step.id)”写了两次", en: "the step “\(step.id)” is written twice",
                    remedyZH: "请给其中一个换名。", remedyEN: "Rename one of them.")
            }
        }
    }
}

extension Declaration {
    fileprivate func unknown(_ word: String, among known: [String]) -> Fault {
        fault(
            zh: "没有“\(word)”", en: "there is no “\(word)”",
            remedyZH: "可用：\(known.sorted().joined(separator: "、"))。",
            remedyEN: "Known: \(known.sorted().joined(separator: ", ")).")
    }

    fileprivate func flag(_ key: String) throws(Fault) -> Bool { try optional(key)?.bool() ?? false }

    fileprivate func period(_ key: String) throws(Fault) -> Period? {
        guard let member = optional(key) else { return nil }
        return try Period(member)
    }
}

extension Procedure.State {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("id", "title", "owner", "deadline", "final", "notice", "maySuspend")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        owner = try declared.member("owner").text()
        isFinal = try declared.flag("final")
        isNotice = try declared.flag("notice")
        maySuspend = try declared.flag("maySuspend")
        // An open state without a deadline is refused here: nothing waits without a date.
        if isFinal && declared.optional("deadline") == nil {
            deadline = nil
        } else {
            deadline = try Procedure.Deadline(try declared.member("deadline"))
        }
    }
}

extension Procedure.Deadline {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("period", "countsFirstDay", "then")
        period = try Period(try declared.member("period"))
        countsFirstDay = try declared.flag("countsFirstDay")
        thenStep = try declared.optional("then")?.text()
    }
}

extension Procedure.Step {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows(
            "id", "title", "from", "to", "by", "inputs", "scores", "needsMaterials", "checksLists", "reviews",
            "objections", "within", "bar", "letter", "enlists", "delists", "citation")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        from = Set(try declared.member("from").texts())
        to = try declared.member("to").text()
        by = Set(try declared.optional("by")?.texts() ?? [])
        inputs = try declared.optional("inputs")?.texts() ?? []
        scores = try declared.elements("scores").read { score throws(Declaration.Fault) in
            try score.allows("id", "title")
            return Procedure.Score(
                id: try score.member("id").text(), title: try score.member("title").localized())
        }
        needsMaterials = try declared.flag("needsMaterials")
        checksLists = try declared.flag("checksLists")
        if let rule = declared.optional("reviews") {
            try rule.allows("min", "mark")
            reviews = Procedure.ReviewRule(
                reviewersMin: try rule.member("min").integer(), markMin: try rule.optional("mark")?.integer())
        } else {
            reviews = nil
        }
        objections = try declared.optional("objections")?.choice()
        within = try declared.period("within")
        bar = try declared.period("bar")
        letter = try declared.optional("letter")?.text()
        enlistment = try declared.optional("enlists").map { declared throws(Declaration.Fault) in
            try Procedure.Enlistment(declared)
        }
        delisting = try declared.optional("delists").map { declared throws(Declaration.Fault) in
            try declared.allows("list", "key")
            return Procedure.Delisting(
                list: try declared.member("list").text(), key: try declared.member("key").text())
        }
        citation = try declared.optional("citation")?.text()
    }
}

extension Procedure.Enlistment {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("list", "entry")
        list = try declared.member("list").text()
        var entry: [String: String] = [:]
        for (field, value) in try declared.member("entry").members() { entry[field] = try value.text() }
        self.entry = entry
    }
}

extension Procedure.Material {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("id", "title", "required")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        isRequired = try declared.optional("required")?.bool() ?? true
    }
}

extension Procedure.Question {
    fileprivate init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("id", "title", "required", "from")
        id = try declared.member("id").text()
        title = try declared.member("title").localized()
        isRequired = try declared.optional("required")?.bool() ?? true
        list = try declared.optional("from")?.text()
    }
}

extension Procedure.Exclusion {
    fileprivate init(
        _ declared: Declaration, among questions: [Procedure.Question]
    ) throws(Declaration.Fault) {
        try declared.allows("list", "by")
        list = try declared.member("list").text()
        question = try declared.member("by").text()
        guard questions.contains(where: { $0.id == question }) else {
            throw try declared.member("by").unknown(question, among: questions.map(\.id))
        }
    }
}

extension Array {
    /// `map` that keeps the type of what it throws.
    fileprivate func read<Value>(
        _ make: (Element) throws(Declaration.Fault) -> Value
    ) throws(Declaration.Fault) -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try make(element)) }
        return values
    }
}
