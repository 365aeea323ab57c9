// SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Identity
private import Policy
import Primitives
import Register
private import Store
private import Trade
import WebUI

/// The way of a file into the market, as pages: each calls the verbs of the API.
extension Courtyard {
    var publishRoutes: [Route] {
        [
            page("/publish", .scope(.collectWrite), "A file to publish.") { _ in filePage() },
            Route(
                "POST", "/publish", .scope(.collectWrite), "Take a file in from a form.",
                bodyBytesMax: Self.uploadBytesMax, isUpload: true
            ) { request throws(Problem) in try await takeForm(request) },
            page("/publish/:code", .scope(.collectWrite), "An asset on its way into the market.") {
                request throws(Problem) in try await assetPage(request)
            },
            action("/publish/:code/grades", .registerWrite, "Confirm grades, apply for registration.") {
                request, form throws(Problem) in
                let asset = "/api/v1/assets/" + request.parameter("code")
                _ = try await api(
                    "POST", asset + "/grades", body: ["person": .string(form["person"] ?? "")], as: request)
                _ = try await api("POST", asset + "/registration", body: [:], as: request)
                return APIReply(seeOther: "/publish/" + request.parameter("code"))
            },
            action("/publish/:code/offer", .tradeWrite, "Offer a registered asset.") {
                request, form throws(Problem) in try await offer(form, request)
            },
        ]
    }

    private func filePage(_ refusal: Refusal? = nil) -> PublishPage {
        PublishPage(
            stage: .file,
            legalBases: [
                ("own-operation", LocalizedText(zh: "自身业务产生", en: "own operation")),
                ("consent", LocalizedText(zh: "个人同意", en: "consent")),
                ("contract", LocalizedText(zh: "合同", en: "contract")),
                ("legal-duty", LocalizedText(zh: "法定职责", en: "legal duty")),
                ("license", LocalizedText(zh: "许可使用", en: "license")),
            ], refusal: refusal,
            sameThing: SameThing(
                http: "curl --data-binary @FILE.csv -H \"Authorization: Bearer $HUTONG_TOKEN\" "
                    + "\"$HUTONG_URL/api/v1/deliveries?name=FILE.csv\"",
                cli: "hutong publish FILE.csv --title … --owner … --ground own-operation --document …"))
    }

    private func takeForm(_ request: APIRequest) async throws(Problem) -> APIReply {
        guard request.isFromHere else { throw .tokenRefused }
        guard let staged = request.upload else { throw Problem(.invalid, "register.delivery-empty") }
        defer { try? FileManager.default.removeItem(atPath: staged) }
        guard let form = UploadForm(file: staged, type: request.headers["content-type"] ?? ""),
            let suffix = form.fileName.split(separator: ".").last?.lowercased(),
            ["csv", "json", "jsonl", "parquet", "xlsx"].contains(suffix)
        else { throw Problem(.invalid, "register.delivery-empty") }
        let name = ID<UploadForm>(at: context.clock.now()).uuid + "." + suffix
        guard (try? form.content.write(to: URL(filePath: inbox + "/" + name))) != nil else {
            throw Problem(.fault, "store.storage-failed", operatorNote: "cannot write the inbox")
        }
        func field(_ name: String) -> JSON { .string(form.fields[name] ?? "") }
        do throws(Problem) {
            let taken = try await api(
                "POST", "/api/v1/assets",
                body: [
                    "deliveries": [.string(name)], "title": field("title"),
                    "source": [
                        "name": field("title"), "kind": "institution", "owner": field("owner"),
                        "collector": field("owner"), "method": "system", "ground": field("ground"),
                        "document": field("document"),
                    ],
                ], as: request)
            return APIReply(seeOther: "/publish/" + (taken["asset"]?.text ?? ""))
        } catch {
            return try await reply(filePage(Refusal(error, in: request.pageLanguage)), to: request)
        }
    }

    private func assetPage(_ request: APIRequest) async throws(Problem) -> any Page {
        let code = request.parameter("code")
        let (asset, version, gradings) = try await store.read { transaction throws(Problem) in
            let asset = try AssetShelf.asset(code, in: transaction)
            return (
                asset, try AssetShelf.newestVersion(of: asset.id, in: transaction),
                try AssetShelf.gradings(of: asset.id, in: transaction)
            )
        }
        let grades = Self.grades(gradings)
        let columns = version.document["profile"]?["columns"]?.array ?? []
        let isConfirmed = gradings.allSatisfy { $0.confirmed != nil }
        return PublishPage(
            stage: asset.registration != nil
                ? .offer(path: "/publish/\(code)/offer", table: "data")
                : isConfirmed ? .review : .grades(path: "/publish/\(code)/grades"),
            proposal: PublishPage.Proposal(
                asset: Named(asset.title, asset.code), rowCount: Int(version.rowCount),
                columns: columns.map { column in
                    let name = column["name"]?.text ?? ""
                    return ColumnView(
                        name: name, type: PageWords.type(column["type"]?.text ?? ""),
                        grade: PageWords.grade(grades[name]))
                },
                grade: PageWords.highestGrade(
                    of: grades.values.sorted().map { ["grade": .string($0)] }),
                reasons: gradings.filter { $0.json["proposed"]?.text != "general-1" }.map {
                    LocalizedText("\($0.field): \($0.why)")
                }),
            sameThing: SameThing(
                http:
                    "curl -X POST -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/assets/\(code)/grades",
                cli: "hutong list \(code) --title … --price query:0.50CNY"))
    }

    /// Each field's grade in words: confirmed, else proposed.
    private static func grades(_ gradings: [FieldGrading]) -> [String: String] {
        Dictionary(
            gradings.map { grading in
                let json = grading.json
                return (grading.field, json["confirmed"]?.text ?? json["proposed"]?.text ?? "")
            }
        ) { $1 }
    }

    private func offer(_ form: [String: String], _ request: APIRequest) async throws(Problem) -> APIReply {
        let code = request.parameter("code")
        let (version, gradings) = try await store.read { transaction throws(Problem) in
            let asset = try AssetShelf.asset(code, in: transaction)
            return (
                try AssetShelf.newestVersion(of: asset.id, in: transaction),
                try AssetShelf.gradings(of: asset.id, in: transaction)
            )
        }
        let isCopied = form["copy"] == "download"
        var plain = PlainTerms(doors: isCopied ? [.query, .download] : [.query], isPaid: true)
        plain.change(by: form)
        plain.recipients = try await recipients(form["recipients"] ?? "")
        let table = form["table"] ?? "data"
        let copyPrice = isCopied ? ",download:\(form["copyPrice"] ?? "")CNY" : ""
        let price = "query:\(form["price"] ?? "")CNY" + copyPrice
        let offered = try await api(
            "POST", "/api/v1/listings",
            body: [
                "asset": .string(code), "title": .string(form["title"] ?? ""),
                "about": .string(form["about"] ?? ""), "table": .string(table),
                "terms": plain.policy(id: "urn:hutong:terms").json, "price": .string(price),
                "rules": [
                    "rules": 1, "minimumGroup": .integer(form["group"].flatMap { Int64($0) } ?? 10),
                    "tables": .object([
                        table: ["columns": Self.askableColumns(version, gradings)]
                    ]),
                    "purposes": .array(plain.purposes.sorted().map(JSON.string)),
                    "answers": ["rowsMax": 5000],
                ],
            ], as: request)
        return APIReply(seeOther: "/listings/" + (offered["listing"]?.text ?? ""))
    }

    /// What questions may do with each column: texts and days are grouped by, numbers summed within the limits that the
    /// profile saw; a column graded above the lowest two levels is hidden.
    private static func askableColumns(_ version: AssetVersion, _ gradings: [FieldGrading]) -> JSON {
        let grades = Self.grades(gradings)
        var columns: [String: JSON] = [:]
        for column in version.document["profile"]?["columns"]?.array ?? [] {
            let name = column["name"]?.text ?? ""
            guard ["general-1", "general-2"].contains(grades[name] ?? "") else {
                columns[name] = "hidden"
                continue
            }
            if let low = column["min"]?.double, let high = column["max"]?.double, low < high {
                columns[name] = [
                    "use": ["filter", "group", "aggregate"], "bounds": [.number(low), .number(high)],
                ]
            } else {
                columns[name] = ["use": ["filter", "group"]]
            }
        }
        return .object(columns)
    }
}

extension PlainTerms {
    /// What the form of a counter-proposal or an offer changes.
    mutating func change(by form: [String: String]) {
        purposes = Set(
            (form["purposes"] ?? "").split { ",，、 ".contains($0) }.map(String.init))
        usesMax = form["uses"].flatMap { Int64($0) }
        // The page shows the last day of use; the policy the first moment without.
        until = form["until"].flatMap { CalendarDay($0) }.map {
            Instant(startOf: $0.advanced(byDays: 1), in: .shanghai)
        }
    }
}

/// A form with one file (RFC 7578), read from where the upload was staged: mapped, so that a file of any size costs
/// no memory.
private struct UploadForm {
    let fields: [String: String]
    let fileName: String
    let content: Data

    /// `nil` where the body is not such a form or carries no file.
    init?(file path: String, type: String) {
        guard
            let boundary = type.split(separator: "boundary=").dropFirst().first?.split(separator: ";").first,
            let data = try? Data(contentsOf: URL(filePath: path), options: .mappedIfSafe)
        else { return nil }
        let mark = Data("\r\n--".utf8) + Data(boundary.replacing("\"", with: "").utf8)
        var fields: [String: String] = [:]
        var file: (name: String, content: Data)?
        var place = mark.count - 2
        // A part: its head, an empty line, its body up to the next mark; two hyphens after a mark end the form.
        while let head = data.range(of: Data("\r\n\r\n".utf8), in: place..<data.count),
            let end = data.range(of: mark, in: (head.upperBound - 2)..<data.count)
        {
            let text = String(decoding: data[place..<head.lowerBound], as: UTF8.self)
            let body = data[head.upperBound..<max(head.upperBound, end.lowerBound)]
            if let name = Self.value("filename", in: text) {
                file = (name, body)
            } else if let name = Self.value("name", in: text) {
                fields[name] = String(decoding: body, as: UTF8.self)
            }
            place = end.upperBound
        }
        guard let file, !file.content.isEmpty else { return nil }
        self.fields = fields
        fileName = file.name
        content = file.content
    }

    private static func value(_ name: String, in head: String) -> String? {
        head.split(separator: "; \(name)=\"").dropFirst().first?.split(separator: "\"").first.map(String.init)
    }
}
