// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// What leads to a use besides a negotiation: an application, a person's authorization, a place in a zone.
extension OnRunningNodes {
    @Suite("Applications, authorizations and zones")
    struct RunningGrantTests {
        private static let firms = """
            firm,turnover,employees,phone
            91110000101100414N,120,15,13800000001
            91110000000001234X,80,9,13800000002
            91110000000005678Y,300,41,13800000003

            """

        @Test(
            "S32: an applicant states purpose, fields, term and safeguards; a grant gives those fields until its end; a refusal is appealed once"
        )
        func applications() async throws {
            // Long because one application is followed from its first mistake to its report of use.
            let node = try RunningNode("bureau")
            defer { node.stop() }
            try await node.run(["pack", "add", RunningNode.pack("data-requests")])
            let listing = try await node.publish(Self.firms, title: "企业经营数据", openness: "conditional").listing
            let (student, arbiter) = (try await node.account("研究所"), try await node.account("复核处"))
            try await node.appoint(arbiter.code, "data-request", "arbiter")
            func application(_ changes: [String: JSON] = [:]) -> JSON {
                .object(
                    ([
                        "listing": .string(listing), "purpose": "研究", "fields": "firm,turnover",
                        "until": "2099-06-30", "safeguards": "专网专机",
                    ] as [String: JSON]).merging(changes) { $1 })
            }
            let path = "/api/v1/requests"
            // What is missing, unknown or over is refused at once, with what to do.
            #expect(
                try await node.problem("POST", path, application(["fields": "salary"]), as: student)
                    == "deliver.column-unknown")
            #expect(
                try await node.problem("POST", path, application(["until": "2020-01-01"]), as: student)
                    == "deliver.request-malformed")
            #expect(
                try await node.problem("POST", path, application(["safeguards": ""]), as: student)
                    == "casework.inputs-missing")

            let first = try await node.ask("POST", path, application(), as: student)
            let code = try #require(first["case"]?.text)
            #expect(first["state"] == "submitted" && first["due"]?.text?.isEmpty == false)
            // Both inboxes show it; the decision is the holder's.
            for inbox in [try await node.ask("GET", path), try await node.ask("GET", path, as: student)] {
                #expect(inbox["requests"]?[0]?["case"]?.text == code)
            }
            let act = path + "/\(code)/actions"
            let approval: JSON = [
                "step": "approve", "inputs": ["fields": "firm,turnover", "until": "2099-03-31"],
            ]
            #expect(try await node.problem("POST", act, approval, as: student) == "casework.role-missing")
            let wider: JSON = ["step": "approve", "inputs": ["fields": "firm,phone", "until": "2099-03-31"]]
            let widened = try await node.call("POST", act, wider, token: node.token)
            #expect(widened.json["code"] == "deliver.grant-widens", "\(widened.text)")
            try await node.ask("POST", act, approval)

            // The approved fields, and no others; for the stated purpose, and no other; for the applicant, and nobody else.
            let mine = try await node.ask("GET", path, as: student)["requests"]?[0]
            let agreement = try #require(mine?["agreements"]?[0]?.text, "\(mine ?? .null)")
            let data = "/api/v1/agreements/\(agreement)/data?purpose=%E7%A0%94%E7%A9%B6"
            let copy = try await node.call("GET", data, token: student.token)
            #expect(copy.status == 200 && copy.text.hasPrefix("firm,turnover\n"), "\(copy.text)")
            #expect(!copy.text.contains("138000"))
            #expect(try await node.problem("GET", data + "&fields=phone", as: student) != "answered")
            #expect(
                try await node.problem("GET", "/api/v1/agreements/\(agreement)/data?purpose=ads", as: student)
                    == "policy.use-refused")
            #expect(try await node.problem("GET", data, as: arbiter) == "valve.party-not-entitled")
            let shown = try await node.call("GET", "/api/v1/listings?q=%E4%BC%81%E4%B8%9A").json["total"]
            #expect(shown == 1, "a grant stands in no catalog")

            // The report of use ends it; then a grant that is over gives nothing.
            try await node.ask(
                "POST", act, ["step": "report", "inputs": ["use": "one paper", "results": "published"]],
                as: student)
            let (_, short) = try await granted(
                node, student, application(["until": .string(Self.inSeconds(6))]), until: Self.inSeconds(4))
            #expect(try await node.call("GET", short, token: student.token).status == 200)
            try await Task.sleep(for: .seconds(5))
            #expect(try await node.problem("GET", short, as: student) == "policy.use-refused")

            try await appeal(node, student, arbiter, application())
            try await withdrawal(node, student, application())
        }

        private static func inSeconds(_ seconds: Double) -> String {
            ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: seconds))
        }

        /// Applies, grants, and answers the application and the path of the data.
        private func granted(
            _ node: RunningNode, _ applicant: RunningNode.Account, _ application: JSON, until: String
        ) async throws -> (code: String, data: String) {
            let code =
                try await node.ask("POST", "/api/v1/requests", application, as: applicant)["case"]?.text ?? ""
            try await node.ask(
                "POST", "/api/v1/requests/\(code)/actions",
                ["step": "approve", "inputs": ["fields": "firm", "until": .string(until)]])
            let all = try await node.ask("GET", "/api/v1/requests", as: applicant)["requests"]?.array ?? []
            let agreement = all.first { $0["case"]?.text == code }?["agreements"]?[0]?.text
            return (code, "/api/v1/agreements/\(try #require(agreement))/data?purpose=%E7%A0%94%E7%A9%B6")
        }

        private func appeal(
            _ node: RunningNode, _ student: RunningNode.Account, _ arbiter: RunningNode.Account,
            _ application: JSON
        ) async throws {
            let code =
                try await node.ask("POST", "/api/v1/requests", application, as: student)["case"]?.text ?? ""
            let act = "/api/v1/requests/\(code)/actions"
            let silent = try await node.call("POST", act, ["step": "refuse"], token: node.token)
            #expect(silent.json["code"] == "casework.inputs-missing", "no refusal without a reason")
            try await node.ask("POST", act, ["step": "refuse", "inputs": ["reason": "尚未脱敏"]])
            let told = try await node.ask("GET", "/api/v1/cases/\(code)", as: student)
            #expect(told["letters"]?.canonicalText.contains("尚未脱敏") == true, "\(told)")
            try await node.ask("POST", act, ["step": "appeal", "inputs": ["reason": "不含个人信息"]], as: student)
            try await node.ask("POST", act, ["step": "uphold", "inputs": ["reason": "理由成立"]], as: arbiter)
            #expect(
                try await node.problem(
                    "POST", act, ["step": "appeal", "inputs": ["reason": "再次"]], as: student)
                    != "answered")
        }

        private func withdrawal(
            _ node: RunningNode, _ student: RunningNode.Account, _ application: JSON
        ) async throws {
            let (code, data) = try await granted(node, student, application, until: "2099-01-01")
            #expect(try await node.call("GET", data, token: student.token).status == 200)
            try await node.ask(
                "POST", "/api/v1/requests/\(code)/actions",
                ["step": "withdraw", "inputs": ["reason": "用途变化"]])
            let refusal = try await node.problem("GET", data, as: student)
            #expect(refusal == "valve.agreement-ended")
        }

        @Test(
            "S44: one authorization serves many uses, each is shown to its giver, and withdrawing it acts at the next call"
        )
        func oneAuthorization() async throws {
            let node = try RunningNode("tax")
            defer { node.stop() }
            let listing = try await node.publish(
                Self.firms, title: "企业纳税数据", openness: "conditional", delivery: ["consent": "firm"]
            ).listing
            let firm = try await node.account("胡同公司", creditCode: "91110000101100414N")
            let other = try await node.account("另一公司", creditCode: "91110000000001234X")
            let bank = try await node.account("银行")
            let connector = try ForeignConnector(bank)
            defer { connector.server.stop() }
            let urn = try await connector.agree(on: listing, at: node)
            let agreement = try await node.agreement(urn)
            let data = "/api/v1/agreements/\(agreement)/data?purpose=credit&fields=firm,turnover"

            let without = try await node.problem("GET", data, as: bank)
            #expect(without == "valve.consent-missing")
            let mandate: JSON = [
                "agent": .string(bank.code), "verbs": "download", "subjects": .string(listing),
                "purpose": "credit", "fields": "firm,turnover", "until": "2099-12-31T16:00:00Z",
            ]
            let given =
                try await node.ask("POST", "/api/v1/mandates", mandate, as: firm)["mandate"]?.text ?? ""
            for _ in 0..<3 {
                let copy = try await node.call("GET", data, token: bank.token)
                #expect(copy.text == "firm,turnover\n91110000101100414N,120\n", "\(copy.text)")
            }
            let seen = try await node.ask("GET", "/api/v1/notices", as: firm)["notices"]?.array ?? []
            let uses = seen.filter { $0["kind"] == "authorization-used" }
            #expect(
                uses.count == 3
                    && uses.allSatisfy { $0["about"]?["by"] == "银行" && $0["about"]?["purpose"] == "credit" })
            #expect(
                try await node.ask("GET", "/api/v1/notices", as: other)["notices"]?.array?.isEmpty == true)
            // Outside of it: another purpose, another field.
            for outside in ["purpose=ads&fields=firm", "purpose=credit&fields=firm,phone", "purpose=credit"] {
                #expect(
                    try await node.problem("GET", "/api/v1/agreements/\(agreement)/data?" + outside, as: bank)
                        == "valve.consent-missing", "\(outside)")
            }
            try await node.ask("POST", "/api/v1/mandates/\(given)/revoke", [:], as: firm)
            let refusal = try await node.problem("GET", data, as: bank)
            #expect(refusal == "valve.consent-missing")
        }

        @Test(
            "S33: a zone has operator, members, entry rules and a catalog of its own; who is no member sees the catalog alone"
        )
        func zones() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let kinds = try await node.call("GET", "/api/v1/spaces").json["templates"]?.array ?? []
            let named = Set(kinds.compactMap { $0["kind"]?.text })
            let wanted: Set = ["finance", "medicine", "transport", "location", "aerospace", "research"]
            #expect(wanted.isSubset(of: named))
            let (operatorA, operatorB) = (try await node.account("金融运营"), try await node.account("医疗运营"))
            let (bank, stranger) = (try await node.account("银行"), try await node.account("旁人"))
            let finance = try await space(node, "finance", operatorA)
            let medicine = try await space(node, "medicine", operatorB)
            // The city offers a product in the zone, so it is admitted first.
            try await node.ask("POST", "/api/v1/spaces/\(finance)/members", [:])
            try await admit(try await node.own(), finance, operatorA, node)
            let query = try await node.publish(
                Self.firms, title: "企业信用查询", doors: "query", openness: "conditional", space: finance)
            let inZone = try await node.call("GET", "/api/v1/spaces/\(finance)/listings").json["listings"]?
                .array
            #expect(inZone?.map { $0["code"]?.text } == [query.listing])

            // A stranger sees that it is there, not what is in it, and cannot ask for it.
            let outside = try await node.call(
                "GET", "/api/v1/listings/\(query.listing)", token: stranger.token
            )
            .json
            #expect(outside["title"] != nil && outside["summary"] == nil && outside["terms"] == nil)
            let asked = try await node.call(
                "POST", "/api/v1/offers", ["listing": .string(query.listing)], token: stranger.token)
            try await settle(node)
            let refused = try await node.ask("GET", "/api/v1/offers", as: stranger)["offers"]?[0]
            #expect(
                asked.status >= 400 || refused?["state"] == "TERMINATED"
                    || refused?["agreement"]?.isNull == true)

            try await node.ask("POST", "/api/v1/spaces/\(finance)/members", [:], as: bank)
            #expect(
                try await node.problem(
                    "POST", "/api/v1/spaces/\(finance)/members/\(bank.code)", ["standing": "member"],
                    as: operatorB)
                    == "trade.space-not-yours")
            try await admit(bank.code, finance, operatorA, node)
            let inside = try await node.call("GET", "/api/v1/listings/\(query.listing)", token: bank.token)
                .json
            #expect(inside["summary"] != nil)
            // An operator reads its own zone and no other.
            let members = try await node.ask("GET", "/api/v1/spaces/\(finance)/members", as: operatorA)
            #expect(members["members"]?.array?.contains { $0["party"]?.text == bank.code } == true)
            #expect(
                try await node.problem("GET", "/api/v1/spaces/\(medicine)/members", as: operatorA)
                    == "trade.space-not-yours")
        }

        @Test(
            "S36: an operator with a dated authorization lists derived products under the fee ceiling; withdrawing it stops delivery at once"
        )
        func authorizedOperation() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let agent = try await node.account("运营公司")
            let bank = try await node.account("银行")
            let zone = try await space(node, "finance", agent, ["feeCeiling": "2CNY", "holdersShare": 3000])
            try await node.ask("POST", "/api/v1/spaces/\(zone)/members", [:])
            try await admit(try await node.own(), zone, agent, node)
            try await admit(bank.code, zone, agent, node)
            let source = try await node.publish(
                Self.firms, title: "原始数据", doors: "query", openness: "conditional"
            )
            .listing
            // Raw rows, too high a price, too small a share: each is refused with its reason.
            for (doors, price, lineage, reason) in [
                ("download", "free", nil, "trade.space-raw-rows"),
                ("query", "query:3CNY", nil, "trade.space-too-dear"),
                ("download", "free", "\(source)=1000", "trade.space-share-missing"),
            ] {
                let refusal = try await node.problem(
                    of: node.publication(
                        of: Self.firms, title: "拒绝", doors: doors, openness: "conditional", price: price,
                        space: zone, lineage: lineage))
                #expect(refusal == reason)
            }
            let derived = try await node.publish(
                "district,firms\n东城,12\n", title: "分区企业数", doors: "download", openness: "conditional",
                space: zone,
                lineage: "\(source)=3000")
            let connector = try ForeignConnector(bank)
            defer { connector.server.stop() }
            let agreement = try await node.agreement(try await connector.agree(on: derived.listing, at: node))
            let data = "/api/v1/agreements/\(agreement)/data"
            #expect(try await node.call("GET", data, token: bank.token).status == 200)

            let spaces = try await node.call("GET", "/api/v1/spaces").json["spaces"]?.array ?? []
            let mandate = try #require(spaces.first { $0["space"]?.text == zone }?["mandate"]?.text)
            try await node.ask("POST", "/api/v1/mandates/\(mandate)/revoke", [:])
            #expect(try await node.problem("GET", data, as: bank) == "trade.space-unoperated")
        }

        private func space(
            _ node: RunningNode, _ kind: String, _ agent: RunningNode.Account, _ more: [String: JSON] = [:]
        ) async throws -> String {
            let body: [String: JSON] = [
                "kind": .string(kind), "operator": .string(agent.code), "until": "2099-12-31T16:00:00Z",
                "entry": "持牌机构",
            ]
            let opened = try await node.ask("POST", "/api/v1/spaces", .object(body.merging(more) { $1 }))
            return try #require(opened["space"]?.text)
        }

        private func admit(
            _ party: String, _ space: String, _ agent: RunningNode.Account, _ node: RunningNode
        ) async throws {
            try await node.ask(
                "POST", "/api/v1/spaces/\(space)/members/\(party)", ["standing": "member"], as: agent)
        }

        private func settle(_ node: RunningNode) async throws { try await Task.sleep(for: .seconds(1)) }
    }
}
