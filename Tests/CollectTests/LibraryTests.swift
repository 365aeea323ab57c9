// SPDX-License-Identifier: Apache-2.0

import Classification
import Collect
import Foundation
import Identity
import Primitives
import Scan
import Store
import StoreSQLite
import Tables
import Testing

@Suite("Libraries and rules")
struct LibraryTests {
    @Test("S12: two annotators, kappa, a third for disagreements, and an export of accepted labels alone")
    func annotation() async throws {
        let bench = try await IntakeBench()
        try await bench.store.write { writing throws(Problem) in
            let set = try AnnotationLibrary.enter("sign", labels: ["cat", "dog", "none"], in: writing)
            #expect(try AnnotationLibrary.enter("sign", labels: ["cat", "dog"], in: writing).version == 2)
            // 10 items: agreed on 4 cats and 3 dogs, not on three.
            for (item, (first, second)) in zip(
                0..<10,
                [
                    ("cat", "cat"), ("cat", "cat"), ("cat", "cat"), ("cat", "cat"), ("dog", "dog"),
                    ("dog", "dog"),
                    ("dog", "dog"), ("cat", "dog"), ("dog", "cat"), ("cat", "none"),
                ])
            {
                try AnnotationLibrary.label("i\(item)", as: first, by: "Li", set: set, in: writing)
                try AnnotationLibrary.label("i\(item)", as: second, by: "Wang", set: set, in: writing)
            }
            let agreement = try AnnotationLibrary.agreement(of: "Li", and: "Wang", set: set, in: writing)
            #expect(agreement.itemCount == 10 && agreement.agreedCount == 7)
            // p_o 0.7; p_e = 0.6·0.5 + 0.4·0.4 + 0·0.1 = 0.46; kappa = 0.24 / 0.54.
            #expect(abs((agreement.kappa ?? 0) - 0.24 / 0.54) < 1e-12)
            #expect(try AnnotationLibrary.disagreements(set: set, in: writing) == ["i7", "i8", "i9"])
            func code(_ item: String, _ label: String, _ person: String) -> String? {
                do throws(Problem) {
                    try AnnotationLibrary.label(item, as: label, by: person, set: set, in: writing)
                    return nil
                } catch {
                    return error.code
                }
            }
            #expect(code("i0", "cat", "Zhao") == "collect.item-settled")
            #expect(code("i7", "cat", "Li") == "collect.label-taken")
            #expect(code("i7", "cow", "Zhao") == "collect.label-unknown")
            #expect(code("i7", "dog", "Zhao") == nil)
            #expect(code("i9", "dog", "Zhao") == nil)
            #expect(code("i9", "dog", "Sun") == "collect.item-settled")
            let exported = try AnnotationLibrary.export(set: set, in: writing)
            #expect(exported.map(\.item) == ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"])
            #expect(exported.last?.annotators.sorted() == ["Wang", "Zhao"] && exported.last?.version == 1)
        }
    }

    @Test(
        "S05: sources of government, enterprise and outside bodies are found by one search, with owner and conditions"
    )
    func library() async throws {
        let bench = try await IntakeBench()
        for (kind, owner) in [
            (SourceKind.government, "Bureau"), (.enterprise, "Bus Co"), (.outsideBody, "Institute"),
        ] {
            var source = SourceDeclaration.sample()
            (source.kind, source.owner, source.useConditions) = (kind, owner, "by \(owner)")
            let entered = try await bench.enter(source)
            let file = try bench.folder.write("\(owner).csv", Array("a\n\(owner)\n".utf8))
            _ = try await bench.intake.receive(DeliveryOffer(source: entered.id, files: [file]))
        }
        let found = try await bench.store.read { reading throws(Problem) in
            try SourceRegister.search("Air", in: reading)
        }
        #expect(Set(found.map(\.kind)) == [.government, .enterprise, .outsideBody])
        #expect(Set(found.map(\.owner)) == ["Bureau", "Bus Co", "Institute"])
        #expect(found.allSatisfy { $0.useConditions == "by " + $0.owner })
        #expect(try await bench.deliveries(of: found[0]).count == 1)
    }

    @Test("S119: a recognizer declared in a pack finds its kind by form, check and header, and nothing else")
    func declared() async throws {
        var rules = GradingRules()
        try rules.add(
            declaration(
                """
                version: "1"
                recognizers:
                  - {kind: transit-card, title: 一卡通, class: personal-whereabouts, grade: general-3, form: "1000[0-9]{12}", headers: [transit]}
                  - {kind: part, title: part, class: business, grade: general-1, form: "[A-Z]{2}-?[0-9]{2,4}x?", check: none}
                  - {kind: order, title: order, class: business, grade: general-2, form: "[0-9]{9}", check: luhn}
                """))
        let forms: [(String, String, Bool)] = [
            ("1000[0-9]{12}", "1000123456789012", true), ("1000[0-9]{12}", "100012345678901", false),
            ("[A-Z]{2}-?[0-9]{2,4}x?", "AB12", true), ("[A-Z]{2}-?[0-9]{2,4}x?", "AB-1234x", true),
            ("[A-Z]{2}-?[0-9]{2,4}x?", "AB-12345", false), ("户\\d{3}", "户123", true),
            ("户\\d{3}", "户12", false),
        ]
        for (form, value, fits) in forms {
            #expect(try #require(ValueForm(form)).matches(value.utf8) == fits, "\(form) \(value)")
        }
        for wrong in ["", "[A", "a{", "a{2,1}", "a*", "(a)", "a|b", "[0-9]{121}", "a{x}", "\\"] {
            #expect(ValueForm(wrong) == nil, "\(wrong)")
        }
        let bench = try await IntakeBench()
        try await bench.engine.execute(
            "CREATE TABLE t AS SELECT '1000' || (100000000000 + range)::VARCHAR AS transit_no, 'x' || range AS y FROM range(50)"
        )
        let evidence = try await Discovery.evidence(
            of: "t", rowCount: 50, recognizers: rules.recognizers, engine: bench.engine)
        let card = try #require(evidence[0].counts.first { $0.kind.word == "transit-card" })
        #expect(card.rowCount == 50 && card.evidence == .labelled)
        #expect(GradeProposal(evidence[0], rowCount: 50).grade == .general3)
        #expect(evidence[1].counts.isEmpty)
        let text = try bench.folder.write(
            "t.txt", Array("订单 100012345678 卡 1000123456789012，身份证 11010519491231002X\n".utf8))
        let spans = try TextFileScan(recognizers: rules.recognizers).spans(of: text)
        #expect(spans.map(\.kind.shown.word) == ["transit-card", "resident-id"])
        #expect(throws: Declaration.Fault.self) {
            _ = try DeclaredRecognizer(
                declaration("{kind: k, title: t, class: business, grade: core, headers: [a]}"))
        }
    }

    @Test("a text scanned in pieces gives the spans of the whole, wherever a piece ends")
    func pieces() throws {
        let folder = try TemporaryFolder()
        let corpus = LabelledCorpus(seed: 5, sentences: 400).text
        let path = try folder.write("t.txt", corpus)
        let whole = TextScanner.findings(in: corpus).map { [$0.start, $0.end] }
        for piece in [500, 4096, 1 << 20] {
            let spans = try TextFileScan(pieceBytes: piece).spans(of: path)
            #expect(spans.map { [$0.start, $0.end] } == whole, "\(piece)")
        }
    }

    @Test(
        "S114: a table joined with one that names people is about people, and every column keeps its stricter grade"
    )
    func joined() {
        func proposal(_ column: String, _ kind: SensitiveKind?) -> GradeProposal {
            let counts = kind.map {
                [
                    ColumnEvidence.Count(
                        kind: $0, rowCount: 9, wholeCount: 9, evidence: .checked, example: "1*")
                ]
            }
            return GradeProposal(
                ColumnEvidence(column: column, sampledCount: 9, counts: counts ?? []), rowCount: 9)
        }
        let joined = [proposal("pm25", nil)].joined(with: [
            proposal("id", .residentID), proposal("city", nil),
        ])
        #expect(joined.map(\.grade) == [.general2, .general4, .general2])
        #expect(joined[0].rule == "join")
        #expect(
            [proposal("a", nil)].joined(with: [proposal("b", nil)]).map(\.grade) == [.general1, .general1])
    }

    @Test(
        "S21: a quality report is signed about the very bytes; altered, or held against other bytes, it says so"
    )
    func statement() async throws {
        let bench = try await IntakeBench()
        let file = try bench.folder.write("a.csv", Array("city,pm25\nBeijing,1.5\nTianjin,-1\n".utf8))
        let survey = try FileSurvey(of: file)
        try await bench.engine.attachTexts(
            .csv([file], try await bench.engine.layout(of: [file])), as: "a")
        let standard = try CollectionStandard(
            declaration(
                "{standard: s, version: '1', fields: [{name: pm25, type: 'decimal(4,1)', min: '0', mandatory: true}]}"
            ))
        let report = try await QualityAssessment(
            standard, table: "a", columns: ["city", "pm25"], engine: bench.engine
        ).report()
        let signer = Ed25519Signer()
        let statement = try QualityStatement(
            report, about: survey.digest, by: "assessor", at: Instant(seconds: 1_795_000_000), signer: signer)
        let travelled = try #require(QualityStatement(json: try JSON(parsing: statement.json.canonicalBytes)))
        let checkers = SignatureCheckers()
        #expect(travelled.standing(for: survey.digest, checkers) == .valid)
        #expect(travelled.standing(for: Digest(of: "other"), checkers) == .otherData)
        var altered = statement.json.object ?? [:]
        var words = statement.statement.object ?? [:]
        words["by"] = "somebody else"
        altered["statement"] = .object(words)
        let forged = try #require(QualityStatement(json: .object(altered)))
        #expect(forged.standing(for: survey.digest, checkers) == .broken)
        // The five dimensions an assessor is asked for, each from A and B of the real table.
        for dimension in [QualityIndicator.Dimension.completeness, .accuracy, .compliance] {
            #expect(report.value(of: dimension) != nil)
        }
    }

    @Test("what a crash left between a file and its commit is swept; what is named, or not ours, stays")
    func sweep() async throws {
        let bench = try await IntakeBench()
        let source = try await bench.enter()
        let file = try bench.folder.write("a.csv", Array("a\n1\n".utf8))
        let kept = try await bench.intake.receive(DeliveryOffer(source: source.id, files: [file]))
        let other = try bench.folder.write("b.csv", Array("a\n2\n".utf8))
        let orphan = try await bench.intake.prepare(DeliveryOffer(source: source.id, files: [other])).content
        for name in ["x.draft.parquet", "x.0.decoded", "y.parquet.part", "notes.txt", "x.quarantine.parquet"]
        {
            _ = try bench.folder.write(name, [1])
        }
        let removed = OrphanFiles(folder: bench.folder.root).remove(
            exceptContents: [try #require(kept.contentDigest).hex])
        #expect(removed == 4)
        let files = Set(try FileManager.default.contentsOfDirectory(atPath: bench.folder.root))
        #expect(files.isSuperset(of: ["a.csv", "b.csv", "notes.txt", "x.quarantine.parquet", "node.db"]))
        #expect(!files.contains(orphan.hex + ".parquet"))
    }

    @Test("the steps behind an output are kept signed, found again from any later output, and exported")
    func lineage() async throws {
        let bench = try await IntakeBench()
        let signer = Ed25519Signer()
        let digests = (0..<3).map { Digest(of: [UInt8($0)]) }
        let steps = (0..<2).map { place in
            LineageStep(
                "step", inputs: [digests[place]], output: digests[place + 1],
                parameters: ["n": .integer(Int64(place))],
                by: "node", at: Instant(seconds: Int64(place)))
        }
        let lineage = try await bench.store.write { writing throws(Problem) in
            for step in steps { try LineageBook.add(try step.signed(by: signer), in: writing) }
            try LineageBook.add(try steps[0].signed(by: signer), in: writing)
            return try LineageBook.lineage(of: digests[2], in: writing)
        }
        let checkers = SignatureCheckers()
        #expect(lineage.origins == [digests[0]])
        #expect(lineage.steps.allSatisfy { lineage.state(of: $0, checkers) == .signed })
        #expect(
            lineage.json(checkers)["steps"]?.array?.compactMap { $0["state"]?.text } == ["signed", "signed"])
    }
}
