// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
import Register
import Store
import Trade

extension Courtyard {
    /// Data spaces and zones 数据空间、专区.
    var spaceRoutes: [Route] {
        [
            Route("GET", "/api/v1/spaces", .anyone, "The data spaces, with operator, entry rules and limits.")
            {
                _ throws(Problem) in
                let spaces = try await store.read { transaction throws(Problem) in
                    try SpaceBook.all(in: transaction)
                }
                return APIReply([
                    "spaces": .array(spaces.map(\.listed)),
                    "templates": .array(
                        Space.Kind.allCases.map {
                            [
                                "kind": .string($0.rawValue), "title": $0.title.json,
                                "forbidsRawRows": .bool($0.forbidsRawRows),
                            ]
                        }),
                ])
            },
            Route(
                "POST", "/api/v1/spaces", .scope(.marketOperate),
                "Open a space: {kind, operator, until, entry, feeCeiling, holdersShare, forbidsRawRows, title}."
            ) { request throws(Problem) in try await openSpace(request) },
            Route("GET", "/api/v1/spaces/:code/listings", .anyone, "The catalog of a space.") {
                request throws(Problem) in
                let listings = try await store.read { transaction throws(Problem) in
                    try SpaceBook.listings(
                        of: SpaceBook.space(request.parameter("code"), in: transaction), in: transaction)
                }
                return APIReply(["listings": .array(listings.map(\.listed))])
            },
            Route("GET", "/api/v1/spaces/:code/members", .signedIn, "Members, for the space's operator.") {
                request throws(Problem) in try await spaceMembers(request)
            },
            Route("POST", "/api/v1/spaces/:code/members", .signedIn, "Ask to become a member.") {
                request throws(Problem) in
                try await market.applyForSpace(
                    request.parameter("code"), as: try request.proven().party)
                return APIReply(
                    ["space": .string(request.parameter("code")), "standing": "applied"], status: 201)
            },
            Route(
                "POST", "/api/v1/spaces/:code/members/:party", .signedIn,
                "The operator admits a party, or ends its part: {standing: member or left}."
            ) { request throws(Problem) in try await setMember(request) },
        ]
    }

    private func openSpace(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let name = try body.needed("operator")
        let agent = try await store.read { transaction throws(Problem) in
            try PartyRegister.party(named: name, in: transaction).id
        }
        let entry = body["entry"]?.text ?? ""
        let draft = MarketService.SpaceDraft(
            kind: try body.needed("kind", Space.Kind.init(rawValue:)),
            title: body["title"]?.text.map { LocalizedText(zh: $0, en: $0) },
            entry: LocalizedText(zh: entry, en: entry),
            until: try body.needed("until") { Instant(rfc3339: $0) },
            forbidsRawRows: body["forbidsRawRows"]?.bool,
            feeCeiling: body["feeCeiling"]?.text.flatMap { Money($0) },
            holdersShare: body["holdersShare"]?.integer ?? 0)
        let space = try await market.openSpace(draft, operatedBy: agent, by: request.proven())
        return APIReply(space.listed, status: 201)
    }

    private func spaceMembers(_ request: APIRequest) async throws(Problem) -> APIReply {
        let caller = try request.proven()
        let members = try await store.read { transaction throws(Problem) in
            let space = try MarketService.ownSpace(request.parameter("code"), of: caller, in: transaction)
            return try SpaceBook.members(of: space, in: transaction)
        }
        return APIReply([
            "members": .array(
                members.map {
                    [
                        "party": .string(Code(.party, $0.party).text),
                        "standing": .string($0.standing.rawValue), "since": .string($0.since.rfc3339),
                    ]
                })
        ])
    }

    private func setMember(_ request: APIRequest) async throws(Problem) -> APIReply {
        let standing = try request.json().needed("standing", SpaceBook.Standing.init(rawValue:))
        let party = try await store.read { transaction throws(Problem) in
            try PartyRegister.party(named: request.parameter("party"), in: transaction).id
        }
        try await market.setMember(
            party, of: request.parameter("code"), to: standing, by: request.proven())
        return APIReply([
            "party": .string(request.parameter("party")), "standing": .string(standing.rawValue),
        ])
    }
}

extension Space {
    fileprivate var listed: JSON {
        [
            "space": .string(code.text), "kind": .string(kind.rawValue), "title": title.json,
            "operator": .string(Code(.party, `operator`).text), "mandate": .string(mandateCode),
            "entry": entry.json, "forbidsRawRows": .bool(forbidsRawRows),
            "feeCeiling": feeCeiling.map { .string($0.description) } ?? .null,
            "holdersShare": .integer(holdersShare),
        ]
    }
}
