// SPDX-License-Identifier: Apache-2.0

import Identity
import Primitives
private import Policy
private import Trade
import WebUI

/// The page of a listing's templates, for who asks and for the holder who decides.
extension Courtyard {
    var templatePages: [Route] {
        [
            page("/listings/:code/templates", .scope(.tradeRead), "Questions that may be asked by template.")
            {
                request throws(Problem) in try await templatesPage(request)
            },
            action("/listings/:code/templates", .computeWrite, "Hand a question in for approval.") {
                request, form throws(Problem) in
                try await afterTemplates(request) { () async throws(Problem) in
                    _ = try await api(
                        "POST", "/api/v1" + request.path, body: Self.draft(form), as: request)
                }
            },
            action("/listings/:code/templates/:name", .tradeWrite, "Approve, refuse or withdraw a template.")
            {
                request, form throws(Problem) in
                try await afterTemplates(request) { () async throws(Problem) in
                    var body: [String: JSON] = form.mapValues(JSON.string)
                    body["version"] = form["version"].flatMap { Int64($0) }.map(JSON.integer)
                    _ = try await api("POST", "/api/v1" + request.path, body: .object(body), as: request)
                }
            },
        ]
    }

    /// Back to the list, or the list with the refusal above it.
    private func afterTemplates(
        _ request: APIRequest, _ act: () async throws(Problem) -> Void
    ) async throws(Problem) -> APIReply {
        do throws(Problem) {
            try await act()
        } catch {
            let refusal = Refusal(error, in: request.pageLanguage)
            return try await reply(try await templatesPage(request, refusal), to: request)
        }
        return APIReply(seeOther: "/listings/\(request.parameter("code"))/templates")
    }

    private static func draft(_ form: [String: String]) -> JSON {
        let parameters = (form["parameters"] ?? "").split(separator: ",").map { part -> JSON in
            let pair = part.split(separator: ":").map { $0.filter { $0 != " " } }
            return ["name": .string(pair.first ?? ""), "type": .string(pair.count == 2 ? pair[1] : "")]
        }
        return [
            "name": .string(form["name"] ?? ""), "title": .string(form["title"] ?? ""),
            "text": .string(form["text"] ?? ""), "parameters": .array(parameters),
        ]
    }

    private func templatesPage(
        _ request: APIRequest, _ refusal: Refusal? = nil
    ) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let caller = try request.proven()
        let listing = try await market.listing(code)
        let templates = try await api("GET", "/api/v1/listings/\(code)/templates", as: request)
        let agreements = try await api("GET", "/api/v1/agreements", as: request)["agreements"]?.array ?? []
        let own = agreements.first {
            $0["listing"]?.text == listing.code.text && $0["state"] == "in-force"
                && $0["consumer"]?.text == Code(.party, caller.party).text
        }
        let agreement = own.flatMap { Code($0["agreement"]?.text ?? "") }.map { code in
            (code, PlainWords.purpose(of: listing))
        }
        let names = try await partyNames()
        let isHolder = caller.party == listing.holder
        return TemplatesPage(
            listing: Named(listing.title, listing.code),
            templates: (templates["templates"]?.array ?? []).map {
                TemplatesPage.Template(
                    $0, holder: names.party(Code(.party, listing.holder).text).name, isHolder: isHolder,
                    canAsk: agreement != nil)
            },
            agreement: agreement, isApprovedOnly: listing.rules?["answers"]?["questions"] == "approved",
            canPropose: caller.may(.computeWrite), refusal: refusal,
            sameThing: SameThing(
                http:
                    "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/listings/\(code)/templates",
                cli: "hutong template list " + code))
    }
}

private enum PlainWords {
    /// A purpose the terms allow, so that the form is not refused for want of one.
    static func purpose(of listing: Listing) -> String {
        TermsDraft(terms: listing.terms.json)?.purposes.split(separator: ",").first.map(String.init) ?? ""
    }
}

extension TemplatesPage.Template {
    fileprivate init(_ json: JSON, holder: LocalizedText, isHolder: Bool, canAsk: Bool) {
        let state = json["state"]?.text ?? ""
        let standing =
            switch state {
            case "proposed":
                Standing(LocalizedText(zh: "待批准", en: "to be approved"), .waits, owner: holder.zh)
            case "approved": Standing(LocalizedText(zh: "已批准", en: "approved"))
            case "refused": Standing(LocalizedText(zh: "已拒绝", en: "refused"), .stopped)
            case "withdrawn": Standing(LocalizedText(zh: "已撤回", en: "withdrawn"), .stopped)
            default: Standing(LocalizedText(zh: "已被新版本取代", en: "replaced by a newer version"), .stopped)
            }
        let decisions = ["proposed": ["approve", "refuse"], "approved": ["withdraw"]][state] ?? []
        self.init(
            name: json["name"]?.text ?? "", version: Int(json["version"]?.integer ?? 0),
            title: json["title"].localized, text: json["text"]?.text ?? "",
            parameters: (json["parameters"]?.array ?? []).map { parameter in
                let values = parameter["values"]?.array?.map { $0.text ?? $0.canonicalText }
                return (
                    parameter["name"]?.text ?? "",
                    values?.joined(separator: ", ") ?? parameter["type"]?.text ?? ""
                )
            },
            standing: standing, why: json["why"]?.text ?? "", decisions: isHolder ? decisions : [],
            canAsk: canAsk && state == "approved")
    }
}
