// SPDX-License-Identifier: Apache-2.0

import Deliver
import Identity
private import Packs
private import Policy
import Primitives
import Store
private import Trade
import WebUI

extension Courtyard {
    /// Offers that a holder makes unasked: the provider begins the negotiation, the other side accepts or counters.
    var offerRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/listings/:code/offers", .scope(.tradeWrite),
                "Offer a listing of ours to one party: {party; terms, address of its connector}."
            ) { request throws(Problem) in try await offerUnasked(request) },
            page("/listings/:code/offer", .scope(.tradeWrite), "Offer a listing of ours to one party.") {
                request throws(Problem) in try await offerPage(request)
            },
            action("/listings/:code/offer", .tradeWrite, "Offer a listing of ours to one party.") {
                request, form throws(Problem) in
                let code = request.parameter("code")
                let listing = try await api("GET", "/api/v1/listings/" + code, as: request)
                _ = try await api(
                    "POST", "/api/v1/listings/\(code)/offers",
                    body: [
                        "party": .string(form["party"] ?? ""),
                        "terms": try await changed(listing["terms"] ?? .null, by: form),
                    ], as: request)
                return APIReply(seeOther: "/mine")
            },
        ]
    }

    private func offerUnasked(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let (code, name) = (request.parameter("code"), try body.needed("party"))
        let party = try await store.read { transaction throws(Problem) in
            try PartyRegister.party(named: name, in: transaction)
        }
        let terms = try body["terms"]?.present.map { json throws(Problem) in try UsagePolicy(json: json) }
        if let terms {
            try await packs.refuseUse(terms, of: market.listing(code).terms, by: party.id)
        }
        let web = body["address"]?.text.map {
            NegotiationDesk.WebAddresses(peer: $0, own: publicURL() + DataspaceService.path)
        }
        let row = try await market.offer(
            code, to: party.id, under: terms, as: request.proven().party, over: web)
        return APIReply(row.listed, status: 201)
    }

    private func offerPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let listing = try await api("GET", "/api/v1/listings/" + code, as: request)
        let own = try request.proven().party
        let parties = try await store.read { transaction throws(Problem) in
            try PartyRegister.all(in: transaction).filter { $0.id != own }
        }
        let names = try await partyNames()
        return OfferPage(
            listing: Named(listing["title"].localized, Code(code)),
            parties: parties.map { Named($0.name, $0.code) },
            terms: Terms(listing["words"], names, doors: listing["doors"]),
            draft: TermsDraft(terms: listing["terms"], names),
            sameThing: SameThing(
                http: "curl -X POST -H \"Authorization: Bearer $HUTONG_TOKEN\" -d '{\"party\": \"pty-…\"}' "
                    + "$HUTONG_URL/api/v1/listings/\(code)/offers",
                cli: "hutong offer \(code) pty-…"))
    }
}
