// SPDX-License-Identifier: Apache-2.0

import Casework
import Identity
import Lists
import Packs
import Policy
import Primitives
import Rules
import Store
import TestStores
import Testing
import Trade

/// Rows of the requirements that are lists: directories, negative and prudent lists, service bodies.
@Suite("Lists on a node")
struct ListRowTests {
    private static let firm = "91350100M000100Y43"

    private func listing(
        _ number: UInt64, _ title: String, purposes: Set<String> = []
    ) throws -> Listing {
        Listing(
            id: ID(high: 7, low: number), holder: ID(high: 1, low: 1), title: LocalizedText(title),
            about: LocalizedText(title), openness: .conditional, assetCode: "ast-1", lineage: [],
            tableName: "t", summary: [:], terms: PlainTerms(purposes: purposes).policy(id: "urn:uuid:1"),
            rules: nil, price: .free, requiredAttestations: [])
    }

    @Test(
        "S65: a negative entry refuses a listing, a prudent one shows itself to the reviewer, a new entry re-checks"
    )
    func tradeLists() async throws {
        let bureau = try await Bureau()
        let service = bureau.service
        // Before any list is installed nothing is refused.
        try await service.refuseListing(try listing(1, "身份证号明细"))
        try await bureau.install("exclusion-lists")
        let refused = await problem { try await service.refuseListing(try listing(1, "身份证号明细")) }
        #expect(refused?.code == "lists.listing-prohibited")
        let hits = try await service.prudentHits(of: try listing(2, "门诊病历统计"))
        #expect(hits.map(\.entry) == ["个人健康信息"])
        #expect(hits.first?.since == bureau.today())
        #expect(try await service.prudentHits(of: try listing(3, "空气质量")).isEmpty)
        let open = try listing(4, "夜间灯光")
        try await bureau.store.write { writer throws(Problem) in
            try ListingBook.put(open, state: .open, in: writer)
        }
        #expect(try await service.screenOpenListings() == [])
        let regulator = try await bureau.officer(2, "regulator", in: "trade-negative")
        _ = try await service.put(
            [["entry": "夜光遥感", "basis": "示例", "keywords": ["夜间灯光"]]], in: "trade-negative", by: regulator)
        #expect(try await service.screenOpenListings() == [open.code.text])
        let state = try await bureau.store.read { reader throws(Problem) in
            try ListingBook.listing(open.code.text, in: reader).1
        }
        #expect(state == .suspended)
    }

    @Test(
        "S124: a prohibited use cannot be agreed on; a prudent one only after its review, and not after its end"
    )
    func useLists() async throws {
        let bureau = try await Bureau()
        try await bureau.install("exclusion-lists")
        let service = bureau.service
        let buyer = try await bureau.party(2)
        func refusal(_ purpose: String, offered: Set<String> = []) async -> String? {
            await problem {
                try await service.refuseUse(
                    PlainTerms(purposes: [purpose]).policy(id: "urn:uuid:2"),
                    of: PlainTerms(purposes: offered).policy(id: "urn:uuid:3"), by: buyer.party)
            }?.code
        }
        #expect(await refusal("大数据杀熟") == "lists.use-prohibited")
        #expect(await refusal("信贷评分") == "lists.use-review-needed")
        // What the listing itself offers was looked at by the person who opened it.
        #expect(await refusal("信贷评分", offered: ["信贷评分"]) == nil)
        #expect(await refusal("学术研究") == nil)
        // The lists of trade say nothing of uses, nor these of trade.
        #expect(await refusal("行踪轨迹") == nil)
        try await service.refuseListing(try listing(1, "信贷评分"))

        let reviewer = try await bureau.officer(3, "useReviewer", in: "use-review")
        let code = try await bureau.opened(
            "use-review", "信贷评分", answers: ["purpose": "信贷评分"], by: buyer, checkedBy: reviewer)
        try await bureau.take(code, "approve", ["reason": "影响可控"], reviewer)
        #expect(try await bureau.entries("approved-uses").first?["purpose"] == "信贷评分")
        #expect(await refusal("信贷评分") == nil)
        bureau.pass(days: 367)
        try await service.tick()
        #expect(try await bureau.state(of: code, for: buyer) == "ended")
        #expect(await refusal("信贷评分") == "lists.use-review-needed")
    }

    @Test("a refused applicant appeals within the time, and not after it")
    func appeals() async throws {
        let bureau = try await Bureau()
        try await bureau.install("exclusion-lists")
        let buyer = try await bureau.party(2)
        let reviewer = try await bureau.officer(3, "useReviewer", in: "use-review")
        for (days, refusal) in [(60, nil), (61, "casework.step-late")] {
            let code = try await bureau.opened(
                "use-review", "p", answers: ["purpose": "p"], by: buyer, checkedBy: reviewer)
            try await bureau.take(code, "refuse", ["reason": "影响评估不足"], reviewer)
            bureau.pass(days: days)
            let answer = await problem { try await bureau.take(code, "appeal", ["reason": "已补充"], buyer) }
            #expect(answer?.code == refusal)
        }
    }

    @Test(
        "S70: each of the seven kinds is accredited until a day, appointed, finds its case, and is rated",
        arguments: ["broker", "custodian", "assessor", "certifier", "security", "compliance", "arbitrator"])
    func serviceBodies(_ kind: String) async throws {
        let bureau = try await Bureau()
        try await bureau.install("service-bodies")
        let accreditation = try await bureau.officer(2, "accreditation", in: "service-bodies")
        let (client, body) = (try await bureau.party(3), try await bureau.party(4))
        let secretary = try await bureau.officer(5, "secretary", in: "commission")
        let name = Code(.party, body.party).text
        let service = bureau.service
        func accredit(_ state: String) async throws {
            let until = bureau.today().advanced(byDays: 30)
            _ = try await service.put(
                [
                    [
                        "body": "A-1", "party": .string(name), "kind": .string(kind), "scope": "data trade",
                        "state": .string(state), "rating": 90, "contact": "张三 13800000000",
                        "validUntil": .string(until.description),
                    ]
                ], in: "service-bodies", by: accreditation)
        }
        func appointed() async throws -> String {
            let code = try await service.open("commission", subject: "s", answers: [:], by: client).code.text
            try await bureau.act(code, .appoint(role: kind, party: name), secretary)
            return code
        }
        #expect(await problem { _ = try await appointed() }?.code == "casework.appointee-unfit")
        try await accredit("active")
        #expect(!(try await bureau.logText()).contains("13800000000"))
        let code = try await appointed()
        #expect(try await service.inbox(of: body).map(\.0.code.text) == [code])
        try await bureau.take(code, "start", [:], secretary)
        try await bureau.take(code, "deliver", ["report": "done"], body)
        let wrong = await problem { try await bureau.take(code, "rate", ["rating": "many"], client) }
        #expect(wrong?.code == "casework.score-malformed")
        try await bureau.take(code, "rate", ["rating": "95"], client)
        let records = try await service.look(at: code, for: client).records
        #expect(records.last?["details"]?["rating"] == "95")
        try await accredit("suspended")
        #expect(await problem { _ = try await appointed() }?.code == "casework.appointee-unfit")
        try await accredit("active")
        bureau.pass(days: 31)
        #expect(await problem { _ = try await appointed() }?.code == "casework.appointee-unfit")
    }

    @Test("S70: whoever has a right in an asset of the applicant's is neither appointed nor decides")
    func conflict() async throws {
        let bureau = try await Bureau()
        try await bureau.install("service-bodies")
        let accreditation = try await bureau.officer(2, "accreditation", in: "service-bodies")
        let (claimant, tied) = (try await bureau.party(3), try await bureau.party(4))
        let secretary = try await bureau.officer(5, "secretary", in: "arbitration")
        let name = Code(.party, tied.party).text
        _ = try await bureau.service.put(
            [
                [
                    "body": "A-1", "party": .string(name), "kind": "arbitrator", "scope": "s",
                    "state": "active",
                ]
            ], in: "service-bodies", by: accreditation)
        try await bureau.store.write { writer throws(Problem) in
            for party in [claimant.party, tied.party, secretary.party] {
                try writer.execute(
                    "INSERT INTO register_right VALUES ('ast-x', ?, 'hold', 'deed', NULL, NULL, ?)",
                    [party, writer.now])
            }
        }
        let code = try await bureau.service.open(
            "arbitration", subject: "dispute", answers: [:], by: claimant
        ).code.text
        let other = try await bureau.officer(6, "secretary", in: "arbitration")
        let appointment = await problem {
            try await bureau.act(code, .appoint(role: "arbitrator", party: name), other)
        }
        #expect(appointment?.code == "casework.interest-conflict")
        let decision = await problem {
            try await bureau.take(code, "dismiss", ["reason": "out of scope"], secretary)
        }
        #expect(decision?.code == "casework.interest-conflict")
        try await bureau.take(code, "dismiss", ["reason": "out of scope"], other)
    }

    // MARK: Directories

    /// A node with a firm in the directory and an officer who writes all directories.
    private func directories() async throws -> (Bureau, Caller) {
        let bureau = try await Bureau()
        try await bureau.install("directories")
        let officer = try await bureau.officer(2, "directoryOfficer", in: "*")
        try await bureau.appoint(officer, "sceneOfficer", in: "*")
        let entry: JSON = [
            "code": .string(Self.firm), "name": "胡同数据", "field": "区块链", "uses": ["供应链", "存证"],
        ]
        _ = try await bureau.service.put([entry], in: "enterprises", by: officer)
        return (bureau, officer)
    }

    private static let product: JSON = [
        "product": "链上存证", "enterprise": "91350100M000100Y43", "field": "新零售", "maturity": "量产",
        "references": ["三家门店"], "reviewOn": "2026-09-01", "validUntil": "2026-12-31",
    ]

    @Test(
        "S155: an enterprise stands once, with a valid code; it is searched, exported, and its versions stay")
    func enterprises() async throws {
        let (bureau, officer) = try await directories()
        let service = bureau.service
        let old = try await bureau.entries("enterprises")
        _ = try await service.put(old, in: "enterprises", by: officer)
        #expect(try await service.history(of: Self.firm, in: "enterprises", for: nil).count == 1)
        let slip: JSON = ["code": "91350100M000100Y44", "name": "n", "field": "其他"]
        let malformed = await problem { _ = try await service.put([slip], in: "enterprises", by: officer) }
        #expect(malformed?.code == "lists.entry-malformed")
        let stranger = try await bureau.party(3)
        let refused = await problem {
            _ = try await service.put(
                [["code": .string(Self.firm), "name": "mine", "field": "其他"]], in: "enterprises", by: stranger
            )
        }
        #expect(refused?.code == "lists.writer-refused")
        let before = bureau.today()
        bureau.pass(days: 30)
        let moved: JSON = [
            "code": .string(Self.firm), "name": "胡同数据", "field": "区块链", "park": "海淀园",
        ]
        _ = try await service.put([moved], in: "enterprises", by: officer)
        #expect(try await service.view("enterprises", words: ["海淀园"], for: nil).entries.count == 1)
        #expect(
            try await service.view("enterprises", asOf: before, words: ["海淀园"], for: nil).entries.isEmpty)
        let view = try await service.view("enterprises", for: nil)
        let csv = ListText.csv(view.entries.map(view.shown), of: view.schema)
        #expect(try ListText.entries(csv: csv, of: view.schema) == [moved])
    }

    @Test("S156: a product names an enterprise of the directory, is filtered, and ends on its day")
    func products() async throws {
        let (bureau, officer) = try await directories()
        var stray = Self.product.object ?? [:]
        stray["enterprise"] = "91110000MA0000001L"
        let dangling = await problem { [stray] in
            _ = try await bureau.service.put([.object(stray)], in: "products", by: officer)
        }
        #expect(dangling?.code == "lists.reference-missing")
        _ = try await bureau.service.put([Self.product], in: "products", by: officer)
        #expect(try await bureau.service.view("products", words: ["新零售"], for: nil).entries.count == 1)
        #expect(try await bureau.service.view("products", words: ["医疗"], for: nil).entries.isEmpty)
        bureau.pass(days: 330)
        #expect(try await bureau.entries("products").isEmpty)
        let all = try await bureau.service.view("products", includesAll: true, for: nil)
        #expect(all.entries.first?.validity(on: bureau.today()) == .ended)
    }

    @Test("S157: the blockchain library is a part of the directory, needs a case, and counts by field of use")
    func blockchain() async throws {
        let (bureau, officer) = try await directories()
        let service = bureau.service
        #expect(try await bureau.entries("blockchain-enterprises").isEmpty)
        var entry = try #require(try await bureau.entries("enterprises").first?.object)
        entry["cases"] = ["供应链存证"]
        _ = try await service.put([.object(entry)], in: "enterprises", by: officer)
        #expect(try await bureau.entries("blockchain-enterprises").count == 1)
        let tally = try await service.tally("blockchain-enterprises", by: "uses", for: nil)
        #expect(tally.rows.map(\.value) == ["供应链", "存证"] && tally.rows.map(\.count) == [1, 1])
        #expect(tally.total.count == 1)
        // A part is not written: the directory is.
        let refused = await problem {
            _ = try await service.put([.object(entry)], in: "blockchain-enterprises", by: officer)
        }
        #expect(refused?.code == "lists.list-missing")
    }

    @Test("S159: the new-retail pool is the part of the products with demonstrations and results")
    func retail() async throws {
        let (bureau, officer) = try await directories()
        _ = try await bureau.service.put([Self.product], in: "products", by: officer)
        #expect(try await bureau.entries("new-retail-products").isEmpty)
        var shown = Self.product.object ?? [:]
        shown["demonstrations"] = ["前门门店"]
        shown["results"] = ["退货率下降三成"]
        _ = try await bureau.service.put([.object(shown)], in: "products", by: officer)
        #expect(try await bureau.entries("new-retail-products").count == 1)
    }

    @Test(
        "S158: a scene is answered until its deadline; match, trial, result and first-use certificate are recorded"
    )
    func scenes() async throws {
        let (bureau, officer) = try await directories()
        let service = bureau.service
        _ = try await service.put([Self.product], in: "products", by: officer)
        _ = try await service.put(
            [
                [
                    "scene": "门店溯源", "owner": "商务局", "need": "商品溯源", "fields": ["新零售"], "data": "销售汇总",
                    "conditions": "两家门店", "deadline": "2026-05-31", "validUntil": "2026-05-31",
                ]
            ], in: "scenes", by: officer)
        #expect(try await service.fits("scenes", for: "链上存证", as: nil).map(\.entry.key) == ["门店溯源"])
        let supplier = try await bureau.party(3)
        let answers = ["scene": "门店溯源", "product": "链上存证"]
        let code = try await bureau.opened(
            "scene-answer", "溯源", answers: answers, by: supplier, checkedBy: officer)
        try await bureau.take(code, "match", ["evaluation": "符合"], officer)
        try await bureau.take(code, "try", ["plan": "三个月"], officer)
        try await bureau.take(code, "certify", ["result": "溯源率 99%"], officer)
        let certificate = try #require(try await bureau.entries("first-uses").first)
        #expect(certificate["certificate"]?.text == code && certificate["result"] == "溯源率 99%")
        #expect(try await service.look(at: code, for: supplier).letters.count == 1)
        bureau.pass(days: 100)
        let late = await problem {
            _ = try await service.open("scene-answer", subject: "late", answers: answers, by: supplier)
        }
        #expect(late?.code == "casework.answer-unlisted")
    }

    @Test("S160: a case is reviewed, published with product, result and evidence, and cited by a scene")
    func caseLibrary() async throws {
        let (bureau, officer) = try await directories()
        _ = try await bureau.service.put([Self.product], in: "products", by: officer)
        let author = try await bureau.party(3)
        let code = try await bureau.opened(
            "case-review", "冬奥溯源",
            answers: [
                "scene": "冬奥物资", "product": "链上存证", "result": "差错率下降 90%", "evidence": "验收报告",
            ], by: author, checkedBy: officer)
        #expect(try await bureau.entries("cases").isEmpty)
        try await bureau.take(code, "publish", [:], officer)
        #expect(try await bureau.entries("cases").first?["result"] == "差错率下降 90%")
        func scene(citing cited: String) -> JSON {
            [
                "scene": "园区", "owner": "o", "need": "n", "conditions": "c", "deadline": "2026-12-31",
                "cases": [.string(cited)],
            ]
        }
        _ = try await bureau.service.put([scene(citing: code)], in: "scenes", by: officer)
        let dangling = await problem {
            _ = try await bureau.service.put([scene(citing: "cas-none")], in: "scenes", by: officer)
        }
        #expect(dangling?.code == "lists.reference-missing")
        try await bureau.take(code, "withdraw", ["reason": "结果被更正"], officer)
        #expect(try await bureau.entries("cases").isEmpty)
    }
}
