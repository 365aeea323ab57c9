// SPDX-License-Identifier: Apache-2.0

import Compute
private import Foundation
import Identity
import Primitives
import Register
import Valve

extension Courtyard {
    /// Private matches, for the party that owns this node.
    var matchRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/matches", .scope(.computeWrite),
                "Match a staged list of key digests under one agreement."
            ) { request throws(Problem) in try await match(request) }
        ]
    }

    private func match(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        // The protocol runs where the keys lie: an account's table would have to come to the exchange.
        guard try request.proven().party == context.own else {
            throw Problem(.conflict, "compute.match-elsewhere")
        }
        let passage = body["passage"]?.text.flatMap { ID<Passage>(uuid: $0) } ?? ID(at: context.clock.now())
        let items = try stagedItems(try body.needed("delivery"))
        let sizes = body["groups"]?.array?.compactMap { $0.integer.map { Int($0) } } ?? [items.count]
        guard sizes.allSatisfy({ $0 >= 0 }), sizes.reduce(0, +) == items.count, !sizes.isEmpty else {
            throw Problem(.invalid, "app.part-missing", ["part": "groups"])
        }
        let (agreement, want) = try await wish(body)
        let match = MatchRequest(
            passage: passage, agreementCode: agreement, purpose: body["purpose"]?.text ?? "", want: want,
            items: items, groupSizes: sizes)
        if body["dryRun"]?.bool == true { return APIReply(try await compute.rehearseMatch(match)) }
        return APIReply(try await compute.match(match))
    }

    /// What is wanted under an agreement; or, of rows that a passage left in shares, `size` or `sum:COL` of them.
    private func wish(_ body: JSON) async throws(Problem) -> (agreement: String, want: MatchWant) {
        let want = try body.needed("want", MatchWant.init(text:))
        guard let code = body["shares"]?.text else {
            return (try body.needed("agreement", { Code($0)?.text }), want)
        }
        return try await compute.question(want, overShares: code)
    }

    /// Sixteen bytes a key. The staged file is gone once it has been read.
    private func stagedItems(_ delivery: String) throws(Problem) -> [MatchRequest.Item] {
        let isOurs = delivery.allSatisfy {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".")
        }
        let path = inbox + "/" + delivery
        guard isOurs, let data = FileManager.default.contents(atPath: path), data.count.isMultiple(of: 16)
        else {
            throw Problem(.invalid, "app.part-missing", ["part": "delivery"])
        }
        try? FileManager.default.removeItem(atPath: path)
        let bytes = [UInt8](data)
        let word = { (start: Int) in (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << (8 * $1) }
        }
        return stride(from: 0, to: bytes.count, by: 16).map { MatchRequest.Item(word($0), word($0 + 8)) }
    }
}
