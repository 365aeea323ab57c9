// SPDX-License-Identifier: Apache-2.0

import Classification
import Collect
import Foundation
import Primitives
import Scan
import Tables
import TablesDuckDB
import Testing

@Suite("De-identification")
struct DeidentificationTests {
    static let recipe = """
        recipe: patients
        k: 5
        l: 2
        columns:
          id_card: hash
          mobile: {mask: {first: 3, last: 4}}
          card: encrypt
          ward: tokenize
          name: suppress
          visit: {truncate: month}
          age: quasi
          sex: quasi
          zip: quasi
          disease: sensitive
        """

    private func bench(_ rows: Int = 2000) async throws -> (any TableEngine, TemporaryFolder) {
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        try await engine.execute(
            """
            CREATE TABLE t AS SELECT '11010519491231002X' AS id_card, '13800138' || (100 + range % 900) AS mobile,
                (6222020000000000 + range * 7919)::VARCHAR AS card, '张伟' AS name, 'W' || range % 9 AS ward,
                DATE '2024-01-15' + (range % 300)::INTEGER AS visit, (hash(range) % 73 + 18)::INTEGER AS age,
                ['F', 'M'][(hash(range * 3) % 2 + 1)::INTEGER] AS sex,
                (100000 + hash(range * 7) % 400 * 100)::VARCHAR AS zip,
                chr(65 + (hash(range * 11) % 10)::INTEGER) AS disease FROM range(\(rows))
            """)
        return (engine, try TemporaryFolder())
    }

    private func run(
        _ recipe: String, _ engine: any TableEngine, _ folder: TemporaryFolder
    ) async throws -> (Deidentification, DeidentificationReport) {
        let job = Deidentification(
            try DeidentificationRecipe(declaration(recipe)), key: Redacted(Array(0..<32)), engine: engine,
            folder: folder.root, job: "job")
        return (job, try await job.run(on: "t"))
    }

    @Test("S04: a job reports rows, k, the largest risk and the loss; an independent count confirms k and ℓ")
    func report() async throws {
        let (engine, folder) = try await bench()
        let (job, report) = try await run(Self.recipe, engine, folder)
        let counted = try await engine.rows(
            "SELECT min(n), min(d) FROM (SELECT count(*) n, count(DISTINCT disease) d FROM \(job.result) GROUP BY age, sex, zip)"
        )
        guard case .integer(let k) = counted.rows[0][0], case .integer(let l) = counted.rows[0][1] else {
            Issue.record("no counts")
            return
        }
        #expect(Int(k) == report.kAfter && report.kAfter >= 5)
        #expect(Int(l) == report.lAfter && report.lAfter >= 2)
        #expect(report.kBefore == 1)
        #expect(report.rowCount == 2000)
        #expect(report.prosecutorRisk <= 0.2)
        #expect(report.informationLoss > 0 && report.informationLoss < 0.5)
        #expect(report.isAccepted)
        #expect(report.effectLevel >= 2)
    }

    @Test("S04: masked, hashed, encrypted, tokenized and suppressed columns hold no original value")
    func transformed() async throws {
        let (engine, folder) = try await bench(200)
        let (job, _) = try await run(Self.recipe, engine, folder)
        let answer = try await engine.rows(
            "SELECT id_card, mobile, card, ward, visit::VARCHAR FROM \(job.result) ORDER BY visit LIMIT 1")
        let row = answer.rows[0].map { $0.written ?? "" }
        #expect(row[0].count == 32)
        #expect(row[1].wholeMatch(of: /138\*{4}\d{4}/) != nil)
        #expect(row[2].count == 16 && row[2].allSatisfy(\.isNumber))
        #expect(row[3].count == 32)
        #expect(row[4] == "2024-01-01")
        let shared = try await engine.rows(
            "SELECT count(*) FROM t WHERE card IN (SELECT card FROM \(job.result)) OR ward IN (SELECT ward FROM \(job.result))"
        )
        #expect(shared.rows == [[.integer(0)]])
        #expect(try await engine.columns(of: .named(job.result)).contains { $0.name == "name" } == false)
        let vault = try await engine.rows("SELECT count(*) FROM \(job.vault)")
        #expect(vault.rows == [[.integer(9)]])
    }

    @Test("S04: a result that still holds a direct identifier is failed and cannot be released")
    func failed() async throws {
        let (engine, folder) = try await bench(100)
        let (_, report) = try await run("recipe: r\ncolumns: {age: quasi}\n", engine, folder)
        #expect(report.remaining["id_card"] == "resident-id")
        #expect(report.effectLevel == 1)
        #expect(!report.isAccepted)
    }

    @Test("a demand no grouping can meet is refused before anything is written")
    func impossible() async throws {
        let (engine, folder) = try await bench(4)
        await #expect(throws: Problem.self) { _ = try await run(Self.recipe, engine, folder) }
    }

    @Test("t-closeness keeps every group's sensitive values near the table's")
    func closeness() async throws {
        let (engine, folder) = try await bench()
        let (job, _) = try await run(Self.recipe.replacing("l: 2", with: "l: 1\nt: 0.3"), engine, folder)
        let distance = try await engine.rows(
            """
            WITH g AS (SELECT age, sex, zip, disease, count(*) c FROM \(job.result) GROUP BY ALL),
            s AS (SELECT age, sex, zip, sum(c) n FROM g GROUP BY ALL),
            w AS (SELECT disease, count(*) / (SELECT count(*) FROM t) p FROM t GROUP BY 1)
            SELECT max(d) FROM (SELECT s.age, s.sex, s.zip, sum(abs(coalesce(g.c, 0) / s.n - w.p)) / 2 AS d
                FROM s CROSS JOIN w LEFT JOIN g ON g.age = s.age AND g.sex = s.sex AND g.zip = s.zip AND g.disease = w.disease
                GROUP BY ALL)
            """)
        #expect((distance.rows[0][0].approximate ?? 1) <= 0.3 + 1e-9)
    }
}

@Suite("Grades")
struct GradeTests {
    private func evidence(_ column: String, _ kind: SensitiveKind?, rows: Int = 100) -> ColumnEvidence {
        let counts = kind.map {
            [
                ColumnEvidence.Count(
                    kind: $0, rowCount: rows, wholeCount: rows, evidence: .checked, example: "1*")
            ]
        }
        return ColumnEvidence(column: column, sampledCount: 100, counts: counts ?? [])
    }

    @Test(
        "S114: a rule classifies each column and says why; the table takes the strictest; changes show as differences"
    )
    func grading() throws {
        let old = [evidence("id", .residentID), evidence("city", nil)].map { GradeProposal($0, rowCount: 10) }
        #expect(old.map(\.grade) == [.general4, .general1])
        #expect(old.map(\.rule) == ["kind:resident-id", "default"])
        #expect(old.tableGrade == .general4)
        #expect(old[0].dataClass.isSensitivePersonal)
        let new = [evidence("id", .residentID), evidence("city", .mobile)].map {
            GradeProposal($0, rowCount: 10)
        }
        #expect(
            GradeDifference.between(old, new) == [
                GradeDifference(column: "city", before: .general1, after: .general3)
            ])
    }

    @Test("S114: another grade than the proposed one needs a reason, core always")
    func decisions() throws {
        let proposal = GradeProposal(evidence("id", .residentID), rowCount: 10)
        #expect(throws: Problem.self) {
            _ = try GradeDecision(proposal, grade: .general2, by: "Li", reason: " ")
        }
        #expect(throws: Problem.self) { _ = try GradeDecision(proposal, grade: .core, by: "Li", reason: nil) }
        #expect(try GradeDecision(proposal, grade: .general4, by: "Li", reason: nil).grade == .general4)
        #expect(
            try GradeDecision(proposal, grade: .general2, by: "Li", reason: "sample data").grade == .general2)
    }

    @Test("S115: a dated catalog makes a column suspected important; differences either way are listed")
    func catalog() throws {
        let catalog = try ImportantDataCatalog(
            declaration(
                """
                sector: health
                title: {zh: 卫生健康重要数据目录（示例）, en: Health catalog (sample)}
                version: "2026-01"
                asOf: "2026-01-01"
                items:
                  - {name: genome, words: [genome, 基因], rowsMin: 1}
                  - {name: many identities, kinds: [resident-id], rowsMin: 1000000}
                """))
        let proposals = [
            GradeProposal(evidence("genome_seq", nil), rowCount: 10, catalogs: [catalog]),
            GradeProposal(evidence("id", .residentID), rowCount: 10, catalogs: [catalog]),
            GradeProposal(evidence("id2", .residentID), rowCount: 2_000_000, catalogs: [catalog]),
        ]
        #expect(proposals.map(\.grade) == [.important, .general4, .important])
        #expect(proposals[0].reasons[0].zh.contains("疑似重要数据，建议级别"))
        let differences = catalog.differences(from: Array(proposals.prefix(2)))
        #expect(differences.unused == ["many identities"])
        #expect(differences.ungrounded == [])
    }

    @Test("S116: the grade decides encryption, masking, approval, logging and export, cell by cell")
    func measures() {
        let table = DataGrade.allCases.map { ProtectionMeasures(for: $0) }
        #expect(table.map(\.encryptedAtRest) == [false, false, true, true, true, true])
        #expect(table.map(\.masking) == [.none, .none, .display, .stored, .stored, .stored])
        #expect(table.map(\.approval) == [.none, .holder, .holder, .twoPersons, .authority, .authority])
        #expect(table.map(\.everyReadLogged) == [false, false, true, true, true, true])
        #expect(
            table.map(\.abroad) == [.free, .byThreshold, .byThreshold, .byThreshold, .assessment, .refused])
    }

    @Test("the grade table of GB/T 43697: who is harmed and how badly")
    func harm() {
        #expect(DataGrade.required(harmTo: .nationalSecurity, degree: .general) == .important)
        #expect(DataGrade.required(harmTo: .economy, degree: .especiallySerious) == .core)
        #expect(DataGrade.required(harmTo: .personOrOrganization, degree: .especiallySerious) == .general4)
        #expect(DataGrade.allCases.max() == .core)
    }

    @Test("S119: columns are found by content and by header, values are shown masked")
    func columns() async throws {
        let engine = try DuckDBEngineFactory().open(EngineLimits())
        try await engine.execute(
            """
            CREATE TABLE t AS SELECT * FROM (VALUES ('11010519491231002X', 'ZY20200101', '投诉电话13912345678', 1.5),
                ('440524188001010014', 'ZY20200102', NULL, 2.5)) v(a, 病历号, note, x)
            """)
        let evidence = try await Discovery.evidence(of: "t", rowCount: 2, engine: engine)
        #expect(
            evidence.map { $0.counts.first?.kind.word } == ["resident-id", "medical-record", "mobile", nil])
        #expect(evidence[0].counts[0].wholeCount == 2)
        #expect(evidence[2].counts[0].wholeCount == 0)
        #expect(evidence[0].counts[0].example.filter { $0 == "*" }.count >= 12)
    }
}
