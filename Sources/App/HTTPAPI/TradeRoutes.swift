// SPDX-License-Identifier: Apache-2.0

import Identity
private import Dataspace
private import Deliver
private import Lane
private import Ledger
private import Policy
import Packs
import Primitives
import Register
import Store
import Trade
private import Transparency

extension Courtyard {
    /// Listings, demands, negotiations, agreements, the inbox and the books.
    var tradeRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/listings", .anyone,
                "Search the catalog: ?q=, openness=, door=, price=, limit=, page=."
            ) {
                request throws(Problem) in try await search(request)
            },
            Route("GET", "/api/v1/listings/:code", .anyone, "One listing, as far as it is described.") {
                request throws(Problem) in
                try await describe(request.parameter("code"), to: request.caller?.party)
            },
            Route("POST", "/api/v1/listings", .scope(.publishWrite), "Offer a product of one of our assets.")
            {
                request throws(Problem) in try await offer(request.json())
            },
            Route(
                "POST", "/api/v1/listings/:code/review", .scope(.marketOperate), "Open or refuse a listing."
            ) {
                request throws(Problem) in
                let body = try request.json()
                return APIReply(
                    try await market.review(
                        request.parameter("code"), opens: body["opens"]?.bool ?? false,
                        why: body["why"]?.text ?? "",
                        by: request.proven()))
            },
            Route(
                "POST", "/api/v1/listings/:code/withdraw", .scope(.publishWrite),
                "Take a listing off the market."
            ) {
                request throws(Problem) in
                try await market.withdraw(request.parameter("code"), by: request.proven().party)
                return APIReply(["listing": .string(request.parameter("code")), "state": "withdrawn"])
            },
            Route(
                "GET", "/api/v1/listings/:code/screening", .scope(.marketOperate),
                "Entries of the prudent list that a listing matches: for its review."
            ) { request throws(Problem) in try await screening(of: request.parameter("code")) },
            Route(
                "GET", "/api/v1/reviews", .scope(.marketOperate),
                "Registrations and listings that wait for the operator."
            ) {
                _ throws(Problem) in
                try await context.requireExchange()
                return try await reviews()
            },
            Route(
                "POST", "/api/v1/contracts/direct", .scope(.tradeWrite),
                "File a contract made without the platform: {digest, with, title}; the other side's filing confirms it."
            ) { request throws(Problem) in try await fileDirect(request) },
            Route(
                "GET", "/api/v1/market/modes", .anyone,
                "How many trades were made directly, and on the platform."
            ) {
                _ throws(Problem) in
                let counts = try await store.read { transaction throws(Problem) in
                    try DirectTrades.counts(in: transaction)
                }
                return APIReply(["direct": .integer(counts.direct), "platform": .integer(counts.platform)])
            },
            Route(
                "GET", "/api/v1/offers", .scope(.tradeRead),
                "Our negotiations: state, whose turn, until when."
            ) {
                request throws(Problem) in try await offers(of: request.proven().party)
            },
            Route(
                "POST", "/api/v1/offers", .scope(.tradeWrite),
                "Ask for a listing, under its terms or a counter."
            ) {
                request throws(Problem) in
                let body = try request.json()
                let counter = try body["counter"].map { json throws(Problem) in try UsagePolicy(json: json) }
                let (code, asker) = (try body.needed("listing"), try request.proven().party)
                if let counter {
                    let known = try? await market.listing(code)
                    try await packs.refuseUse(counter, of: known?.terms, by: asker)
                }
                let row = try await market.request(code, counter: counter, as: asker)
                return APIReply(row.listed, status: 201)
            },
            Route(
                "POST", "/api/v1/offers/:code/accept", .scope(.tradeWrite), "Accept what lies on the table."
            ) {
                request throws(Problem) in
                APIReply(
                    try await market.accept(request.parameter("code"), as: request.proven().party).listed)
            },
            Route("POST", "/api/v1/offers/:code/counter", .scope(.tradeWrite), "Propose other terms.") {
                request throws(Problem) in
                let terms = try UsagePolicy(json: try request.json()["terms"] ?? .null)
                return APIReply(
                    try await market.counter(
                        request.parameter("code"), with: terms, as: request.proven().party
                    ).listed)
            },
            Route(
                "POST", "/api/v1/offers/:code/decline", .scope(.tradeWrite),
                "End a negotiation, with a reason."
            ) {
                request throws(Problem) in
                let why = try request.json().needed("why")
                return APIReply(
                    try await market.decline(request.parameter("code"), why: why, as: request.proven().party)
                        .listed)
            },
            Route("GET", "/api/v1/offers/:code/agreement", .scope(.tradeRead), "What an account has to sign.")
            {
                request throws(Problem) in try await unsignedAgreement(request)
            },
            Route("POST", "/api/v1/offers/:code/sign", .scope(.tradeWrite), "An account's signature.") {
                request throws(Problem) in
                let signature = try request.json().needed("signature") { Base64.decode($0) }
                return APIReply(
                    try await market.sign(
                        request.parameter("code"), signature: signature, as: request.proven().party
                    ).listed)
            },
            Route("GET", "/api/v1/agreements", .scope(.tradeRead), "Our agreements.") {
                request throws(Problem) in
                try await agreements(request)
            },
            Route(
                "GET", "/api/v1/agreements/:code", .scope(.tradeRead), "One agreement, with both signatures."
            ) {
                request throws(Problem) in APIReply(try await visibleAgreement(request).wire)
            },
            Route("POST", "/api/v1/agreements/:code/revoke", .scope(.tradeWrite), "End an agreement.") {
                request throws(Problem) in
                try await market.revoke(request.parameter("code"), by: request.proven().party)
                return APIReply(["agreement": .string(request.parameter("code")), "state": "revoked"])
            },
            Route("GET", "/api/v1/notices", .signedIn, "The inbox.") { request throws(Problem) in
                try await inbox(of: request.proven().party)
            },
            Route("GET", "/api/v1/balances", .scope(.auditRead), "Every account; the sum is zero.") {
                _ throws(Problem) in try await balances()
            },
            Route("GET", "/api/v1/statement", .scope(.tradeRead), "Our passages and what they cost: ?month=.")
            {
                request throws(Problem) in try await statement(request)
            },
        ]
    }

    // MARK: Listings

    /// The public sees what this node has on offer; who is signed in at a party's node searches its exchange.
    private func search(_ request: APIRequest) async throws(Problem) -> APIReply {
        if request.caller != nil, let exchange = try? await context.exchange(), exchange.id != context.own {
            let asked = JSON.object(request.query.mapValues(JSON.string))
            return APIReply(try await context.lane.call(exchange, "listing.search", asked))
        }
        var chosen: Set<CatalogIndex.Facet> = []
        for name in Set(CatalogIndex.Facet.allCases.map(\.name)) {
            guard let value = request.query[name], !value.isEmpty else { continue }
            guard let facet = CatalogIndex.Facet(name: name, value: value) else {
                throw Problem(.invalid, "trade.facet-unknown", ["facet": .text(name), "value": .text(value)])
            }
            chosen.insert(facet)
        }
        let cursor = try request.query["page"].map { text throws(Problem) in
            let parts = text.split(separator: "-").compactMap { Int64($0) }
            guard parts.count == 2, parts.allSatisfy({ $0 >= 0 }) else {
                throw Problem(.invalid, "app.part-missing", ["part": "page"])
            }
            return SearchIndex.Cursor(newest: parts[0], offset: parts[1])
        }
        let most = min(max(request.query["limit"].flatMap { Int($0) } ?? 20, 1), 100)
        let words = request.query["q"] ?? ""
        let page = try await store.read { [chosen] transaction throws(Problem) in
            try CatalogIndex.page(words, chosen: chosen, from: cursor, most: most, in: transaction)
        }
        return APIReply([
            "total": .integer(Int64(page.total)), "listings": .array(page.listings.map(\.listed)),
            "facets": .array(
                page.facets.map { facet, count in
                    [
                        "name": .string(facet.name), "value": .string(facet.value),
                        "count": .integer(Int64(count)), "isChosen": .bool(chosen.contains(facet)),
                    ]
                }),
            "next": page.next.map { .string("\($0.newest)-\($0.offset)") } ?? .null,
        ])
    }

    private func screening(of code: String) async throws(Problem) -> APIReply {
        let listing = try await store.read { transaction throws(Problem) in
            try ListingBook.listing(code, in: transaction).0
        }
        let hits = try await packs.prudentHits(of: listing)
        return APIReply(["listing": .string(code), "prudent": .array(hits.map(\.json))])
    }

    private func describe(_ code: String, to reader: ID<Party>?) async throws(Problem) -> APIReply {
        let known = try await store.read { transaction throws(Problem) in
            try? ListingBook.listing(code, in: transaction)
        }
        let (listing, state) =
            if let known { known } else { (try await market.listing(code), Listing.State.open) }
        guard listing.isShown(to: reader) else { throw .listingUnknown(code) }
        var described = listing.listed.object ?? [:]
        described["state"] = .string(state.rawValue)
        // Outsiders see a space's catalog, not its inside.
        guard try await isInside(listing, reader) else { return APIReply(.object(described)) }
        described["summary"] = listing.summary
        described["terms"] = listing.terms.json
        described["words"] = .array(listing.terms.plainWords.map(\.json))
        described["rules"] = listing.rules ?? .null
        return APIReply(.object(described))
    }

    private func isInside(_ listing: Listing, _ reader: ID<Party>?) async throws(Problem) -> Bool {
        guard let code = listing.spaceCode, listing.holder != reader else { return true }
        return try await store.read { transaction throws(Problem) in
            guard let space = try SpaceBook.find(code, in: transaction) else { return true }
            guard let reader else { return false }
            return try SpaceBook.standing(of: reader, in: space, transaction) == .member
        }
    }

    private func reviews() async throws(Problem) -> APIReply {
        let filed = try await registrations.applications().filter { $0["state"]?.text == "filed" }
        let submitted = try await store.read { transaction throws(Problem) in
            try ListingBook.all(in: [.submitted], in: transaction).map(\.0.listed)
        }
        return APIReply(["registrations": .array(filed), "listings": .array(submitted)])
    }

    private func offer(_ body: JSON) async throws(Problem) -> APIReply {
        let context = context
        let assetCode = try body.needed("asset")
        let (asset, version, gradings) = try await store.read { transaction throws(Problem) in
            let asset = try AssetShelf.asset(assetCode, in: transaction)
            return (
                asset, try AssetShelf.newestVersion(of: asset.id, in: transaction),
                try AssetShelf.gradings(of: asset.id, in: transaction)
            )
        }
        let price = try PricePlan(text: body["price"]?.text ?? "free")
        var lineage: [LineageShare] = []
        for share in body["lineage"]?.array ?? [] {
            let parent = try await market.listing(share.needed("listing"))
            lineage.append(
                LineageShare(
                    listingCode: parent.code.text, holder: parent.holder,
                    basisPoints: share["basisPoints"]?.integer ?? 0))
        }
        let id = ID<Listing>(at: context.clock.now())
        let openness = body["openness"]?.text.flatMap(Listing.Openness.init) ?? .conditional
        let listing = Listing(
            id: id, holder: context.own, title: try body.neededText("title"),
            about: try body.neededText("about"),
            openness: openness, assetCode: asset.code.text, lineage: lineage,
            tableName: body["table"]?.text ?? "data",
            summary: try AssetService.description(
                of: asset, version, gradings, isOpen: openness == .unconditional
            ).saying(body),
            terms: try UsagePolicy(json: body["terms"] ?? .null),
            rules: body["rules"]?.present,
            price: price, requiredAttestations: Set(body["requires"]?.array?.compactMap(\.text) ?? []),
            contract: try contract(body["contract"] ?? .null))
        try await packs.refuseListing(listing)
        var reply = try await market.offer(listing).object ?? [:]
        reply["listing"] = .string(listing.code.text)
        return APIReply(.object(reply), status: 201)
    }

    /// The contract a listing comes with; nothing is the standard one.
    private func contract(_ json: JSON) throws(Problem) -> ContractDraft {
        guard !json.isNull else { return .standard }
        guard let draft = ContractDraft(json: json) else {
            throw Problem(.invalid, "trade.listing-malformed", ["part": .text("contract")])
        }
        return draft
    }

    // MARK: Negotiations

    private func fileDirect(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let digest = try body.needed("digest") { Digest(hex: $0) }
        let (party, context) = (try request.proven().party, context)
        let contract = try await store.write { transaction throws(Problem) in
            let other = try PartyRegister.party(named: try body.needed("with"), in: transaction)
            let contract = try DirectTrades.file(
                digest, title: body["title"]?.text ?? "", by: party, with: other.id, in: transaction)
            try context.record(
                .contractFiled, contract.code,
                ["contract": .string(digest.hex), "mode": "direct", "by": .string(Code(.party, party).text)],
                in: transaction)
            return contract
        }
        return APIReply(
            [
                "contract": .string(contract.code.text), "digest": .string(contract.digest.hex),
                "mode": "direct", "confirmed": .bool(contract.confirmedAt != nil),
            ], status: 201)
    }

    private func offers(of party: ID<Party>) async throws(Problem) -> APIReply {
        let rows = try await store.read { transaction throws(Problem) in
            try NegotiationDesk.rows(of: party, in: transaction)
        }
        return APIReply(["offers": .array(rows.map(\.listed))])
    }

    private func unsignedAgreement(_ request: APIRequest) async throws(Problem) -> APIReply {
        let party = try request.proven().party
        let row = try await store.read { transaction throws(Problem) in
            try NegotiationDesk.row(request.parameter("code"), of: party, in: transaction)
        }
        let agreement = try await market.agreement(of: row)
        return APIReply(
            ["agreement": agreement.wire, "bytes": .string(Base64.encode(agreement.signedBytes))])
    }

    // MARK: Agreements and books

    private func agreements(_ request: APIRequest) async throws(Problem) -> APIReply {
        let caller = try request.proven()
        let party = caller.may(.marketOperate) ? nil : caller.party
        let all = try await store.read { transaction throws(Problem) in
            try AgreementBook.agreements(of: party, in: transaction)
        }
        return APIReply(["agreements": .array(all.map(\.listed))])
    }

    func visibleAgreement(_ request: APIRequest) async throws(Problem) -> Agreement {
        let caller = try request.proven()
        let agreement = try await store.read { transaction throws(Problem) in
            try AgreementBook.agreement(request.parameter("code"), in: transaction)
        }
        guard
            caller.may(.auditRead) || caller.party == agreement.provider || caller.party == agreement.consumer
        else {
            throw Problem(
                .missing, "trade.agreement-unknown", ["agreement": .text(request.parameter("code"))])
        }
        return agreement
    }

    private func inbox(of party: ID<Party>) async throws(Problem) -> APIReply {
        let notices = try await store.read { transaction throws(Problem) in
            try Notices.inbox(of: party, in: transaction)
        }
        return APIReply(
            [
                "notices": .array(
                    notices.map {
                        [
                            "kind": .string($0.kind), "subject": .string($0.subjectCode),
                            "about": $0.document,
                            "at": .string($0.at.rfc3339),
                        ]
                    })
            ])
    }

    private func balances() async throws(Problem) -> APIReply {
        let accounts = try await store.read { transaction throws(Problem) in
            try Books.accounts(in: transaction)
        }
        let sum = accounts.reduce(Int64(0)) { $0 + $1.balance.net }
        return APIReply(
            [
                "sum": .integer(sum),
                "accounts": .array(
                    accounts.map {
                        [
                            "kind": .string($0.kind.label), "name": .string($0.name),
                            "balance": .string($0.unit.written(-$0.balance.net)),
                            "unit": .string($0.unit.symbol),
                        ]
                    }),
            ])
    }
}

extension Listing {
    /// What a list shows.
    var listed: JSON {
        [
            "code": .string(code.text), "title": title.json, "about": about.json,
            "openness": .string(openness.rawValue), "holder": .string(Code(.party, holder).text),
            "asset": .string(assetCode), "table": .string(tableName), "price": price.json,
            "doors": .array(doors.map { .string($0.rawValue) }),
            "lineage": .array(lineage.map { .string($0.listingCode) }),
        ]
    }
}

extension NegotiationDesk.Row {
    /// State, whose turn it is and until when, the terms on the table in words.
    var listed: JSON {
        [
            "offer": .string(code.text), "listing": .string(listingCode),
            "counterparty": .string(Code(.party, counterparty).text),
            "side": .string(negotiation.side.rawValue),
            "state": .string(negotiation.state.rawValue),
            "turn": negotiation.state.actor.map { .string($0.rawValue) } ?? .null,
            "until": .string(negotiation.correspondence.actBefore.rfc3339),
            "delivery": negotiation.correspondence.delivery.map(\.listed) ?? .null,
            "terms": negotiation.offer.json, "words": .array(negotiation.offer.plainWords.map(\.json)),
            "reason": negotiation.termination.map { .string($0.explanation.reasons.joined(separator: "; ")) }
                ?? .null,
            "agreement": negotiation.agreement.flatMap { ID<Agreement>(uuid: $0.id) }
                .map { .string(Code(.agreement, $0).text) } ?? .null,
        ]
    }
}

extension Agreement {
    var listed: JSON {
        [
            "agreement": .string(code.text), "listing": .string(listing.code.text),
            "title": listing.title.json,
            "provider": .string(Code(.party, provider).text),
            "consumer": .string(Code(.party, consumer).text),
            "state": .string(state.rawValue), "contract": contractCode.map(JSON.string) ?? .null,
            "table": .string(listing.tableName), "price": listing.price.json,
            "words": .array(policy.plainWords.map(\.json)),
        ]
    }
}

extension JSON {
    /// A summary with what its holder says besides: the fields of catalogs, and rules for copies.
    fileprivate func saying(_ body: JSON) throws(Problem) -> JSON {
        var members = object ?? [:]
        if let space = body["space"], !space.isNull { members["space"] = space }
        if let catalog = body["catalog"], !catalog.isNull { members["catalog"] = catalog }
        if let delivery = body["delivery"], !delivery.isNull {
            _ = try DeliveryRules(json: delivery)
            members["delivery"] = delivery
        }
        return .object(members)
    }
}
