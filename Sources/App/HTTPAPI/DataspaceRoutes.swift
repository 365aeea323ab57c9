// SPDX-License-Identifier: Apache-2.0

package import Dataspace
import Deliver
import Identity
private import Lane
private import Policy
package import Primitives
import Register
import Store
private import Trade
private import Valve

extension Courtyard {
    /// The Dataspace Protocol 2025-1 for other connectors, and the moves of our own side in it.
    var dataspaceRoutes: [Route] {
        protocolRoutes + [
            Route(
                "GET", "/dsp/data/:transfer", .message,
                "What a started transfer opens, under its own token: ?form=csv|parquet|json, ?passage=."
            ) { request throws(Problem) in try await pull(request) },
            Route("POST", "/dsp/refresh", .message, "A fresh token of a started transfer.") { request in
                refresh(request)
            },
            Route(
                "POST", "/api/v1/dataspace/negotiations", .scope(.tradeWrite),
                "Negotiate over the web with a provider's connector: listing, address; counter."
            ) { request throws(Problem) in
                let body = try request.json()
                let counter = try body["counter"].map { json throws(Problem) in try UsagePolicy(json: json) }
                let row = try await market.request(
                    body.needed("listing"), counter: counter, as: context.own,
                    over: .init(
                        peer: try body.needed("address"), own: publicURL() + DataspaceService.path))
                return APIReply(row.listed, status: 201)
            },
            Route("GET", "/api/v1/dataspace/transfers", .scope(.tradeRead), "Our transfers, newest first.") {
                _ throws(Problem) in
                APIReply(["transfers": .array(try await dataspace.transfers().map(\.listed))])
            },
            Route(
                "POST", "/api/v1/dataspace/transfers", .scope(.tradeWrite),
                "Ask a provider's connector for data under an agreement: agreement, address."
            ) { request throws(Problem) in
                let body = try request.json()
                let transfer = try await dataspace.request(
                    body.needed("agreement"), at: body.needed("address"), root: publicURL())
                return APIReply(transfer.listed, status: 201)
            },
            Route(
                "POST", "/api/v1/dataspace/transfers/:pid/:move", .scope(.tradeWrite),
                "Move a transfer of ours: completion, suspension, start or termination."
            ) { request throws(Problem) in try await move(request) },
        ]
    }

    /// Files that we bring.
    var taskRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/dataspace/transfers/:pid/fetch", .scope(.tradeWrite),
                "Bring what a started transfer opened: {form}; goes on by itself until the file is whole."
            ) { request throws(Problem) in
                let form = try request.json()["form"]?.text.flatMap(FileForm.init) ?? .csv
                return APIReply(
                    try await dataspace.fetch(request.parameter("pid"), as: form).json, status: 201)
            },
            Route(
                "GET", "/api/v1/dataspace/deliveries", .scope(.tradeRead),
                "Files on their way to us: how much came, the last error, the next attempt, the digest."
            ) { _ throws(Problem) in
                APIReply(["deliveries": .array(try await dataspace.tasks().map(\.json))])
            },
            Route(
                "GET", "/api/v1/dataspace/deliveries/:code/file", .scope(.tradeRead),
                "A file that came whole."
            ) { request throws(Problem) in
                let file = try await dataspace.delivered(request.parameter("code"))
                return APIReply(
                    file, named: request.parameter("code") + "." + file.form.rawValue, for: request)
            },
        ]
    }

    var dataspace: DataspaceService {
        DataspaceService(context: context, market: market, delivery: delivery, outside: outside)
    }

    /// One round over the transfers that are due.
    package func moveTransfers() async throws(Problem) {
        try await dataspace.work(root: publicURL())
        try await dataspace.bring()
    }

    // MARK: The protocol's endpoints

    private var protocolRoutes: [Route] {
        [
            Route("GET", "/.well-known/dspace-version", .anyone, "The versions of the Dataspace Protocol.") {
                _ in
                APIReply(dataspace.endpoints(at: publicURL()).versions(path: DataspaceService.path))
            }
        ]
            + ["GET", "POST"].map { method in
                Route(method, DataspaceService.path + "/*", .message, "The Dataspace Protocol 2025-1.") {
                    request throws(Problem) in try await dsp(request)
                }
            }
            + (conformance == nil
                ? []
                : [
                    Route("POST", "/tck/initiate", .message, "The conformance kit's signal to begin.") {
                        request throws(Problem) in
                        try await conformance?.begin(request.json())
                        return APIReply([:])
                    }
                ])
    }

    private func dsp(_ request: APIRequest) async throws(Problem) -> APIReply {
        func asked(by caller: String) -> DSPRequest {
            DSPRequest(
                method: request.method == "HEAD" ? "GET" : request.method,
                path: String(request.path.dropFirst(DataspaceService.path.count)), query: request.query,
                body: request.body, caller: caller)
        }
        if let conformance { return APIReply(try await conformance.answer(asked(by: conformance.kit))) }
        guard let caller = try await participant(request) else {
            let type = request.path.split(separator: "/").dropFirst(2).first
            return APIReply(
                [
                    "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
                    "@type": type == "negotiations"
                        ? "ContractNegotiationError" : type == "transfers" ? "TransferError" : "CatalogError",
                    "providerPid": "", "consumerPid": "", "code": "401",
                    "reason": ["No credentials of a known participant came with the message."],
                ], status: 401)
        }
        return APIReply(try await dataspace.answer(asked(by: caller.urn), root: publicURL()))
    }

    /// Whom a request proves: by a token of ours, or by one that a known party's key signed for us and these bytes.
    private func participant(_ request: APIRequest) async throws(Problem) -> ID<Party>? {
        if let caller = request.caller { return caller.party }
        guard let token = request.bearer else { return nil }
        let now = context.clock.now()
        guard let issuer = SignedToken.claimedIssuer(of: token) else {
            return try await store.read { reading throws(Problem) in
                (try? Tokens.caller(bearing: token, at: now, in: reading))?.party
            }
        }
        guard let party = try? await context.party(issuer),
            let signed = try? SignedToken.verified(
                token, body: request.body, at: now,
                key: { $0 == party.id ? party.signingKey : nil }), signed.audience == context.own,
            signed.subject == DataspaceToken.subject
        else { return nil }
        return party.id
    }

    // MARK: Data

    private func pull(_ request: APIRequest) async throws(Problem) -> APIReply {
        let form = request.query["form"].flatMap(FileForm.init) ?? .csv
        guard
            let file = try await dataspace.pull(
                request.parameter("transfer"), token: request.bearer ?? "", as: form,
                passage: request.query["passage"].flatMap { ID<Passage>(uuid: $0) }, root: publicURL())
        else { throw Problem(.forbidden, "deliver.link-refused") }
        return APIReply(file, named: "data." + form.rawValue, for: request)
    }

    /// RFC 6749 §6.
    private func refresh(_ request: APIRequest) -> APIReply {
        var form = request.form
        if let body = try? request.json() { form = (body.object ?? [:]).compactMapValues(\.text) }
        guard form["grant_type"] == "refresh_token",
            let fresh = dataspace.refreshed(form["refresh_token"] ?? "", root: publicURL())
        else { return APIReply(["error": "invalid_grant"], status: 400) }
        return APIReply([
            "access_token": .string(fresh.token), "token_type": "bearer",
            "expires_in": .integer(Int64(fresh.seconds)),
            "refresh_token": .string(form["refresh_token"] ?? ""),
        ])
    }

    private func move(_ request: APIRequest) async throws(Problem) -> APIReply {
        let why = Explanation(code: nil, reasons: [(try request.json())["why"]?.text ?? ""])
        let move: TransferProcess.Move
        switch request.parameter("move") {
        case "completion": move = .complete
        case "suspension": move = .suspend(why)
        case "start": move = .start(nil)
        case "termination": move = .terminate(why)
        default: throw Problem(.invalid, "app.part-missing", ["part": "move"])
        }
        return APIReply(try await dataspace.make(move, on: request.parameter("pid")).listed)
    }
}

/// The mode in which the protocol's public conformance kit runs against this node: its scripted identifiers, and none
/// of this node's own data.
package struct ConformanceDoor: Sendable {
    /// The participant that the kit is.
    let kit = "TCK_PARTICIPANT"
    let answer: @Sendable (DSPRequest) async throws(Problem) -> DSPReply
    let begin: @Sendable (JSON) async throws(Problem) -> Void

    package init(
        answer: @escaping @Sendable (DSPRequest) async throws(Problem) -> DSPReply,
        begin: @escaping @Sendable (JSON) async throws(Problem) -> Void
    ) {
        self.answer = answer
        self.begin = begin
    }
}

extension APIReply {
    fileprivate init(_ reply: DSPReply) {
        var headers: [String: String] = [:]
        headers["Link"] = reply.link
        self.init(
            status: reply.status, contentType: "application/json; charset=utf-8", headers: headers,
            body: reply.body.canonicalBytes)
    }
}

extension TransferProcess {
    /// State, whose turn it is and until when, what became of our last message, where the data are.
    fileprivate var listed: JSON {
        [
            "pid": .string(correspondence.ownPid), "side": .string(side.rawValue),
            "counterparty": .string(correspondence.counterparty), "agreement": .string(agreementId),
            "state": .string(state.rawValue), "turn": state.actor.map { .string($0.rawValue) } ?? .null,
            "until": .string(correspondence.actBefore.rfc3339),
            "delivery": correspondence.delivery.map(\.listed) ?? .null,
            "dataAddress": dataAddress?.json ?? .null,
        ]
    }
}

extension Delivery {
    /// A message that the other side has not confirmed: tried how often, when again, until when, what went wrong.
    var listed: JSON {
        [
            "attempts": .integer(Int64(attempts)), "nextAttempt": .string(nextAttempt.rfc3339),
            "deadline": .string(deadline.rfc3339), "lastError": lastError.map(JSON.string) ?? .null,
        ]
    }
}
