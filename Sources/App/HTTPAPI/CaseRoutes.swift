// SPDX-License-Identifier: Apache-2.0

import Casework
private import Foundation
import Identity
import Packs
import Primitives

extension Courtyard {
    /// Procedures, public notices and cases.
    var caseRoutes: [Route] {
        [
            Route("GET", "/api/v1/procedures", .anyone, "Procedures that take applications.") {
                request throws(Problem) in
                let procedures = try await packs.procedures()
                return APIReply(["procedures": .array(procedures.map { $0.json(in: request.language) })])
            },
            Route("GET", "/api/v1/public-notices", .anyone, "Cases on public notice; objections are open.") {
                request throws(Problem) in try await publicNotices(request)
            },
            Route("GET", "/api/v1/cases", .signedIn, "What waits for us, and what we applied for.") {
                request throws(Problem) in
                let rows = try await packs.inbox(of: request.proven())
                return APIReply([
                    "cases": .array(rows.map { $0.0.row(under: $0.1, in: request.language) })
                ])
            },
            Route(
                "GET", "/api/v1/procedures/:procedure/cases", .signedIn,
                "The cases of a procedure, for those with a role in it: ?subject=."
            ) { request throws(Problem) in
                let rows = try await packs.cases(
                    of: request.parameter("procedure"), about: request.query["subject"] ?? "",
                    by: request.proven())
                return APIReply([
                    "cases": .array(rows.map { $0.0.row(under: $0.1, in: request.language) })
                ])
            },
            Route("POST", "/api/v1/cases", .signedIn, "Apply: {procedure, subject, answers}.") {
                request throws(Problem) in
                let body = try request.json()
                let answers = (body["answers"]?.object ?? [:]).compactMapValues(\.text)
                let file = try await packs.open(
                    try body.needed("procedure"), subject: try body.needed("subject"), answers: answers,
                    by: request.proven())
                return try await shown(file, to: request, status: 201)
            },
            Route("GET", "/api/v1/cases/:code", .anyone, "A case; to outsiders its public notice alone.") {
                request throws(Problem) in
                let view = try await packs.look(at: request.parameter("code"), for: request.caller)
                return APIReply(view.json(in: request.language))
            },
            Route(
                "POST", "/api/v1/cases/:code/actions", .signedIn,
                "One action: {do: take, check, mark, object, resolve, suspend, resume or appoint, …}."
            ) { request throws(Problem) in
                let action = try CaseAction(body: try request.json())
                let file = try await packs.act(
                    on: request.parameter("code"), action, by: request.proven())
                return try await shown(file, to: request)
            },
            Route(
                "POST", "/api/v1/cases/:code/materials/:material", .signedIn, "Hand in a material's file.",
                bodyBytesMax: Self.materialBytesMax
            ) { request throws(Problem) in
                try await handIn(request.parameter("material"), request.body, request)
            },
            Route(
                "GET", "/api/v1/cases/:code/materials/:material", .signedIn,
                "The file that was handed in, to those who work on the case."
            ) { request throws(Problem) in try await material(request) },
        ]
    }

    /// A scanned audit report; more belongs into a register of data.
    static let materialBytesMax = 16 << 20

    private func publicNotices(_ request: APIRequest) async throws(Problem) -> APIReply {
        let rows = try await packs.notices()
        return APIReply(["notices": .array(rows.map { $0.0.row(under: $0.1, in: request.language) })])
    }

    private func shown(
        _ file: CaseFile, to request: APIRequest, status: Int = 200
    ) async throws(Problem) -> APIReply {
        let view = try await packs.look(at: file.code.text, for: request.caller)
        return APIReply(view.json(in: request.language), status: status)
    }

    // MARK: Files of materials

    /// The file is on the disk before the commit that names it; one that no case names is harmless.
    func handIn(_ material: String, _ bytes: [UInt8], _ request: APIRequest) async throws(Problem) -> APIReply
    {
        guard !bytes.isEmpty else { throw Problem(.invalid, "app.part-missing", ["part": "file"]) }
        // The caller may see the case before anything is written for him.
        let code = request.parameter("code")
        let view = try await packs.look(at: code, for: request.proven())
        guard !view.isOutsider else {
            throw Problem(.missing, "casework.case-missing", ["case": .text(code)])
        }
        let digest = Digest(of: bytes)
        try keep(bytes, at: path(of: digest))
        let file = try await packs.act(
            on: code, .submit(material: material, file: digest), by: request.proven())
        return try await shown(file, to: request, status: 201)
    }

    private func path(of digest: Digest) -> String { objects + "/case-" + digest.hex }

    private func keep(_ bytes: [UInt8], at path: String) throws(Problem) {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        do {
            guard
                FileManager.default.createFile(
                    atPath: path + ".part", contents: Data(bytes), attributes: [.posixPermissions: 0o600]),
                let handle = FileHandle(forWritingAtPath: path + ".part")
            else { throw Problem(.fault, "store.storage-failed", operatorNote: "cannot write objects") }
            try handle.synchronize()
            try handle.close()
            try FileManager.default.moveItem(atPath: path + ".part", toPath: path)
        } catch {
            throw error as? Problem
                ?? Problem(.fault, "store.storage-failed", operatorNote: "cannot write objects")
        }
    }

    private func material(_ request: APIRequest) async throws(Problem) -> APIReply {
        let view = try await packs.look(at: request.parameter("code"), for: request.proven())
        let name = request.parameter("material")
        guard !view.isOutsider, let submission = view.file.submissions[name],
            let data = FileManager.default.contents(atPath: path(of: submission.file))
        else { throw Problem(.missing, "casework.file-missing", ["material": .text(name)]) }
        // Never shown in place: a file somebody handed in must not run as a page of this node.
        return APIReply(
            contentType: "application/octet-stream",
            headers: ["Content-Disposition": "attachment; filename=\"\(view.file.code.text)-material\""],
            body: Array(data))
    }
}

extension CaseAction {
    /// What the body of `POST /api/v1/cases/:code/actions` asks for.
    init(body: JSON) throws(Problem) {
        switch try body.needed("do") {
        case "take":
            self = .take(
                step: try body.needed("step"),
                inputs: (body["inputs"]?.object ?? [:]).compactMapValues(\.text))
        case "check":
            self = .check(
                material: try body.needed("material"), isAccepted: body["accepted"]?.bool ?? false,
                reason: body["reason"]?.text ?? "")
        case "mark":
            guard let points = body["points"]?.integer else {
                throw Problem(.invalid, "app.part-missing", ["part": "points"])
            }
            self = .mark(points: Int(clamping: points), comment: body["comment"]?.text ?? "")
        case "object": self = .object(reason: try body.needed("reason"))
        case "resolve":
            guard let place = body["objection"]?.integer else {
                throw Problem(.invalid, "app.part-missing", ["part": "objection"])
            }
            self = .resolve(
                objection: Int(clamping: place), isUpheld: body["upheld"]?.bool ?? false,
                reason: try body.needed("reason"))
        case "suspend": self = .suspend(reason: try body.needed("reason"))
        case "resume": self = .resume
        case "appoint": self = .appoint(role: try body.needed("role"), party: try body.needed("party"))
        default: throw Problem(.invalid, "app.part-missing", ["part": "do"])
        }
    }
}

extension CaseFile {
    /// A line of an inbox.
    func row(under procedure: Procedure, in language: Language) -> JSON {
        let state = procedure.state(state)
        return [
            "case": .string(code.text), "procedure": .string(procedure.id),
            "title": .string(procedure.title[language]), "subject": .string(subject),
            "state": .string(self.state), "stateTitle": .string(state?.title[language] ?? self.state),
            "owner": .string(state.flatMap { procedure.roles[$0.owner]?[language] } ?? ""),
            "due": due.map { .string($0.description) } ?? .null,
            "closed": .bool(state?.isFinal == true),
        ]
    }
}

extension Procedure {
    fileprivate func json(in language: Language) -> JSON {
        [
            "id": .string(id), "version": .string(version), "title": .string(title[language]),
            "citation": .string(citation), "rule": rule.map { .string($0) } ?? .null,
            "questions": .array(
                questions.map {
                    [
                        "id": .string($0.id), "title": .string($0.title[language]),
                        "required": .bool($0.isRequired),
                    ]
                }),
            "materials": .array(
                materials.map {
                    [
                        "id": .string($0.id), "title": .string($0.title[language]),
                        "required": .bool($0.isRequired),
                    ]
                }),
        ]
    }
}
