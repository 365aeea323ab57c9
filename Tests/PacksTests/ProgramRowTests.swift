// SPDX-License-Identifier: Apache-2.0

import Casework
import Identity
import Lists
import Measure
import Packs
import Primitives
import Rules
import Store
import TestStores
import Testing

/// Rows of the requirements that are programmes: certification, support, evaluation, parks, patents.
@Suite("Programmes on a node")
struct ProgramRowTests {
    /// A certified incubator: its firm, its officer, its certificate.
    private func certified(in bureau: Bureau) async throws -> (firm: Caller, officer: Caller, code: String) {
        let firm = try await bureau.party(2)
        let officer = try await bureau.officer(4, "officer", in: "*")
        let code = try await bureau.opened(
            "incubator-certification", "胡同孵化器", by: firm, checkedBy: officer)
        try await bureau.take(code, "accept", [:], officer)
        for number in UInt64(5)...7 {
            let expert = try await bureau.officer(number, "expert", in: "incubator-certification")
            try await bureau.act(code, .mark(points: 80, comment: ""), expert)
        }
        try await bureau.take(code, "pass", [:], officer)
        try await bureau.take(code, "propose", ["siteReport": "as applied"], officer)
        bureau.pass(days: 8)
        try await bureau.service.tick()
        return (firm, officer, code)
    }

    @Test(
        "S220: the certified stand in the public list with their validity; a revocation takes them out and bars"
    )
    func certifiedList() async throws {
        let bureau = try await Bureau()
        try await bureau.install("incubator")
        let (firm, officer, code) = try await certified(in: bureau)
        let entry = try #require(
            try await bureau.service.view("certified-incubators", for: nil).entries.first)
        #expect(entry.key == code && entry.validUntil == bureau.today().advanced(byMonths: 36))
        try await bureau.take(code, "cancelWithBar", ["reason": "重大变化未按时报告"], officer)
        #expect(try await bureau.entries("certified-incubators").isEmpty)
        let letters = try await bureau.service.look(at: code, for: firm).letters
        #expect(letters.count == 2 && letters.last?.text.zh.contains("重大变化未按时报告") == true)
        let again = await problem {
            _ = try await bureau.service.open(
                "incubator-certification", subject: "again", answers: [:], by: firm)
        }
        #expect(again?.code == "casework.applicant-barred")
        bureau.pass(days: 732)
        #expect(
            await problem {
                _ = try await bureau.service.open(
                    "incubator-certification", subject: "again", answers: [:], by: firm)
            } == nil)
    }

    @Test("S221: a yearly evaluation keeps a score per dimension; the title ends on 31 December")
    func evaluation() async throws {
        let bureau = try await Bureau()
        try await bureau.install("incubator")
        let (firm, officer, certificate) = try await certified(in: bureau)
        let evaluator = try await bureau.officer(8, "evaluator", in: "incubator-evaluation")
        let stray = await problem {
            _ = try await bureau.service.open(
                "incubator-evaluation", subject: "s", answers: ["certificate": "cas-none"], by: firm)
        }
        #expect(stray?.code == "casework.answer-unlisted")
        let code = try await bureau.opened(
            "incubator-evaluation", "胡同孵化器", answers: ["certificate": certificate], by: firm,
            checkedBy: officer)
        let half = await problem { try await bureau.take(code, "score", ["operation": "90"], evaluator) }
        #expect(half?.code == "casework.inputs-missing")
        let scores = ["operation": "90", "mechanism": "85", "service": "88"]
        try await bureau.take(code, "score", scores, evaluator)
        let record = try #require(
            try await bureau.service.look(at: code, for: officer).records.first { $0["action"] == "score" })
        #expect(record["details"]?["mechanism"] == "85")
        try await bureau.take(code, "label", ["reason": "模式与成效突出"], officer)
        #expect(try await bureau.entries("benchmark-incubators").count == 1)
        let label = try await bureau.service.look(at: code, for: firm)
        #expect(label.file.due == CalendarDay("2026-12-31"))
        bureau.pass(days: 300)
        try await bureau.service.tick()
        #expect(try await bureau.state(of: code, for: firm) == "expired")
        #expect(try await bureau.entries("benchmark-incubators").isEmpty)
    }

    @Test("S223: the extra for a library project needs an entry dated before the store's registration")
    func library() throws {
        let book = try Pack(files: try PackFiles.of("first-stores")).book("introducer")
        func amount(entered: JSON) -> Decimal34? {
            book.decide([
                "stores": [
                    [
                        "operatedMonths": 12, "agreementMonths": 24, "isLocal": false,
                        "investment": 2_000_000,
                        "enteredOn": entered, "registeredOn": "2019-06-01",
                    ]
                ]
            ]).amountYuan
        }
        #expect(amount(entered: "2019-05-31") == Decimal34(120_000))
        #expect(amount(entered: "2019-06-01") == Decimal34(100_000))
        #expect(amount(entered: "2019-06-02") == Decimal34(100_000))
    }

    @Test(
        "S227: an invention gets scores by a stored model, the library has criteria, outcomes stand beside the scores"
    )
    func patents() async throws {
        let bureau = try await Bureau()
        try await bureau.install("patents")
        let pack = try Pack(files: try PackFiles.of("patents"))
        let unknown = try pack.book("assessment").decide([
            "novelty": 80, "scope": 60, "maturity": 50, "market": 90,
        ])
        #expect(unknown.verdict == .unknown && unknown.missing.contains("weightNovelty"))
        #expect(unknown.json(in: .en)["defaults"]?["passMark"]?["value"] == .null)
        #expect(try pack.book("library").decide(["isGranted": false, "score": 90]).verdict == .false)
        let inventor = try await bureau.party(2)
        let office = try await bureau.officer(3, "transferOffice", in: "*")
        let code = try await bureau.opened("patent-assessment", "隐私求交", by: inventor, checkedBy: office)
        try await bureau.take(
            code, "assess", ["novelty": "80", "scope": "60", "maturity": "50", "market": "90"], office)
        try await bureau.take(
            code, "enter", ["score": "72", "band": "B", "outcome": "许可", "income": "500000"], office)
        let tally = try await bureau.service.tally("patent-library", by: "band", for: nil)
        #expect(tally.rows.map(\.value) == ["A", "B", "C"])
        let means = tally.rows.compactMap { $0.mean("income")?.description }
        #expect(means == ["750000", "475000", "0"])
        #expect(tally.rows[0].mean("score")?.description == "81.25")
    }

    @Test(
        "S234: rail targets are tracked, matching is computed, and a project's green-channel cases are one list"
    )
    func rail() async throws {
        let bureau = try await Bureau()
        try await bureau.install("rail-parks")
        let plan = try #require(try Pack(files: try PackFiles.of("plan-ledger")).plans.first)
        let rail = plan.targets.filter { $0.source.hasPrefix("002-G7") }
        #expect(rail.map(\.id) == (24...33).map { "T\($0)" })
        let matching = try Pack(files: try PackFiles.of("rail-parks")).book("matching")
        #expect(
            matching.decide(["isUnderFunds": true, "support": 1_000_000]).amountYuan == Decimal34(2_000_000))
        let firm = try await bureau.party(2)
        let officer = try await bureau.officer(3, "serviceOfficer", in: "green-channel")
        for (project, need) in [("东三期", "接电"), ("东三期", "用地"), ("创新中心", "人才")] {
            let code = try await bureau.service.open(
                "green-channel", subject: project, answers: ["need": need], by: firm
            ).code.text
            try await bureau.take(code, "assign", ["department": "发展改革局"], officer)
            let letter = try await bureau.service.look(at: code, for: firm).letters.first
            #expect(letter?.text.zh.contains(need) == true && letter?.text.zh.contains("发展改革局") == true)
        }
        let cases = try await bureau.service.cases(of: "green-channel", about: "东三期", by: officer)
        #expect(cases.count == 2)
        let stranger = try await bureau.party(4)
        let refused = await problem {
            _ = try await bureau.service.cases(of: "green-channel", about: "东三期", by: stranger)
        }
        #expect(refused?.code == "casework.role-missing")
    }

    @Test(
        "S235: a park goes in, under guidance, back, and out; removed, it needs a fresh entry; its score sheet runs"
    )
    func parks() throws {
        let pack = try Pack(files: try PackFiles.of("rail-parks"))
        let story = try #require(pack.scenario)
        #expect(story.play(in: pack) == [])
        let procedure = try #require(pack.procedures.first { $0.id == "characteristic-park" })
        #expect(Set(procedure.steps(from: "guided").map(\.to)) == ["supported", "removed"])
        #expect(procedure.steps(from: "removed").isEmpty)
        #expect(procedure.step("guide")?.scores.map(\.id) == ["cluster", "services", "benefit"])
        let sheet = try pack.book("park-evaluation")
        let given: JSON = [
            "cluster": 60, "services": 70, "benefit": 80, "weightCluster": 2, "weightServices": 1,
            "weightBenefit": 1, "passMark": 67,
        ]
        #expect(sheet.derivedValue("score", given) == 67.5 || sheet.derivedValue("score", given) == "67.5")
        #expect(sheet.decide(given).verdict == .true)
    }

    @Test(
        "S236: a promotion body's agreement has goals, and its yearly score five contents, shown with evidence"
    )
    func promotionBodies() async throws {
        let bureau = try await Bureau()
        try await bureau.install("rail-parks")
        let body = try await bureau.party(2)
        let subpark = try await bureau.officer(3, "subpark", in: "promotion-body")
        let code = try await bureau.opened(
            "promotion-body", "轨道促进中心", answers: ["park": "丰台园", "goals": "引入20家企业"], by: body,
            checkedBy: subpark)
        try await bureau.take(code, "sign", [:], subpark)
        bureau.pass(days: 360)
        var scores = [
            "cluster": "80", "ecosystem": "70", "imports": "90", "income": "60", "evidence": "年度报告、入驻名单",
        ]
        let four = await problem { [scores] in try await bureau.take(code, "assess", scores, subpark) }
        #expect(four?.code == "casework.inputs-missing")
        scores["satisfaction"] = "85"
        try await bureau.take(code, "assess", scores, subpark)
        let view = try await bureau.service.look(at: code, for: body)
        #expect(view.file.state == "inForce")
        let letter = try #require(view.letters.first?.text.zh)
        for words in ["引入20家企业", "年度报告、入驻名单", "创新主体服务满意度 85"] { #expect(letter.contains(words)) }
    }

    @Test("S237: parks report figures every month; a major matter has its time, and a late one is found")
    func monitoring() async throws {
        let bureau = try await Bureau()
        var files = try PackFiles.of("rail-parks")
        // The authority sets what the source leaves open: three days.
        files["pack.yaml"] = files["pack.yaml"]?.replacing("2020-10-26", with: "2026-01-01")
        files["rules/timely-report.yaml"] = files["rules/timely-report.yaml"]?
            .replacing("daysMax: {value: null", with: "daysMax: {value: 3")
            .replacing(
                "  - {id: PRK-08c, facts: {occurredOn: 2021-03-01, writtenOn: 2021-03-09}, expect: {verdict: unknown, missing: [daysMax]}}\n",
                with: "")
        _ = try await bureau.service.add(files, by: bureau.operatorCaller)
        let park = try await bureau.officer(2, "parkOfficer", in: "*")
        let service = bureau.service
        for month in ["2026-01", "2026-02"] {
            _ = try await service.put(
                [
                    [
                        "record": .string("轨道园-" + month), "park": "轨道园", "month": .string(month),
                        "enterprises": 40, "income": 900,
                    ]
                ], in: "park-figures", by: park)
        }
        #expect(
            try await service.tally("park-figures", by: "park", for: park).rows.first?.sums["income"]
                == Decimal34(1800))
        let hidden = await problem { _ = try await service.view("park-figures", for: nil) }
        #expect(hidden?.code == "lists.reader-refused")
        func matter(_ id: String, _ day: String) -> JSON {
            ["matter": .string(id), "park": "轨道园", "what": "停电", "occurredOn": .string(day)]
        }
        _ = try await service.put([matter("1", "2026-03-01")], in: "major-matters", by: park)
        bureau.pass(days: 10)
        _ = try await service.put([matter("2", "2026-03-01")], in: "major-matters", by: park)
        let report = try await service.eligible(
            "rail-parks", list: "major-matters", by: bureau.operatorCaller)
        let timely = try #require(report["timely-report"])
        #expect(timely["eligible"]?.array?.compactMap { $0["id"]?.text } == ["1"])
        #expect(timely["refusedIds"]?.array?.compactMap(\.text) == ["2"])
        let history = try await service.history(of: "1", in: "major-matters", for: park)
        #expect(history.first?["writtenAt"]?.text?.hasPrefix("2026-03-02T") == true)
    }

    @Test(
        "S243: a hit blocks at submission and again at the award, with the list's name, the entry and its date"
    )
    func exclusions() async throws {
        let bureau = try await Bureau()
        try await bureau.install("exclusion-lists", "first-stores")
        let firm = try await bureau.party(2)
        let good = "91110000MA0000001L"
        func apply(_ project: String, _ creditCode: String) async -> Problem? {
            await problem {
                _ = try await bureau.service.open(
                    "first-store-support", subject: project,
                    answers: ["creditCode": creditCode, "project": project], by: firm)
            }
        }
        let listed = await apply("p", "91350100M000100Y43")
        #expect(listed?.code == "casework.applicant-listed")
        #expect(listed?.arguments["entry"] == .text("91350100M000100Y43"))
        #expect(listed?.arguments["day"] == .text(bureau.today().description))
        #expect(listed?.arguments["list"] != nil)
        let twice = await apply("示例项目", good)
        #expect(twice?.code == "casework.applicant-listed", "the same project under another funding record")
        let district = try await bureau.officer(3, "district", in: "first-store-support")
        let city = try await bureau.officer(4, "city", in: "first-store-support")
        let code = try await bureau.opened(
            "first-store-support", "前门首店", answers: ["creditCode": good, "project": "前门首店"], by: firm,
            checkedBy: district)
        try await bureau.take(code, "recommend", [:], district)
        let funding = try await bureau.officer(5, "fundingOfficer", in: "funding-records")
        _ = try await bureau.service.put(
            [["project": "前门首店", "fund": "另一资金", "year": 2026]], in: "funding-records", by: funding)
        let award = await problem { try await bureau.take(code, "award", ["amount": "500000"], city) }
        #expect(award?.code == "casework.applicant-listed")
        #expect(award?.arguments["entry"] == .text("前门首店"))
        try await bureau.service.remove("前门首店", from: "funding-records", by: funding)
        try await bureau.take(code, "award", ["amount": "500000"], city)
    }
}
