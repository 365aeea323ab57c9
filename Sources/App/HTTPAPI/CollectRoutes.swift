// SPDX-License-Identifier: Apache-2.0

private import Classification
private import Collect
private import Identity
import Primitives
private import Register
private import Store
private import Trade
private import Transparency
private import Valve

extension Courtyard {
    /// Sources, terminals and their readings, labels; grades and their rules; quality, value, lineage, metadata.
    var collectRoutes: [Route] {
        sourceRoutes + terminalRoutes + labelRoutes + gradingRoutes + assetFactRoutes
    }

    // MARK: Sources and terminals

    private var sourceRoutes: [Route] {
        [
            Route("GET", "/api/v1/sources", .scope(.collectWrite), "The legality register: ?q= searches.") {
                request throws(Problem) in
                let words = request.query["q"] ?? ""
                let found = try await store.read { transaction throws(Problem) in
                    try SourceRegister.search(words, in: transaction)
                }
                return APIReply(["sources": .array(found.map(\.json))])
            },
            Route("POST", "/api/v1/sources", .scope(.collectWrite), "Enter a source with its legal basis.") {
                request throws(Problem) in
                let (declaration, register) = (
                    SourceDeclaration(body: try request.json()), SourceRegister(log: context.log)
                )
                let source = try await store.write { transaction throws(Problem) in
                    try register.enter(declaration, as: ID(at: transaction.now), in: transaction)
                }
                return APIReply(source.json, status: 201)
            },
            Route(
                "GET", "/api/v1/sources/:source/deliveries", .scope(.collectWrite),
                "Deliveries of a source, taken or refused."
            ) {
                request throws(Problem) in
                let code = request.parameter("source")
                let found = try await store.read { transaction throws(Problem) in
                    let source = try SourceRegister.source(named: code, in: transaction)
                    return try SourceRegister.deliveries(of: source.id, in: transaction)
                }
                return APIReply(["deliveries": .array(found.map(\.json))])
            },
        ]
    }

    private var terminalRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/terminals", .scope(.collectWrite),
                "The terminal ledger: ?district=, ?type=, ?format=csv."
            ) {
                request throws(Problem) in try await terminals(request)
            },
            Route(
                "POST", "/api/v1/terminals", .scope(.collectWrite), "Enter a terminal; its key is shown once."
            ) {
                request throws(Problem) in try await enterTerminal(request.json())
            },
            Route(
                "POST", "/api/v1/terminals/:terminal/state", .scope(.collectWrite),
                "Planned, working, suspended, retired."
            ) {
                request throws(Problem) in
                let (code, state) = (
                    request.parameter("terminal"),
                    try request.json().needed("state", Terminal.State.init(rawValue:))
                )
                let terminal = try await store.write { transaction throws(Problem) in
                    try TerminalLedger.setState(state, of: code, in: transaction)
                }
                return APIReply(terminal.json)
            },
            Route(
                "POST", "/api/v1/telemetry", .message,
                "A terminal's readings; header Hutong-Terminal-Key proves it."
            ) { request throws(Problem) in
                let body = try request.json()
                let (terminal, readings) = (try body.needed("terminal"), body["readings"]?.array ?? [])
                let key = request.headers["hutong-terminal-key"] ?? ""
                let verdict = try await store.write { transaction throws(Problem) in
                    try SensingGateway.take(readings, from: terminal, key: key, in: transaction)
                }
                return APIReply(verdict.json, status: verdict.refusals.isEmpty ? 202 : 422)
            },
            Route(
                "GET", "/api/v1/telemetry", .scope(.collectWrite),
                "Readings accepted, repeated, rejected, by sender."
            ) {
                _ throws(Problem) in
                let counts = try await store.read { transaction throws(Problem) in
                    try SensingGateway.counts(in: transaction)
                }
                return APIReply(["senders": .array(counts.map(\.json))])
            },
            Route(
                "POST", "/api/v1/telemetry/deliveries", .scope(.collectWrite),
                "Take a source's waiting readings in, as the next version of an asset."
            ) { request throws(Problem) in
                let body = try request.json()
                let intaken = try await assets.takeInReadings(
                    of: try body.needed("source"), title: try body.needed("title"), asset: body["asset"]?.text
                )
                return intaken.map { APIReply($0.json, status: 201) }
                    ?? APIReply(["asset": .null, "rows": 0])
            },
        ]
    }

    private func terminals(_ request: APIRequest) async throws(Problem) -> APIReply {
        let query = request.query
        let found = try await store.read { transaction throws(Problem) in
            try TerminalLedger.list(district: query["district"], type: query["type"], in: transaction)
        }
        guard query["format"] == "csv" else { return APIReply(["terminals": .array(found.map(\.json))]) }
        let text = Terminal.csvHead + found.map(\.csvLine).joined()
        return APIReply(
            contentType: "text/csv; charset=utf-8",
            headers: ["Content-Disposition": "attachment; filename=\"terminals.csv\""],
            body: [0xef, 0xbb, 0xbf] + Array(text.utf8))
    }

    private func enterTerminal(_ body: JSON) async throws(Problem) -> APIReply {
        let (terminal, key) = try await store.write { transaction throws(Problem) in
            let source = try SourceRegister.source(named: try body.needed("source"), in: transaction)
            var random = SystemRandomNumberGenerator()
            return try TerminalLedger.enter(
                TerminalDeclaration(
                    cityCode: body["cityCode"]?.text ?? "", type: body["type"]?.text ?? "",
                    place: body["place"]?.text ?? "", district: body["district"]?.text ?? "",
                    owner: body["owner"]?.text ?? "", standard: body["standard"] ?? .null, source: source.id),
                using: &random, in: transaction)
        }
        var members = terminal.json.object ?? [:]
        members["key"] = .string(key.disclosed)
        return APIReply(.object(members), status: 201)
    }

    // MARK: Labels

    private var labelRoutes: [Route] {
        [
            Route(
                "POST", "/api/v1/labels/sets", .scope(.collectWrite),
                "Enter a label set, or its next version."
            ) {
                request throws(Problem) in
                let body = try request.json()
                let labels = (body["labels"]?.array ?? []).compactMap(\.text)
                let name = try body.needed("name")
                let set = try await store.write { transaction throws(Problem) in
                    try AnnotationLibrary.enter(name, labels: labels, in: transaction)
                }
                return APIReply(
                    ["name": .string(set.name), "version": .integer(Int64(set.version))], status: 201)
            },
            Route(
                "POST", "/api/v1/labels/sets/:set/items", .scope(.collectWrite),
                "One person's label of one item."
            ) {
                request throws(Problem) in
                let (body, name) = (try request.json(), request.parameter("set"))
                let (item, label, person) = (
                    try body.needed("item"), try body.needed("label"), try body.needed("person")
                )
                let version = body["version"]?.integer
                try await store.write { transaction throws(Problem) in
                    let set = try AnnotationLibrary.set(
                        name, version: version.map { Int($0) }, in: transaction)
                    try AnnotationLibrary.label(item, as: label, by: person, set: set, in: transaction)
                }
                return APIReply(["item": .string(item), "label": .string(label)], status: 201)
            },
            Route(
                "GET", "/api/v1/labels/sets/:set", .scope(.collectWrite),
                "Accepted labels and open disagreements; ?version=, ?first=&second= for kappa."
            ) { request throws(Problem) in try await labels(request) },
        ]
    }

    private func labels(_ request: APIRequest) async throws(Problem) -> APIReply {
        let (name, query) = (request.parameter("set"), request.query)
        return try await store.read { transaction throws(Problem) in
            let set = try AnnotationLibrary.set(
                name, version: query["version"].flatMap { Int($0) }, in: transaction)
            var answer: [String: JSON] = [
                "set": .string(set.name), "version": .integer(Int64(set.version)),
                "accepted": .array(try AnnotationLibrary.export(set: set, in: transaction).map(\.json)),
                "disagreements": .array(
                    try AnnotationLibrary.disagreements(set: set, in: transaction).map(JSON.string)),
            ]
            if let first = query["first"], let second = query["second"] {
                let agreement = try AnnotationLibrary.agreement(
                    of: first, and: second, set: set, in: transaction)
                answer["agreement"] = [
                    "items": .integer(Int64(agreement.itemCount)),
                    "agreed": .integer(Int64(agreement.agreedCount)),
                    "kappa": agreement.kappa.map(JSON.number) ?? .null,
                ]
            }
            return APIReply(.object(answer))
        }
    }

    // MARK: Grades and their rules

    private var gradingRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/assets/:asset/grades", .scope(.collectWrite),
                "Proposed and decided grades, each with why."
            ) {
                request throws(Problem) in
                let code = request.parameter("asset")
                let gradings = try await store.read { transaction throws(Problem) in
                    try AssetShelf.gradings(
                        of: try AssetShelf.asset(code, in: transaction).id, in: transaction)
                }
                return APIReply(["grades": .array(gradings.map(\.json))])
            },
            Route(
                "GET", "/api/v1/grading", .scope(.collectWrite),
                "Catalogs and recognizers: versions, states, ages."
            ) {
                _ throws(Problem) in
                let now = context.clock.now()
                let all = try await store.read { transaction throws(Problem) in
                    try GradingRuleBook.all(in: transaction)
                }
                return APIReply(["documents": .array(all.map { $0.json(at: now) })])
            },
            Route(
                "POST", "/api/v1/grading", .scope(.registerWrite),
                "Propose a catalog or recognizers for review."
            ) {
                request throws(Problem) in
                let body = try request.json()
                let (document, person) = (body["document"] ?? .null, body["person"]?.text ?? "")
                let proposed = try await store.write { transaction throws(Problem) in
                    try GradingRuleBook.propose(document, by: person, in: transaction)
                }
                return APIReply(proposed.json(at: context.clock.now()), status: 201)
            },
            Route(
                "POST", "/api/v1/grading/:name/review", .scope(.registerWrite),
                "Put a proposed version in force, or decline it."
            ) {
                request throws(Problem) in
                let (body, name) = (try request.json(), request.parameter("name"))
                let version = try body.needed("version")
                let reviewed = try await store.write { transaction throws(Problem) in
                    try GradingRuleBook.review(
                        name, version, grants: body["grants"]?.bool ?? false, by: body["person"]?.text ?? "",
                        why: body["why"]?.text ?? "", in: transaction)
                }
                return APIReply(reviewed.json(at: context.clock.now()))
            },
            Route(
                "GET", "/api/v1/grading/differences", .scope(.collectWrite),
                "Fields graded important that no catalog names, and items no field was graded by."
            ) { _ throws(Problem) in try await gradingDifferences() },
        ]
    }

    private func gradingDifferences() async throws(Problem) -> APIReply {
        try await store.read { transaction throws(Problem) in
            let graded = try AssetShelf.importantFields(in: transaction)
            let items = try GradingRuleBook.inForce(in: transaction).catalogs.flatMap { $0.items.map(\.name) }
            let used = Set(graded.compactMap(\.item))
            return APIReply([
                "withoutCatalog": .array(
                    graded.filter { $0.item.map { !items.contains($0) } ?? true }.map {
                        ["asset": .string($0.asset), "field": .string($0.field)]
                    }),
                "withoutField": .array(items.filter { !used.contains($0) }.map(JSON.string)),
            ])
        }
    }

    // MARK: What is known of an asset

    private var assetFactRoutes: [Route] {
        [
            Route(
                "GET", "/api/v1/assets/:asset/description", .signedIn,
                "Metadata alone, through the describe door; counted."
            ) {
                request throws(Problem) in try await describeAsset(request)
            },
            Route(
                "GET", "/api/v1/metadata", .anyone,
                "Listings that changed after ?since=, oldest first, for harvesters."
            ) {
                request throws(Problem) in try await harvest(request)
            },
            Route(
                "GET", "/api/v1/assets/:asset/lineage", .scope(.collectWrite),
                "The graph from sources to the newest version; ?format=prov is W3C PROV-JSON."
            ) {
                request throws(Problem) in
                let code = request.parameter("asset")
                let lineage = try await store.read { transaction throws(Problem) in
                    let asset = try AssetShelf.asset(code, in: transaction)
                    let version = try AssetShelf.newestVersion(of: asset.id, in: transaction)
                    return try LineageBook.lineage(of: version.digest, in: transaction)
                }
                let checkers = SignatureCheckers()
                return APIReply(
                    request.query["format"] == "prov" ? lineage.prov(checkers) : lineage.json(checkers))
            },
            Route(
                "POST", "/api/v1/assets/:asset/quality", .scope(.registerWrite),
                "Score the newest version against a standard; signed."
            ) {
                request throws(Problem) in
                let standard = try request.json()["standard"] ?? .null
                return APIReply(
                    try await assets.assess(request.parameter("asset"), standard).json, status: 201)
            },
            Route(
                "POST", "/api/v1/assets/:asset/valuations", .scope(.registerWrite),
                "Value an asset by cost, income and closed trades; books nothing."
            ) {
                request throws(Problem) in try await valueAsset(request)
            },
            Route(
                "GET", "/api/v1/assets/:asset/valuations", .scope(.registerWrite),
                "Valuations of an asset, newest first."
            ) {
                request throws(Problem) in
                let code = request.parameter("asset")
                let all = try await store.read { transaction throws(Problem) in
                    try ValuationBook.all(of: code, in: transaction)
                }
                return APIReply(["valuations": .array(all)])
            },
        ]
    }

    private func describeAsset(_ request: APIRequest) async throws(Problem) -> APIReply {
        let (code, caller, valve) = (request.parameter("asset"), try request.proven(), valve)
        return try await store.write { transaction throws(Problem) in
            let asset = try AssetShelf.asset(code, in: transaction)
            let asker = try PartyRegister.party(caller.party, in: transaction)
            try valve.describe(asset, to: asker, in: transaction)
            let open = try ListingBook.all(in: [.open], in: transaction).contains { listing, _ in
                listing.assetCode == asset.code.text && listing.openness == .unconditional
            }
            return APIReply(
                AssetService.description(
                    of: asset, try AssetShelf.newestVersion(of: asset.id, in: transaction),
                    try AssetShelf.gradings(of: asset.id, in: transaction), isOpen: open))
        }
    }

    /// Every listing whose state or text changed after a moment, so that a harvester asks only for what is new to it.
    private func harvest(_ request: APIRequest) async throws(Problem) -> APIReply {
        let since = request.query["since"].flatMap { Instant(rfc3339: $0) } ?? Instant(seconds: 0)
        let changed = try await store.read { transaction throws(Problem) in
            try ListingBook.changed(after: since, limit: Self.harvestMax, in: transaction)
        }
        return APIReply([
            "records": .array(
                changed.map { listing, state, at in
                    [
                        "listing": .string(listing.code.text), "state": .string(state.rawValue),
                        "holder": .string(Code(.party, listing.holder).text), "title": listing.title.json,
                        "summary": listing.summary, "changedAt": .string(at.rfc3339),
                    ]
                }),
            "next": .string((changed.last?.2 ?? since).rfc3339),
        ])
    }

    private static let harvestMax = 1000

    private func valueAsset(_ request: APIRequest) async throws(Problem) -> APIReply {
        let (code, inputs, context) = (request.parameter("asset"), try request.json(), context)
        let report = try await store.write { transaction throws(Problem) in
            let asset = try AssetShelf.asset(code, in: transaction)
            let version = try AssetShelf.newestVersion(of: asset.id, in: transaction)
            let trades = try PassageBook.paidByContract(of: asset.code.text, in: transaction).map {
                Valuation.ClosedTrade(contract: $0.contract, paid: $0.paid)
            }
            let valuation = try Valuation(
                assetCode: asset.code.text, version: version.digest, inputs: inputs, trades: trades,
                at: transaction.now)
            try ValuationBook.add(valuation, in: transaction)
            try context.record(
                .valuationRecorded, asset.code,
                ["report": .string(Digest(of: valuation.json.canonicalBytes).hex)], in: transaction)
            return valuation.json
        }
        return APIReply(report, status: 201)
    }
}
