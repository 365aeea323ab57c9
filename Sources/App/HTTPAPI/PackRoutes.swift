// SPDX-License-Identifier: Apache-2.0

import Casework
import Rules
import Store
import Identity
import Lists
import Packs
import Primitives

extension Courtyard {
    /// Packs, their lists, roles and decisions.
    var packRoutes: [Route] {
        [
            Route("GET", "/api/v1/packs", .anyone, "Installed packs, each version.") {
                request throws(Problem) in
                try await installedPacks(request)
            },
            Route(
                "POST", "/api/v1/packs", .scope(.marketOperate), "Install a pack: {files: {path: text}}.",
                bodyBytesMax: Self.packBytesMax
            ) { request throws(Problem) in
                let files = (try request.json()["files"]?.object ?? [:]).compactMapValues(\.text)
                return APIReply(try await packs.add(files, by: request.proven()), status: 201)
            },
            Route("GET", "/api/v1/packs/:pack", .anyone, "The files of a pack: ?version=.") {
                request throws(Problem) in
                let (desk, pack, version) = (packs.packs, request.parameter("pack"), request.query["version"])
                let files = try await store.read { reader throws(Problem) in
                    try desk.files(of: pack, version: version, reader)
                }
                return APIReply(["pack": .string(pack), "files": .object(files.mapValues { .string($0) })])
            },
            Route("POST", "/api/v1/packs/:pack/remove", .scope(.marketOperate), "End a pack.") {
                request throws(Problem) in
                try await packs.remove(request.parameter("pack"), by: request.proven())
                return APIReply(["pack": .string(request.parameter("pack")), "state": "removed"])
            },
            Route(
                "GET", "/api/v1/schemas/:kind", .anyone,
                "The JSON Schema of a pack's files: pack, rules, cases, lists, plans, indicators, grading, scenario."
            ) { request throws(Problem) in
                guard let schema = PackJSONSchema(rawValue: request.parameter("kind")) else {
                    throw Problem(
                        .missing, "packs.schema-missing",
                        [
                            "kind": .text(request.parameter("kind")),
                            "known": .list(PackJSONSchema.allCases.map(\.rawValue)),
                        ])
                }
                return APIReply(schema.document)
            },
            Route("GET", "/api/v1/duties", .scope(.auditRead), "Who has which role in procedures and lists.")
            {
                _ throws(Problem) in
                APIReply(["duties": .array(try await packs.duties().map(\.json))])
            },
            Route("POST", "/api/v1/duties", .scope(.marketOperate), "Give, prolong or suspend a role.") {
                request throws(Problem) in
                let duty = try await duty(request.json())
                try await packs.appoint(duty, by: request.proven())
                return APIReply(duty.json, status: 201)
            },
            Route("POST", "/api/v1/rules/:pack/:rule", .signedIn, "Decide: {facts}, ?asOf=.") {
                request throws(Problem) in
                APIReply(
                    try await packs.decide(
                        request.parameter("rule"), of: request.parameter("pack"),
                        over: try request.json()["facts"] ?? [:], asOf: try request.day("asOf"),
                        in: request.language, by: request.proven()))
            },
            Route("GET", "/api/v1/decisions/:code", .signedIn, "A decision as it was taken.") {
                request throws(Problem) in
                APIReply(try await packs.decision(request.parameter("code"), for: request.proven()))
            },
            Route(
                "GET", "/api/v1/packs/:pack/eligible", .scope(.marketOperate),
                "Who of a list is eligible without applying: ?list=."
            ) { request throws(Problem) in
                APIReply(
                    try await packs.eligible(
                        request.parameter("pack"), list: request.query["list"] ?? "", by: request.proven()))
            },
        ]
    }

    /// Lists (名录): read as of any day, as JSON or CSV; written by whoever has the role.
    var listRoutes: [Route] {
        [
            Route("GET", "/api/v1/lists", .anyone, "The lists of the packs in force.") {
                request throws(Problem) in
                let schemas = try await packs.schemas()
                let parts = try await packs.selections().map { part in
                    JSON.object([
                        "id": .string(part.selection.id), "pack": .string(part.pack),
                        "title": .string(part.selection.title[request.language]),
                        "selects": .string(part.selection.list),
                    ])
                }
                return APIReply([
                    "lists": .array(
                        schemas.map { $0.schema.json(pack: $0.pack, in: request.language) } + parts)
                ])
            },
            Route(
                "GET", "/api/v1/lists/:list/tally", .anyone,
                "A list counted by a field, with sums and means: ?by=, ?asOf=."
            ) { request throws(Problem) in
                APIReply(
                    try await packs.tally(
                        request.parameter("list"), by: request.query["by"] ?? "",
                        asOf: try request.day("asOf"), for: request.caller
                    ).json)
            },
            Route(
                "GET", "/api/v1/lists/:list/fits", .anyone,
                "Entries meant for an entry of the list's audience: ?for=KEY."
            ) { request throws(Problem) in try await listFits(request) },
            Route(
                "GET", "/api/v1/lists/:list", .anyone,
                "A list or a part of one: ?asOf=, ?q=, ?format=csv, ?state=all."
            ) {
                request throws(Problem) in
                let view = try await listView(request)
                guard request.query["format"] == "csv" else {
                    return APIReply(view.json(in: request.language))
                }
                let csv = ListText.csv(
                    view.entries.map(view.shown), of: view.schema, fields: view.fields.map(\.name))
                return APIReply(
                    contentType: "text/csv; charset=utf-8",
                    headers: ["Content-Disposition": "attachment; filename=\"\(view.id).csv\""],
                    body: Array(csv.utf8))
            },
            Route("GET", "/api/v1/lists/:list/versions", .anyone, "Every version of an entry: ?key=.") {
                request throws(Problem) in
                let key = request.query["key"] ?? ""
                return APIReply([
                    "key": .string(key),
                    "versions": .array(
                        try await packs.history(
                            of: key, in: request.parameter("list"), for: request.caller)),
                ])
            },
            Route(
                "POST", "/api/v1/lists/:list", .signedIn,
                "Write entries, all or none: {entries: […]}, {csv: text}, or one entry.",
                bodyBytesMax: Self.packBytesMax
            ) { request throws(Problem) in try await writeList(request) },
            Route("POST", "/api/v1/lists/:list/remove", .signedIn, "End an entry today: {key}.") {
                request throws(Problem) in
                let key = try request.json().needed("key")
                try await packs.remove(key, from: request.parameter("list"), by: request.proven())
                return APIReply(["key": .string(key), "state": "removed"])
            },
        ]
    }

    /// A directory of a hundred thousand firms; larger ones come in parts.
    private static let packBytesMax = 32 << 20

    func listView(_ request: APIRequest) async throws(Problem) -> ListView {
        try await packs.view(
            request.parameter("list"), asOf: try request.day("asOf"),
            words: (request.query["q"] ?? "").split(separator: " ").map(String.init),
            includesAll: request.query["state"] == "all", for: request.caller)
    }

    private func listFits(_ request: APIRequest) async throws(Problem) -> APIReply {
        let (list, key) = (request.parameter("list"), request.query["for"] ?? "")
        let view = try await packs.view(list, for: request.caller)
        let fits = try await packs.fits(list, for: key, as: request.caller)
        return APIReply([
            "list": .string(list), "for": .string(key),
            "entries": .array(
                fits.map {
                    [
                        "key": .string($0.entry.key), "entry": view.shown($0.entry),
                        "unknown": .array($0.unknown.map { .string($0) }),
                    ]
                }),
        ])
    }

    private func writeList(_ request: APIRequest) async throws(Problem) -> APIReply {
        let list = request.parameter("list")
        let body = try request.json()
        let count =
            if let csv = body["csv"]?.text {
                try await packs.put(csv: csv, in: list, by: request.proven())
            } else {
                try await packs.put(body["entries"]?.array ?? [body], in: list, by: request.proven())
            }
        let suspended = list == ExclusionList.tradeNegative ? try await packs.screenOpenListings() : []
        return APIReply(
            [
                "list": .string(list), "written": .integer(Int64(count)),
                "suspended": .array(suspended.map { .string($0) }),
            ], status: 201)
    }

    private func installedPacks(_ request: APIRequest) async throws(Problem) -> APIReply {
        let desk = packs.packs
        let installed = try await store.read { reader throws(Problem) in try desk.all(reader) }
        return APIReply([
            "packs": .array(
                installed.map { row in
                    [
                        "id": .string(row.pack.id), "version": .string(row.pack.version.description),
                        "title": .string(row.pack.title[request.language]),
                        "note": row.pack.note.map { .string($0[request.language]) } ?? .null,
                        "digest": .string(row.digest.hex), "addedAt": .string(row.addedAt.rfc3339),
                        "removed": .bool(row.removedAt != nil),
                        "rules": .array(row.pack.rules.map { .string($0.id) }),
                        "procedures": .array(row.pack.procedures.map { .string($0.id) }),
                        "lists": .array(row.pack.lists.map { .string($0.schema.id) }),
                    ]
                })
        ])
    }

    private func duty(_ body: JSON) async throws(Problem) -> Duty {
        let named = try body.needed("party")
        let party = try await store.read { reader throws(Problem) in
            try PartyRegister.party(named: named, in: reader)
        }
        return Duty(
            party: party.code.text, scope: body["scope"]?.text ?? "*", role: try body.needed("role"),
            until: try body.needed("until") { CalendarDay($0) },
            isSuspended: body["suspended"]?.bool ?? false)
    }
}

extension APIRequest {
    /// A day of the query; what is no day is refused, not taken for today.
    func day(_ name: String) throws(Problem) -> CalendarDay? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let day = CalendarDay(text) else {
            throw Problem(.invalid, "packs.day-malformed", ["day": .text(text)])
        }
        return day
    }
}

extension Duty {
    fileprivate var json: JSON {
        [
            "party": .string(party), "scope": .string(scope), "role": .string(role),
            "until": .string(until.description), "suspended": .bool(isSuspended),
        ]
    }
}

extension ListSchema {
    fileprivate func json(pack: String, in language: Language) -> JSON {
        [
            "id": .string(id), "title": .string(title[language]), "pack": .string(pack), "key": .string(key),
            "example": .bool(isExample),
            "public": .bool(readers.contains("public")),
            "fields": .array(
                fields.filter { !$0.isPersonal }.map {
                    [
                        "name": .string($0.name), "title": .string($0.title[language]),
                        "type": .string($0.type.rawValue), "required": .bool($0.isRequired),
                    ]
                }),
        ]
    }
}

extension ListView {
    fileprivate func json(in language: Language) -> JSON {
        [
            "list": .string(id), "title": .string(title[language]),
            "asOf": .string(day.description), "example": .bool(schema.isExample),
            "total": .integer(Int64(entries.count)),
            "entries": .array(entries.map { $0.json(showing: shown($0), on: day) }),
        ]
    }
}
