// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// What a party may be at a node. Roles are granted by the operator's invitation; scopes follow from them.
package enum Role: String, Sendable, Hashable, CaseIterable, Comparable {
    case holder, buyer, assessor, `operator`, auditor, node, `public`

    package static func < (left: Role, right: Role) -> Bool { left.rawValue < right.rawValue }

    /// The scopes that a token of this role carries unless it is made with fewer.
    package var scopes: Set<Scope> {
        switch self {
        case .holder:
            [
                .collectWrite, .registerWrite, .publishWrite, .tradeRead, .tradeWrite, .valveWrite,
                .computeWrite,
            ]
        case .buyer: [.tradeRead, .tradeWrite, .computeWrite, .publishWrite]
        case .assessor: [.registerAttest, .tradeRead]
        case .operator: Set(Scope.allCases)
        case .auditor: [.auditRead, .tradeRead]
        case .node: [.laneWrite]
        case .public: []
        }
    }
}

/// What a token may do, `<room>:read|write`; `market:operate` is the operator's desk, `audit:read` supervision.
package enum Scope: String, Sendable, Hashable, CaseIterable, Comparable {
    case collectWrite = "collect:write"
    case registerWrite = "register:write"
    case registerAttest = "register:attest"
    case publishWrite = "publish:write"
    case tradeRead = "trade:read"
    case tradeWrite = "trade:write"
    case valveWrite = "valve:write"
    case computeWrite = "compute:write"
    case laneWrite = "lane:write"
    case marketOperate = "market:operate"
    case auditRead = "audit:read"

    /// What acts on the node's own data: for the people of the party whose node it is.
    package static let ofOwnData: Set<Scope> = [.collectWrite, .registerWrite, .publishWrite, .valveWrite]

    package static func < (left: Scope, right: Scope) -> Bool { left.rawValue < right.rawValue }
}

/// An organization or person that takes part 主体.
package struct Party: Hashable, Sendable {
    /// How others reach the party's node, if it runs one.
    package enum Address: Hashable, Sendable {
        /// The party has an account at this node, and no node.
        case account
        /// A node that answers at a URL.
        case url(String)
        /// A node behind a firewall: it only dials out, and takes its messages from its exchange's mailbox.
        case dialOut
    }

    package let id: ID<Party>
    package let name: String
    /// Unified social credit code (GB 32100), where there is one.
    package let creditCode: String?
    /// ISO 3166-1 alpha-2.
    package let jurisdiction: String
    package let roles: Set<Role>
    /// Ed25519, 32 bytes: who signs offers, agreements, receipts for the party.
    package let signingKey: [UInt8]
    /// X25519, 32 bytes: answers for the party are sealed to it.
    package let sealingKey: [UInt8]
    package let address: Address

    package init(
        id: ID<Party>, name: String, creditCode: String? = nil, jurisdiction: String, roles: Set<Role>,
        signingKey: [UInt8], sealingKey: [UInt8], address: Address
    ) {
        self.id = id
        self.name = name
        self.creditCode = creditCode
        self.jurisdiction = jurisdiction
        self.roles = roles
        self.signingKey = signingKey
        self.sealingKey = sealingKey
        self.address = address
    }

    package var code: Code { Code(.party, id) }

    /// The same party, its node answering at another URL.
    package func answering(at url: String) -> Party {
        Party(
            id: id, name: name, creditCode: creditCode, jurisdiction: jurisdiction, roles: roles,
            signingKey: signingKey, sealingKey: sealingKey, address: .url(url))
    }
}

extension Party {
    /// The wire form that parties sign and pin.
    package var json: JSON {
        [
            "id": .string(id.uuid), "name": .string(name), "creditCode": creditCode.map(JSON.string) ?? .null,
            "jurisdiction": .string(jurisdiction),
            "roles": .array(roles.sorted().map { .string($0.rawValue) }),
            "signingKey": .string(Base64.encode(signingKey)),
            "sealingKey": .string(Base64.encode(sealingKey)),
            "address": .string(address.text),
        ]
    }

    /// `nil` where a member is missing or has another form.
    package init?(json: JSON) {
        guard let id = json["id"]?.text.flatMap({ ID<Party>(uuid: $0) }), let name = json["name"]?.text,
            let jurisdiction = json["jurisdiction"]?.text, jurisdiction.utf8.count == 2,
            let roles = json["roles"]?.array?.compactMap({ $0.text.flatMap(Role.init) }),
            let signingKey = json["signingKey"]?.text.flatMap({ Base64.decode($0) }), signingKey.count == 32,
            let sealingKey = json["sealingKey"]?.text.flatMap({ Base64.decode($0) }), sealingKey.count == 32,
            let address = json["address"]?.text.flatMap(Address.init(text:))
        else { return nil }
        self.init(
            id: id, name: name, creditCode: json["creditCode"]?.text, jurisdiction: jurisdiction,
            roles: Set(roles), signingKey: signingKey, sealingKey: sealingKey, address: address)
    }
}

extension Party.Address {
    package var text: String {
        switch self {
        case .account: "account"
        case .dialOut: "dial-out"
        case .url(let url): url
        }
    }

    package init?(text: String) {
        switch text {
        case "account": self = .account
        case "dial-out": self = .dialOut
        case _ where text.hasPrefix("http://") || text.hasPrefix("https://"): self = .url(text)
        default: return nil
        }
    }
}

/// The proven sender of one request: what services decide authority by.
package struct Caller: Hashable, Sendable {
    package let party: ID<Party>
    package let roles: Set<Role>
    package let scopes: Set<Scope>
    /// ISO 3166-1 alpha-2, as registered; the valve decides exports by it.
    package let jurisdiction: String

    package init(party: ID<Party>, roles: Set<Role>, scopes: Set<Scope>, jurisdiction: String) {
        self.party = party
        self.roles = roles
        self.scopes = scopes
        self.jurisdiction = jurisdiction
    }

    /// Throws `identity.scope-missing` unless the caller's token carries the scope.
    package func require(_ scope: Scope) throws(Problem) {
        guard scopes.contains(scope) else { throw .scopeMissing(scope) }
    }

    package func may(_ scope: Scope) -> Bool { scopes.contains(scope) }
}
