// SPDX-License-Identifier: Apache-2.0

import Compute
import Foundation
import Identity
import Primitives
import Testing

/// What a clean room promises, seen from the accounts that ask a running node over HTTP.
@Suite("The clean room of a node", .serialized)
struct CleanRoomNodeTests {
    static let byDistrict = "SELECT district, count(*) AS n FROM visits GROUP BY district"

    @Test(
        "S100: each consumer's questions are charged to the data set, a spent budget refuses further ones, and each sees its own"
    )
    func budget() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "1.5")) { room in
            let (first, second) = (try await room.buyer("first"), try await room.buyer("second"))
            #expect(try await room.ask(Self.byDistrict, as: first).epsilon == "0.5")
            #expect(
                try await room.ask("SELECT count(*) AS n FROM visits WHERE resp", as: first).epsilon == "0.5")
            #expect(try await room.ask("SELECT avg(age) AS a FROM visits", as: second).epsilon == "0.5")
            let refused = try await room.ask("SELECT sum(age) AS s FROM visits", as: second)
            #expect(refused.code == "valve.privacy-spent")
            // What was told before is told again all the same.
            #expect(try await room.ask(Self.byDistrict, as: first).reply["price"] == "0.00 CNY")

            let holders = try await room.budget()
            #expect(holders["spent"] == "1.5" && holders["left"] == "0" && holders["questions"] == 3)
            #expect(holders["questionsLeft"] == 0 && holders["lastsUntil"]?.text != nil)
            let spenders = holders["byAgreement"]?.array ?? []
            #expect(spenders.compactMap { $0["spent"]?.text } == ["1", "0.5"])
            #expect(spenders.compactMap { $0["agreement"]?.text } == [first.agreement, second.agreement])
            // Who spends what is the holder's to know, and one's own.
            let seen = try await room.budget(as: second)
            #expect(seen["left"] == "0")
            #expect(seen["byAgreement"]?.array?.compactMap { $0["agreement"]?.text } == [second.agreement])
            let stranger = try await room.account("stranger")
            #expect(try await room.budget(as: stranger)["byAgreement"]?.array?.isEmpty == true)
            let nobody = try await room.node.ask(
                "GET", "/api/v1/budgets/" + room.listing, headers: ["Authorization": "Bearer no"])
            #expect(nobody.status == 401)
        }
    }

    @Test(
        "the budget page says what is left, for how long and who spent it: all to the holder, to others their own"
    )
    func budgetPage() async throws {
        let period: JSON = [
            "mechanism": "laplace", "epsilon": "0.5", "total": "2.5",
            "period": ["days": 30, "epsilon": "2"],
        ]
        try await CleanRoomNode.run(CleanRoomNode.rules(["privacy": period])) { room in
            let (first, second) = (try await room.buyer("Ada & Co"), try await room.buyer("Bo Ltd"))
            let unasked = try await room.budgetPage(of: first, as: first, in: "en")
            #expect(unasked.contains("nothing was charged yet") && unasked.contains("ε\u{A0}2.5"))
            _ = try await room.ask(Self.byDistrict, as: first)
            _ = try await room.ask("SELECT count(*) AS n FROM visits WHERE resp", as: first)
            _ = try await room.ask("SELECT avg(age) AS a FROM visits", as: second)
            let budget = try await room.budget()
            #expect(budget["spentInPeriod"] == "1.5" && budget["leftInPeriod"] == "0.5")
            let ends = try #require(budget["periodEnds"]?.text.flatMap { Instant(rfc3339: $0) })

            let holders = try await room.budgetPage(of: first, in: "en")
            for words in [
                "In all</b> left <span class=\"figure\">ε\u{A0}1</span> / 2.5",
                "This period</b> left <span class=\"figure\">ε\u{A0}0.5</span> / 2", "Ada &amp; Co", "Bo Ltd",
                "66.6\u{A0}%", "33.3\u{A0}%", first.agreement, second.agreement,
                "<dt>Questions left</dt><dd>1</dd>", ends.day(in: .shanghai).description,
                "<dt>At this pace it lasts until</dt><dd><time",
            ] { #expect(holders.contains(words), "\(words)") }

            let seen = try await room.budgetPage(of: second, as: second, in: "zh")
            #expect(seen.contains("<dt>还可提问</dt><dd>1</dd>") && seen.contains("33.3\u{A0}%"))
            #expect(seen.contains(second.agreement) && !seen.contains(first.agreement))
            #expect(!seen.contains("Ada"), "who else asks is the holder's to know")
            let others = try await room.node.page(
                "/agreements/\(first.agreement)/budget", headers: second.headers, in: "en")
            #expect(others.status == 404 && !others.text.contains("Ada"))
        }
    }

    @Test("one plan is one question however it is written: the same bytes, no price, no ε")
    func canonical() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "10")) { room in
            let buyer = try await room.buyer("buyer")
            let first = try await room.ask(
                "SELECT district, count(*) AS n FROM visits WHERE resp AND age > 30 GROUP BY district",
                as: buyer)
            for text in [
                "select district,\n  count(*) as n from visits where resp and age>30 group by district",
                "SELECT v.district, count(*) AS n FROM visits v WHERE v.age > 30 AND v.resp GROUP BY v.district",
                "SELECT district AS place, count(*) AS visits FROM visits WHERE 30 < age AND resp GROUP BY 1",
                "WITH d AS (SELECT * FROM visits WHERE resp) SELECT district, count(*) FROM d WHERE age > 30 GROUP BY ALL",
            ] {
                let again = try await room.ask(text, as: buyer)
                #expect(again.reply["repeated"] == true, "\(text): \(again.reply.canonicalText.prefix(200))")
                #expect(again.answer == first.answer && again.reply["price"] == "0.00 CNY")
            }
            let other = try await room.ask(
                "SELECT district, count(*) AS n FROM visits WHERE resp AND age > 31 GROUP BY district",
                as: buyer)
            #expect(other.epsilon == "0.5")
            #expect(try await room.budget()["spent"] == "1")
        }
    }

    @Test("under another agreement the same question has the same noise, costs no ε and is a use of its own")
    func sameNoise() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "10")) { room in
            let (first, second) = (try await room.buyer("first"), try await room.buyer("second"))
            let one = try await room.ask(Self.byDistrict, as: first)
            let other = try await room.ask(Self.byDistrict, as: second)
            #expect(one.answer["rows"] == other.answer["rows"])
            #expect(one.epsilon == "0.5" && other.epsilon == "0")
            #expect(other.reply["repeated"] == nil && one.reply["code"] != other.reply["code"])
            #expect(try await room.budget()["spent"] == "0.5")
        }
    }

    @Test("a dry run says what a question would cost and how exact it would be, and charges nothing")
    func dryRun() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "10")) { room in
            let buyer = try await room.buyer("buyer")
            let path = "/api/v1/questions/check"
            let body: JSON = ["listing": .string(room.listing), "text": .string(Self.byDistrict)]
            let leaves = try await room.leaves()
            for _ in 0..<3 {
                let quote = try await room.post(path, body, as: buyer).json
                #expect(quote["verdict"] == "allowed" && quote["cost"]?["epsilon"]?.double == 0.5)
                #expect(quote["price"] == "0.00 CNY" && quote["budget"]?["left"] == "10")
                // Laplace for eight rows of one person (two in each of four districts) at ε 0.5: within 16·ln 20.
                let within = quote["errors"]?[0]?["within"]?.double ?? 0
                #expect((47...49).contains(within), "±\(within)")
            }
            let unknown: JSON = ["listing": .string(room.listing), "text": "SELECT person FROM visits"]
            let refused = try await room.post(path, unknown, as: buyer)
            #expect(
                refused.json["code"] == "privatesql.rows-requested" && refused.json["remedy"]?.text != nil)
            #expect(try await room.budget()["spent"] == "0")
            #expect(try await room.leaves() == leaves)
        }
    }

    @Test(
        "no more questions are answered than the rules allow, none for another purpose, no more rows than stated"
    )
    func limits() async throws {
        let rules = CleanRoomNode.noised(
            total: "50", ["answers": ["questionsMax": 2, "rowsMax": 3]])
        try await CleanRoomNode.run(rules) { room in
            let (first, second) = (try await room.buyer("first"), try await room.buyer("second"))
            #expect(try await room.ask(Self.byDistrict, as: first).rows.count == 3, "of four districts")
            let wrong = try await room.ask("SELECT count(*) AS n FROM visits", as: first, purpose: "ads")
            #expect(wrong.code == "policy.use-refused" || wrong.code == "compute.purpose-refused")
            #expect(try await room.ask("SELECT count(*) AS n FROM visits", as: first).code == nil)
            let third = try await room.ask("SELECT avg(age) AS a FROM visits", as: first)
            #expect(third.code == "valve.questions-spent" && third.reply["remedy"]?.text != nil)
            #expect(try await room.ask("SELECT avg(age) AS a FROM visits", as: second).code == nil)
        }
    }

    @Test("a question that is too long, too deep or too wide is refused before a row is read")
    func resources() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "50")) { room in
            let buyer = try await room.buyer("buyer")
            let long =
                "SELECT count(*) AS n FROM visits WHERE age > 1 "
                + String(repeating: "AND age < 99 ", count: 2000)
            #expect(try await room.ask(long, as: buyer).code == "privatesql.form-unknown")
            let deep =
                "SELECT count(*) AS n FROM visits WHERE "
                + String(repeating: "NOT (", count: 60) + "resp" + String(repeating: ")", count: 60)
            #expect(try await room.ask(deep, as: buyer).code?.hasPrefix("privatesql.") == true)
            let wide = "SELECT day, district, age, month(day), count(*) AS n FROM visits GROUP BY ALL"
            #expect(try await room.ask(wide, as: buyer).code == "privatesql.groups-unlisted")
            let joined = "SELECT count(*) AS n FROM visits a JOIN visits b ON a.district = b.district"
            #expect(try await room.ask(joined, as: buyer).code == "privatesql.join-undeclared")
            #expect(try await room.budget()["spent"] == "0", "nothing was charged")
        }
    }

    @Test("no row decides whether a question is answered: the same verdicts over poisoned data")
    func errorsTellNothing() async throws {
        let questions = [
            "SELECT sum(fee / (age - 40)) AS s FROM visits",
            "SELECT sum(CASE WHEN district = 'Haidian' THEN 1 / (age - age) ELSE 0 END) AS s FROM visits",
            "SELECT stddev(age) AS d, median(age) AS m FROM visits", "SELECT sum(age // 0) AS s FROM visits",
            "SELECT CAST(district AS INTEGER) AS k, count(*) AS n FROM visits GROUP BY 1",
            "SELECT sum(age * age * age * age * age * age * age * age * age) AS s FROM visits",
        ]
        var verdicts: [[String?]] = []
        let poison = [
            "900,Haidian,2016-02-29,true,,", "901,,2016-01-01,,99999,499.9", "902,x,,false,-7,",
        ]
        for planted in [[], poison] {
            let found = Found()
            try await CleanRoomNode.run(
                CleanRoomNode.noised(total: "50"), visits: CleanRoomNode.visits(planted: planted)
            ) { room in
                let buyer = try await room.buyer("buyer")
                var codes: [String?] = []
                for question in questions { codes.append(try await room.ask(question, as: buyer).code) }
                await found.set(codes)
            }
            verdicts.append(await found.codes)
        }
        #expect(verdicts[0] == verdicts[1])
        #expect(verdicts[0].contains(nil) && !verdicts[0].allSatisfy { $0 == nil })
    }

    private actor Found {
        var codes: [String?] = []
        func set(_ codes: [String?]) { self.codes = codes }
    }

    @Test("64 askers at once never overspend, and each charge has its stored answer")
    func concurrent() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "5")) { room in
            let buyer = try await room.buyer("buyer")
            let codes = await withTaskGroup(of: String?.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        let text = "SELECT count(*) AS n FROM visits WHERE age > \(number)"
                        do { return try await room.ask(text, as: buyer).code ?? "answered" } catch {
                            return "\(error)"
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1 ?? "", default: 0] += 1 }
            }
            #expect(codes["answered"] == 10 && codes["valve.privacy-spent"] == 54, "\(codes)")
            let budget = try await room.budget()
            #expect(budget["spent"] == "5" && budget["questions"] == 10)
            let passages = try await room.get("/api/v1/passages", as: buyer)["passages"]?.array ?? []
            let told = passages.filter { $0["receipt"]?["content"]?["epsilon"] == "0.5" }
            #expect(Set(told.compactMap { $0["passage"]?.text }).count == 10)
        }
    }

    @Test(
        "an arbitrator with the holder's mandate has a passage run again and gets the bytes of its receipt; nobody else may"
    )
    func replay() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "5")) { room in
            let buyer = try await room.buyer("buyer")
            let asked = try await room.ask(Self.byDistrict, as: buyer)
            let passage = asked.reply["code"]?.text ?? ""
            let path = "/api/v1/passages/\(passage)/replay"
            let arbitrator = try await room.account("arbitrator", roles: "auditor")
            #expect(
                try await room.post(path, [:], as: arbitrator).json["code"] == "compute.replay-unmandated")
            #expect(try await room.post(path, [:], as: buyer).json["code"] == "compute.replay-unmandated")
            try await CleanRoomNode.done(
                room.node.post(
                    "/api/v1/mandates",
                    [
                        "agent": .string(arbitrator.party.code.text), "verbs": "replay",
                        "subjects": .string(passage), "uses": 1,
                    ]))
            let again = try await CleanRoomNode.done(room.post(path, [:], as: arbitrator))
            #expect(again["same"] == true && again["mandate"]?.text?.hasPrefix("mdt-") == true)
            #expect(again["result"] == asked.reply["receipt"]?["content"]?["result"])
            #expect(again["result"]?.text == Digest(of: asked.answer.canonicalBytes).hex, "the same bytes")
            // The mandate was for one use, and the answer itself is nobody's but the buyer's.
            #expect(again["rows"] == nil && again["answer"] == nil)
            #expect(
                try await room.post(path, [:], as: arbitrator).json["code"] == "compute.replay-unmandated")
            #expect(try await room.node.post(path).json["same"] == true, "the holder itself needs none")
        }
    }
}
