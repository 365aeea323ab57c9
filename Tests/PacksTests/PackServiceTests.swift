// SPDX-License-Identifier: Apache-2.0

import Casework
import Identity
import Lists
import Packs
import Primitives
import Rules
import Store
import TestStores
import Testing
import Trade

@Suite("Packs on a node")
struct PackServiceTests {
    private static let materials = ["M1", "M2", "M3", "M4"]

    @Test(
        "a firm applies, is told what is missing, follows the clock, and an outsider's objection holds it up")
    func certifies() async throws {
        let bureau = try await Bureau()
        try await bureau.install("incubator")
        let (firm, rival) = (try await bureau.party(2), try await bureau.party(3))
        let officer = try await bureau.officer(4, "officer", in: "incubator-certification")
        let service = bureau.service
        let code = try await service.open(
            "incubator-certification", subject: "胡同孵化器", answers: [:], by: firm
        ).code.text
        func act(_ action: CaseAction, _ caller: Caller) async throws {
            _ = try await service.act(on: code, action, by: caller)
        }
        let missing = await problem { try await act(.take(step: "accept", inputs: [:]), officer) }
        #expect(missing?.code == "casework.material-missing")
        for id in Self.materials {
            try await act(.submit(material: id, file: Digest(of: id)), firm)
            try await act(.check(material: id, isAccepted: true, reason: ""), officer)
        }
        try await act(.take(step: "accept", inputs: [:]), officer)
        for number in UInt64(5)...7 {
            let expert = try await bureau.officer(number, "expert", in: "incubator-certification")
            try await act(.mark(points: 80, comment: ""), expert)
        }
        try await act(.take(step: "pass", inputs: [:]), officer)
        let hidden = await problem { _ = try await service.look(at: code, for: rival) }
        #expect(hidden?.code == "casework.case-missing")
        try await act(.take(step: "propose", inputs: ["siteReport": "as applied"]), officer)
        let notice = try await service.look(at: code, for: rival)
        #expect(notice.isOutsider && notice.json(in: .en)["answers"] == nil)
        #expect(try await service.notices().count == 1)
        try await act(.object(reason: "the rooms are ours"), rival)
        bureau.pass(days: 20)
        try await service.tick()
        #expect(try await service.look(at: code, for: firm).file.state == "notice")
        try await act(.resolve(objection: 0, isUpheld: false, reason: "checked"), officer)
        try await service.tick()
        let certified = try await service.look(at: code, for: firm)
        #expect(certified.file.state == "certified")
        #expect(certified.letters.first?.text.zh.contains("经认定") == true)
        #expect(!(try await bureau.logText()).contains("the rooms are ours"))
        bureau.pass(days: 3 * 366)
        try await service.tick()
        #expect(try await service.look(at: code, for: firm).file.state == "expired")
    }

    @Test("a deadline that passes is told to whoever should have acted, once, and the case stays theirs")
    func overdue() async throws {
        let bureau = try await Bureau()
        try await bureau.install("incubator")
        let firm = try await bureau.party(2)
        let officer = try await bureau.officer(4, "officer", in: "incubator-certification")
        let code = try await bureau.service.open(
            "incubator-certification", subject: "s", answers: [:], by: firm
        ).code.text
        bureau.pass(days: 40)
        try await bureau.service.tick()
        bureau.pass(days: 1)
        try await bureau.service.tick()
        let notices = try await bureau.store.read { reader throws(Problem) in
            try Notices.inbox(of: officer.party, in: reader)
        }
        #expect(notices.map(\.kind) == ["case-overdue"] && notices.first?.subjectCode == code)
        #expect(try await bureau.service.look(at: code, for: officer).isOverdue)
    }

    @Test("a version is installed once; a decision keeps the version it was taken under")
    func versions() async throws {
        let bureau = try await Bureau()
        try await bureau.install("incubator")
        let firm = try await bureau.party(2)
        let facts: JSON = ["mentorServices": 49]
        let old = try await bureau.service.decide(
            "incubator", of: "incubator", over: facts, asOf: nil, in: .en, by: firm)
        var files = try PackFiles.of("incubator")
        let changed = files["rules/incubator.yaml"]?.replacing(
            "mentorServices >= 50", with: "mentorServices >= 40"
        )
        .replacing(
            "INC-T4a, facts: {mentorServices: 49}, expect: {clauses: {INC-07: false}, verdict: false}",
            with: "INC-T4a, facts: {mentorServices: 39}, expect: {clauses: {INC-07: false}, verdict: false}")
        files["rules/incubator.yaml"] = changed
        let taken = await problem { [files] in
            _ = try await bureau.service.add(files, by: bureau.operatorCaller)
        }
        #expect(taken?.code == "packs.version-taken")
        files["pack.yaml"] = files["pack.yaml"]?.replacing("2020-08-27", with: "2025-01-01")
        _ = try await bureau.service.add(files, by: bureau.operatorCaller)
        let new = try await bureau.service.decide(
            "incubator", of: "incubator", over: facts, asOf: nil, in: .en, by: firm)
        #expect(old["verdict"] == "false" && new["verdict"] == "unknown")
        let kept = try await bureau.service.decision(old["decision"]?.text ?? "", for: firm)
        #expect(kept["version"] == "2020-08-27" && kept["defaults"]?["staffMax"] != nil)
        let then = try await bureau.service.decide(
            "incubator", of: "incubator", over: facts, asOf: CalendarDay("2022-01-01"), in: .en, by: firm)
        #expect(then["version"] == "2020-08-27")
    }

    @Test("the verdicts over a register are those of the decisions with reasons, for every rule of the house")
    func programAgrees() throws {
        var random = SeededRandom(seed: 9)
        for name in [
            "incubator", "first-stores", "inbound-tourism", "experience-bases", "rail-parks", "patents",
        ] {
            let pack = try Pack(files: try PackFiles.of(name))
            for book in pack.rules {
                let examples = pack.examples.filter { $0.rule == book.id }.flatMap(\.facts)
                let program = RuleProgram(book)
                for _ in 0..<150 {
                    var facts: [String: JSON] = [:]
                    for fact in program.facts {
                        facts[fact] = examples.compactMap { $0[fact] }.randomElement(using: &random)
                        if Int.random(in: 0..<6, using: &random) == 0 { facts[fact] = nil }
                    }
                    let row = program.row(.object(facts))
                    let verdict = program.verdicts(of: [row][...])[0]
                    #expect(verdict == book.decide(.object(facts)).verdict, "\(book.id) \(facts)")
                }
            }
        }
    }
}
