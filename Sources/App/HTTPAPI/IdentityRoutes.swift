// SPDX-License-Identifier: Apache-2.0

import Identity
private import Lane
import Primitives
private import Register
private import Store
import Trade
private import Transparency

extension Courtyard {
    /// Parties: inviting, joining, tokens, money that the bank confirmed.
    var identityRoutes: [Route] {
        [
            Route("GET", "/api/v1/parties", .signedIn, "The parties this node knows.") { _ throws(Problem) in
                let parties = try await store.read { transaction throws(Problem) in
                    try PartyRegister.all(in: transaction)
                }
                return APIReply(["parties": .array(parties.map(\.listed))])
            },
            Route("POST", "/api/v1/parties/invitations", .scope(.marketOperate), "Invite a party once.") {
                request throws(Problem) in try await invite(request.json())
            },
            Route(
                "POST", "/api/v1/parties/join", .message,
                "Join with an invitation: register keys, get a token."
            ) {
                request throws(Problem) in try await join(request.json())
            },
            Route("POST", "/api/v1/exchange", .scope(.marketOperate), "Join this node to an exchange.") {
                request throws(Problem) in try await joinExchange(request.json())
            },
            Route("POST", "/api/v1/parties/:party/tokens", .scope(.marketOperate), "Issue a token.") {
                request throws(Problem) in try await issueToken(request.parameter("party"), request.json())
            },
            Route("POST", "/api/v1/parties/:party/revoke", .scope(.marketOperate), "End a party's part here.")
            {
                request throws(Problem) in try await revoke(request.parameter("party"))
            },
            Route(
                "POST", "/api/v1/parties/:party/top-ups", .scope(.marketOperate),
                "Book money that the custodian bank confirmed."
            ) { request throws(Problem) in try await topUp(request.parameter("party"), request.json()) },
        ]
    }

    private func invite(_ body: JSON) async throws(Problem) -> APIReply {
        let roles = Set(
            try body.needed("roles").split(separator: ",").compactMap { Role(rawValue: String($0)) })
        guard !roles.isEmpty else { throw Problem(.invalid, "app.part-missing", ["part": "roles"]) }
        let promise = Invitations.Promise(
            name: try body.needed("name"), creditCode: body["creditCode"]?.text,
            jurisdiction: body["jurisdiction"]?.text ?? "CN", roles: roles)
        let own = context.own
        let (secret, party) = try await store.write { transaction throws(Problem) in
            var random = SystemRandomNumberGenerator()
            return (
                try Invitations.invite(promise, using: &random, in: transaction),
                try PartyRegister.party(own, in: transaction)
            )
        }
        let invitation = Invitation(
            url: publicURL(), fingerprint: Digest(of: party.signingKey), secret: secret, name: promise.name)
        return APIReply(["invitation": .string(invitation.text), "name": .string(promise.name)])
    }

    /// The invited side sends its public keys; it gets our party, to be checked against the invitation's fingerprint.
    private func join(_ body: JSON) async throws(Problem) -> APIReply {
        let secret = try body.needed("secret")
        let id = try body.needed("id") { ID<Party>(uuid: $0) }
        let signingKey = try body.needed("signingKey") { Base64.decode($0) }
        let sealingKey = try body.needed("sealingKey") { Base64.decode($0) }
        let address = try body.needed("address", Party.Address.init(text:))
        let context = context
        let (party, own, token) = try await store.write { transaction throws(Problem) in
            let promise = try Invitations.consume(secret, in: transaction)
            let party = Party(
                id: id, name: promise.name, creditCode: promise.creditCode,
                jurisdiction: promise.jurisdiction,
                roles: promise.roles, signingKey: signingKey, sealingKey: sealingKey, address: address)
            guard Party(json: party.json) != nil else {
                throw Problem(.invalid, "app.part-missing", ["part": "signingKey"])
            }
            try PartyRegister.put(party, in: transaction)
            try Bookkeeping.openAccounts(for: party, in: transaction)
            try context.record(
                .partyJoined, party.code, ["party": .string(Digest(of: party.json.canonicalBytes).hex)],
                in: transaction)
            var random = SystemRandomNumberGenerator()
            let token = try Tokens.issue(to: party, using: &random, in: transaction)
            return (party, try PartyRegister.party(context.own, in: transaction), token)
        }
        return APIReply(["party": party.json, "exchange": own.json, "token": .string(token.disclosed)])
    }

    /// The other end of `join`: this node asks, checks the fingerprint and pins the exchange.
    private func joinExchange(_ body: JSON) async throws(Problem) -> APIReply {
        guard let invitation = Invitation(text: try body.needed("invitation")) else {
            throw .invitationRefused
        }
        let context = context
        let own = try await store.read { transaction throws(Problem) in
            try PartyRegister.party(context.own, in: transaction)
        }
        let reply = try await outside.post(
            invitation.url + "/api/v1/parties/join",
            [
                "secret": .string(invitation.secret.disclosed), "id": .string(own.id.uuid),
                "signingKey": .string(Base64.encode(own.signingKey)),
                "sealingKey": .string(Base64.encode(own.sealingKey)), "address": .string(ownAddress().text),
            ])
        guard let joined = reply["party"].flatMap(Party.init(json:)), joined.id == own.id,
            let exchange = reply["exchange"].flatMap(Party.init(json:)),
            Digest(of: exchange.signingKey) == invitation.fingerprint
        else { throw .invitationRefused }
        try await store.write { transaction throws(Problem) in
            try PartyRegister.put(joined, isSelf: true, in: transaction)
            try PartyRegister.put(
                exchange.answering(at: invitation.url), isExchange: true, in: transaction)
            try context.record(.partyJoined, exchange.code, ["role": "exchange"], in: transaction)
        }
        return APIReply(["party": joined.listed, "exchange": exchange.listed])
    }

    private func issueToken(_ name: String, _ body: JSON) async throws(Problem) -> APIReply {
        let scopes = body["scopes"]?.array?.compactMap { $0.text.flatMap(Scope.init) }
        return try await store.write { transaction throws(Problem) in
            let party = try PartyRegister.party(named: name, in: transaction)
            var random = SystemRandomNumberGenerator()
            let token = try Tokens.issue(
                to: party, scopes: scopes.map(Set.init), using: &random, in: transaction)
            return APIReply(["token": .string(token.disclosed), "party": .string(party.code.text)])
        }
    }

    private func revoke(_ name: String) async throws(Problem) -> APIReply {
        let context = context
        return try await store.write { transaction throws(Problem) in
            let party = try PartyRegister.party(named: name, in: transaction)
            try PartyRegister.revoke(party.id, in: transaction)
            try context.record(.partyLeft, party.code, [:], in: transaction)
            return APIReply(["party": .string(party.code.text), "state": "revoked"])
        }
    }

    private func topUp(_ name: String, _ body: JSON) async throws(Problem) -> APIReply {
        let money = try body.needed("amount") { Money($0) }
        let reference = try body.needed("bankReference")
        let (context, market) = (context, market)
        return try await store.write { transaction throws(Problem) in
            let party = try PartyRegister.party(named: name, in: transaction)
            try Bookkeeping.topUp(party, money, bankReference: reference, in: transaction)
            try context.record(
                .settlement, party.code, ["topUp": .string(money.description)], in: transaction)
            try market.fundsArrived(for: party.id, in: transaction)
            return APIReply(["party": .string(party.code.text), "amount": .string(money.description)])
        }
    }
}

extension Party {
    /// What a list shows.
    var listed: JSON {
        [
            "code": .string(code.text), "name": .string(name), "jurisdiction": .string(jurisdiction),
            "creditCode": creditCode.map(JSON.string) ?? .null,
            "roles": .array(roles.sorted().map { .string($0.rawValue) }), "address": .string(address.text),
        ]
    }
}
