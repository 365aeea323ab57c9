// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A dataset that another catalog offers, as far as two catalogs can be compared: what it is called, who publishes it, and
/// where it stands there.
package struct ForeignDataset: Hashable, Sendable {
    /// Its name in its own catalog.
    package let id: String
    /// What should be the same wherever the same dataset is listed: its identifier, else title and publisher.
    package let key: String
    package let title: LocalizedText
    package let about: String
    package let publisher: String
    package let address: String
    package let formats: [String]
    /// What changes when the dataset does though its description stays: when its catalog says it was modified, or a
    /// digest of the offers a connector makes for it.
    package let edition: String

    package init(
        id: String, identifier: String?, title: LocalizedText, about: String, publisher: String,
        address: String, formats: [String], edition: String = ""
    ) {
        self.id = id
        self.title = title
        self.about = about
        self.publisher = publisher
        self.address = address
        self.formats = formats
        self.edition = edition
        let named = identifier.flatMap { $0.isEmpty ? nil : $0.lowercased() }
        key = named ?? Self.plain(title.zh) + "/" + Self.plain(publisher)
    }

    /// Two catalogs write the same title with other spaces and capitals.
    private static func plain(_ text: String) -> String { text.lowercased().filter { !$0.isWhitespace } }

    package var json: JSON {
        [
            "id": .string(id), "key": .string(key),
            "title": ["zh": .string(title.zh), "en": .string(title.en)], "about": .string(about),
            "publisher": .string(publisher), "address": .string(address),
            "formats": .array(formats.map(JSON.string)), "edition": .string(edition),
        ]
    }

    init(stored json: JSON) {
        id = json["id"]?.text ?? ""
        key = json["key"]?.text ?? ""
        title = LocalizedText(zh: json["title"]?["zh"]?.text ?? "", en: json["title"]?["en"]?.text ?? "")
        about = json["about"]?.text ?? ""
        publisher = json["publisher"]?.text ?? ""
        address = json["address"]?.text ?? ""
        formats = json["formats"]?.texts ?? []
        edition = json["edition"]?.text ?? ""
    }
}

// MARK: Reading what catalogs say

extension ForeignDataset {
    /// A package of CKAN's `package_search`; `nil` where it has not even a name.
    package init?(ckan json: JSON, at root: String) {
        guard let name = json["name"]?.text ?? json["id"]?.text else { return nil }
        let title = json["title"]?.text ?? name
        let extras = json["extras"]?.array ?? []
        let identifier = ["identifier", "guid", "uri"].lazy.compactMap { wanted in
            extras.first { $0["key"]?.text == wanted }?["value"]?.text
        }.first
        let translated = json["title_translated"]
        self.init(
            id: name, identifier: identifier ?? json["identifier"]?.text,
            title: LocalizedText(
                zh: translated?["zh"]?.text ?? translated?["zh_CN"]?.text ?? title,
                en: translated?["en"]?.text ?? title),
            about: String((json["notes"]?.text ?? "").prefix(Self.aboutMax)),
            publisher: json["organization"]?["title"]?.text ?? json["author"]?.text ?? "",
            address: json["url"]?.text.flatMap { $0.isEmpty ? nil : $0 } ?? root + "/dataset/" + name,
            formats: Set((json["resources"]?.array ?? []).compactMap { $0["format"]?.text }).sorted(),
            edition: json["metadata_modified"]?.text ?? "")
    }

    /// A dataset of a Dataspace Protocol catalog.
    package init?(dsp json: JSON, from participant: String, at address: String) {
        guard let id = json["@id"]?.text else { return nil }
        func texts(_ name: String) -> LocalizedText? {
            let value = json["dct:" + name] ?? json[name]
            if let plain = value?.text ?? value?["@value"]?.text {
                return LocalizedText(zh: plain, en: plain)
            }
            let parts = value?.array ?? []
            func text(in language: String) -> String? {
                parts.first { $0["@language"]?.text == language }?["@value"]?.text
            }
            guard let any = parts.first?["@value"]?.text else { return nil }
            return LocalizedText(zh: text(in: "zh") ?? any, en: text(in: "en") ?? any)
        }
        self.init(
            id: id, identifier: json["dct:identifier"]?.text,
            title: texts("title") ?? LocalizedText(zh: id, en: id),
            about: String((texts("description")?.zh ?? "").prefix(Self.aboutMax)), publisher: participant,
            address: address + "/catalog/datasets/" + id,
            formats: (json["distribution"]?.array ?? []).compactMap { $0["format"]?.text },
            edition: json["dct:modified"]?.text
                ?? Digest(
                    of: (json["hasPolicy"] ?? .null).canonicalBytes
                ).hex)
    }

    /// Enough to know what it is; the rest is read where it stands.
    private static let aboutMax = 2000
}
