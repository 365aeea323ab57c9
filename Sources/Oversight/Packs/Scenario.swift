// SPDX-License-Identifier: Apache-2.0

package import Casework
package import Primitives
import Rules

/// `scenario.yaml`: one applicant's way through the pack, told in steps with their days. `hutong pack check` plays
/// it, so that a change of the pack that blocks the way is seen before it is installed.
package struct Scenario: Sendable {
    /// One line of the story.
    struct Step: Sendable {
        enum Act: Sendable {
            case open(procedure: String, subject: String, answers: [String: String])
            case act(CaseAction)
            case tick
            case decide(rule: String, facts: JSON, verdict: String, amount: JSON?)
        }

        let day: CalendarDay
        let by: String
        let act: Act
        /// The code of the problem with which the step has to be refused.
        let refusal: String?
        /// The state in which the case has to be afterwards.
        let state: String?
    }

    package let title: LocalizedText
    private let parties: [String: Set<String>]
    private let steps: [Step]

    init(_ declared: Declaration) throws(Declaration.Fault) {
        try declared.allows("title", "parties", "steps")
        title = try declared.member("title").localized()
        var parties: [String: Set<String>] = [:]
        for (name, roles) in try declared.member("parties").members() {
            parties[name] = Set(try roles.texts())
        }
        self.parties = parties
        var steps: [Step] = []
        for entry in try declared.elements("steps") {
            steps.append(try Step(entry, parties: parties, before: steps.last?.day))
        }
        self.steps = steps
    }

    /// Plays the story; empty is a pass, else what went otherwise and at which step.
    package func play(in pack: Pack, calendar: WorkingCalendar = WorkingCalendar()) -> [String] {
        var stage = Stage(pack: pack, calendar: calendar)
        var differences: [String] = []
        for (place, step) in steps.enumerated() {
            let actor = CaseActor(party: step.by, roles: parties[step.by] ?? [])
            var refusal: String?
            do throws(Problem) {
                if let difference = try stage.run(step, by: actor) {
                    differences.append("step \(place + 1): \(difference)")
                }
            } catch { refusal = error.code }
            if refusal != step.refusal {
                differences.append(
                    "step \(place + 1): \(refusal ?? "was taken"), expected \(step.refusal ?? "to be taken")")
            }
            if let state = step.state, stage.state != state {
                differences.append("step \(place + 1): in \(stage.state), expected \(state)")
            }
        }
        return differences
    }

    /// The case as it stands in the story.
    private struct Stage {
        let pack: Pack
        let calendar: WorkingCalendar
        private var file: CaseFile?
        private var procedure: Procedure?

        var state: String { file?.state ?? "no case" }

        init(pack: Pack, calendar: WorkingCalendar) {
            self.pack = pack
            self.calendar = calendar
        }

        mutating func run(_ step: Step, by actor: CaseActor) throws(Problem) -> String? {
            switch step.act {
            case .open(let id, let subject, let answers):
                guard let found = pack.procedures.first(where: { $0.id == id }) else {
                    return "no procedure \(id)"
                }
                procedure = found
                file = try CaseFile.open(
                    ID(high: 0, low: 1), found, subject: subject, answers: answers, by: actor, on: step.day,
                    calendar: calendar
                ).0
            case .act(let action):
                guard let procedure else { return "no case is open" }
                _ = try file?.act(action, by: actor, under: procedure, on: step.day, calendar: calendar)
            case .tick:
                guard let procedure else { return "no case is open" }
                _ = file?.tick(under: procedure, on: step.day, calendar: calendar)
            case .decide(let rule, let facts, let verdict, let amount):
                guard let book = pack.rules.first(where: { $0.id == rule }) else { return "no rule \(rule)" }
                let decision = book.decide(facts, now: Instant(startOf: step.day, in: .shanghai))
                let paid = decision.amountYuan.map { JSON.string($0.description) }
                if decision.verdict.rawValue != verdict { return "verdict \(decision.verdict.rawValue)" }
                if let amount, paid != amount { return "amount \(paid?.text ?? "none")" }
            }
            return nil
        }
    }
}

extension Scenario.Step {
    fileprivate init(
        _ declared: Declaration, parties: [String: Set<String>], before: CalendarDay?
    ) throws(Declaration.Fault) {
        try declared.allows(
            "day", "by", "open", "subject", "answers", "submit", "check", "mark", "take", "inputs", "object",
            "resolve", "upheld", "appoint", "as", "suspend", "resume", "tick", "decide", "facts", "verdict",
            "amount", "refused", "state")
        if let written = declared.optional("day") {
            day = try written.day()
        } else if let before {
            day = before
        } else {
            day = try declared.member("day").day()
        }
        by = try declared.optional("by")?.text() ?? "clock"
        if let named = declared.optional("by"), parties[by] == nil {
            throw named.fault(
                zh: "parties 中没有“\(by)”", en: "parties has no “\(by)”",
                remedyZH: "请先在 parties 下写上。", remedyEN: "Write it under parties first.")
        }
        refusal = try declared.optional("refused")?.text()
        state = try declared.optional("state")?.text()
        act = try Self.act(declared)
    }

    private static func act(_ declared: Declaration) throws(Declaration.Fault) -> Act {
        if let procedure = try declared.optional("open")?.text() {
            return .open(
                procedure: procedure, subject: try declared.member("subject").text(),
                answers: try texts(declared.optional("answers")))
        }
        if let rule = try declared.optional("decide")?.text() {
            let verdict = try declared.member("verdict").value
            let amount = declared.optional("amount")?.value
            return .decide(
                rule: rule, facts: try declared.member("facts").value,
                verdict: verdict.bool.map { "\($0)" } ?? verdict.text ?? "",
                amount: amount.map { $0.integer.map { .string("\($0)") } ?? $0 })
        }
        if declared.optional("tick") != nil { return .tick }
        return .act(try action(declared))
    }

    private static func action(_ declared: Declaration) throws(Declaration.Fault) -> CaseAction {
        if let material = try declared.optional("submit")?.text() {
            return .submit(material: material, file: Digest(of: material))
        }
        if let material = try declared.optional("check")?.text() {
            return .check(material: material, isAccepted: true, reason: "")
        }
        if let points = try declared.optional("mark")?.integer() { return .mark(points: points, comment: "") }
        if let reason = try declared.optional("object")?.text() { return .object(reason: reason) }
        if let reason = try declared.optional("suspend")?.text() { return .suspend(reason: reason) }
        if declared.optional("resume") != nil { return .resume }
        if let place = try declared.optional("resolve")?.integer() {
            return .resolve(
                objection: place - 1, isUpheld: try declared.optional("upheld")?.bool() ?? false, reason: "…")
        }
        if let party = try declared.optional("appoint")?.text() {
            return .appoint(role: try declared.member("as").text(), party: party)
        }
        return .take(
            step: try declared.member("take").text(), inputs: try texts(declared.optional("inputs")))
    }

    private static func texts(_ declared: Declaration?) throws(Declaration.Fault) -> [String: String] {
        var texts: [String: String] = [:]
        for (name, value) in try declared?.members() ?? [] { texts[name] = try value.text() }
        return texts
    }
}
