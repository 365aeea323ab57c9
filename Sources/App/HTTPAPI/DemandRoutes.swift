// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
import Lane
import Register
private import Transparency
import Store
import Trade

extension Courtyard {
    /// Demand and supply 供需: wishes, what answers them, and the task that a chosen answer begins.
    var demandRoutes: [Route] {
        [
            Route("GET", "/api/v1/demands", .anyone, "Open and matched demands.") { _ throws(Problem) in
                try await demands()
            },
            Route(
                "POST", "/api/v1/demands", .scope(.tradeWrite),
                "Post a demand: {words, purpose, field, priceMax, dueAt}."
            ) { request throws(Problem) in try await postDemand(request) },
            Route(
                "POST", "/api/v1/demands/:code/acceptance", .scope(.tradeWrite),
                "Choose a listing that answers our demand: {listing, due}; its holder has a task until then."
            ) { request throws(Problem) in try await acceptMatch(request) },
            Route(
                "GET", "/api/v1/demands/figures", .anyone,
                "How much demand is open, matched, accepted, met and unmet, by field."
            ) { _ throws(Problem) in try await demandFigures() },
            Route(
                "GET", "/api/v1/demands/:code/matches", .anyone,
                "Listings that answer a demand, the best first: conditions, then price, then time."
            ) { request throws(Problem) in try await ranking(request.parameter("code")) },
        ]
    }

    private func demands() async throws(Problem) -> APIReply {
        let all = try await store.read { transaction throws(Problem) in try DemandBook.list(in: transaction) }
        return APIReply(["demands": .array(all.map(\.listed))])
    }

    private func ranking(_ code: String) async throws(Problem) -> APIReply {
        let ranking = try await store.read { transaction throws(Problem) in
            DemandRanking(
                try DemandBook.entry(code, in: transaction).demand,
                among: try ListingBook.openWithTimes(in: transaction))
        }
        return APIReply(["demand": .string(code), "matches": .array(ranking.ranks.map(\.json))])
    }

    /// The party of a demand chooses one of its matches, at the exchange where the demand stands.
    private func acceptMatch(_ request: APIRequest) async throws(Problem) -> APIReply {
        let exchange = try await context.exchange()
        let party = try request.proven().party
        var body = try request.json().object ?? [:]
        body["demand"] = .string(request.parameter("code"))
        guard exchange.id == context.own else {
            return APIReply(try await context.lane.call(exchange, "demand.accept", .object(body)))
        }
        return APIReply(try await accepted(.object(body), by: party))
    }

    /// A match is accepted: a task begins at the listing's holder, ten days long unless said otherwise.
    func accepted(_ body: JSON, by party: ID<Party>) async throws(Problem) -> JSON {
        let (code, listing, context) = (try body.needed("demand"), try body.needed("listing"), context)
        let asked = try body.moment("due")
        let entry = try await store.write { transaction throws(Problem) in
            let due = asked ?? transaction.now.advanced(by: .seconds(10 * 86_400))
            try DemandBook.accept(code, listing: listing, by: party, due: due, in: transaction)
            let entry = try DemandBook.entry(code, in: transaction)
            try context.record(
                .demandMatched, entry.demand.code,
                ["listing": .string(listing), "due": .string(due.rfc3339)], in: transaction)
            return entry
        }
        return entry.listed
    }

    /// Open, matched, accepted, met and unmet demand, by field 领域.
    private func demandFigures() async throws(Problem) -> APIReply {
        let (now, entries) = try await store.read { transaction throws(Problem) in
            (context.clock.now(), try DemandBook.list(in: transaction))
        }
        let fields = Dictionary(grouping: entries, by: \.demand.field)
        return APIReply([
            "at": .string(now.rfc3339),
            "fields": .array(
                fields.sorted { $0.key < $1.key }.map { field, entries in
                    var row: [String: JSON] = ["field": .string(field)]
                    for state in Demand.State.allCases {
                        row[state.rawValue] = .integer(Int64(entries.count { $0.state == state }))
                    }
                    row["unmet"] = .integer(Int64(entries.count { $0.isUnmet(at: now) }))
                    return .object(row)
                }),
        ])
    }

    /// A demand of a node's party stands at its exchange, where the listings are.
    private func postDemand(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let exchange = try await context.exchange()
        let party = try request.proven().party
        guard exchange.id == context.own else {
            return APIReply(try await context.lane.call(exchange, "demand.post", body), status: 201)
        }
        return APIReply(try await posted(body, by: party), status: 201)
    }

    func posted(_ body: JSON, by party: ID<Party>) async throws(Problem) -> JSON {
        let demand = try await market.post(
            words: body.needed("words"), purpose: body["purpose"]?.text ?? "",
            priceMax: body["priceMax"]?.text.flatMap { Money($0) },
            dueAt: body["dueAt"]?.text.flatMap { Instant(rfc3339: $0) }, field: body["field"]?.text ?? "",
            by: party)
        return ["demand": .string(demand.code.text)]
    }

}

extension DemandEntry {
    var listed: JSON {
        [
            "demand": .string(demand.code.text), "words": .string(demand.words),
            "field": .string(demand.field),
            "state": .string(state.rawValue), "listing": listing.map(JSON.string) ?? .null,
            "dueAt": .string(demand.dueAt.rfc3339), "taskDue": taskDue.map { .string($0.rfc3339) } ?? .null,
        ]
    }
}
