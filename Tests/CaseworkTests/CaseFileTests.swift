// SPDX-License-Identifier: Apache-2.0

import Casework
import Primitives
import Testing

/// A small procedure with everything in it: review by experts, notice, objection, appeal, revocation with a bar.
let certification: JSON = [
    "id": "certification", "title": ["zh": "认定", "en": "Certification"], "citation": "art. 8",
    "start": "review",
    "roles": ["applicant": "Applicant", "officer": "Officer", "expert": "Expert"],
    "states": [
        [
            "id": "review", "title": "Review", "owner": "officer",
            "deadline": ["period": ["workingDays": 20]],
            "maySuspend": true,
        ],
        [
            "id": "notice", "title": "Notice", "owner": "officer", "notice": true,
            "deadline": ["period": ["workingDays": 5], "then": "certify"],
        ],
        [
            "id": "certified", "title": "Certified", "owner": "officer", "final": true,
            "deadline": ["period": ["years": 3], "then": "expire"],
        ],
        ["id": "refused", "title": "Refused", "owner": "applicant", "final": true],
        ["id": "revoked", "title": "Revoked", "owner": "applicant", "final": true],
        ["id": "expired", "title": "Expired", "owner": "applicant", "final": true],
    ],
    "materials": [["id": "form", "title": "Form"], ["id": "extra", "title": "Extra", "required": false]],
    "letters": ["refusal": ["zh": "{subject}：不予认定，{reason}", "en": "{subject}: refused, {reason}"]],
    "steps": [
        [
            "id": "propose", "title": "Propose", "from": "review", "to": "notice", "by": "officer",
            "needsMaterials": true, "reviews": ["min": 2, "mark": 60],
        ],
        [
            "id": "refuse", "title": "Refuse", "from": ["review", "notice"], "to": "refused", "by": "officer",
            "inputs": ["reason"], "letter": "refusal",
        ],
        [
            "id": "certify", "title": "Certify", "from": "notice", "to": "certified", "by": "officer",
            "objections": "noneUpheld",
        ],
        [
            "id": "appeal", "title": "Appeal", "from": "refused", "to": "review", "by": "applicant",
            "inputs": ["reason"], "within": ["days": 60],
        ],
        [
            "id": "revoke", "title": "Revoke", "from": "certified", "to": "revoked", "by": "officer",
            "inputs": ["reason"], "bar": ["years": 2],
        ],
        ["id": "expire", "title": "Expire", "from": "certified", "to": "expired"],
    ],
]

@Suite("A case")
struct CaseFileTests {
    let procedure: Procedure
    let calendar = WorkingCalendar()
    let firm = CaseActor(party: "pty-firm", roles: [])
    let officer = CaseActor(party: "pty-office", roles: ["officer"])

    init() throws {
        procedure = try Procedure(Declaration(certification), version: "2020-08-27")
    }

    func day(_ text: String) throws -> CalendarDay { try #require(CalendarDay(text)) }

    func opened(_ text: String = "2020-11-02") throws -> CaseFile {
        try CaseFile.open(
            ID(high: 1, low: 2), procedure, subject: "Lane Works", by: firm, on: try day(text),
            calendar: calendar
        ).0
    }

    func onNotice() throws -> CaseFile {
        var file = try opened()
        let today = try day("2020-11-02")
        func act(_ action: CaseAction, _ actor: CaseActor) throws {
            _ = try file.act(action, by: actor, under: procedure, on: today, calendar: calendar)
        }
        try act(.submit(material: "form", file: Digest(of: "form")), firm)
        try act(.check(material: "form", isAccepted: true, reason: ""), officer)
        for name in ["a", "b"] {
            try act(.mark(points: 70, comment: ""), CaseActor(party: name, roles: ["expert"]))
        }
        try act(.take(step: "propose", inputs: [:]), officer)
        return file
    }

    func code(of body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch { return (error as? Problem)?.code }
    }

    @Test("tells which materials are missing before it moves, and moves when they are accepted and marked")
    func asksForMaterials() throws {
        var file = try opened()
        #expect(file.missingMaterials(under: procedure).map(\.id) == ["form"])
        #expect(
            code {
                _ = try file.act(
                    .take(step: "propose", inputs: [:]), by: officer, under: procedure,
                    on: try day("2020-11-02"),
                    calendar: calendar)
            } == "casework.material-missing")
        #expect(try onNotice().state == "notice")
    }

    @Test("ends a notice of five working days as the setting says (INC-T10) and then certifies by itself")
    func endsNotice() throws {
        var file = try onNotice()
        #expect(file.due == (try day("2020-11-09")))
        let counted = calendar.end(
            of: Period(5, .workingDays), from: try day("2020-11-02"), countsFirstDay: true)
        #expect(counted == (try day("2020-11-06")))
        #expect(file.tick(under: procedure, on: try day("2020-11-09"), calendar: calendar).isEmpty)
        _ = file.tick(under: procedure, on: try day("2020-11-10"), calendar: calendar)
        #expect(file.state == "certified")
    }

    @Test("does not certify over an open objection, and reports its owner overdue once")
    func waitsForObjection() throws {
        var file = try onNotice()
        let rival = CaseActor(party: "pty-rival", roles: [])
        _ = try file.act(
            .object(reason: "copied"), by: rival, under: procedure, on: try day("2020-11-04"),
            calendar: calendar)
        let late = file.tick(under: procedure, on: try day("2020-11-10"), calendar: calendar)
        #expect(late == [.overdue(owner: "officer", since: try day("2020-11-09"))])
        #expect(file.tick(under: procedure, on: try day("2020-11-11"), calendar: calendar).isEmpty)
        _ = try file.act(
            .resolve(objection: 0, isUpheld: false, reason: "own work"), by: officer, under: procedure,
            on: try day("2020-11-11"), calendar: calendar)
        _ = file.tick(under: procedure, on: try day("2020-11-11"), calendar: calendar)
        #expect(file.state == "certified")
    }

    @Test("INC-T9: a certificate of 2020-10-15 is valid through 2023-10-15 and expired on the next day")
    func expires() throws {
        var file = try onNotice()
        _ = file.tick(under: procedure, on: try day("2020-11-10"), calendar: calendar)
        #expect(file.due == (try day("2023-11-10")))
        #expect(calendar.end(of: Period(3, .years), from: try day("2020-10-15")) == (try day("2023-10-15")))
        _ = file.tick(under: procedure, on: try day("2023-11-11"), calendar: calendar)
        #expect(file.state == "expired")
    }

    @Test("bars a new application for two years after a revocation (CTB-T5)")
    func bars() throws {
        var file = try onNotice()
        _ = file.tick(under: procedure, on: try day("2020-11-10"), calendar: calendar)
        let effects = try file.act(
            .take(step: "revoke", inputs: ["reason": "fraud"]), by: officer, under: procedure,
            on: try day("2021-03-01"), calendar: calendar)
        #expect(effects.contains(.barred(party: "pty-firm", until: try day("2023-03-01"))))
        for (text, answer) in [("2023-03-01", "casework.applicant-barred"), ("2023-03-02", nil)] {
            let answered = code {
                _ = try CaseFile.open(
                    ID(high: 1, low: 3), procedure, subject: "again", by: firm,
                    barredUntil: try day("2023-03-01"),
                    on: try day(text), calendar: calendar)
            }
            #expect(answered == answer)
        }
    }

    @Test("S70: an officer who is tied to the applicant may not decide")
    func refusesConflict() throws {
        var file = try opened()
        let tied = CaseActor(party: "pty-office", roles: ["officer"], interests: ["pty-firm"])
        let own = CaseActor(party: "pty-firm", roles: ["officer"])
        for actor in [tied, own] {
            #expect(
                code {
                    _ = try file.act(
                        .take(step: "refuse", inputs: ["reason": "x"]), by: actor, under: procedure,
                        on: try day("2020-11-03"), calendar: calendar)
                } == "casework.interest-conflict")
        }
    }

    @Test("gives back the working days that were left when its clock was stopped")
    func suspends() throws {
        var file = try opened()  // Due 20 working days after Monday 2020-11-02: Monday 2020-11-30.
        #expect(file.due == (try day("2020-11-30")))
        _ = try file.act(
            .suspend(reason: "correct the form"), by: officer, under: procedure, on: try day("2020-11-06"),
            calendar: calendar)
        #expect(file.tick(under: procedure, on: try day("2021-01-01"), calendar: calendar).isEmpty)
        _ = try file.act(
            .resume, by: officer, under: procedure, on: try day("2020-11-20"), calendar: calendar)
        #expect(file.due == (try day("2020-12-14")))
    }

    @Test("is read back from its stored form without loss")
    func roundTrips() throws {
        let file = try onNotice()
        #expect(CaseFile(json: file.json) == file)
    }

    @Test("refuses a procedure whose step leads nowhere, with the place and the words that are known")
    func refusesDangling() throws {
        let broken = certification.canonicalText.replacing("\"to\":\"notice\"", with: "\"to\":\"notise\"")
        let json = try JSON(parsing: broken)
        do {
            _ = try Procedure(Declaration(json), version: "1")
            Issue.record("was accepted")
        } catch {
            #expect(error.place == "steps › 1 › to")
            #expect(error.remedy.en.contains("notice"))
        }
    }
}
