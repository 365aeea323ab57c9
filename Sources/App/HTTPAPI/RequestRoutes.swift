// SPDX-License-Identifier: Apache-2.0

private import Casework
private import Deliver
import Identity
import Lane
import Packs
import Primitives
import Register
import Store
import Trade

extension Courtyard {
    /// Applications for data 依申请, at the applicant's side and at the holder's.
    var requestRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/requests", .signedIn,
                "Applications for data: ours, and those about our listings, with whose turn it is and until when."
            ) { request throws(Problem) in try await requests(of: request) },
            Route(
                "POST", "/api/v1/requests", .signedIn,
                "Apply for a listing's data: {listing, purpose, fields, until, safeguards}."
            ) { request throws(Problem) in try await apply(request) },
            Route(
                "POST", "/api/v1/requests/:code/actions", .signedIn,
                "One step of an application: {step, inputs}; at the node where it lies."
            ) { request throws(Problem) in try await moveRequest(request) },
        ]
    }

    /// What nodes say to each other about applications.
    var requestReceivers: [String: LaneService.Receiver] {
        [
            "request.open": { body, sender throws(Problem) in
                try await opened(body, by: sender.caller)
            },
            "request.act": { body, sender throws(Problem) in
                try await moved(body.needed("case"), body, by: sender.caller)
            },
            "request.look": { body, sender throws(Problem) in
                try await packs.look(at: body.needed("case"), for: sender.caller).json(in: .en)
            },
            "listing.granted": { body, sender throws(Problem) in
                try await market.takeGrant(body, from: sender)
                return [:]
            },
        ]
    }

    // MARK: Applying

    /// An application lies where the data lie: here, or at the holder's node, which answers with its receipt.
    private func apply(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let listing = try await market.listing(body.needed("listing"))
        let caller = try request.proven()
        guard listing.holder != context.own, caller.party == context.own else {
            return APIReply(try await opened(body, by: caller), status: 201)
        }
        let holder = try await context.party(listing.holder)
        let answer = try await context.lane.call(holder, "request.open", body)
        let code = try answer.needed("case")
        try await store.write { transaction throws(Problem) in
            try RequestBook.note(code, at: holder.id, about: listing.code.text, in: transaction)
        }
        return APIReply(answer, status: 201)
    }

    private func opened(_ body: JSON, by caller: Caller) async throws(Problem) -> JSON {
        let listing = try await market.listing(body.needed("listing"))
        var answers: [String: String] = [:]
        for name in ["purpose", "fields", "until", "safeguards"] {
            answers[name] =
                body[name]?.text ?? body[name]?.array?.compactMap(\.text).joined(separator: ",") ?? ""
        }
        let file = try await packs.open(
            GrantDesk.procedure, subject: listing.code.text, answers: answers, by: caller)
        return try await packs.look(at: file.code.text, for: caller).json(in: .en)
    }

    // MARK: Steps

    private func moveRequest(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let (code, caller) = (request.parameter("code"), try request.proven())
        let elsewhere = try await store.read { transaction throws(Problem) in
            try RequestBook.holder(of: code, in: transaction)
        }
        guard let elsewhere, caller.party == context.own else {
            return APIReply(try await moved(code, body, by: caller))
        }
        var sent = body.object ?? [:]
        sent["case"] = .string(code)
        return APIReply(
            try await context.lane.call(try await context.party(elsewhere), "request.act", .object(sent)))
    }

    private func moved(_ code: String, _ body: JSON, by caller: Caller) async throws(Problem) -> JSON {
        let inputs = (body["inputs"]?.object ?? [:]).compactMapValues(\.text)
        let file = try await packs.act(
            on: code, .take(step: try body.needed("step"), inputs: inputs), by: caller)
        return try await packs.look(at: file.code.text, for: caller).json(in: .en)
    }

    // MARK: Inboxes

    private func requests(of request: APIRequest) async throws(Problem) -> APIReply {
        let caller = try request.proven()
        let desk = GrantDesk(context: context, market: market)
        let here = try await packs.inbox(of: caller).filter { $0.0.procedure == GrantDesk.procedure }
        var rows: [JSON] = []
        for (file, _) in here {
            let view = try await packs.look(at: file.code.text, for: caller)
            let agreements = try await store.read { transaction throws(Problem) in
                try desk.agreements(of: file, in: transaction).map { JSON.string($0.code.text) }
            }
            var row = view.json(in: request.language).object ?? [:]
            row["agreements"] = .array(agreements)
            rows.append(.object(row))
        }
        guard caller.party == context.own else { return APIReply(["requests": .array(rows)]) }
        let away = try await store.read { transaction throws(Problem) in
            try RequestBook.all(in: transaction)
        }
        for (code, holder) in away {
            let peer = try await context.party(holder)
            // One holder that cannot be reached now hides nobody else's answer.
            let row = try? await context.lane.call(peer, "request.look", ["case": .string(code)])
            rows.append(row ?? ["case": .string(code), "state": .null, "holder": .string(peer.code.text)])
        }
        return APIReply(["requests": .array(rows)])
    }
}

extension Party {
    /// A node that speaks over the lane has proven itself by its signature; it has no scopes here.
    fileprivate var caller: Caller {
        Caller(party: id, roles: [], scopes: [], jurisdiction: jurisdiction)
    }
}
