// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import Identity
import Primitives
import Testing

/// Recipients that see different things, templates and their approval, and what nobody may see.
@Suite("Recipients and templates of a clean room", .serialized)
struct CleanRoomRecipientTests {
    @Test(
        "each recipient is answered from its own rows, through its own masks, and two cannot subtract what they were told"
    )
    func recipients() async throws {
        let others: JSON = [
            "tables": [
                "visits": [
                    "rowFilter": [["column": "district", "values": ["Haidian", "Xicheng"]]],
                    "masks": ["age": ["step": 10], "day": ["to": "month"], "resp": "hidden"],
                ]
            ]
        ]
        let rules = CleanRoomNode.rules(["minimumGroup": 5, "recipients": ["others": others]])
        try await CleanRoomNode.run(rules) { room in
            let buyer = try await room.buyer("buyer")
            let places = try await room.ask(CleanRoomNodeTests.byDistrict, as: buyer)
            let told = places.rows.filter { $0[1]?.integer != nil }.compactMap { $0[0]?.text }
            #expect(Set(told) == ["Haidian", "Xicheng"], "\(places.answer.canonicalText)")
            let ages = try await room.ask(
                "SELECT age, count(*) AS n FROM visits GROUP BY age", as: buyer)
            #expect(!ages.rows.isEmpty && ages.rows.allSatisfy { ($0[0]?.integer ?? 1) % 10 == 0 })
            let days = try await room.ask(
                "SELECT day, count(*) AS n FROM visits GROUP BY day", as: buyer)
            #expect(days.rows.count == 12 && days.rows.allSatisfy { $0[0]?.text?.hasSuffix("-01") == true })
            let hidden = try await room.ask("SELECT count(*) AS n FROM visits WHERE resp", as: buyer)
            #expect(hidden.code == "privatesql.use-refused")
            // A mask cannot be looked behind: ages 41 and 49 are both 40.
            let exact = try await room.ask("SELECT count(*) AS n FROM visits WHERE age = 41", as: buyer)
            #expect(exact.rows.first?[0]?.integer == nil || exact.rows.first?[0] == 0)
        }
    }

    @Test(
        "templates: four usual questions are approved once, asked with arguments, and refused with other ones"
    )
    func shapes() async throws {
        let rules = CleanRoomNode.noised(epsilon: "5", total: "50", ["answers": ["questions": "approved"]])
        try await CleanRoomNode.run(rules) { room in
            let buyer = try await room.buyer("buyer")
            let path = "/api/v1/listings/\(room.listing)/templates"
            let incidence = try await CleanRoomNode.done(
                room.node.post(
                    path,
                    [
                        "shape": "incidence",
                        "columns": [
                            "person": "person", "district": "district", "day": "day", "finding": "resp",
                        ],
                    ]))
            #expect(incidence["state"] == "approved" && incidence["version"] == 1, "the holder's own")
            let arguments: JSON = ["finding": true, "from": "2016-01-01", "until": "2016-07-01"]
            let told = try await room.ask(
                "", as: buyer, purpose: "research",
                ["template": "incidence", "arguments": arguments, "text": .null])
            #expect(told.rows.count == 4, "\(told.reply.canonicalText.prefix(300))")
            #expect(told.answer["columns"]?.array?.last == "per_10000")
            let wrong = try await room.ask(
                "", as: buyer, purpose: "research",
                ["template": "incidence", "arguments": ["finding": "1 OR 1=1", "from": "x"], "text": .null])
            #expect(wrong.code == "compute.argument-refused")

        }
    }

    @Test(
        "a free question goes through the holder's desk: proposed, looked at, asked, replaced, withdrawn, each step a leaf"
    )
    func approval() async throws {
        let rules = CleanRoomNode.noised(epsilon: "5", total: "50", ["answers": ["questions": "approved"]])
        try await CleanRoomNode.run(rules) { room in
            let buyer = try await room.buyer("buyer")
            let free = "SELECT count(*) AS n FROM visits WHERE age > 60"
            let path = "/api/v1/listings/\(room.listing)/templates"
            #expect(try await room.ask(free, as: buyer).code == "compute.question-unapproved")
            let proposed = try await CleanRoomNode.done(
                room.post(path, ["name": "elders", "text": .string(free)], as: buyer))
            #expect(proposed["state"] == "proposed")
            #expect(try await room.ask(free, as: buyer).code == "compute.question-unapproved")
            let own = try await room.post(path + "/elders", ["decision": "approve"], as: buyer)
            #expect(own.json["code"] == "compute.template-holder")
            let granted = try await CleanRoomNode.done(
                room.node.post(path + "/elders", ["decision": "approve", "why": "fits the purpose"]))
            #expect(granted["state"] == "approved")
            #expect(try await room.ask(free, as: buyer).code == nil)
            #expect(
                try await room.ask("select COUNT(*) as n\nfrom visits where (age > 60)", as: buyer).code
                    == nil,
                "however it is written")
            #expect(
                try await room.ask(free.replacing("60", with: "61"), as: buyer).code
                    == "compute.question-unapproved")

            // A newer version replaces the older one; a withdrawn one is asked no more; all of it is in the log.
            try await CleanRoomNode.done(
                room.node.post(
                    path,
                    [
                        "name": "elders", "text": "SELECT count(*) AS n FROM visits WHERE age > $age",
                        "parameters": [["name": "age", "type": "integer", "values": [60, 70]]],
                    ]))
            #expect(
                try await room.ask(free.replacing("60", with: "70"), as: buyer).code == nil,
                "an instance of it")
            #expect(
                try await room.ask(free.replacing("60", with: "61"), as: buyer).code
                    == "compute.question-unapproved")
            try await CleanRoomNode.done(
                room.node.post(path + "/elders", ["decision": "withdraw", "why": "too narrow"]))
            #expect(
                try await room.ask("SELECT count(*) AS n FROM visits WHERE age > 70 AND true", as: buyer).code
                    != nil)
            let all = try await room.node.ask("GET", path).json["templates"]?.array ?? []
            let states = all.filter { $0["name"] == "elders" }.compactMap { $0["state"]?.text }
            #expect(states == ["withdrawn", "replaced"])
            let history = try await room.node.ask("GET", "/api/v1/codes/" + room.listing).json["history"]
            let kinds = (history?.array ?? []).compactMap { $0["kind"]?.text }
            #expect(kinds.filter { $0 == "question-decided" }.count == 3, "\(kinds)")
            #expect(kinds.filter { $0 == "question-proposed" }.count == 2)
            let seen = try await room.get(path, as: buyer)["templates"]?.array ?? []
            #expect(Set(seen.compactMap { $0["name"]?.text }) == ["elders"])
        }
    }

    @Test("S62: a value planted in the rows stands on no page, in no reply and in no log, whoever looks")
    func canary() async throws {
        let canary = "CANARY7f3a91"
        let planted = [
            "\(canary)person,\(canary)place,2016-05-05,true,77,123.45",
            "990,Haidian,2016-05-05,true,109,499.37",
        ]
        let rules = CleanRoomNode.noised(total: "50")
        try await CleanRoomNode.run(rules, visits: CleanRoomNode.visits(planted: planted)) { room in
            let buyer = try await room.buyer("buyer")
            _ = try await room.ask(CleanRoomNodeTests.byDistrict, as: buyer)
            _ = try await room.ask("SELECT district, max(fee) AS m FROM visits GROUP BY district", as: buyer)
            _ = try await room.ask("SELECT count(*) AS n FROM visits WHERE district = '\(canary)'", as: buyer)
            let path = "/api/v1/listings/\(room.listing)/templates"
            _ = try await room.node.post(
                path, ["name": "days", "text": "SELECT day, count(*) AS n FROM visits GROUP BY day"])
            var looked = 0
            for role in [nil, Role.buyer, .holder, .assessor, .auditor, .node, .operator] {
                for place in try await room.everyPlace(buyer) {
                    let reply = try await room.look(place, as: role)
                    looked += reply.isEmpty ? 0 : 1
                    let text = String(decoding: reply, as: UTF8.self)
                    // The buyer's own question names the canary; no answer may.
                    #expect(
                        !text.contains(canary + "person") && !text.contains("499.37")
                            && !text.contains(canary + "place"), "\(place) as \(role?.rawValue ?? "nobody")")
                }
            }
            #expect(looked > 200, "\(looked) replies")
        }
    }

    @Test("S61: a product marked compute-only leaves by no door but answers: no file, no rows, no statistics")
    func computeOnly() async throws {
        try await CleanRoomNode.run(CleanRoomNode.noised(total: "50")) { room in
            let buyer = try await room.buyer("buyer")
            let listing = try await room.get("/api/v1/listings/" + room.listing, as: buyer)
            #expect(listing["doors"] == ["query"])
            #expect(listing["summary"]?["profile"]?.isNull != false && listing["summary"]?["sample"] == nil)
            for text in [
                "SELECT * FROM visits", "SELECT age FROM visits LIMIT 1", "SELECT DISTINCT fee FROM visits",
            ] {
                #expect(try await room.ask(text, as: buyer).code?.hasPrefix("privatesql.") == true)
            }
            let table = room.node.node.courtyard.table.routes
            let files = table.filter { $0.method == "GET" && $0.path.contains("download") }.map(\.path)
            for path in files {
                let real = path.replacing(/:\w+/, with: room.listing)
                let reply = try await room.node.ask("GET", real, headers: buyer.headers)
                #expect(reply.status >= 400, "\(real)")
            }
            let answer = try await room.ask(CleanRoomNodeTests.byDistrict, as: buyer)
            #expect(answer.rows.count == 4 && answer.answer["intervals"]?.array?.count == 4)
        }
    }

    @Test(
        "S94: every outflow passes the valve: fields, purpose, count and budget hold, closing stops the next answer, and each decision is logged with its plan"
    )
    func valve() async throws {
        let rules = CleanRoomNode.noised(total: "1", ["answers": ["questionsMax": 3]])
        try await CleanRoomNode.run(rules) { room in
            let buyer = try await room.buyer("buyer")
            let before = try await room.node.ask("GET", "/api/v1/valve").json
            #expect(
                try await room.ask("SELECT sum(person) AS s FROM visits", as: buyer).code
                    == "privatesql.use-refused")
            #expect(try await room.ask(CleanRoomNodeTests.byDistrict, as: buyer, purpose: "ads").code != nil)
            let told = try await room.ask(CleanRoomNodeTests.byDistrict, as: buyer)
            let receipt = told.reply["receipt"]?["content"]
            #expect(receipt?["plan"]?.text?.count == 64 && receipt?["version"]?.text?.count == 64)
            #expect(receipt?["leafHash"]?.text?.count == 64 && receipt?["seed"]?.text?.count == 64)
            for target in [room.asset, room.listing, buyer.agreement, buyer.party.code.text, "node"] {
                _ = try await room.node.post(
                    "/api/v1/valve/close", ["target": .string(target), "why": "test"])
                let stopped = try await room.ask("SELECT count(*) AS n FROM visits", as: buyer)
                #expect(stopped.code == "valve.closed", "\(target)")
                // A repeat is an outflow too.
                #expect(try await room.ask(CleanRoomNodeTests.byDistrict, as: buyer).code == "valve.closed")
                _ = try await room.node.post("/api/v1/valve/open", ["target": .string(target)])
            }
            #expect(try await room.ask("SELECT count(*) AS n FROM visits", as: buyer).code == nil)
            #expect(
                try await room.ask("SELECT avg(age) AS a FROM visits", as: buyer).code
                    == "valve.privacy-spent")
            let after = try await room.node.ask("GET", "/api/v1/valve").json
            #expect((after["passed"]?.integer ?? 0) - (before["passed"]?.integer ?? 0) == 2)
            #expect((after["refused"]?.integer ?? 0) - (before["refused"]?.integer ?? 0) >= 10)
        }
    }
}
