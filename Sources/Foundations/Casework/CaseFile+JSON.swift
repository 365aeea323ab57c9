// SPDX-License-Identifier: Apache-2.0

package import Primitives

extension CaseRecord {
    /// What is kept of a step, and what its log leaf commits to.
    package var json: JSON {
        [
            "sequence": .integer(Int64(sequence)), "action": .string(action), "by": .string(by),
            "day": .string(day.description), "from": .string(from), "to": .string(to),
            "details": .object(details.mapValues { .string($0) }),
        ]
    }
}

extension CaseFile {
    /// The whole case, as it is stored and as the API shows it to those who may see it.
    package var json: JSON {
        [
            "id": .string(id.uuid), "code": .string(code.text), "procedure": .string(procedure),
            "version": .string(version), "applicant": .string(applicant), "subject": .string(subject),
            "state": .string(state), "since": .string(since.description), "due": .day(due),
            "suspendedOn": .day(suspendedOn), "reportedOverdue": .bool(wasReportedOverdue),
            "records": .integer(Int64(recordCount)),
            "submissions": .object(
                submissions.mapValues {
                    [
                        "file": .string($0.file.hex), "accepted": $0.isAccepted.map { .bool($0) } ?? .null,
                        "reason": .string($0.reason),
                    ]
                }),
            "answers": .object(answers.mapValues { .string($0) }),
            "appointees": .object(
                appointees.mapValues { .array($0.sorted().map { .string($0) }) }),
            "marks": .object(marks.mapValues { .integer(Int64($0)) }),
            "objections": .array(
                objections.map {
                    [
                        "by": .string($0.by), "day": .string($0.day.description),
                        "reason": .string($0.reason),
                        "upheld": $0.isUpheld.map { .bool($0) } ?? .null,
                    ]
                }),
        ]
    }

    /// Reads back what `json` wrote; `nil` for anything else.
    package init?(json: JSON) {
        guard let id = json["id"]?.text.flatMap({ ID<CaseFile>(uuid: $0) }),
            let procedure = json["procedure"]?.text, let version = json["version"]?.text,
            let applicant = json["applicant"]?.text, let subject = json["subject"]?.text,
            let state = json["state"]?.text, let since = json["since"]?.day,
            let records = json["records"]?.integer, let overdue = json["reportedOverdue"]?.bool,
            let submissions = json["submissions"]?.object, let marks = json["marks"]?.object,
            let objections = json["objections"]?.array
        else { return nil }
        self.id = id
        self.procedure = procedure
        self.version = version
        self.applicant = applicant
        self.subject = subject
        answers = (json["answers"]?.object ?? [:]).compactMapValues(\.text)
        appointees = (json["appointees"]?.object ?? [:])
            .mapValues { Set(($0.array ?? []).compactMap(\.text)) }
        self.state = state
        self.since = since
        due = json["due"]?.day
        suspendedOn = json["suspendedOn"]?.day
        recordCount = Int(records)
        wasReportedOverdue = overdue
        self.marks = marks.compactMapValues { $0.integer.map { Int($0) } }
        self.submissions = submissions.compactMapValues { submission in
            submission["file"]?.text.flatMap { Digest(hex: $0) }.map { file in
                Submission(
                    file: file, isAccepted: submission["accepted"]?.bool,
                    reason: submission["reason"]?.text ?? "")
            }
        }
        self.objections = objections.compactMap { objection in
            guard let by = objection["by"]?.text, let day = objection["day"]?.day,
                let reason = objection["reason"]?.text
            else { return nil }
            return Objection(by: by, day: day, reason: reason, isUpheld: objection["upheld"]?.bool)
        }
    }
}

extension JSON {
    fileprivate static func day(_ day: CalendarDay?) -> JSON { day.map { .string($0.description) } ?? .null }
    fileprivate var day: CalendarDay? { text.flatMap { CalendarDay($0) } }
}
