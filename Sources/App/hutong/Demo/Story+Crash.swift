// SPDX-License-Identifier: Apache-2.0

import APIClient
import Assembly
import Foundation
import Primitives
import Valve

extension Story {
    /// Kills a node with SIGKILL in the middle of a question, again and again at another moment, and asks the same
    /// question under the same number until it is answered. Each is to be answered once and charged once.
    func crash(rounds: Int) async throws -> [String: JSON] {
        guard let second = accounts["second"] else { return [:] }
        let before = try await settled(codes["second.agreement"] ?? "")
        for round in 0..<rounds {
            let victim = round.isMultiple(of: 2) ? exchange : buyer
            let id = ID<Passage>(at: WallClock.system.now())
            let body: JSON = [
                "agreement": .string(codes["second.agreement"] ?? ""), "passage": .string(id.uuid),
                "purpose": "research",
                "text": .string("SELECT COUNT(*) + \(round) AS n FROM risk_index"),
            ]
            let door = second.door
            async let first = try? door.post("/api/v1/questions", body)
            try await Task.sleep(for: .milliseconds(round * 9))
            victim.kill()
            try victim.start()
            _ = await first
            try await eventually("the question is answered after the crash") {
                (try? await door.post("/api/v1/questions", body))?["answer"]?.text != nil
            }
        }
        let after = try await settled(codes["second.agreement"] ?? "")
        try hold(
            after.count - before.count == rounds, "\(rounds) asked, \(after.count - before.count) settled")
        try hold(after.fen - before.fen == Int64(rounds) * 200, "each was charged once")
        return ["killed": .integer(Int64(rounds)), "settled": .integer(Int64(after.count - before.count))]
    }

    private func settled(_ agreement: String) async throws -> (count: Int, fen: Int64) {
        let all = try await exchange.door.get("/api/v1/passages")["passages"]?.array ?? []
        let mine = all.filter {
            $0["side"]?.text == "keeper" && $0["state"]?.text == "settled"
                && $0["agreement"]?.text == agreement
        }
        return (
            mine.count, mine.reduce(0) { $0 + (($1["price"]?.text).flatMap { Money($0) }?.minorUnits ?? 0) }
        )
    }
}
