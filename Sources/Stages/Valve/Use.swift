// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Policy
package import Primitives
package import Trade

/// One use that somebody asks for, at any door: everything the decision may look at.
package struct Use: Sendable {
    package let agreement: Agreement
    package let door: Door
    package let asker: Party
    package let purpose: String
    /// The columns whose rows leave, where a door hands over a copy.
    package let columns: Set<String>
    /// Where the answer is received, ISO 3166-1 alpha-2: the asker's registered jurisdiction, never what the
    /// request claims.
    package var jurisdiction: String { asker.jurisdiction }

    package init(
        agreement: Agreement, door: Door, asker: Party, purpose: String, columns: Set<String> = []
    ) {
        self.agreement = agreement
        self.door = door
        self.asker = asker
        self.purpose = purpose
        self.columns = columns
    }

    /// The same use under the agreement as it stands in the commit that decides.
    package func under(_ current: Agreement) -> Use {
        Use(agreement: current, door: door, asker: asker, purpose: purpose, columns: columns)
    }
}

/// What may be shut with one word; it acts before the next record.
package enum ValveTarget: Hashable, Sendable, CustomStringConvertible {
    /// Everything of this node.
    case node
    /// An asset, a listing, an agreement or a party, by its code.
    case code(Code)
    /// Every receiver in a country.
    case country(String)

    package var description: String {
        switch self {
        case .node: "node"
        case .code(let code): code.text
        case .country(let country): "country:" + country
        }
    }

    /// Reads `node`, a code, or `country:US`; `nil` for anything else.
    package init?(_ text: String) {
        if text == "node" || text == "all" {
            self = .node
        } else if text.hasPrefix("country:"), text.utf8.count == 10 {
            self = .country(text.dropFirst(8).uppercased())
        } else if let code = Code(text) {
            self = .code(code)
        } else {
            return nil
        }
    }
}
