// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A sensing terminal 感知终端 in the one ledger: where it stands, whose it is, which standard its readings keep (S07).
package struct Terminal: Hashable, Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        case planned, working, suspended, retired
    }

    package let id: ID<Terminal>
    /// The code the city gives it; no two terminals have the same.
    package let cityCode: String
    /// `air-quality`, `parking`, `smart-pole`, …
    package let type: String
    /// A place code or address; one terminal of a type stands there.
    package let place: String
    package let district: String
    package let owner: String
    package let standard: CollectionStandard
    package let state: State
    /// The entry of the legality register its readings come in under.
    package let source: ID<CollectionSource>

    package var code: Code { Code(.terminal, id) }

    package var json: JSON {
        [
            "terminal": .string(code.text), "cityCode": .string(cityCode), "type": .string(type),
            "place": .string(place), "district": .string(district), "owner": .string(owner),
            "standard": .string("\(standard.name) \(standard.version)"), "state": .string(state.rawValue),
            "source": .string(Code(.source, source).text),
        ]
    }

    /// The ledger's columns, for a spreadsheet.
    package static let csvHead = "terminal,city_code,type,place,district,owner,standard,state\n"

    package var csvLine: String {
        [
            code.text, cityCode, type, place, district, owner, "\(standard.name) \(standard.version)",
            state.rawValue,
        ]
        .map(\.csvField).joined(separator: ",") + "\n"
    }
}

/// A terminal as its owner declares it.
package struct TerminalDeclaration: Sendable {
    package let cityCode: String
    package let type: String
    package let place: String
    package let district: String
    package let owner: String
    /// A `CollectionStandard` as a document.
    package let standard: JSON
    package let source: ID<CollectionSource>

    package init(
        cityCode: String, type: String, place: String, district: String, owner: String, standard: JSON,
        source: ID<CollectionSource>
    ) {
        self.cityCode = cityCode
        self.type = type
        self.place = place
        self.district = district
        self.owner = owner
        self.standard = standard
        self.source = source
    }
}

extension String {
    /// RFC 4180 §2; a field that a spreadsheet would take for a formula is kept a text by a leading apostrophe.
    var csvField: String {
        let text = "=+-@".contains(first ?? " ") && Double(self) == nil ? "'" + self : self
        let isPlain = text.utf8.allSatisfy { $0 != 44 && $0 != 34 && $0 != 10 && $0 != 13 }
        return isPlain ? text : "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
