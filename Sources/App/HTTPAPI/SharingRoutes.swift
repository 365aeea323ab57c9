// SPDX-License-Identifier: Apache-2.0

import Deliver
import Identity
private import Lane
import Policy
import Primitives
import Register
import Store
import Valve

extension Courtyard {
    /// Copies under agreements: downloads, and Delta Sharing for the readers that know it.
    var sharingRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/agreements/:code/data", .scope(.computeWrite),
                "A copy under an agreement: ?form=csv|parquet|json, ?purpose=, ?fields=; ?passage= resumes one."
            ) { request throws(Problem) in try await download(request) },
            Route(
                "POST", "/api/v1/share-profile", .scope(.computeWrite),
                "A Delta Sharing profile with a token of its own, for one purpose."
            ) { request throws(Problem) in try await shareProfile(request) },
            Route(
                "POST", "/api/v1/traces", .scope(.auditRead),
                "Whose delivery a leaked file is: ?asset=, ?form=csv|parquet.", bodyBytesMax: 1 << 30,
                isUpload: true
            ) { request throws(Problem) in try await trace(request) },
            Route("GET", "/delta-sharing/files/:name", .anyone, "A shared file behind its signed address.") {
                request throws(Problem) in try sharedFile(request)
            },
            Route("GET", "/delta-sharing/*", .scope(.computeWrite), "Delta Sharing: shares, schemas, tables.")
            {
                request throws(Problem) in try await share(request)
            },
            Route("POST", "/delta-sharing/*", .scope(.computeWrite), "Delta Sharing: query a table.") {
                request throws(Problem) in try await share(request)
            },
            Route(
                "GET", "/delta-sharing-for/:purpose/*", .scope(.computeWrite),
                "Delta Sharing under a profile made for a purpose."
            ) { request throws(Problem) in try await share(request) },
            Route(
                "POST", "/delta-sharing-for/:purpose/*", .scope(.computeWrite),
                "Delta Sharing under a profile made for a purpose: query a table."
            ) { request throws(Problem) in try await share(request) },
        ]
    }

    private func download(_ request: APIRequest) async throws(Problem) -> APIReply {
        let asker = try await asker(of: request)
        let word = request.query["form"] ?? "csv"
        guard let form = FileForm(rawValue: word) else {
            throw Problem(.invalid, "deliver.form-unknown", ["form": .text(word)])
        }
        // Named by the caller, a passage that broke off is fetched again and charged once.
        let passage =
            request.query["passage"].flatMap { ID<Passage>(uuid: $0) } ?? ID(at: context.clock.now())
        let code = request.parameter("code")
        let file = try await delivery.deliver(
            passage, under: code, through: .download, as: form, purpose: request.query["purpose"] ?? "",
            fields: (request.query["fields"] ?? "").split(separator: ",").map(String.init), to: asker)
        return APIReply(file, named: code + "." + form.rawValue, for: request)
    }

    private func asker(of request: APIRequest) async throws(Problem) -> Party {
        let party = try request.proven().party
        return try await store.read { transaction throws(Problem) in
            try PartyRegister.party(party, in: transaction)
        }
    }

    private func trace(_ request: APIRequest) async throws(Problem) -> APIReply {
        guard let file = request.upload, let asset = request.query["asset"] else {
            throw Problem(.invalid, "app.part-missing", ["part": "asset"])
        }
        let form = request.query["form"].flatMap(FileForm.init) ?? .csv
        let findings = try await delivery.trace(file, as: form, of: Code(asset)?.text ?? asset)
        return APIReply([
            "deliveries": .array(
                findings.map {
                    [
                        "passage": .string($0.passage.text),
                        "recipient": .string(Code(.party, $0.recipient).text),
                        "at": .string($0.at.rfc3339), "pairs": .integer(Int64($0.pairs)),
                        "agreeing": .integer(Int64($0.agreeing)), "isConvincing": .bool($0.isConvincing),
                    ]
                })
        ])
    }

    // MARK: Delta Sharing

    private func sharing(_ asker: Party, purpose: String) -> DeltaSharing<AgreedShelf> {
        let root = publicURL()
        return DeltaSharing(
            shelf: AgreedShelf(delivery: delivery, asker: asker, purpose: purpose),
            links: delivery.links(at: root + "/delta-sharing/files"), endpoint: endpoint(for: purpose))
    }

    private func endpoint(for purpose: String) -> String {
        publicURL() + (purpose.isEmpty ? "/delta-sharing" : "/delta-sharing-for/" + purpose.percentEncoded)
    }

    private func share(_ request: APIRequest) async throws(Problem) -> APIReply {
        let asker = try await asker(of: request)
        let reply = await sharing(asker, purpose: request.parameters["purpose"] ?? "").answer(
            request.method == "HEAD" ? "GET" : request.method, "/" + request.parameter("*"),
            query: request.query, body: request.body, recipient: asker.id.uuid, now: context.clock.now())
        var headers = Dictionary(reply.headers) { first, _ in first }
        let type = headers.removeValue(forKey: "Content-Type") ?? "application/json"
        return APIReply(status: reply.status, contentType: type, headers: headers, body: reply.body)
    }

    /// A profile's token can read shares and nothing else of the party's.
    private func shareProfile(_ request: APIRequest) async throws(Problem) -> APIReply {
        let asker = try await asker(of: request)
        let purpose = try request.json()["purpose"]?.text ?? ""
        let now = context.clock.now()
        let token = try await store.write { transaction throws(Problem) in
            var random = SystemRandomNumberGenerator()
            return try Tokens.issue(
                to: asker, scopes: [.computeWrite], using: &random, in: transaction)
        }
        let expires = now.advanced(by: Tokens.lifetime)
        return APIReply(
            sharing(asker, purpose: purpose).profile(bearerToken: token.disclosed, expires: expires),
            status: 201)
    }

    private func sharedFile(_ request: APIRequest) throws(Problem) -> APIReply {
        let name = request.parameter("name")
        let links = delivery.links(at: publicURL() + "/delta-sharing/files")
        guard links.recipient(of: name, query: request.query, now: context.clock.now()) != nil,
            let file = delivery.file(named: name)
        else { throw Problem(.forbidden, "deliver.link-refused") }
        return APIReply(file, named: name, for: request)
    }
}
