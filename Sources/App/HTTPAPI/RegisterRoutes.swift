// SPDX-License-Identifier: Apache-2.0

private import Classification
private import Collect
private import Foundation
import Identity
import Primitives
import Register
private import Store
private import Trade
private import Transparency

extension Courtyard {
    /// Deliveries, assets, grades, registrations, attestations, mandates, codes.
    var registerRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/deliveries", .scope(.collectWrite),
                "Stage a file; `?name=` says what it is.",
                bodyBytesMax: Self.uploadBytesMax, isUpload: true
            ) { request throws(Problem) in try staged(request) },
            Route(
                "POST", "/api/v1/assets", .scope(.collectWrite), "Take staged files in as an asset version."
            ) {
                request throws(Problem) in try await takeIn(request.json())
            },
            Route("GET", "/api/v1/assets", .scope(.collectWrite), "This node's assets.") {
                _ throws(Problem) in
                try await listAssets()
            },
            Route(
                "POST", "/api/v1/assets/:asset/grades", .scope(.registerWrite), "Confirm or override grades."
            ) {
                request throws(Problem) in try await confirmGrades(request)
            },
            Route(
                "POST", "/api/v1/assets/:asset/registration", .scope(.registerWrite),
                "Apply for registration."
            ) {
                request throws(Problem) in
                APIReply(try await registrations.apply(for: request.parameter("asset")))
            },
            Route("GET", "/api/v1/registrations", .scope(.marketOperate), "Applications and their state.") {
                _ throws(Problem) in
                APIReply(["registrations": .array(try await registrations.applications())])
            },
            Route("POST", "/api/v1/registrations/:code/review", .scope(.marketOperate), "Grant or refuse.") {
                request throws(Problem) in
                let body = try request.json()
                return APIReply(
                    try await registrations.review(
                        request.parameter("code"), grants: body["grants"]?.bool ?? false,
                        why: body["why"]?.text ?? "", by: request.proven()))
            },
            Route("GET", "/api/v1/registrations/:code", .anyone, "A registration in force, with its proof.") {
                request throws(Problem) in try await registration(request.parameter("code"))
            },
            Route(
                "POST", "/api/v1/registrations/:code/objections", .signedIn,
                "Object to a claim while its notice runs."
            ) { request throws(Problem) in
                APIReply(
                    try await registrations.object(
                        to: request.parameter("code"), why: try request.json().needed("why"),
                        by: request.proven().party), status: 201)
            },
            Route(
                "POST", "/api/v1/registrations/:code/objections/decision", .scope(.marketOperate),
                "Uphold or reject the open objections."
            ) { request throws(Problem) in
                let body = try request.json()
                return APIReply(
                    try await registrations.decideObjections(
                        to: request.parameter("code"), upheld: body["upheld"]?.bool ?? false,
                        why: body["why"]?.text ?? "", by: request.proven()))
            },
            Route("GET", "/api/v1/rights/:asset", .anyone, "Who holds, uses and operates an asset.") {
                request throws(Problem) in
                let asset = request.parameter("asset")
                return APIReply([
                    "asset": .string(asset),
                    "rights": .array(
                        try await store.read { transaction throws(Problem) in
                            try RegistrationBook.rights(in: asset, in: transaction)
                        }),
                ])
            },
            Route("POST", "/api/v1/attestations", .scope(.registerAttest), "Enter a signed attestation.") {
                request throws(Problem) in try await attest(request)
            },
            Route("GET", "/api/v1/attestations/:code", .anyone, "Attestations about a code.") {
                request throws(Problem) in try await attestations(request.parameter("code"))
            },
            Route("GET", "/api/v1/mandates", .signedIn, "Mandates given and held.") {
                request throws(Problem) in
                let party = try request.proven().party
                let mandates = try await store.read { transaction throws(Problem) in
                    try MandateBook.all(of: party, in: transaction)
                }
                return APIReply([
                    "mandates": .array(mandates.map { ["code": .string($0.code.text), "mandate": $0.json] })
                ])
            },
            Route("POST", "/api/v1/mandates", .scope(.tradeWrite), "Grant a mandate.") {
                request throws(Problem) in
                try await grant(request)
            },
            Route("POST", "/api/v1/mandates/:code/revoke", .scope(.tradeWrite), "Revoke a mandate.") {
                request throws(Problem) in try await revokeMandate(request)
            },
            Route("POST", "/api/v1/codes", .signedIn, "Issue a code for something outside.") {
                request throws(Problem) in
                try await issueCode(request)
            },
            Route("GET", "/api/v1/codes/:code", .anyone, "What a code stands for, through all six steps.") {
                request throws(Problem) in
                try await resolve(request.parameter("code"), for: request.caller)
            },
        ]
    }

    /// A city's yearly file; larger deliveries are split by their holder.
    static let uploadBytesMax = 4 << 30

    private func staged(_ request: APIRequest) throws(Problem) -> APIReply {
        guard let file = request.upload else { throw Problem(.invalid, "register.delivery-empty") }
        let name = file.split(separator: "/").last.map(String.init) ?? ""
        let shown = request.query["name"] ?? name
        let suffix = shown.split(separator: ".").last.map { $0.lowercased() } ?? "csv"
        let staged =
            ["csv", "json", "jsonl", "parquet", "xlsx"].contains(suffix) ? name + "." + suffix : name + ".csv"
        // SAFETY: both paths are strings that the call copies.
        guard unsafe rename(file, inbox + "/" + staged) == 0 else {
            throw Problem(.fault, "store.storage-failed", operatorNote: "cannot rename an upload")
        }
        return APIReply(["delivery": .string(staged), "name": .string(shown)], status: 201)
    }

    private func takeIn(_ body: JSON) async throws(Problem) -> APIReply {
        let names = body["deliveries"]?.array?.compactMap(\.text) ?? []
        // A staged name is ours: letters, digits, hyphens and one dot. Nothing else reaches the file system.
        guard
            names.allSatisfy({
                $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
            })
        else { throw Problem(.invalid, "app.part-missing", ["part": "deliveries"]) }
        let intaken = try await assets.takeIn(
            names.map { inbox + "/" + $0 }, title: try body.needed("title"),
            from: SourceDeclaration(body: body["source"] ?? .null), asset: body["asset"]?.text)
        // Taken in, the rows stand in a version's file: the upload has done its work.
        for name in names { try? FileManager.default.removeItem(atPath: inbox + "/" + name) }
        return APIReply(intaken.json, status: 201)
    }

    private func listAssets() async throws(Problem) -> APIReply {
        let rows = try await store.read { transaction throws(Problem) in
            try transaction.all(
                "SELECT code, title, registration FROM register_asset ORDER BY created_at DESC"
            ) {
                row throws(Problem) -> JSON in
                [
                    "asset": .string(try row.text(0)), "title": .string(try row.text(1)),
                    "registration": try row.optional(2, row.text).map(JSON.string) ?? .null,
                ]
            }
        }
        return APIReply(["assets": .array(rows)])
    }

    private func confirmGrades(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        var (overrides, reasons): ([String: DataGrade], [String: String]) = ([:], [:])
        for (field, decision) in body["overrides"]?.object ?? [:] {
            let word = decision.text ?? decision["grade"]?.text ?? ""
            guard let grade = DataGrade(word: word) else {
                throw Problem(
                    .invalid, "register.grade-unknown", ["field": .text(field), "grade": .text(word)])
            }
            overrides[field] = grade
            reasons[field] = decision["reason"]?.text ?? body["reason"]?.text
        }
        let gradings = try await assets.confirmGrades(
            of: request.parameter("asset"), overrides: overrides, reasons: reasons,
            by: body["person"]?.text ?? "")
        return APIReply(["grades": .array(gradings.map(\.json))])
    }

    private func registration(_ code: String) async throws(Problem) -> APIReply {
        let registration = try await store.read { transaction throws(Problem) in
            try RegistrationBook.registration(code, in: transaction)
        }
        guard let registration else { throw .codeUnknown(code) }
        let leaf = LeafIndex(registration.leafIndex)
        let receipt = try await publisher.receipt(for: leaf, waiting: Self.witnessPatience)
        let witnessing = await publisher.witnessing(of: leaf)
        return APIReply(
            [
                "registration": .string(registration.code.text), "asset": .string(registration.assetCode),
                "holder": .string(Code(.party, registration.holder).text), "claim": registration.document,
                "registeredAt": .string(registration.registeredAt.rfc3339),
                "leaf": .integer(registration.leafIndex), "witnessing": witnessing.json,
                "proof": .string(String(decoding: receipt.bytes, as: UTF8.self)),
            ])
    }

    private func attest(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let caller = try request.proven()
        let attestation = Attestation(
            id: try body.needed("id") { ID<Attestation>(uuid: $0) }, subjectCode: try body.needed("subject"),
            kind: try body.needed("kind", Attestation.Kind.init(rawValue:)), attester: caller.party,
            document: body["document"] ?? [:],
            validUntil: Instant(microseconds: body["validUntil"]?.integer ?? 0),
            signature: try body.needed("signature") { Base64.decode($0) })
        let context = context
        try await store.write { transaction throws(Problem) in
            try AttestationBook.enter(attestation, in: transaction)
            try context.record(
                .attestationSigned, attestation.code,
                ["subject": .string(attestation.subjectCode), "kind": .string(attestation.kind.rawValue)],
                in: transaction)
        }
        return APIReply(["attestation": .string(attestation.code.text)], status: 201)
    }

    private func attestations(_ code: String) async throws(Problem) -> APIReply {
        let all = try await store.read { transaction throws(Problem) in
            try AttestationBook.all(about: code, in: transaction)
        }
        return APIReply(
            [
                "attestations": .array(
                    all.map {
                        [
                            "attestation": .string($0.code.text), "kind": .string($0.kind.rawValue),
                            "attester": .string(Code(.party, $0.attester).text), "document": $0.document,
                            "validUntil": .string($0.validUntil.rfc3339),
                        ]
                    })
            ])
    }

    private func grant(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let principal = try request.proven().party
        let context = context
        let mandate = try await store.write { transaction throws(Problem) in
            let agent = try PartyRegister.party(named: try body.needed("agent"), in: transaction)
            let mandate = Mandate(
                id: ID(at: transaction.now), principal: principal, agent: agent.id,
                verbs: Set(try body.needed("verbs").split(separator: ",").map(String.init)),
                subjects: Set((body["subjects"]?.text ?? "*").split(separator: ",").map(String.init)),
                purpose: body["purpose"]?.text,
                until: body["until"]?.text.flatMap { Instant(rfc3339: $0) }
                    ?? transaction.now.advanced(by: .seconds(365 * 86_400)),
                usesMax: body["uses"]?.integer.map { Int($0) },
                fields: body["fields"]?.text.map { Set($0.split(separator: ",").map(String.init)) })
            try MandateBook.grant(mandate, in: transaction)
            try context.record(
                .mandateGranted, mandate.code,
                ["mandate": .string(Digest(of: mandate.json.canonicalBytes).hex)],
                in: transaction)
            return mandate
        }
        return APIReply(["mandate": .string(mandate.code.text)], status: 201)
    }

    private func revokeMandate(_ request: APIRequest) async throws(Problem) -> APIReply {
        let code = request.parameter("code")
        let party = try request.proven().party
        let context = context
        try await store.write { transaction throws(Problem) in
            let mine = try MandateBook.all(of: party, in: transaction)
            guard mine.contains(where: { $0.code.text == code && $0.principal == party }) else {
                throw .codeUnknown(code)
            }
            try MandateBook.revoke(code, in: transaction)
            try context.record(.mandateRevoked, Code(code), [:], in: transaction)
        }
        return APIReply(["mandate": .string(code), "state": "revoked"])
    }

    private func issueCode(_ request: APIRequest) async throws(Problem) -> APIReply {
        let body = try request.json()
        let kind = try body.needed("kind", Code.Kind.init(rawValue:))
        // A city code stands in the register of entities, with its validity in time and place.
        guard kind != .entity else {
            try request.proven().require(.registerWrite)
            return try await issueEntity(request)
        }
        let context = context
        let code = try await store.write { transaction throws(Problem) in
            let code = Code(kind, ID<Code>(at: transaction.now))
            try transaction.execute(
                "INSERT INTO register_code (code, issued_at, note) VALUES (?, ?, ?)",
                [code, transaction.now, body["note"]?.text ?? ""])
            try context.record(
                .codeIssued, code,
                ["sort": .string(kind.rawValue), "note": .string(body["note"]?.text ?? "")],
                in: transaction)
            return code
        }
        return APIReply(["code": .string(code.text)], status: 201)
    }
}

extension FieldGrading {
    var json: JSON {
        [
            "field": .string(field), "class": .string(dataClass.rawValue), "proposed": .string(proposed.word),
            "suggestion": proposed.title.json, "rule": .string(rule), "why": why.json,
            "confirmed": confirmed.map { .string($0.word) } ?? .null,
            "confirmedBy": confirmedBy.map(JSON.string) ?? .null, "reason": reason.map(JSON.string) ?? .null,
        ]
    }
}

extension AssetService.Intaken {
    var json: JSON {
        [
            "asset": .string(asset.code.text), "version": .string(version.code.text),
            "digest": .string(version.digest.hex), "rows": .integer(version.rowCount),
            "bytes": .integer(version.byteCount), "delivery": delivery.json,
            "profile": version.document["profile"] ?? .null, "grades": .array(gradings.map(\.json)),
            "regraded": .array(
                differences.map {
                    [
                        "field": .string($0.column), "before": $0.before.map { .string($0.word) } ?? .null,
                        "after": $0.after.map { .string($0.word) } ?? .null,
                    ]
                }),
        ]
    }
}

extension SourceDeclaration {
    /// What the sender declares; what is missing is found by the gate, not here.
    init(body: JSON) {
        let ground = body["ground"]?.text.flatMap(LegalBasis.Ground.init(rawValue:))
        self.init(
            name: body["name"]?.text.map { LocalizedText($0) },
            kind: body["kind"]?.text.flatMap(SourceKind.init(rawValue:)),
            owner: body["owner"]?.text, collector: body["collector"]?.text,
            method: body["method"]?.text.flatMap(CollectionMethod.init(rawValue:)),
            basis: ground.map {
                LegalBasis(
                    ground: $0, document: body["document"]?.text ?? "",
                    until: body["until"]?.text.flatMap { Instant(rfc3339: $0) })
            }, useConditions: body["useConditions"]?.text)
    }
}
