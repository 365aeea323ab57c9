// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
import Register
private import Transparency
import Store
import Trade
import WebUI

extension Courtyard {
    /// City codes 城市码: issued, resolved by permission, followed through time and place, drawn as QR codes.
    var entityRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/entities", .scope(.registerWrite),
                "Give a city code: {sort: person, enterprise, thing, place or matter, name, place, region, since, identity, subject, details}."
            ) { request throws(Problem) in try await issueEntity(request) },
            Route(
                "GET", "/api/v1/entities", .anyone,
                "What was at a place at a time, and within it: ?place=ent-…&at=2026-01-31T08:00:00Z; persons are not told."
            ) { request throws(Problem) in try await entities(at: request) },
            Route(
                "GET", "/api/v1/entities/:code", .anyone,
                "What a city code stands for, as far as the reader may see it; ?purpose= names the use of an authorization."
            ) { request throws(Problem) in try await showEntity(request) },
            Route(
                "POST", "/api/v1/entities/:code/moves", .scope(.registerWrite),
                "It is elsewhere from a moment on: {place, since}."
            ) { request throws(Problem) in try await moveEntity(request) },
            Route(
                "POST", "/api/v1/entities/:code/end", .scope(.registerWrite),
                "It is no more: {at}. Its code is never given to anything else."
            ) { request throws(Problem) in try await endEntity(request) },
            Route("GET", "/codes/:code/qr.svg", .anyone, "The address of a code's page as a QR code.") {
                request throws(Problem) in
                guard let code = Code(request.parameter("code")),
                    let svg = QRImage.svg(publicURL() + "/codes/" + code.text)
                else { throw .codeUnknown(request.parameter("code")) }
                return APIReply(contentType: "image/svg+xml", body: Array(svg.utf8))
            },
        ]
    }

    func issueEntity(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let place = try given("place", in: body)
        let sort = try body.needed("sort", CityEntity.Sort.init(rawValue:))
        let (name, issuer, context) = (try body.needed("name"), try request.proven().party, context)
        let region = body["region"]?.text
        guard region.map({ $0.utf8.count == 6 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) ?? true
        else { throw Problem(.invalid, "app.part-missing", ["part": "region"]) }
        let code = try await store.write { transaction throws(Problem) in
            let entity = CityEntity(
                id: ID(at: transaction.now), sort: sort, name: name,
                identity: body["identity"]?.text.map { Digest(of: "\(sort.rawValue)/\($0)") },
                subject: try body["subject"]?.text.map { party throws(Problem) in
                    try PartyRegister.party(named: party, in: transaction).id
                }, region: region, details: (body["details"]?.object ?? [:]).compactMapValues(\.text),
                issuer: issuer, since: try body.moment("since") ?? transaction.now)
            try EntityRegister.issue(entity, at: place, in: transaction)
            try context.record(
                .codeIssued, entity.code,
                [
                    "sort": .string(sort.rawValue), "name": .string(name),
                    "place": place.map { .string($0.text) } ?? .null, "since": .string(entity.since.rfc3339),
                ], in: transaction)
            return entity.code
        }
        return APIReply(
            ["code": .string(code.text), "qr": .string("\(publicURL())/codes/\(code.text)/qr.svg")],
            status: 201)
    }

    private func moveEntity(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        guard let place = try given("place", in: body) else {
            throw Problem(.invalid, "app.part-missing", ["part": "place"])
        }
        return try await change(request, ["place": .string(place.text)], moment: "since") {
            code, since, transaction throws(Problem) in
            try EntityRegister.move(code, to: place, since: since, in: transaction)
        }
    }

    private func endEntity(_ request: APIRequest) async throws(Problem) -> APIReply {
        try await change(request, ["ended": .bool(true)], moment: "at") {
            code, time, transaction throws(Problem) in
            try EntityRegister.end(code, at: time, in: transaction)
        }
    }

    private func change(
        _ request: APIRequest, _ what: [String: JSON], moment name: String,
        _ act: @escaping @Sendable (Code, Instant, any SQLWriting) throws(Problem) -> Void
    ) async throws(Problem) -> APIReply {
        let (body, code, context) = (try request.json(), try entityCode(request), context)
        let entity = try await store.write { transaction throws(Problem) in
            let time = try body.moment(name) ?? transaction.now
            try act(code, time, transaction)
            try context.record(
                .codeChanged, code,
                .object(what.merging([name: .string(time.rfc3339)]) { first, _ in first }),
                in: transaction)
            return try EntityRegister.entity(code, in: transaction).json(
                .full, try EntityRegister.stays(of: code, in: transaction))
        }
        return APIReply(entity)
    }

    private func entities(at request: APIRequest) async throws(Problem) -> APIReply {
        guard let place = Code(request.query["place"] ?? "") else {
            throw Problem(.invalid, "app.part-missing", ["part": "place"])
        }
        let asked = try Instant?.given(request.query["at"], as: "at")
        // Who was where is said to nobody by place; a person's own code answers to those who may know.
        let isSteward = request.caller.map { $0.party == context.own && $0.may(.registerWrite) } ?? false
        let (time, there) = try await store.read { [now = context.clock.now()] transaction throws(Problem) in
            _ = try EntityRegister.entity(place, in: transaction)
            return (asked ?? now, try EntityRegister.entities(at: place, on: asked ?? now, in: transaction))
        }
        let shown = there.filter { isSteward || $0.sort != .person }
        return APIReply([
            "place": .string(place.text), "at": .string(time.rfc3339),
            "entities": .array(shown.map { $0.json(.open, []) }),
        ])
    }

    private func showEntity(_ request: APIRequest) async throws(Problem) -> APIReply {
        let (code, purpose) = (try entityCode(request), request.query["purpose"] ?? "")
        return APIReply(try await entity(code, purpose: purpose, for: request.caller))
    }

    /// What a reader may see of a city code. Its subject and the node that issued it see everything; others what their
    /// standing gives, or an authorization of the subject's (verb `resolve`), whose every use is logged and told to it.
    func entity(_ code: Code, purpose: String, for caller: Caller?) async throws(Problem) -> JSON {
        let (entity, stays) = try await store.read { transaction throws(Problem) in
            (
                try EntityRegister.entity(code, in: transaction),
                try EntityRegister.stays(of: code, in: transaction)
            )
        }
        guard let caller else { return entity.json(entity.permission(isKnown: false), stays) }
        let isSteward = caller.party == entity.issuer && caller.may(.registerWrite)
        if isSteward || caller.party == entity.subject { return entity.json(.full, stays) }
        let standing = entity.permission(isKnown: true)
        guard standing < .full, let subject = entity.subject else { return entity.json(standing, stays) }
        let context = context
        let isAuthorized = try await store.write { transaction throws(Problem) in
            guard
                let mandate = try MandateBook.use(
                    verb: "resolve", subject: code.text, purpose: purpose, by: caller.party, for: subject,
                    in: transaction)
            else { return false }
            let reader = try PartyRegister.party(caller.party, in: transaction)
            try context.record(
                .codeShown, code,
                [
                    "to": .string(Code(.party, caller.party).text), "purpose": .string(purpose),
                    "mandate": .string(mandate.code.text),
                ], in: transaction)
            try Notices.tell(
                subject, .authorizationUsed, about: code.text,
                [
                    "mandate": .string(mandate.code.text), "by": .string(reader.name),
                    "purpose": .string(purpose),
                ], in: transaction)
            return true
        }
        return entity.json(isAuthorized ? .full : standing, stays)
    }

    private func entityCode(_ request: APIRequest) throws(Problem) -> Code {
        guard let code = Code(request.parameter("code")), code.kind == .entity else {
            throw .codeUnknown(request.parameter("code"))
        }
        return code
    }

    private func given(_ name: String, in body: JSON) throws(Problem) -> Code? {
        guard let text = body[name]?.text else { return nil }
        guard let code = Code(text) else { throw .codeUnknown(text) }
        return code
    }
}

extension CityEntity {
    /// What a permission shows.
    func json(_ permission: Permission, _ stays: [EntityStay]) -> JSON {
        var shown: [String: JSON] = [
            "code": .string(code.text), "sort": .string(sort.rawValue),
            "state": .string(until == nil ? "valid" : "ended"), "since": .string(since.rfc3339),
            "until": until.map { .string($0.rfc3339) } ?? .null,
            "issuer": .string(Code(.party, issuer).text), "shown": .string("\(permission)"),
        ]
        if permission >= .open {
            shown["name"] = .string(name)
            shown["region"] = region.map(JSON.string)
            shown["places"] = .array(
                stays.map {
                    [
                        "place": $0.place.map { .string($0.text) } ?? .null,
                        "since": .string($0.since.rfc3339),
                        "until": $0.until.map { .string($0.rfc3339) } ?? .null,
                    ]
                })
        }
        if permission == .full {
            shown["details"] = .object(details.mapValues(JSON.string))
            shown["subject"] = subject.map { .string(Code(.party, $0).text) }
        }
        return .object(shown)
    }
}
