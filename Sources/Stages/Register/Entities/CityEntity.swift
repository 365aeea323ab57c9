// SPDX-License-Identifier: Apache-2.0

package import Identity
package import Primitives

/// What has a city code 城市码: one mark for one person, enterprise, thing, place or matter (一人一码、一物一码、一事一码).
/// The code is never given to anything else, also after its bearer has ended.
package struct CityEntity: Hashable, Sendable {
    package enum Sort: String, Sendable, CaseIterable {
        case person, enterprise, thing, place, matter
    }

    package let id: ID<CityEntity>
    package let sort: Sort
    package let name: String
    /// How its issuer tells it from others, kept as a digest only. Whoever holds the database can test guesses: for people
    /// a pseudonym belongs here, not a resident number.
    package let identity: Digest?
    /// The person or enterprise it stands for, if that is a party; it decides who sees what is behind the code.
    package let subject: ID<Party>?
    /// Six digits of GB/T 2260.
    package let region: String?
    package let details: [String: String]
    package let issuer: ID<Party>
    package let since: Instant
    package let until: Instant?

    package var code: Code { Code(.entity, id) }

    package init(
        id: ID<CityEntity>, sort: Sort, name: String, identity: Digest?, subject: ID<Party>?, region: String?,
        details: [String: String], issuer: ID<Party>, since: Instant, until: Instant? = nil
    ) {
        self.id = id
        self.sort = sort
        self.name = name
        self.identity = identity
        self.subject = subject
        self.region = region
        self.details = details
        self.issuer = issuer
        self.since = since
        self.until = until
    }

    package func isValid(at time: Instant) -> Bool { since <= time && until.map { time < $0 } ?? true }

    /// How much of what is behind a code is shown.
    package enum Permission: Int, Comparable, Sendable {
        /// That the code is genuine, of which sort, and valid or not.
        case outline
        /// Name and places: what anybody may see of what is no person.
        case open
        /// Everything.
        case full

        package static func < (left: Permission, right: Permission) -> Bool { left.rawValue < right.rawValue }
    }

    /// What a reader without a right of his own sees: of a person nothing but the outline, of the rest its name, and once
    /// he is known also the details.
    package func permission(isKnown: Bool) -> Permission {
        sort == .person ? .outline : isKnown ? .full : .open
    }
}

/// Where an entity was, from when until when: the code's validity in time and place.
package struct EntityStay: Hashable, Sendable {
    package let place: Code?
    package let since: Instant
    package let until: Instant?
}
