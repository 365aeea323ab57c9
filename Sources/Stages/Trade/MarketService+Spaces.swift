// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives
private import Register
package import Store
private import Transparency

/// Spaces: an exchange opens one by authorizing its operator; the operator admits members; what is offered inside keeps
/// the space's limits.
extension MarketService {
    /// What the exchange's operator says about a new space.
    package struct SpaceDraft: Hashable, Sendable {
        package let kind: Space.Kind
        package let title: LocalizedText?
        package let entry: LocalizedText
        package let until: Instant
        package let forbidsRawRows: Bool?
        package let feeCeiling: Money?
        package let holdersShare: Int64

        package init(
            kind: Space.Kind, title: LocalizedText?, entry: LocalizedText, until: Instant,
            forbidsRawRows: Bool?, feeCeiling: Money?, holdersShare: Int64
        ) {
            self.kind = kind
            self.title = title
            self.entry = entry
            self.until = until
            self.forbidsRawRows = forbidsRawRows
            self.feeCeiling = feeCeiling
            self.holdersShare = holdersShare
        }
    }

    /// Opens a space. The mandate of its operator and the space are one commit; withdrawing the mandate shuts it.
    package func openSpace(
        _ draft: SpaceDraft, operatedBy agent: ID<Party>, by caller: Caller
    ) async throws(Problem) -> Space {
        try caller.require(.marketOperate)
        try await context.requireExchange()
        let context = context
        return try await context.store.write { transaction throws(Problem) in
            let id = ID<Space>(at: transaction.now)
            let mandate = Mandate(
                id: ID(at: transaction.now), principal: context.own, agent: agent, verbs: ["operate"],
                subjects: [Code(.space, id).text], purpose: nil, until: draft.until, usesMax: nil)
            try MandateBook.grant(mandate, in: transaction)
            try context.record(
                .mandateGranted, mandate.code,
                ["mandate": .string(Digest(of: mandate.json.canonicalBytes).hex)], in: transaction)
            let space = Space(
                id: id, kind: draft.kind, title: draft.title ?? draft.kind.title, operator: agent,
                mandateCode: mandate.code.text, entry: draft.entry,
                forbidsRawRows: draft.forbidsRawRows ?? draft.kind.forbidsRawRows,
                feeCeiling: draft.feeCeiling, holdersShare: draft.holdersShare)
            try SpaceBook.put(space, in: transaction)
            try context.record(
                .spaceOpened, space.code, ["space": .string(Digest(of: space.json.canonicalBytes).hex)],
                in: transaction)
            return space
        }
    }

    /// A party asks to become a member; the operator finds it among the members as applied.
    package func applyForSpace(_ code: String, as party: ID<Party>) async throws(Problem) {
        let context = context
        try await context.store.write { transaction throws(Problem) in
            let space = try SpaceBook.space(code, in: transaction)
            guard try SpaceBook.standing(of: party, in: space, transaction) != .member else { return }
            try SpaceBook.set(.applied, of: party, in: space, transaction)
            try Notices.tell(
                space.operator, .requestMoved, about: space.code.text,
                ["party": .string(Code(.party, party).text), "state": "applied"], in: transaction)
        }
    }

    /// The operator of the space, and nobody else's, admits a party or ends its part.
    package func setMember(
        _ party: ID<Party>, of code: String, to standing: SpaceBook.Standing, by caller: Caller
    ) async throws(Problem) {
        let context = context
        try await context.store.write { transaction throws(Problem) in
            let space = try Self.ownSpace(code, of: caller, in: transaction)
            try SpaceBook.set(standing, of: party, in: space, transaction)
            try context.record(
                .spaceChanged, space.code,
                ["party": .string(Code(.party, party).text), "standing": .string(standing.rawValue)],
                in: transaction)
            try Notices.tell(
                party, .requestMoved, about: space.code.text, ["state": .string(standing.rawValue)],
                in: transaction)
        }
    }

    /// A space as its operator may see it; to everybody else it has no inside.
    package static func ownSpace(
        _ code: String, of caller: Caller, in transaction: any SQLReading
    ) throws(Problem) -> Space {
        let space = try SpaceBook.space(code, in: transaction)
        let mandate = try MandateBook.inForce([space.mandateCode], in: transaction).first
        guard caller.party == space.operator, mandate != nil else {
            throw Problem(.forbidden, "trade.space-not-yours", ["space": .code(space.code)])
        }
        return space
    }

    /// Refuses a listing that its space does not take.
    func requireSpace(_ listing: Listing, in transaction: any SQLReading) throws(Problem) {
        guard let code = listing.spaceCode else { return }
        let space = try SpaceBook.space(code, in: transaction)
        try SpaceBook.requireMember(listing.holder, for: listing, in: transaction)
        try SpaceBook.requireOperated(listing, at: context.clock.now(), in: transaction)
        if let objection = space.objection(to: listing) { throw objection }
    }
}
