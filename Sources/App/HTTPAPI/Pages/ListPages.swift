// SPDX-License-Identifier: Apache-2.0

import Lists
import Packs
import Primitives
import WebUI

/// Pages of lists: looked through by anybody who may read, written by whoever has the role.
extension Courtyard {
    var listPages: [Route] {
        [
            page("/lists", .anyone, "The lists of this node.") { _ throws(Problem) in
                let schemas = try await packs.schemas()
                let parts = try await packs.selections().compactMap { part in
                    schemas.first { $0.schema.id == part.selection.list }.map { whole in
                        ListsPage.Line(
                            id: part.selection.id, title: part.selection.title, pack: part.pack,
                            isPublic: whole.schema.readers.contains("public"),
                            isExample: whole.schema.isExample)
                    }
                }
                return ListsPage(
                    lists: schemas.map {
                        ListsPage.Line(
                            id: $0.schema.id, title: $0.schema.title, pack: $0.pack,
                            isPublic: $0.schema.readers.contains("public"), isExample: $0.schema.isExample)
                    } + parts,
                    sameThing: SameThing(http: "curl $HUTONG_URL/api/v1/lists", cli: "hutong registry list"))
            },
            page("/lists/:list", .anyone, "A list: ?q=, ?asOf=.") { request throws(Problem) in
                try await listPage(request, refusal: nil)
            },
            form("/lists/:list", "Write an entry.") { request throws(Problem) in
                try await writeEntry(request)
            },
            form("/lists/:list/remove", "End an entry.") { request throws(Problem) in
                let list = request.parameter("list")
                _ = try await api(
                    "POST", "/api/v1/lists/\(list)/remove",
                    body: ["key": .string(request.form["key"] ?? "")], as: request)
                return APIReply(seeOther: "/lists/" + list)
            },
        ]
    }

    private func listPage(_ request: APIRequest, refusal: Refusal?) async throws(Problem) -> any Page {
        let view = try await listView(request)
        let id = view.id
        return ListPage(
            id: id, name: view.title, day: view.day.description, words: request.query["q"] ?? "",
            isExample: view.schema.isExample,
            columns: view.fields.map {
                ListPage.Column(name: $0.name, title: $0.title, isRequired: $0.isRequired)
            },
            rows: view.entries.map { entry in
                ListPage.Row(
                    cells: view.fields.map { Self.cell(entry.content[$0.name] ?? .null) }, key: entry.key,
                    valid: "\(entry.validFrom) – " + (entry.validUntil?.description ?? ""))
            },
            mayWrite: view.mayWrite, refusal: refusal,
            sameThing: SameThing(
                http: "curl '$HUTONG_URL/api/v1/lists/\(id)?asOf=\(view.day)'",
                cli: "hutong registry show \(id) --as-of \(view.day)"))
    }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        case .array(let elements): elements.compactMap(\.text).joined(separator: "、")
        default: value.canonicalText
        }
    }

    private func writeEntry(_ request: APIRequest) async throws(Problem) -> APIReply {
        let list = request.parameter("list")
        do throws(Problem) {
            let schema = try await packs.view(list, for: request.caller).schema
            let entry = request.form.reduce(into: [String: JSON]()) { entry, field in
                guard field.key.hasPrefix("field-"), !field.value.isEmpty else { return }
                let name = String(field.key.dropFirst("field-".count))
                let type = schema.fields.first { $0.name == name }?.type
                entry[name] = ListText.value(field.value, type)
            }
            _ = try await api("POST", "/api/v1/lists/" + list, body: .object(entry), as: request)
        } catch {
            let refusal = Refusal(error, in: request.pageLanguage)
            return try await reply(try await listPage(request, refusal: refusal), to: request)
        }
        return APIReply(seeOther: "/lists/" + list)
    }
}
