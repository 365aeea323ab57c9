// SPDX-License-Identifier: Apache-2.0

import APIClient
import Compute
import Foundation
import PSI
import Primitives

extension Story {
    /// How far a noised count may lie from the truth: at ε = 1, farther with probability e⁻³⁰.
    private static let noiseMax: Int64 = 30

    /// A community-care service matches its clients with the hospital's patients: sizes by district, nothing else.
    func match() async throws -> [String: JSON] {
        let agreement = try await agreeForCare()
        let file = try SyntheticData.writeClients(5_000, to: data)
        let budget = "/api/v1/budgets/" + (codes["clinic.listing"] ?? "")
        try await refused("compute.match-want-refused") { () async throws(Problem) in
            try await self.matched(file, agreement, .rows, by: nil)
        }
        let answer = try await matchedThroughCrashes(file, agreement)
        let told = try hold(answer, against: file)
        let again = try await matched(file, agreement, .size, by: "district")
        try hold(again["result"] == answer["result"], "the same set again gives the same noise")
        try hold(again["price"]?.text == "0.00 CNY", "the same set again is free")
        // One set was agreed on: another would find out members one by one.
        let other = data + "/synthetic-clients-but-one.csv"
        let lines = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            .split(separator: "\n").dropLast()
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: other))
        try await refused("compute.match-sets-spent") { () async throws(Problem) in
            try await self.matched(other, agreement, .size, by: "district")
        }
        try hold(try await clinic.door.get(budget)["spent"] == "1", "the budget was charged once")
        return [
            "clients": answer["keys"] ?? .null, "districts": .array(told), "price": answer["price"] ?? .null,
            "passage": answer["code"] ?? .null,
        ]
    }

    /// The first match of the set; where crashes are asked for, the holder and then the asker are killed in the middle of
    /// it, and it still ends as one match, charged once.
    private func matchedThroughCrashes(_ file: String, _ agreement: String) async throws -> JSON {
        guard crashes > 0 else { return try await matched(file, agreement, .size, by: "district") }
        let door = NodeDoor.remote(care.door)
        async let answer = Self.matched(file, agreement, .size, by: "district", through: door)
        for victim in [clinic, care] {
            try await Task.sleep(for: .milliseconds(40))
            victim.kill()
            try victim.start()
        }
        return try await answer
    }

    private func matched(_ file: String, _ agreement: String, _ want: MatchWant, by column: String?)
        async throws(Problem) -> JSON
    {
        try await Self.matched(file, agreement, want, by: column, through: .remote(care.door))
    }

    private static func matched(
        _ file: String, _ agreement: String, _ want: MatchWant, by column: String?, through door: NodeDoor
    ) async throws(Problem) -> JSON {
        do {
            let recipe = try await MatchCall.recipe(of: agreement, keyCount: 1, through: door)
            let call = try MatchCall(
                agreement: agreement, purpose: Story.purpose, want: want, file: file, key: ["person"],
                by: column, recipe: recipe)
            return try await call.ask(through: door)
        } catch {
            throw error as? Problem ?? Problem(.fault, "app.unexpected", operatorNote: "\(error)")
        }
    }

    /// Each district's figure beside the truth, which only this script knows.
    private func hold(_ answer: JSON, against file: String) throws -> [JSON] {
        func rows(_ path: String) throws -> [[Substring]] {
            String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self).split(separator: "\n")
                .dropFirst().map { $0.split(separator: ",") }
        }
        let patients = Set(try rows(data + "/synthetic-visits.csv").map { $0[0] })
        var truth: [String: Int64] = [:]
        for row in try rows(file) where patients.contains(row[0]) { truth[String(row[1]), default: 0] += 1 }
        let groups = answer["groups"]?.array ?? []
        try hold(groups.count == SyntheticData.districts.count, "a figure for each district")
        for group in groups {
            let (name, count) = (group["group"]?.text ?? "", group["count"]?.integer)
            let expected = truth[name] ?? 0
            try hold(
                count.map { abs($0 - expected) <= Self.noiseMax } ?? (expected < 10 + Self.noiseMax),
                "\(name): \(count.map(String.init) ?? "not told"), truly \(expected)")
        }
        return groups
    }

    private func agreeForCare() async throws -> String {
        let listing = codes["clinic.listing"] ?? ""
        _ = try await care.door.post("/api/v1/offers", ["listing": .string(listing)])
        var code = ""
        for node in [care, clinic, exchange] {
            try await eventually("the care service's agreement is in force at \(node.name)") {
                let all = try await node.door.get("/api/v1/agreements")["agreements"]?.array ?? []
                let found = all.filter { agreement in
                    agreement["listing"]?.text == listing && agreement["state"]?.text == "in-force"
                        && (node.name == self.care.name || agreement["agreement"]?.text == code)
                }
                guard let first = found.first?["agreement"]?.text else { return false }
                code = first
                return true
            }
        }
        return code
    }
}
