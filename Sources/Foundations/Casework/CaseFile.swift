// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Who acts on a case, proven by the caller of this room.
package struct CaseActor: Hashable, Sendable {
    /// A stable name of the party, such as its code.
    package let party: String
    package let roles: Set<String>
    /// Parties this one is tied to (holds rights with, is employed by): deciding about them is refused.
    package let interests: Set<String>

    package init(party: String, roles: Set<String>, interests: Set<String> = []) {
        self.party = party
        self.roles = roles
        self.interests = interests
    }
}

/// What may be asked of a case.
package enum CaseAction: Hashable, Sendable {
    case take(step: String, inputs: [String: String])
    /// A material as the digest of its file; handing in again replaces it.
    case submit(material: String, file: Digest)
    case check(material: String, isAccepted: Bool, reason: String)
    case mark(points: Int, comment: String)
    case object(reason: String)
    case resolve(objection: Int, isUpheld: Bool, reason: String)
    case suspend(reason: String)
    case resume
    /// Gives a role in this case alone, such as one of its arbitrators.
    case appoint(role: String, party: String)
}

/// What the caller of the machine has to do, in the commit that stores the case.
package enum CaseEffect: Hashable, Sendable {
    /// Every accepted action gives exactly one record: the content of a log leaf.
    case recorded(CaseRecord)
    case assigned(owner: String, due: CalendarDay?)
    case noticeOpened(until: CalendarDay?)
    case overdue(owner: String, since: CalendarDay)
    case letter(String)
    case barred(party: String, until: CalendarDay)
    /// Fields of an entry that a list now has.
    case enlisted(list: String, entry: [String: String])
    case delisted(list: String, key: String)
    case closed
}

/// One step of a case as it is kept and proven.
package struct CaseRecord: Hashable, Sendable {
    package let sequence: Int
    package let action: String
    package let by: String
    package let day: CalendarDay
    package let from: String
    package let to: String
    package let details: [String: String]
}

/// One run of a procedure. A value: every action is legal input in every state and answers something; days come
/// from outside.
package struct CaseFile: Hashable, Sendable {
    package struct Submission: Hashable, Sendable {
        package let file: Digest
        /// `nil` until an officer has looked at it.
        package internal(set) var isAccepted: Bool?
        package internal(set) var reason: String
    }

    package struct Objection: Hashable, Sendable {
        package let by: String
        package let day: CalendarDay
        package let reason: String
        package internal(set) var isUpheld: Bool?
    }

    package let id: ID<CaseFile>
    package let procedure: String
    /// The version the case was opened under; it stays.
    package let version: String
    package let applicant: String
    package let subject: String
    /// The applicant's answers to the procedure's questions.
    package let answers: [String: String]
    package internal(set) var state: String
    package internal(set) var since: CalendarDay
    package internal(set) var due: CalendarDay?
    package internal(set) var suspendedOn: CalendarDay?
    package internal(set) var wasReportedOverdue = false
    package internal(set) var recordCount = 0
    package internal(set) var submissions: [String: Submission] = [:]
    package internal(set) var marks: [String: Int] = [:]
    /// Parties by the role they have in this case alone.
    package internal(set) var appointees: [String: Set<String>] = [:]
    package internal(set) var objections: [Objection] = []

    package var code: Code { Code(.case, id) }

    /// Opens a case on `day`. `barredUntil` is the applicant's bar in this procedure, if there is one.
    package static func open(
        _ id: ID<CaseFile>, _ procedure: Procedure, subject: String, answers: [String: String] = [:],
        by applicant: CaseActor, barredUntil: CalendarDay? = nil, on day: CalendarDay,
        calendar: WorkingCalendar
    ) throws(Problem) -> (CaseFile, [CaseEffect]) {
        if let barredUntil, day <= barredUntil { throw .applicantBarred(until: barredUntil) }
        let unanswered = procedure.questions.filter { $0.isRequired && answers[$0.id, default: ""].isEmpty }
        guard unanswered.isEmpty else { throw .inputsMissing(unanswered.map(\.id)) }
        var file = CaseFile(
            id: id, procedure: procedure.id, version: procedure.version, applicant: applicant.party,
            subject: subject,
            answers: answers.filter { answer in procedure.questions.contains { $0.id == answer.key } },
            state: procedure.start, since: day)
        let effects = file.enter(
            procedure.start, action: "open", by: applicant.party, details: ["subject": subject],
            under: procedure, on: day, calendar: calendar)
        return (file, effects)
    }

    private init(
        id: ID<CaseFile>, procedure: String, version: String, applicant: String, subject: String,
        answers: [String: String], state: String, since: CalendarDay
    ) {
        self.id = id
        self.procedure = procedure
        self.version = version
        self.applicant = applicant
        self.subject = subject
        self.answers = answers
        self.state = state
        self.since = since
    }

    /// Does `action`, or says in a problem why not and leaves the case as it was.
    package mutating func act(
        _ action: CaseAction, by actor: CaseActor, under procedure: Procedure, on day: CalendarDay,
        calendar: WorkingCalendar
    ) throws(Problem) -> [CaseEffect] {
        switch action {
        case .take(let id, let inputs):
            let step = try permitted(id, inputs: inputs, by: actor, under: procedure, on: day, calendar)
            return run(step, by: actor.party, inputs: inputs, under: procedure, on: day, calendar: calendar)
        case .submit(let material, let file):
            return try submit(material, file, by: actor, under: procedure, on: day)
        case .check(let material, let isAccepted, let reason):
            try requireOfficer(actor, under: procedure)
            guard submissions[material] != nil else { throw .materialMissing([material]) }
            submissions[material]?.isAccepted = isAccepted
            submissions[material]?.reason = reason
            return [record("check", actor, day, ["material": material, "accepted": "\(isAccepted)"])]
        case .mark(let points, let comment):
            try requireOfficer(actor, under: procedure)
            guard (0...100).contains(points) else { throw .markOutOfRange(points) }
            marks[actor.party] = points
            return [record("mark", actor, day, ["points": "\(points)", "comment": comment])]
        case .object(let reason):
            return try object(reason, by: actor, under: procedure, on: day)
        case .resolve(let place, let isUpheld, let reason):
            try requireOfficer(actor, under: procedure)
            guard objections.indices.contains(place) else { throw .objectionUnknown(place) }
            objections[place].isUpheld = isUpheld
            let details = ["objection": "\(place)", "upheld": "\(isUpheld)", "reason": reason]
            return [record("resolve", actor, day, details)]
        case .suspend(let reason):
            try requireOfficer(actor, under: procedure)
            guard procedure.state(state)?.maySuspend == true, suspendedOn == nil else {
                throw .clockFixed(state)
            }
            suspendedOn = day
            return [record("suspend", actor, day, ["reason": reason])]
        case .resume:
            try requireOfficer(actor, under: procedure)
            return resume(by: actor, under: procedure, on: day, calendar: calendar)
        case .appoint(let role, let party):
            try requireOfficer(actor, under: procedure)
            guard role != Procedure.applicant, procedure.roles[role] != nil else {
                throw .roleNeeded(procedure.roles.keys.sorted().compactMap { procedure.roles[$0] })
            }
            guard party != applicant else { throw .interestConflict }
            appointees[role, default: []].insert(party)
            return [record("appoint", actor, day, ["role": role, "party": party])]
        }
    }

    /// Lets the clock look at the case: takes what a deadline orders, or reports the owner overdue, once.
    /// Looking again on the same day changes nothing.
    package mutating func tick(
        under procedure: Procedure, on day: CalendarDay, calendar: WorkingCalendar
    ) -> [CaseEffect] {
        guard suspendedOn == nil, let due, day > due, let state = procedure.state(state) else { return [] }
        if let name = state.deadline?.thenStep, let step = procedure.step(name),
            objectionsAllow(step), (try? requireMaterialsAndMarks(step, procedure)) != nil
        {
            return run(step, by: "clock", inputs: [:], under: procedure, on: day, calendar: calendar)
        }
        guard !wasReportedOverdue else { return [] }
        wasReportedOverdue = true
        return [.overdue(owner: state.owner, since: due)]
    }

    /// The steps this actor could take today, for the buttons of a page.
    package func choices(
        of actor: CaseActor, under procedure: Procedure, on day: CalendarDay, calendar: WorkingCalendar
    ) -> [Procedure.Step] {
        procedure.steps(from: state).filter { step in
            let inputs = Dictionary(
                step.inputs.map { ($0, "…") } + step.scores.map { ($0.id, "0") }
            ) { first, _ in first }
            return (try? permitted(step.id, inputs: inputs, by: actor, under: procedure, on: day, calendar))
                != nil
        }
    }

    /// Required materials that are not accepted yet, in the order of the declaration.
    package func missingMaterials(under procedure: Procedure) -> [Procedure.Material] {
        procedure.materials.filter { $0.isRequired && submissions[$0.id]?.isAccepted != true }
    }

    /// The mean of the experts' marks in hundredths of a point, rounded down.
    package var meanMarkHundredths: Int? {
        marks.isEmpty ? nil : marks.values.reduce(0, +) * 100 / marks.count
    }
}

// MARK: Rules of the steps

extension CaseFile {
    private func permitted(
        _ id: String, inputs: [String: String], by actor: CaseActor, under procedure: Procedure,
        on day: CalendarDay, _ calendar: WorkingCalendar
    ) throws(Problem) -> Procedure.Step {
        guard let step = procedure.step(id), step.from.contains(state) else {
            throw .stepNotHere(id, state: procedure.state(state)?.title ?? LocalizedText(state))
        }
        guard suspendedOn == nil else { throw .caseSuspended }
        let roles = held(by: actor)
        guard !step.by.isDisjoint(with: roles) else {
            throw .roleNeeded(step.by.sorted().compactMap { procedure.roles[$0] })
        }
        if !step.by.contains(Procedure.applicant) { try requireNoInterest(actor) }
        let empty = (step.inputs + step.scores.map(\.id)).filter { inputs[$0, default: ""].isEmpty }
        guard empty.isEmpty else { throw .inputsMissing(empty) }
        for score in step.scores {
            guard let points = Int(inputs[score.id] ?? ""), (0...100).contains(points) else {
                throw .scoreMalformed(score.title, inputs[score.id] ?? "")
            }
        }
        if let within = step.within {
            let last = calendar.end(of: within, from: since)
            guard day <= last else { throw .stepTooLate(id, last: last) }
        }
        try requireMaterialsAndMarks(step, procedure)
        guard objectionsAllow(step) else { throw .objectionsForbid }
        return step
    }

    /// `applicant` is a role of this case alone: whoever opened it has it, nobody else.
    package func held(by actor: CaseActor) -> Set<String> {
        let here = appointees.filter { $0.value.contains(actor.party) }.map(\.key)
        let others = actor.roles.subtracting([Procedure.applicant]).union(here)
        return actor.party == applicant ? others.union([Procedure.applicant]) : others
    }

    private func requireOfficer(_ actor: CaseActor, under procedure: Procedure) throws(Problem) {
        let officers = Set(procedure.roles.keys).subtracting([Procedure.applicant])
        guard !held(by: actor).isDisjoint(with: officers) else {
            throw .roleNeeded(officers.sorted().compactMap { procedure.roles[$0] })
        }
        try requireNoInterest(actor)
    }

    /// S70: nobody decides about himself or about a party he is tied to.
    private func requireNoInterest(_ actor: CaseActor) throws(Problem) {
        guard actor.party != applicant, !actor.interests.contains(applicant) else { throw .interestConflict }
    }

    private func requireMaterialsAndMarks(_ step: Procedure.Step, _ procedure: Procedure) throws(Problem) {
        let missing = missingMaterials(under: procedure)
        guard !step.needsMaterials || missing.isEmpty else { throw .materialMissing(missing.map(\.title)) }
        guard let rule = step.reviews else { return }
        guard marks.count >= rule.reviewersMin else { throw .marksTooFew(marks.count, of: rule.reviewersMin) }
        if let least = rule.markMin, (meanMarkHundredths ?? 0) < least * 100 {
            throw .markTooLow(hundredths: meanMarkHundredths ?? 0, least: least)
        }
    }

    private func objectionsAllow(_ step: Procedure.Step) -> Bool {
        switch step.objections {
        case nil: true
        case .noneUpheld: objections.allSatisfy { $0.isUpheld == false }
        case .upheld: objections.contains { $0.isUpheld == true }
        }
    }
}

// MARK: Changes

extension CaseFile {
    private mutating func run(
        _ step: Procedure.Step, by party: String, inputs: [String: String], under procedure: Procedure,
        on day: CalendarDay, calendar: WorkingCalendar
    ) -> [CaseEffect] {
        var effects = enter(
            step.to, action: step.id, by: party, details: inputs, under: procedure, on: day,
            calendar: calendar)
        if let letter = step.letter { effects.append(.letter(letter)) }
        if let bar = step.bar {
            effects.append(.barred(party: applicant, until: calendar.end(of: bar, from: day)))
        }
        if let enlistment = step.enlistment {
            let entry = enlistment.entry.mapValues { filled($0, inputs: inputs) }
            effects.append(.enlisted(list: enlistment.list, entry: entry.filter { !$0.value.isEmpty }))
        }
        if let delisting = step.delisting {
            effects.append(.delisted(list: delisting.list, key: filled(delisting.key, inputs: inputs)))
        }
        return effects
    }

    /// A text with the case's facts in the place of `{code}`, `{subject}`, `{applicant}`, `{day}`, `{due}`, of every
    /// answer and of every input of the step.
    func filled(_ template: String, inputs: [String: String]) -> String {
        let facts = answers.merging(inputs) { $1 }.merging([
            "code": code.text, "subject": subject, "applicant": applicant,
            "day": since.description, "due": due?.description ?? "",
        ]) { $1 }
        // One pass, so that braces in what somebody wrote are never filled again.
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            text += rest[..<open]
            let name = String(rest[rest.index(after: open)..<close])
            text += facts[name] ?? ""
            rest = rest[rest.index(after: close)...]
        }
        return text + rest
    }

    private mutating func enter(
        _ next: String, action: String, by party: String, details: [String: String],
        under procedure: Procedure, on day: CalendarDay, calendar: WorkingCalendar
    ) -> [CaseEffect] {
        let from = recordCount == 0 ? "" : state
        state = next
        since = day
        wasReportedOverdue = false
        let declared = procedure.state(next)
        due = declared?.deadline.map { deadline in
            calendar.end(of: deadline.period, from: day, countsFirstDay: deadline.countsFirstDay)
        }
        var effects = [recorded(action, party, day, from: from, details)]
        if declared?.isNotice == true { effects.append(.noticeOpened(until: due)) }
        if declared?.isFinal == true {
            effects.append(.closed)
        } else if let owner = declared?.owner {
            effects.append(.assigned(owner: owner, due: due))
        }
        return effects
    }

    private mutating func submit(
        _ material: String, _ file: Digest, by actor: CaseActor, under procedure: Procedure,
        on day: CalendarDay
    ) throws(Problem) -> [CaseEffect] {
        guard actor.party == applicant else {
            throw .roleNeeded([procedure.roles[Procedure.applicant]].compactMap(\.self))
        }
        guard let declared = procedure.state(state), !declared.isFinal else { throw .caseClosed }
        guard procedure.materials.contains(where: { $0.id == material }) else {
            throw .materialUnknown(material, known: procedure.materials.map(\.id))
        }
        submissions[material] = Submission(file: file, isAccepted: nil, reason: "")
        return [record("submit", actor, day, ["material": material, "digest": file.hex])]
    }

    private mutating func object(
        _ reason: String, by actor: CaseActor, under procedure: Procedure, on day: CalendarDay
    ) throws(Problem) -> [CaseEffect] {
        guard procedure.state(state)?.isNotice == true, let due, day <= due else { throw .noNotice }
        guard !reason.isEmpty else { throw .inputsMissing(["reason"]) }
        objections.append(Objection(by: actor.party, day: day, reason: reason, isUpheld: nil))
        return [record("object", actor, day, ["objection": "\(objections.count - 1)"])]
    }

    /// The days that were left when the clock stopped are left again.
    private mutating func resume(
        by actor: CaseActor, under procedure: Procedure, on day: CalendarDay, calendar: WorkingCalendar
    ) -> [CaseEffect] {
        guard let stopped = suspendedOn else { return [] }  // A repeated resumption is a retry, not an error.
        suspendedOn = nil
        if let old = due, let deadline = procedure.state(state)?.deadline {
            let left =
                deadline.period.unit == .workingDays
                ? calendar.workingDays(after: stopped, through: old)
                : max(0, old.daysSince1970 - stopped.daysSince1970)
            let unit: Period.Unit = deadline.period.unit == .workingDays ? .workingDays : .days
            due = left == 0 ? day : calendar.end(of: Period(left, unit), from: day)
        }
        return [record("resume", actor, day, [:])]
    }

    private mutating func record(
        _ action: String, _ actor: CaseActor, _ day: CalendarDay, _ details: [String: String]
    ) -> CaseEffect {
        recorded(action, actor.party, day, from: state, details)
    }

    private mutating func recorded(
        _ action: String, _ party: String, _ day: CalendarDay, from: String, _ details: [String: String]
    ) -> CaseEffect {
        recordCount += 1
        return .recorded(
            CaseRecord(
                sequence: recordCount, action: action, by: party, day: day, from: from, to: state,
                details: details))
    }
}
