// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
import Store
private import Trade
import WebUI
import Wire

extension Courtyard {
    /// The web UI: each page calls the verbs of the API in its reader's name and shows what they answer.
    var pageRoutes: [Route] {
        publicPages + partyPages + publishRoutes + actions
            + Asset.all.map { asset in
                Route("GET", asset.path, .anyone, "A file of the web UI.") { _ in
                    APIReply(
                        contentType: asset.contentType,
                        headers: ["Cache-Control": "public, max-age=31536000, immutable"], body: asset.bytes)
                }
            }
    }

    private var publicPages: [Route] {
        [
            page("/", .anyone, "The catalog.") { request throws(Problem) in try await catalogPage(request) },
            page("/listings/:code", .anyone, "A listing.") { request throws(Problem) in
                try await listingPage(request)
            },
            page("/demands", .anyone, "Demands.") { request throws(Problem) in try await demandsPage(request)
            },
            page("/demands/new", .anyone, "A demand to post.") { request throws(Problem) in
                try await demandsPage(request)
            },
            page("/log", .anyone, "The transparency log.") { request throws(Problem) in
                try await logPage(request)
            },
            page("/log/:index", .anyone, "A log entry with its proof.") { request throws(Problem) in
                try await proofPage(request)
            },
            page("/codes/:code", .anyone, "One code through six steps.") { request throws(Problem) in
                try await codePage(request)
            },
            page("/certificates/:code", .anyone, "A certificate of registration.") {
                request throws(Problem) in
                try await certificatePage(request)
            },
            page("/problems/:code", .anyone, "What a problem means.") { request throws(Problem) in
                try explained(request)
            },
            page("/sign-in", .anyone, "Sign in by token.") { request throws(Problem) in
                SignInPage(next: Self.localPath(request.query["next"]))
            },
        ]
    }

    private var partyPages: [Route] {
        [
            page("/listings/:code/agree", .scope(.tradeWrite), "Ask for terms.") { request throws(Problem) in
                try await agreePage(request)
            },
            page("/agreements/:code", .scope(.tradeRead), "An agreement, and a question.") {
                request throws(Problem) in
                try await agreementPage(request)
            },
            page("/agreements/:code/paper", .scope(.tradeRead), "The digital agreement.") {
                request throws(Problem) in
                try await agreementPaper(request)
            },
            page("/agreements/:code/budget", .scope(.tradeRead), "What was charged to the privacy budget.") {
                request throws(Problem) in
                try await budgetPage(request)
            },
            page("/contracts/:code", .scope(.tradeRead), "The data trading contract.") {
                request throws(Problem) in
                try await contractPaper(request)
            },
            page("/mine", .scope(.tradeRead), "What the party has.") { request throws(Problem) in
                try await minePage(request)
            },
            page("/statements/:month", .scope(.tradeRead), "A month's statement.") {
                request throws(Problem) in
                try await statementPage(request)
            },
            page("/desk", .scope(.auditRead), "The operator's desk.") { request throws(Problem) in
                try await deskPage(request)
            },
        ]
    }

    private var actions: [Route] {
        [
            Route("POST", "/sign-in", .anyone, "Sign in by token.") { request throws(Problem) in
                try await signIn(request)
            },
            Route("POST", "/sign-out", .anyone, "Sign out.") { request in
                APIReply(
                    seeOther: "/",
                    cookie: request.sessionCookie + "=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
            },
            action("/demands", .tradeWrite, "Post a demand.") { request, form throws(Problem) in
                _ = try await api("POST", "/api/v1/demands", body: demand(form), as: request)
                return APIReply(seeOther: "/demands")
            },
            action("/listings/:code/agree", .tradeWrite, "Ask for terms.") { request, form throws(Problem) in
                try await ask(forListing: request.parameter("code"), form, request)
                return APIReply(seeOther: "/mine")
            },
            action("/agreements/:code", .computeWrite, "A question: its price, then its answer.") {
                request, form throws(Problem) in
                try await reply(try await agreementPage(request, form: form), to: request)
            },
            action("/offers/:code/accept", .tradeWrite, "Accept what lies on the table.") {
                request, _ throws(Problem) in
                _ = try await api(
                    "POST", "/api/v1/offers/\(request.parameter("code"))/accept", body: [:], as: request)
                return APIReply(seeOther: "/mine")
            },
            action("/offers/:code/counter", .tradeWrite, "Propose other terms.") {
                request, form throws(Problem) in try await counter(form, request)
            },
            action("/offers/:code/decline", .tradeWrite, "End a negotiation.") {
                request, form throws(Problem) in try await decline(form, request)
            },
            action("/desk/:code", .marketOperate, "Approve or refuse a listing or a registration.") {
                request, form throws(Problem) in try await decide(form, request)
            },
            action("/valve/:target/close", .valveWrite, "Close the valve.") { request, _ throws(Problem) in
                try await moveValve("close", request)
            },
            action("/valve/:target/open", .valveWrite, "Open the valve.") { request, _ throws(Problem) in
                try await moveValve("open", request)
            },
        ]
    }

    private func moveValve(_ verb: String, _ request: APIRequest) async throws(Problem) -> APIReply {
        let target = JSON.string(request.parameter("target"))
        _ = try await api(
            "POST", "/api/v1/valve/" + verb, body: ["target": target, "why": "desk"], as: request)
        return APIReply(seeOther: "/desk")
    }

    private func demand(_ form: [String: String]) -> JSON {
        var body: [String: JSON] = [
            "words": .string(form["title"] ?? ""), "purpose": .string(form["purpose"] ?? ""),
        ]
        if let ceiling = form["ceiling"], !ceiling.isEmpty { body["priceMax"] = .string(ceiling + "CNY") }
        if let due = form["due"].flatMap({ CalendarDay($0) }) {
            body["dueAt"] = .string(Instant(startOf: due, in: .shanghai).rfc3339)
        }
        return .object(body)
    }

    // MARK: Pages and actions as routes

    func page(
        _ path: String, _ access: Route.Access, _ summary: String,
        _ fill: @escaping @Sendable (APIRequest) async throws(Problem) -> any Page
    ) -> Route {
        Route("GET", path, access, summary) { request throws(Problem) in
            try await reply(try await fill(request), to: request)
        }
    }

    /// A form: the caller's cookie is `SameSite=Strict`, and a browser that says the form came from elsewhere is
    /// refused as well.
    func action(
        _ path: String, _ scope: Scope, _ summary: String,
        _ act: @escaping @Sendable (APIRequest, [String: String]) async throws(Problem) -> APIReply
    ) -> Route {
        Route("POST", path, .scope(scope), summary) { request throws(Problem) in
            guard request.isFromHere else { throw .tokenRefused }
            return try await act(request, request.form)
        }
    }

    func reply(_ page: any Page, to request: APIRequest) async throws(Problem) -> APIReply {
        let reader = try await reader(of: request)
        return APIReply(page, for: reader, wish: request.query)
    }

    /// One verb of the API, in the reader's name.
    func api(
        _ method: String, _ path: String, query: [String: String] = [:], body: JSON? = nil,
        as request: APIRequest
    ) async throws(Problem) -> JSON {
        try await table.answer(
            APIRequest(
                method: method, path: path, query: query, headers: request.headers,
                body: body?.canonicalBytes ?? [], caller: request.caller, language: request.language)
        ).json
    }

    // MARK: Readers

    private func reader(of request: APIRequest) async throws(Problem) -> Reader {
        let caller = request.caller
        let party = try await store.read { transaction throws(Problem) in
            try caller.map { caller throws(Problem) in try PartyRegister.party(caller.party, in: transaction)
            }
        }
        let query =
            request.query.isEmpty
            ? ""
            : "?"
                + request.query.sorted { $0.key < $1.key }
                .map { $0.key.percentEncoded + "=" + $0.value.percentEncoded }.joined(separator: "&")
        var roles = Set((caller?.roles ?? []).compactMap { Reader.Role(rawValue: $0.rawValue) })
        // Whoever may look at the desk finds it in the navigation: also at a node of one's own.
        if caller?.may(.auditRead) == true { roles.insert(.auditor) }
        return Reader(
            language: request.pageLanguage, path: request.path + query, nodeName: name,
            viewer: party.map { Reader.Viewer(name: $0.name, code: $0.code, roles: roles) },
            theme: (request.query["theme"] ?? request.cookie("theme")).flatMap(Reader.Theme.init) ?? .system)
    }

    private func signIn(_ request: APIRequest) async throws(Problem) -> APIReply {
        let form = request.form
        let token = (form["token"] ?? "").filter { !$0.isWhitespace }
        let next = Self.localPath(form["next"])
        do throws(Problem) {
            _ = try await table.authenticate(token)
        } catch {
            let page = SignInPage(next: next, refusal: Refusal(error, in: request.pageLanguage))
            return try await reply(page, to: request)
        }
        let secure = publicURL().hasPrefix("https") ? "; Secure" : ""
        return APIReply(
            seeOther: next,
            cookie: "\(request.sessionCookie)=\(token); Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"
                + secure)
    }

    /// A path of this node, or the party's own page: never another site.
    private static func localPath(_ path: String?) -> String {
        guard let path, path.hasPrefix("/"), !path.hasPrefix("//"), !path.contains("\\"),
            !path.contains("\n"),
            !path.contains("\r")
        else { return "/mine" }
        return path
    }

    private func explained(_ request: APIRequest) throws(Problem) -> any Page {
        let code = request.parameter("code")
        guard let told = TextCatalog.embedded.sentences[code]?[request.pageLanguage] else {
            throw Problem(.missing, "app.route-unknown", ["path": .text(request.path)])
        }
        return ProblemPage(
            status: 200, refusal: Refusal(code: code, what: told.what, why: told.why, remedy: told.remedy))
    }
}

extension Refusal {
    init(_ problem: Problem, in language: Language, request: String? = nil) {
        let told = TextCatalog.embedded.told(problem, in: language)
        self.init(code: problem.code, what: told.what, why: told.why, remedy: told.remedy, request: request)
    }
}

extension APIReply {
    /// A page. A language or theme that was asked for is remembered.
    fileprivate init(_ page: any Page, for reader: Reader, wish: [String: String]) {
        let status = (page as? ProblemPage)?.status ?? 200
        var headers = Asset.pageHeaders
        headers["Content-Language"] = reader.language.rawValue
        headers["Cache-Control"] = "no-store"
        if wish["lang"] != nil {
            headers["Set-Cookie"] = "lang=\(reader.language.rawValue); Path=/; SameSite=Lax; Max-Age=31536000"
        } else if wish["theme"] != nil {
            headers["Set-Cookie"] = "theme=\(reader.theme.rawValue); Path=/; SameSite=Lax; Max-Age=31536000"
        }
        self.init(
            status: status, contentType: "text/html; charset=utf-8", headers: headers,
            body: page.document(for: reader).bytes)
    }

    init(seeOther path: String, cookie: String? = nil) {
        var headers = ["Location": path]
        if let cookie { headers["Set-Cookie"] = cookie }
        self.init(status: 303, contentType: "text/plain; charset=utf-8", headers: headers, body: [])
    }

    /// A problem as a page, for a browser that asked for one; `nil` for everybody else. Who is not signed in is
    /// sent to sign in first.
    static func page(
        for problem: Problem, path: String, headers: [String: String], language: Language, request: String
    ) -> APIReply? {
        guard headers["accept"]?.contains("text/html") == true, !path.hasPrefix("/api/") else { return nil }
        if problem.kind == .unauthenticated {
            return APIReply(seeOther: "/sign-in?next=" + path.percentEncoded)
        }
        let reader = Reader(language: language, path: path, nodeName: headers["host"] ?? "")
        let refusal = Refusal(problem, in: language, request: request)
        return APIReply(ProblemPage(status: problem.kind.status, refusal: refusal), for: reader, wish: [:])
    }
}

extension APIRequest {
    /// A browser that says the form came from elsewhere is not believed, whatever cookie it sends.
    var isFromHere: Bool {
        let site = headers["sec-fetch-site"] ?? "same-origin"
        return site == "same-origin" || site == "none"
    }

    /// `?lang=`, then the cookie, then what the browser prefers.
    var pageLanguage: Language {
        (query["lang"] ?? cookie("lang")).flatMap(Language.init) ?? language
    }

    /// The fields of a form (`application/x-www-form-urlencoded`).
    var form: [String: String] {
        var fields: [String: String] = [:]
        for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1]).replacing("+", with: " ") : ""
            fields[String(parts[0]).removingPercentEncoding] = value.removingPercentEncoding
        }
        return fields
    }
}

extension String {
    /// RFC 3986 §2.1, all but unreserved characters and the slash.
    var percentEncoded: String {
        let digits = Array("0123456789ABCDEF")
        return utf8.reduce(into: "") { text, byte in
            let scalar = Character(UnicodeScalar(byte))
            if byte < 128, scalar.isLetter || scalar.isNumber || "-._~/".contains(scalar) {
                text.append(scalar)
            } else {
                text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
