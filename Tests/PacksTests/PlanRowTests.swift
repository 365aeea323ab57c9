// SPDX-License-Identifier: Apache-2.0

import Identity
import Lists
import Measure
import Packs
import Primitives
import Rules
import Store
import TestStores
import Testing
import Trade

/// Rows of the requirements that are ledgers: tasks, projects, rounds, policies, targets.
@Suite("The plan ledger")
struct PlanRowTests {
    private func plan(_ tasks: String) throws -> ActionPlan {
        let pack = try Pack(files: [
            "pack.yaml": "id: x\nversion: 2020-01-01\ntitle: x\n",
            "plans/p.yaml": "id: p\ntitle: p\n" + tasks,
        ])
        return try #require(pack.plans.first)
    }

    private func day(_ text: String) throws -> CalendarDay { try #require(CalendarDay(text)) }

    private func ledger() async throws -> (Bureau, Caller) {
        let bureau = try await Bureau()
        try await bureau.install("directories", "plan-ledger")
        return (bureau, try await bureau.officer(2, "planOfficer", in: "*"))
    }

    @Test("S150: a task has clause, lead, co-leads, due date and milestones; its state follows from the day")
    func taskLedger() throws {
        let plan = try plan(
            """
            tasks:
              - {id: A, title: a, lead: 甲, coLeads: [乙], source: 三(一), due: 2021-12-31, milestones: [{title: m, due: 2021-03-01, done: true}, {title: n, due: 2021-09-01}]}
              - {id: B, title: b, lead: 丙, source: 三(二), due: 2021-12-31, done: true}
              - {id: C, title: c, lead: 丁, source: 三(三)}
            """)
        let task = plan.tasks[0]
        #expect(task.source == "三(一)" && task.coLeads == ["乙"] && task.milestones.count == 2)
        #expect(task.light(on: try day("2021-08-01")) == .onTime)
        #expect(task.light(on: try day("2021-09-02")) == .atRisk)
        #expect(task.light(on: try day("2022-01-01")) == .late)
        #expect(plan.tasks[1].light(on: try day("2022-01-01")) == .done)
        #expect(plan.tasks[2].light(on: try day("2022-01-01")) == .unknown)
        #expect(plan.leads == ["甲", "乙", "丁"])
    }

    @Test("S150, S152: a round asks every lead, reminds the silent ones once a stage, and sums up what came")
    func rounds() async throws {
        let (bureau, officer) = try await ledger()
        let service = bureau.service
        let lead = try await bureau.officer(3, "lead", in: "*")
        _ = try await service.put(
            [["lead": "主管部门", "party": .string(Code(.party, lead.party).text)]], in: "plan-leads", by: officer
        )
        // Opened on Monday 2026-03-02; due after two weeks.
        _ = try await service.put(
            [["round": "2026Q1", "opensOn": "2026-03-02", "dueOn": "2026-03-16"]], in: "report-rounds",
            by: officer)
        func stages() async throws -> [String] {
            try await bureau.store.read { reader throws(Problem) in
                try Notices.inbox(of: lead.party, in: reader).compactMap { $0.document["stage"]?.text }
            }.reversed()
        }
        #expect(try await stages() == ["opened"])
        let round = try await service.round("2026Q1")
        #expect(round.asked == ["主管部门"] && round.silent == ["主管部门"])
        #expect(round.summary(in: .zh).contains("尚未报送：主管部门"))
        bureau.pass(days: 11)
        try await service.tick()
        try await service.tick()
        #expect(try await stages() == ["opened", "due"])
        bureau.pass(days: 4)
        try await service.tick()
        #expect(try await stages() == ["opened", "due", "overdue"])
        _ = try await service.put(
            [
                [
                    "report": "2026Q1-主管部门", "round": "2026Q1", "lead": "主管部门", "progress": "完成三项",
                    "highlights": "首个节点上线", "problems": "数据标准未定",
                ]
            ], in: "progress-reports", by: lead)
        let after = try await service.round("2026Q1")
        #expect(after.silent.isEmpty)
        for words in ["完成三项", "首个节点上线", "数据标准未定"] { #expect(after.summary(in: .zh).contains(words)) }
        #expect(after.json(on: bureau.today(), in: .en)["overdue"] == false)
        let unknown = await problem { _ = try await service.round("2027Q1") }
        #expect(unknown?.code == "packs.round-missing")
    }

    @Test(
        "S151: 92 projects come from a file, link to tasks, and their totals by action are those of the list")
    func projects() async throws {
        let (bureau, officer) = try await ledger()
        let rows = (1...92).map { number in
            "项目\(number),行动\((number - 1) % 15 + 1),D\(number % 24 < 9 ? "0" : "")\(number % 24 + 1),海淀区,\(number * 100),\(number * 40),验收单\(number),通过,"
        }
        let csv =
            "project,action,task,lead,planned,spent,evidence,midEvaluation,endEvaluation\n"
            + rows.joined(separator: "\n") + "\n"
        #expect(try await bureau.service.put(csv: csv, in: "projects", by: officer) == 92)
        let tally = try await bureau.service.tally("projects", by: "action", for: nil)
        #expect(tally.rows.count == 15 && tally.total.count == 92)
        #expect(tally.rows.reduce(0) { $0 + $1.count } == 92)
        #expect(tally.total.sums["planned"] == Decimal34(92 * 93 / 2 * 100))
        let parts = tally.rows.compactMap { $0.sums["spent"] }
        #expect(parts.reduce(Decimal34.zero as Decimal34?) { $0?.adding($1) } == tally.total.sums["spent"])
        let stray: JSON = ["project": "x", "action": "a", "task": "D99", "lead": "l", "planned": 1]
        let dangling = await problem {
            _ = try await bureau.service.put([stray], in: "projects", by: officer)
        }
        #expect(dangling?.code == "lists.reference-missing")
        let unknown = await problem { _ = try await bureau.service.tally("projects", by: "sum", for: nil) }
        #expect(unknown?.code == "lists.field-missing")
    }

    @Test(
        "S153: a policy's state follows from the day, an enterprise finds those that apply, the roadmap links to tasks"
    )
    func policies() async throws {
        let (bureau, officer) = try await ledger()
        let service = bureau.service
        try await bureau.appoint(officer, "directoryOfficer", in: "*")
        _ = try await service.put(
            [
                ["code": "91350100M000100Y43", "name": "n", "field": "人工智能"]
            ], in: "enterprises", by: officer)
        _ = try await service.put(
            [
                [
                    "number": "N1", "title": "t", "issuer": "i", "issuedOn": "2026-01-01", "fields": ["区块链"],
                    "clauses": ["一"],
                ],
                [
                    "number": "N2", "title": "t", "issuer": "i", "issuedOn": "2026-01-01", "fields": ["人工智能"],
                    "parks": ["海淀园"],
                ],
                [
                    "number": "N3", "title": "t", "issuer": "i", "issuedOn": "2026-01-01",
                    "validFrom": "2027-01-01",
                ],
            ], in: "policies", by: officer)
        let fits = try await service.fits("policies", for: "91350100M000100Y43", as: nil)
        let found = Dictionary(uniqueKeysWithValues: fits.map { ($0.entry.key, $0.unknown) })
        #expect(found["N1"] == nil && found["N2"] == ["park"] && found["N3"] == nil)
        #expect(found["京科发〔2020〕13号"] == [])
        let all = try await service.view("policies", includesAll: true, for: nil)
        let states = Dictionary(
            uniqueKeysWithValues: all.entries.map { ($0.key, $0.validity(on: bureau.today())) })
        #expect(states["N3"] == .upcoming && states["N2"] == .inForce)
        #expect(states["京商消促字〔2020〕48号"] == .ended)
        let node: JSON = ["node": "隐私计算", "year": 2027, "what": "w", "task": "D24"]
        _ = try await service.put([node], in: "roadmap", by: officer)
        let stray: JSON = ["node": "x", "year": 2027, "what": "w", "task": "Z9"]
        let dangling = await problem { _ = try await service.put([stray], in: "roadmap", by: officer) }
        #expect(dangling?.code == "lists.reference-missing")
    }

    @Test(
        "S154: a wrong unit or an unknown base is shown, never guessed; 55 % by 2022 and 50 % by 2025 stay side by side"
    )
    func targets() throws {
        let plan = try plan(
            """
            targets:
              - {id: T, title: t, operator: atLeast, value: 10, unit: 亿元, year: 2022, source: s, actual: {year: 2021, value: 5, unit: 亿元}}
              - {id: U, title: t, operator: atLeast, value: 10, unit: 亿元, year: 2022, source: s, actual: {year: 2021, value: 50000, unit: 万元}}
              - {id: V, title: t, operator: atLeast, value: 10, unit: 亿元, year: 2022, source: s}
              - {id: W, title: t, operator: qualitative, source: s}
            """)
        let today = try day("2022-06-01")
        #expect(plan.targets.map { $0.light(on: today) } == [.atRisk, .unknown, .unknown, .unknown])
        #expect(plan.targets.map(\.gap) == [nil, .unitDiffers, .figureAbsent, .numberAbsent])
        #expect(plan.targets[0].neededGrowthPercent?.description == "100.00")
        #expect(plan.targets[1].neededGrowthPercent == nil)
        let ledger = try #require(try Pack(files: try PackFiles.of("plan-ledger")).plans.first)
        let both = ledger.targets.filter { ["T06", "T07"].contains($0.id) }
        #expect(
            both.compactMap { $0.value?.description } == ["55", "50"] && Set(both.map(\.source)).count == 2)
    }
}

/// Rows of the requirements about published measurement.
@Suite("A published index")
struct ReportRowTests {
    @Test(
        "S147: a report is computed from frozen figures; a published version stays, a correction says what it corrects"
    )
    func publishes() async throws {
        let bureau = try await Bureau()
        try await bureau.install("city-index")
        let service = bureau.service
        let figures = try #require(try PackFiles.of("city-index")["samples/cities.csv"])
        func publish(_ figures: String, _ note: String = "") async throws -> IndexReport {
            try await service.publish(
                "benchmark", period: "2025", figures: figures, note: note, by: bureau.operatorCaller)
        }
        let first = try await publish(figures)
        #expect(first.version == 1)
        #expect(try await publish(figures).version == 1, "the same figures publish nothing new")
        let corrected = figures.replacing("示例城市甲,2025", with: "示例城市甲,2026")
        #expect(await problem { _ = try await publish(corrected) }?.code == "measure.note-missing")
        let second = try await publish(corrected, "甲市年份更正")
        #expect(second.version == 2 && second.digest != first.digest)
        let kept = try await service.report("benchmark", period: "2025", version: 1)
        #expect(kept.digest == first.digest && kept.figures == figures)
        #expect(try kept.result().scores == first.result().scores)
        #expect(try await bureau.logText().contains(first.digest.hex))
        let broken = await problem { _ = try await publish("city,year\nx,2025\n", "n") }
        #expect(broken?.code == "measure.column-missing")
        let stranger = try await bureau.party(2)
        let refused = await problem {
            _ = try await service.publish("benchmark", period: "p", figures: figures, note: "", by: stranger)
        }
        #expect(refused?.kind == .forbidden)
        let json = try kept.fullJSON(in: .zh)
        #expect(json["defaultWeights"] == true && json["lines"]?.array?.count == 18)
    }
}
