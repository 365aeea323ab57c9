// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import Testing

/// From an upload to a graded, described, assessed and valued asset, over the doors of a running node.
@Suite("Publication at a running node", .serialized)
struct PublicationTests {
    /// Valid resident identity numbers (GB 11643) and telephone numbers that nobody has.
    private func people(_ count: Int) -> [UInt8] {
        var text = "person_code,id_card,mobile,icd10,city,visits\n"
        for number in 0..<count {
            let body = "11010519491231" + String(format: "%03d", number % 1000)
            let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
            let sum = zip(body.utf8, weights).reduce(0) { $0 + (Int($1.0) - 48) * $1.1 }
            let check = Array("10X98765432")[sum % 11]
            text +=
                "P\(number),\(body)\(check),138\(String(format: "%08d", number)),J\(number % 99),Beijing,\(number % 7)\n"
        }
        return Array(text.utf8)
    }

    @Test(
        "S114: a publication is graded by what its values are, each field with a why; a person decides, with a reason"
    )
    func graded() async throws {
        try await ServedNode.run { node in
            let taken = try await node.publish(people(200), named: "people.csv").json
            let asset = taken["asset"]?.text ?? ""
            let grades = Dictionary(
                (taken["grades"]?.array ?? []).map { ($0["field"]?.text ?? "", $0) }, uniquingKeysWith: { $1 }
            )
            #expect(grades["id_card"]?["proposed"] == "general-4")
            #expect(grades["id_card"]?["rule"] == "kind:resident-id")
            #expect(grades["id_card"]?["why"]?["zh"]?.text?.contains("100%") == true)
            #expect(grades["mobile"]?["proposed"] == "general-3")
            #expect(grades["icd10"]?["class"] == "personal-health")
            #expect(grades["person_code"]?["class"] == "personal-identity")
            #expect(grades["city"]?["proposed"] == "general-1")
            // Nothing of a strictly graded column's values in what may be shown.
            let profile = taken["profile"]?.canonicalText ?? ""
            #expect(!profile.contains("1101051949") && !profile.contains("13800000"))
            #expect(profile.contains("Beijing"))

            let path = "/api/v1/assets/\(asset)/grades"
            func refusal(_ body: JSON) async throws -> String? {
                try await node.post(path, body).json["code"]?.text
            }
            #expect(try await refusal([:]) == "collect.person-missing")
            #expect(
                try await refusal(["person": "Li", "overrides": ["mobile": "general-1"]])
                    == "classification.reason-missing")
            #expect(
                try await refusal(["person": "Li", "overrides": ["nothing": "general-1"]])
                    == "register.field-unknown")
            #expect(
                try await refusal(["person": "Li", "overrides": ["mobile": "secret"]])
                    == "register.grade-unknown")
            let decided = try await node.post(
                path,
                ["person": "Li", "overrides": ["mobile": ["grade": "general-2", "reason": "test numbers"]]])
            #expect(decided.status == 200)
            let mobile = decided.json["grades"]?.array?.first { $0["field"] == "mobile" }
            #expect(mobile?["confirmed"] == "general-2" && mobile?["reason"] == "test numbers")

            // The data grow into something stricter: the difference is named and the decision is open again.
            let grown = try await node.publish(
                Array("person_code,id_card,mobile,icd10,city,visits\nP1,,,J1,11010519491231002X,1\n".utf8),
                named: "more.csv", asset: asset
            ).json
            #expect(grown["asset"]?.text == asset)
            let difference = grown["regraded"]?.array?.first { $0["field"] == "city" }
            #expect(difference?["before"] == "general-1" && difference?["after"] == "general-4")
            let now = try await node.ask("GET", path).json["grades"]?.array
            #expect(now?.first { $0["field"] == "city" }?["confirmed"]?.isNull == true)
            #expect(now?.first { $0["field"] == "mobile" }?["confirmed"] == "general-2")
        }
    }

    @Test(
        "S115: six sectors' catalogs come into force by review, grade the next delivery as suspected important, and show their age"
    )
    func catalogs() async throws {
        try await ServedNode.run { node in
            func catalog(_ sector: String, _ version: String, _ items: JSON) -> JSON {
                [
                    "sector": .string(sector), "version": .string(version), "asOf": "2026-11-01",
                    "title": ["zh": "目录", "en": "catalog"], "items": items,
                ]
            }
            for sector in ["government", "industry", "telecom", "transport", "health", "finance"] {
                let items: JSON = [
                    ["name": .string("item-" + sector), "words": [.string("secret_" + sector)]]
                ]
                let filed = try await node.post(
                    "/api/v1/grading", ["document": catalog(sector, "1", items), "person": "Li"])
                #expect(filed.json["state"] == "proposed", "\(filed.json.canonicalText)")
                let own = try await node.post(
                    "/api/v1/grading/\(sector)/review", ["version": "1", "person": "Li", "grants": true])
                #expect(own.json["code"] == "collect.review-own")
                let granted = try await node.post(
                    "/api/v1/grading/\(sector)/review", ["version": "1", "person": "Wang", "grants": true])
                #expect(granted.json["state"] == "in-force")
                #expect((granted.json["ageDays"]?.integer ?? -1) >= 0)
            }
            let taken = try await node.publish(
                Array("secret_health,b\nx,1\n".utf8), named: "a.csv"
            ).json
            let grade = taken["grades"]?.array?.first { $0["field"] == "secret_health" }
            #expect(grade?["proposed"] == "important" && grade?["suggestion"]?["zh"] == "疑似重要数据")
            #expect(grade?["why"]?["zh"]?.text?.contains("疑似重要数据，建议级别") == true)
            // Graded important though no catalog names it, and catalog items that no field was graded by.
            _ = try await node.post(
                "/api/v1/assets/\(taken["asset"]?.text ?? "")/grades",
                ["person": "Li", "overrides": ["b": ["grade": "important", "reason": "merged scale"]]])
            let differences = try await node.ask("GET", "/api/v1/grading/differences").json
            #expect(differences["withoutCatalog"]?.array?.compactMap { $0["field"]?.text } == ["b"])
            #expect(differences["withoutField"]?.array?.count == 5)
            // A later version changes an item by review; the older one is replaced.
            _ = try await node.post(
                "/api/v1/grading", ["document": catalog("health", "2", []), "person": "Li"])
            _ = try await node.post(
                "/api/v1/grading/health/review", ["version": "2", "person": "Wang", "grants": true])
            let documents = try await node.ask("GET", "/api/v1/grading").json["documents"]?.array ?? []
            #expect(
                documents.first { $0["name"] == "health" && $0["version"] == "1" }?["state"] == "replaced")
            let again = try await node.publish(Array("secret_health,b\ny,1\n".utf8), named: "b.csv").json
            #expect(
                again["grades"]?.array?.first { $0["field"] == "secret_health" }?["proposed"] == "general-1")
        }
    }

    @Test(
        "S20: the describe door tells names, types and grades, no statistics, counts each query, and can be shut"
    )
    func described() async throws {
        try await ServedNode.run { node in
            let asset = try await node.publish(people(50), named: "people.csv").json["asset"]?.text ?? ""
            let path = "/api/v1/assets/\(asset)/description"
            let first = try await node.ask("GET", path).json
            #expect(first["fields"]?.array?.count == 6)
            #expect(first["grade"] == "general-4")
            #expect(first["profile"] == nil && first["rows"] == nil)
            #expect(!first.canonicalText.contains("Beijing"))
            _ = try await node.ask("GET", path)
            let history = try await node.ask("GET", "/api/v1/codes/" + asset).json["history"]?.array ?? []
            #expect(history.count { $0["kind"] == "passage-answered" } == 1, "one leaf an hour and asker")
            _ = try await node.post("/api/v1/valve/close", ["target": .string(asset), "why": "test"])
            #expect(try await node.ask("GET", path).json["code"] == "valve.closed")
            _ = try await node.post("/api/v1/valve/open", ["target": .string(asset)])
            #expect(try await node.ask("GET", path).status == 200)
            #expect(try await node.ask("GET", path, headers: ["Authorization": "Bearer no"]).status == 401)
        }
    }

    @Test(
        "S22: cost, income and market give three values with their inputs; every number is recomputed; nothing is booked"
    )
    func valued() async throws {
        try await ServedNode.run { node in
            let asset = try await node.publish(people(10), named: "people.csv").json["asset"]?.text ?? ""
            let path = "/api/v1/assets/\(asset)/valuations"
            let before = try await node.ask("GET", "/api/v1/balances").json
            let incomplete = try await node.post(path, ["cost": ["items": []]])
            #expect(incomplete.json["code"] == "register.valuation-incomplete")
            let report = try await node.post(
                path,
                [
                    "cost": [
                        "items": [
                            ["name": "collection", "amount": "1000.00CNY"],
                            ["name": "cleaning", "amount": "500.00CNY"],
                        ], "profitBasisPoints": 1000, "obsolescenceBasisPoints": 2000,
                    ],
                    "income": ["yearly": ["1000.00CNY", "1000.00CNY"], "rateBasisPoints": 1000],
                    "market": ["factorBasisPoints": 9000],
                ])
            #expect(report.status == 201, "\(report.json.canonicalText)")
            let values = (report.json["methods"]?.array ?? []).map { $0["value"]?.text }
            // 1500 × 1.1 × 0.8; 1000/1.1 + 1000/1.21; no contract was closed, so the market says nothing.
            #expect(values == ["1320.00 CNY", "1735.54 CNY", nil])
            #expect(report.json["range"]?["least"] == "1320.00 CNY")
            #expect(report.json["isBookedAmount"] == false)
            #expect(try await node.ask("GET", "/api/v1/balances").json == before)
            #expect(try await node.ask("GET", path).json["valuations"]?.array?.count == 1)
        }
    }

    @Test(
        "S29, S21: the graph of an asset shows every signed step and exports as W3C PROV; its quality report is bound to the version"
    )
    func lineageAndQuality() async throws {
        try await ServedNode.run { node in
            let taken = try await node.publish(
                Array("city,pm25\nBeijing,12.5\nTianjin,x\n".utf8), named: "a.csv"
            ).json
            let path = "/api/v1/assets/\(taken["asset"]?.text ?? "")"
            let graph = try await node.ask("GET", path + "/lineage").json
            #expect(graph["output"] == taken["digest"])
            #expect(graph["steps"]?[0]?["activity"] == "collect" && graph["steps"]?[0]?["state"] == "signed")
            #expect(graph["origins"]?.array?.count == 1)
            let prov = try await node.ask("GET", path + "/lineage?format=prov").json
            #expect(prov["prefix"]?["prov"] == "http://www.w3.org/ns/prov#")
            #expect(prov["wasGeneratedBy"]?.object?.count == 1)
            let report = try await node.post(
                path + "/quality",
                [
                    "standard": [
                        "standard": "air", "version": "1",
                        "fields": [
                            ["name": "city", "type": "text", "mandatory": true],
                            ["name": "pm25", "type": "decimal(5,1)", "min": "0"],
                        ],
                    ]
                ])
            #expect(report.status == 201, "\(report.json.canonicalText)")
            #expect(report.json["statement"]?["data"] == taken["digest"])
            let indicators = report.json["statement"]?["report"]?["indicators"]?.array ?? []
            #expect(indicators.count == 20)
            #expect(indicators.first { $0["indicator"] == "data-standard" }?["a"] == 1)
        }
    }

    @Test(
        "S07, S08: the stations are terminals; their live readings come in through the one gate and continue the asset"
    )
    func terminals() async throws {
        try await ServedNode.run { node in
            let source =
                try await node.post(
                    "/api/v1/sources",
                    [
                        "name": "stations", "kind": "terminal", "owner": "Center", "collector": "Center",
                        "method": "sensor", "ground": "legal-duty", "document": "law",
                    ]
                ).json["source"]?.text ?? ""
            let stations = [
                "Aotizhongxin", "Changping", "Dingling", "Dongsi", "Guanyuan", "Gucheng", "Huairou",
                "Nongzhanguan",
                "Shunyi", "Tiantan", "Wanliu", "Wanshouxigong",
            ]
            var keys: [String: String] = [:]
            for (number, station) in stations.enumerated() {
                let entered = try await node.post(
                    "/api/v1/terminals",
                    [
                        "cityCode": .string("BJ-AQ-" + station), "type": "air-quality",
                        "place": .string(station),
                        "district": .string(number < 6 ? "东城区" : "怀柔区"), "owner": "Center",
                        "source": .string(source),
                        "standard": [
                            "standard": "air-live", "version": "1",
                            "fields": [
                                ["name": "pm25", "type": "decimal(5,1)", "min": "0", "mandatory": true]
                            ],
                        ],
                    ])
                #expect(entered.status == 201, "\(entered.json.canonicalText)")
                keys[station] = entered.json["key"]?.text
            }
            func send(_ station: String, _ readings: JSON, key: String? = nil) async throws -> JSON {
                try await node.ask(
                    "POST", "/api/v1/telemetry",
                    (["terminal": .string("BJ-AQ-" + station), "readings": readings] as JSON).canonicalBytes,
                    headers: ["Hutong-Terminal-Key": key ?? keys[station] ?? ""]
                ).json
            }
            for station in stations {
                let verdict = try await send(station, [["sequence": 1, "values": ["pm25": 12.5]]])
                #expect(verdict["accepted"] == 1, "\(verdict.canonicalText)")
            }
            #expect(try await send("Dongsi", [["sequence": 1, "values": ["pm25": 12.5]]])["repeated"] == 1)
            #expect(try await send("Dongsi", [["sequence": 2, "values": ["pm25": -1]]])["rejected"] == 1)
            #expect(
                try await send("Dongsi", [["sequence": 2, "values": ["pm25": 1]]], key: "no")["rejected"] == 1
            )
            #expect(try await send("Nowhere", [["sequence": 2, "values": ["pm25": 1]]])["rejected"] == 1)
            let first = try await node.post(
                "/api/v1/telemetry/deliveries", ["source": .string(source), "title": "live"])
            #expect(first.json["rows"] == 12, "\(first.json.canonicalText)")
            _ = try await send("Tiantan", [["sequence": 2, "values": ["pm25": 13]]])
            let second = try await node.post(
                "/api/v1/telemetry/deliveries",
                ["source": .string(source), "title": "live", "asset": first.json["asset"] ?? .null])
            #expect(second.json["rows"] == 13 && second.json["asset"] == first.json["asset"])
            let none = try await node.post(
                "/api/v1/telemetry/deliveries",
                ["source": .string(source), "title": "live", "asset": first.json["asset"] ?? .null])
            #expect(none.json["rows"] == 0)
            let path = "/api/v1/terminals?district=%E4%B8%9C%E5%9F%8E%E5%8C%BA"
            #expect(try await node.ask("GET", path).json["terminals"]?.array?.count == 6)
        }
    }
}
