// SPDX-License-Identifier: Apache-2.0

import Compute
import Identity
import Lane
import Primitives
import PrivateSQL
import Register
import Store
import Trade
import Valve

extension Courtyard {
    /// Clean-room templates: their shapes, what is approved on a listing, handing one in, the holder's decision.
    var templateRoutes: [Route] {
        [
            Route("GET", "/api/v1/templates", .anyone, "Shapes of the questions clean rooms are asked most.")
            {
                _ in APIReply(["shapes": .array(QuestionShape.all.map(\.json))])
            },
            Route(
                "GET", "/api/v1/listings/:code/templates", .signedIn,
                "What may be asked of a listing by template; all versions for its holder."
            ) { request throws(Problem) in
                let listing = try await market.listing(request.parameter("code"))
                return APIReply(try await templates(of: listing, for: request.proven().party))
            },
            Route(
                "POST", "/api/v1/listings/:code/templates", .scope(.computeWrite),
                "Hand in a question for approval: a text with $places, or a shape with the columns of its roles."
            ) { request throws(Problem) in
                let listing = try await market.listing(request.parameter("code"))
                let draft = try await draft(request.json(), listing)
                return APIReply(
                    try await propose(draft, for: listing, by: request.proven().party), status: 201)
            },
            Route(
                "POST", "/api/v1/listings/:code/templates/:name", .scope(.tradeWrite),
                "The holder's decision: approve, refuse or withdraw."
            ) { request throws(Problem) in
                let body = try request.json()
                let decided = try await compute.decide(
                    body.needed("decision", TemplateDecision.init(rawValue:)), request.parameter("name"),
                    version: body["version"]?.integer.map { Int(clamping: $0) },
                    on: market.listing(request.parameter("code")), why: body["why"]?.text ?? "",
                    by: request.proven().party)
                return APIReply(decided.json)
            },
        ]
    }

    /// What a holder's node is asked about its clean rooms.
    var templateReceivers: [String: LaneService.Receiver] {
        [
            "templates": { body, sender throws(Problem) in
                try await templates(
                    of: market.listing(body.needed("listing")), for: speaker(body, sender))
            },
            "template.propose": { body, sender throws(Problem) in
                let draft = try TemplateDraft(json: body["draft"] ?? .null)
                let listing = try await market.listing(body.needed("listing"))
                return try await propose(draft, for: listing, by: speaker(body, sender))
            },
            "replay": { body, sender throws(Problem) in
                try await replay(body.needed("passage"), by: speaker(body, sender))
            },
        ]
    }

    /// In whose name a message asks: its sender's own, or, from our exchange, that of a party the exchange names.
    func speaker(_ body: JSON, _ sender: Party) async throws(Problem) -> ID<Party> {
        guard let named = body["for"]?.text.flatMap({ ID<Party>(uuid: $0) }), named != sender.id else {
            return sender.id
        }
        guard try await context.exchange().id == sender.id else {
            throw .messageRefused.noted("asks in another's name")
        }
        return named
    }

    private func templates(of listing: Listing, for party: ID<Party>) async throws(Problem) -> JSON {
        guard let next = try await nextNode(to: listing) else {
            let templates = try await compute.templates(of: listing, for: party)
            return ["templates": .array(templates.map(\.json))]
        }
        return try await context.lane.call(
            next, "templates", ["listing": .string(listing.code.text), "for": .string(party.uuid)])
    }

    private func propose(
        _ draft: TemplateDraft, for listing: Listing, by party: ID<Party>
    ) async throws(Problem) -> JSON {
        guard let next = try await nextNode(to: listing) else {
            return try await compute.propose(draft, for: listing, by: party).json
        }
        return try await context.lane.call(
            next, "template.propose",
            ["listing": .string(listing.code.text), "for": .string(party.uuid), "draft": draft.json])
    }

    private func draft(_ body: JSON, _ listing: Listing) async throws(Problem) -> TemplateDraft {
        guard let shape = body["shape"]?.text else { return try TemplateDraft(json: body) }
        return try await compute.draft(
            shape, named: body["name"]?.text, over: listing,
            columns: (body["columns"]?.object ?? [:]).compactMapValues(\.text))
    }

    /// The text of a question: as it is given, or that of an approved template with its arguments.
    func questionText(_ body: JSON, on listing: Listing, for party: ID<Party>) async throws(Problem) -> String
    {
        guard let name = body["template"]?.text else { return try body.needed("text") }
        let known = try await templates(of: listing, for: party)["templates"]?.array ?? []
        guard let template = known.first(where: { $0["name"]?.text == name && $0["state"] == "approved" })
        else { throw Problem(.missing, "compute.template-unknown", ["template": .text(name)]) }
        return try await compute.question(from: template, body["arguments"] ?? [:])
    }

    // MARK: Replay

    /// At the holder the passage is run again; other nodes carry the wish there, in the asking party's name.
    func replay(_ code: String, by party: ID<Party>) async throws(Problem) -> JSON {
        guard let next = try await nextNode(toHolderOf: code) else {
            return try await compute.replay(code, by: party)
        }
        return try await context.lane.call(
            next, "replay", ["passage": .string(code), "for": .string(party.uuid)])
    }

    private func nextNode(toHolderOf code: String) async throws(Problem) -> Party? {
        let agreement = try await store.read { transaction throws(Problem) -> Agreement? in
            guard let passage = try? PassageBook.passage(code, in: transaction) else { return nil }
            return try? AgreementBook.agreement(passage.agreementCode, in: transaction)
        }
        if let agreement { return try await nextNode(to: agreement.listing) }
        return isExchange ? nil : try await context.exchange()
    }
}

extension TemplateDraft {
    init(json: JSON) throws(Problem) {
        var parameters: [QuestionParameter] = []
        for parameter in json["parameters"]?.array ?? [] {
            guard let read = QuestionParameter(json: parameter) else {
                throw Problem(
                    .invalid, "compute.template-parameters",
                    ["template": .text(json["name"]?.text ?? "")])
            }
            parameters.append(read)
        }
        let name = try json.needed("name")
        self.init(
            name: name,
            title: json["title"] == nil || json["title"]?.text == ""
                ? LocalizedText(name) : try json.neededText("title"),
            text: try json.needed("text"), parameters: parameters)
    }

    var json: JSON {
        [
            "name": .string(name), "title": title.json, "text": .string(text),
            "parameters": .array(parameters.map(\.json)),
        ]
    }
}
