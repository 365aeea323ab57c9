// SPDX-License-Identifier: Apache-2.0

import Register
import Casework
package import Identity
import Lists
package import Primitives
import Store
import Transparency

/// A role of a party in a procedure or a list: who may act, until when.
package struct Duty: Hashable, Sendable {
    /// The party's code.
    package let party: String
    /// A procedure or a list; `*` for all.
    package let scope: String
    package let role: String
    package let until: CalendarDay
    package let isSuspended: Bool

    package init(party: String, scope: String, role: String, until: CalendarDay, isSuspended: Bool = false) {
        self.party = party
        self.scope = scope
        self.role = role
        self.until = until
        self.isSuspended = isSuspended
    }
}

extension PackService {
    /// Gives, prolongs or suspends a role. A leaf.
    package func appoint(_ duty: Duty, by caller: Caller) async throws(Problem) {
        try caller.require(.marketOperate)
        let context = context
        try await store.write { writer throws(Problem) in
            _ = try PartyRegister.party(named: duty.party, in: writer)
            try writer.execute(
                """
                INSERT INTO packs_duty VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (party, scope, role)
                DO UPDATE SET until_day = excluded.until_day, is_suspended = excluded.is_suspended
                """,
                [
                    duty.party, duty.scope, duty.role, duty.until.daysSince1970, duty.isSuspended, writer.now,
                ])
            try context.record(
                .ruleChanged, Code(duty.party),
                [
                    "party": .string(duty.party), "scope": .string(duty.scope), "role": .string(duty.role),
                    "until": .string(duty.until.description), "suspended": .bool(duty.isSuspended),
                ], in: writer)
        }
    }

    /// Every role that was given.
    package func duties() async throws(Problem) -> [Duty] {
        try await store.read { reader throws(Problem) in try Self.duties("1 = ?", 1, reader) }
    }

    private static func duties(
        _ condition: String, _ argument: any SQLConvertible, _ reader: any SQLReading
    ) throws(Problem) -> [Duty] {
        try reader.all(
            """
            SELECT party, scope, role, until_day, is_suspended FROM packs_duty WHERE \(condition)
            ORDER BY party, scope, role
            """, [argument]
        ) { row throws(Problem) in
            Duty(
                party: try row.text(0), scope: try row.text(1), role: try row.text(2),
                until: CalendarDay(daysSince1970: try row.int(3)), isSuspended: try row.bool(4))
        }
    }

    /// The parties that have a role in a procedure today.
    static func holders(
        of role: String, in procedure: String, on day: CalendarDay, _ reader: any SQLReading
    ) throws(Problem) -> [String] {
        try duties("role = ?", role, reader)
            .filter { !$0.isSuspended && day <= $0.until && [procedure, "*"].contains($0.scope) }.map(\.party)
    }

    /// The roles a party has today.
    static func inForce(
        of party: String, on day: CalendarDay, _ reader: any SQLReading
    ) throws(Problem) -> [Duty] {
        try duties("party = ?", party, reader).filter { !$0.isSuspended && day <= $0.until }
    }

    /// The caller as casework and lists see him: his roles within a scope, and the parties he is tied to because
    /// both have a right in the same asset.
    static func actor(
        _ caller: Caller?, within scope: String, on day: CalendarDay, _ reader: any SQLReading
    ) throws(Problem) -> CaseActor {
        guard let caller else { return CaseActor(party: "", roles: []) }
        let party = Code(.party, caller.party).text
        let roles = try inForce(of: party, on: day, reader)
            .filter { $0.scope == scope || $0.scope == "*" }.map(\.role)
        return CaseActor(
            party: party, roles: Set(roles), interests: try interests(of: caller.party, reader))
    }

    /// Parties with a right in an asset in which this one has a right too.
    static func interests(of party: ID<Party>, _ reader: any SQLReading) throws(Problem) -> Set<String> {
        Set(
            try reader.all(
                """
                SELECT DISTINCT other.party_id FROM register_right own
                JOIN register_right other ON other.asset_code = own.asset_code
                WHERE own.party_id = ? AND other.party_id <> ?
                """, [party, party]
            ) { row throws(Problem) in Code(.party, try row.id(0, of: Party.self)).text })
    }
}

/// S70: assessors, arbitrators, brokers and the other service bodies stand in a list; being in it today, for the
/// kind and not suspended, is what makes a body appointable.
package enum ServiceBodies {
    /// The list that names them, in the pack `service-bodies`.
    package static let list = "service-bodies"

    /// A role that is no kind of service body, such as an expert of a panel, needs no accreditation.
    static func isAccredited(
        _ party: String, _ role: String, _ day: CalendarDay, _ packs: PackDesk, _ lists: ListDesk,
        _ reader: any SQLReading
    ) throws(Problem) -> Bool {
        guard let schema = try? packs.list(list, reader),
            schema.fields.contains(where: { $0.name == "kind" && $0.choices.contains(role) })
        else { return true }
        return try lists.entries(of: schema, asOf: day, reader).contains { entry in
            entry.content["party"]?.text == party && entry.content["kind"]?.text == role
                && entry.content["state"]?.text == "active"
        }
    }
}
