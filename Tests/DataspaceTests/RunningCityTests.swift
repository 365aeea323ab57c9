// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// Codes of data and of the city, and demand that meets supply.
extension OnRunningNodes {
    @Suite("Codes, demand and supply")
    struct RunningCityTests {
        @Test(
            "S19: every asset, listing and thing gets a code with a check character; a mistyped one is refused; resolving tells kind, holder, state and chain record"
        )
        func codes() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let data = try await node.publish("a,b\n1,2\n", title: "空气质量")
            let outside = try await node.ask("POST", "/api/v1/codes", ["kind": "res", "note": "目录 7"])["code"]
            let own = try await node.own()
            for (code, kind, state) in [
                (data.asset, "ast", "registered"), (data.listing, "lst", "open"),
                (outside?.text ?? "", "res", "issued"),
            ] {
                let told = try await node.call("GET", "/api/v1/codes/" + code).json
                #expect(told["kind"]?.text == kind && told["state"]?.text == state, "\(told)")
                #expect(told["history"]?[0]?["leaf"]?.integer != nil, "\(told)")
                if kind != "res" { #expect(told["holder"]?.text == own, "\(told)") }
                // Every single wrong character is found, wherever it is.
                let letters = Array(code)
                for place in 4..<letters.count {
                    var wrong = letters
                    wrong[place] = letters[place] == "7" ? "8" : "7"
                    #expect(Code(String(wrong)) == nil)
                }
                let mistyped = String(code.dropLast()) + (code.last == "a" ? "b" : "a")
                let refused = try await node.call("GET", "/api/v1/codes/" + mistyped)
                #expect(refused.status == 404 && refused.json["code"] == "register.code-unknown")
            }
        }

        @Test(
            "S167: a city code is issued once and for good, resolved by permission, drawn as a QR code; a person behind it is shown only with a right"
        )
        func cityCode() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let (person, clerk) = (try await node.account("王某"), try await node.account("社区服务"))
            let entity: JSON = [
                "sort": "person", "name": "王某", "identity": "p-17", "subject": .string(person.code),
                "details": ["phone": "13800000000"],
            ]
            let issued = try await node.ask("POST", "/api/v1/entities", entity)
            let code = try #require(issued["code"]?.text)
            #expect(Code(code)?.kind == .entity)
            let again = try await node.call("POST", "/api/v1/entities", entity, token: node.token)
            #expect(again.status == 409 && again.json["code"] == "register.entity-coded")
            #expect(again.text.contains(code), "the one code it has is told")
            let byGuest = try await node.problem("POST", "/api/v1/entities", entity, as: clerk)
            #expect(byGuest == "identity.scope-missing")

            // By permission: anybody, an account, who was authorized for one purpose, the person.
            let path = "/api/v1/entities/\(code)"
            for reply in [
                try await node.call("GET", path), try await node.call("GET", path, token: clerk.token),
                try await node.call("GET", "/api/v1/codes/\(code)", token: clerk.token),
                try await node.call("GET", "/codes/\(code)"),
            ] {
                #expect(reply.status == 200)
                #expect(!reply.text.contains("王某") && !reply.text.contains("13800000000"), "\(reply.text)")
            }
            #expect(try await node.ask("GET", path, as: person)["details"]?["phone"] == "13800000000")
            try await node.ask(
                "POST", "/api/v1/mandates",
                [
                    "agent": .string(clerk.code), "verbs": "resolve", "subjects": .string(code),
                    "purpose": "care", "uses": 1,
                ], as: person)
            #expect(try await node.ask("GET", path + "?purpose=ads", as: clerk)["name"] == nil)
            let shown = try await node.ask("GET", path + "?purpose=care", as: clerk)
            #expect(shown["name"] == "王某" && shown["details"]?["phone"] == "13800000000", "\(shown)")
            #expect(
                try await node.ask("GET", path + "?purpose=care", as: clerk)["name"] == nil, "once, not twice"
            )
            let notices = try await node.ask("GET", "/api/v1/notices", as: person)["notices"]?.array ?? []
            #expect(notices.count { $0["kind"] == "authorization-used" && $0["about"]?["by"] == "社区服务" } == 1)

            // Its end changes its state, and gives its code to nobody.
            try await node.ask("POST", path + "/end", [:])
            #expect(try await node.call("GET", path).json["state"] == "ended")
            let anew = try await node.call("POST", "/api/v1/entities", entity, token: node.token)
            #expect(anew.status == 409, "\(anew.text)")
            let moved = try await node.call(
                "POST", path + "/moves", ["place": .string(code)], token: node.token)
            #expect(moved.json["code"] == "register.entity-ended")
        }

        @Test(
            "S167: another program reads the address of a code's page from its QR code",
            .enabled(if: Python.interpreter != nil, "skipped: no Python clients"))
        func qr() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let code = try #require(
                try await node.ask("POST", "/api/v1/entities", ["sort": "place", "name": "东四"])["code"]?.text)
            let svg = try await node.call("GET", "/codes/\(code)/qr.svg")
            #expect(svg.status == 200 && svg.headers["content-type"] == "image/svg+xml")
            let folder = try Python.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            try Data(svg.body).write(to: folder.appending(path: "code.svg"))
            let script = """
                import re, numpy, zxingcpp
                svg = open("code.svg").read()
                side = int(re.search(r'viewBox="-4 -4 (\\d+)', svg).group(1))
                image = numpy.full((side, side), 255, numpy.uint8)
                for x, y, n in re.findall(r"M(\\d+) (\\d+)h(\\d+)v1h-", svg):
                    image[int(y) + 4, int(x) + 4:int(x) + 4 + int(n)] = 0
                print(zxingcpp.read_barcodes(numpy.kron(image, numpy.ones((6, 6), numpy.uint8)))[0].text)
                """
            let (status, output) = try await Python.run("python3", ["-c", script], folder: folder)
            #expect(status == 0 && output.contains("\(node.url)/codes/\(code)\n"), "\(output)")
        }

        @Test(
            "S168: every entity has a code with validity in time and place, and what was at a place at a time is answered from history"
        )
        func spaceTime() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            func issue(_ sort: String, _ name: String, at place: String? = nil) async throws -> String {
                let body: JSON = [
                    "sort": .string(sort), "name": .string(name), "since": "2026-01-01T00:00:00Z",
                    "place": place.map(JSON.string) ?? .null,
                ]
                return try #require(try await node.ask("POST", "/api/v1/entities", body)["code"]?.text)
            }
            let district = try await issue("place", "东城")
            let (dongsi, dongdan) = (
                try await issue("place", "东四", at: district), try await issue("place", "东单", at: district)
            )
            let sensor = try await issue("thing", "传感器 7", at: dongsi)
            let works = try await issue("matter", "管线施工", at: dongsi)
            let firm = try await issue("enterprise", "胡同公司", at: dongsi)
            let passer = try await issue("person", "李某", at: dongsi)
            try await node.ask(
                "POST", "/api/v1/entities/\(sensor)/moves",
                ["place": .string(dongdan), "since": "2026-03-01T00:00:00Z"])
            try await node.ask(
                "POST", "/api/v1/entities/\(works)/end", ["at": "2026-02-01T00:00:00Z"])

            func there(_ place: String, _ day: String, token: String? = nil) async throws -> Set<String> {
                let reply = try await node.call(
                    "GET", "/api/v1/entities?place=\(place)&at=2026-\(day)T00:00:00Z", token: token)
                #expect(reply.status == 200, "\(reply.text)")
                return Set((reply.json["entities"]?.array ?? []).compactMap { $0["code"]?.text })
            }
            #expect(try await there(dongsi, "01-01") == [sensor, works, firm], "from the first moment on")
            #expect(try await there(dongsi, "02-01") == [sensor, firm], "an end is not included")
            #expect(try await there(dongsi, "03-01") == [firm])
            #expect(try await there(dongdan, "02-28") == [] as Set<String>)
            #expect(try await there(dongdan, "03-01") == [sensor])
            #expect(try await there(district, "03-01") == [dongsi, dongdan, sensor, firm], "and within it")
            #expect(try await there(dongsi, "01-01", token: node.token).contains(passer), "its issuer knows")
            let history = try await node.call("GET", "/api/v1/entities/\(sensor)").json["places"]
            #expect(history?[0]?["place"]?.text == dongdan && history?[1]?["until"] == "2026-03-01T00:00:00Z")

            // What was is not written anew.
            for (path, body, problem) in [
                (
                    "\(sensor)/moves", ["place": .string(dongsi), "since": "2026-02-01T00:00:00Z"] as JSON,
                    "register.stay-overlaps"
                ),
                ("\(sensor)/moves", ["place": .string(firm)], "register.place-unknown"),
                ("\(works)/moves", ["place": .string(dongsi)], "register.entity-ended"),
                ("\(firm)/end", ["at": "yesterday"], "app.part-missing"),
            ] {
                let reply = try await node.call("POST", "/api/v1/entities/" + path, body, token: node.token)
                #expect(reply.json["code"]?.text == problem, "\(path): \(reply.text)")
            }
        }

        @Test(
            "S46: demand and supply are matched in ranked order with the parts of the score; an accepted match is a task with a due time; figures stand by field"
        )
        func dispatch() async throws {
            let node = try RunningNode("city")
            defer { node.stop() }
            let buyer = try await node.account("买方")
            func post(_ words: String, _ field: String, due: String = "2099-01-01T00:00:00Z") async throws
                -> String
            {
                let body: JSON = ["words": .string(words), "field": .string(field), "dueAt": .string(due)]
                return try #require(
                    try await node.ask("POST", "/api/v1/demands", body, as: buyer)["demand"]?.text)
            }
            let full = try await node.publish("a,b\n1,2\n", title: "公交 客流", openness: "conditional").listing
            let part = try await node.publish("a,b\n1,3\n", title: "公交 线路", openness: "conditional").listing
            let other = try await node.publish("a,b\n1,4\n", title: "病床", openness: "conditional").listing
            let demand = try await post("公交 客流", "transport")
            let missed = try await post("地铁 断面", "transport", due: "2026-01-01T00:00:00Z")
            _ = try await post("学位 供给", "education")
            let matches = try await node.call("GET", "/api/v1/demands/\(demand)/matches").json["matches"]
            #expect(
                matches?[0]?["listing"]?.text == full && matches?[1]?["listing"]?.text == part,
                "\(matches ?? .null)")
            #expect(matches?[0]?["wordShare"] == 1000 && matches?[1]?["wordShare"] == 500)
            #expect(matches?[1]?["missing"] == ["客流"] && matches?[0]?["price"]?.text?.isEmpty == false)

            let accept = "/api/v1/demands/\(demand)/acceptance"
            let wrong = try await node.problem("POST", accept, ["listing": .string(other)], as: buyer)
            #expect(wrong == "trade.demand-unanswered")
            let stranger = try await node.account("旁人")
            let notHis = try await node.problem("POST", accept, ["listing": .string(full)], as: stranger)
            #expect(notHis == "trade.demand-unknown")
            let task = try await node.ask(
                "POST", accept, ["listing": .string(full), "due": "2098-12-01T00:00:00Z"], as: buyer)
            #expect(task["state"] == "accepted" && task["taskDue"] == "2098-12-01T00:00:00Z", "\(task)")
            let told = try await node.ask("GET", "/api/v1/notices")["notices"]?.array ?? []
            #expect(
                told.contains {
                    $0["kind"] == "match-accepted" && $0["subject"]?.text == demand
                        && $0["about"]?["due"] == "2098-12-01T00:00:00Z"
                })
            let twice = try await node.problem("POST", accept, ["listing": .string(part)], as: buyer)
            #expect(twice == "trade.demand-settled")

            func figures(_ field: String) async throws -> JSON? {
                try await node.call("GET", "/api/v1/demands/figures").json["fields"]?.array?
                    .first { $0["field"]?.text == field }
            }
            let before = try await figures("transport")
            #expect(before?["accepted"] == 1 && before?["open"] == 1 && before?["unmet"] == 1, "\(missed)")
            #expect(try await figures("education")?["open"] == 1)
            // The agreement is what the task was for.
            let connector = try ForeignConnector(buyer)
            defer { connector.server.stop() }
            _ = try await connector.agree(on: full, at: node)
            let after = try await figures("transport")
            #expect(after?["closed"] == 1 && after?["accepted"] == 0, "\(after ?? .null)")
        }
    }
}
