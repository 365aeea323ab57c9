// SPDX-License-Identifier: Apache-2.0

import Identity
package import Primitives
package import Store

/// The city codes that a node issued, and where their bearers were.
package enum EntityRegister {
    /// A thing stands in a room, a room in a building, a building in a district: deeper than this nobody nests places.
    private static let depthMax = 8

    /// Gives an entity its code. What the issuer tells apart by an identity has one code for good: a second is
    /// `register.entity-coded`. A place that is not one is `register.place-unknown`.
    package static func issue(
        _ entity: CityEntity, at place: Code?, in transaction: any SQLWriting
    ) throws(Problem) {
        if let identity = entity.identity,
            let known = try transaction.first(
                "SELECT code FROM register_entity WHERE identity = ?", [identity],
                { row throws(Problem) in try row.text(0) })
        {
            throw Problem(.conflict, "register.entity-coded", ["code": .text(known)])
        }
        try requirePlace(place, at: entity.since, in: transaction)
        try transaction.execute(
            """
            INSERT INTO register_entity
            (id, code, sort, name, identity, subject_id, document, issuer_id, valid_from, issued_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                entity.id, entity.code, entity.sort.rawValue, entity.name, entity.identity, entity.subject,
                document(of: entity), entity.issuer, entity.since, transaction.now,
            ])
        try stay(entity.code, at: place, since: entity.since, in: transaction)
    }

    /// An entity by its code; `register.code-unknown` otherwise.
    package static func entity(_ code: Code, in transaction: any SQLReading) throws(Problem) -> CityEntity {
        guard let found = try select("code = ?", [code], in: transaction).first else {
            throw .codeUnknown(code.text)
        }
        return found
    }

    /// Where it was, the newest first.
    package static func stays(of code: Code, in transaction: any SQLReading) throws(Problem) -> [EntityStay] {
        try transaction.all(
            "SELECT place_code, since, until FROM register_stay WHERE entity_code = ? ORDER BY since DESC",
            [code]
        ) { row throws(Problem) in
            EntityStay(
                place: try row.optional(0, row.text).flatMap { Code($0) }, since: try row.instant(1),
                until: try row.optional(2, row.instant))
        }
    }

    /// It is elsewhere from a moment on. What was true before stays in the history; a moment before the last move is
    /// `register.stay-overlaps`, and what has ended moves no more (`register.entity-ended`).
    package static func move(
        _ code: Code, to place: Code, since: Instant, in transaction: any SQLWriting
    ) throws(Problem) {
        _ = try valid(code, in: transaction)
        try requirePlace(place, at: since, in: transaction)
        guard place != code else { throw Problem(.invalid, "register.place-unknown", ["code": .code(place)]) }
        try leave(code, at: since, in: transaction)
        try stay(code, at: place, since: since, in: transaction)
    }

    /// It is no more. Its code stays its own and resolves to what it was.
    package static func end(_ code: Code, at time: Instant, in transaction: any SQLWriting) throws(Problem) {
        let entity = try valid(code, in: transaction)
        guard entity.since < time else { throw overlap(code, entity.since) }
        try leave(code, at: time, in: transaction)
        try transaction.execute("UPDATE register_entity SET valid_until = ? WHERE code = ?", [time, code])
    }

    /// What was at a place at a time, and in the places that were then within it; at most `limit`, by code.
    package static func entities(
        at place: Code, on time: Instant, limit: Int = 1000, in transaction: any SQLReading
    ) throws(Problem) -> [CityEntity] {
        try select(
            """
            code IN (WITH RECURSIVE inside (code, depth) AS (
                SELECT CAST(? AS TEXT), 0
                UNION SELECT stay.entity_code, inside.depth + 1 FROM register_stay AS stay
                JOIN inside ON stay.place_code = inside.code
                WHERE stay.since <= ? AND (stay.until IS NULL OR stay.until > ?) AND inside.depth < \(depthMax))
            SELECT code FROM inside WHERE depth > 0)
            """, [place, time, time], limit: limit, in: transaction)
    }

    // MARK: Small parts

    private static func valid(_ code: Code, in transaction: any SQLReading) throws(Problem) -> CityEntity {
        let entity = try entity(code, in: transaction)
        guard entity.until == nil else {
            throw Problem(.conflict, "register.entity-ended", ["code": .code(code)])
        }
        return entity
    }

    private static func requirePlace(
        _ place: Code?, at time: Instant, in transaction: any SQLReading
    ) throws(Problem) {
        guard let place else { return }
        let known = try select("code = ?", [place], in: transaction).first
        guard known?.sort == .place, known?.isValid(at: time) == true else {
            throw Problem(.invalid, "register.place-unknown", ["code": .code(place)])
        }
    }

    private static func stay(
        _ code: Code, at place: Code?, since: Instant, in transaction: any SQLWriting
    ) throws(Problem) {
        try transaction.execute(
            "INSERT INTO register_stay (entity_code, place_code, since) VALUES (?, ?, ?)",
            [code, place, since])
    }

    private static func leave(_ code: Code, at time: Instant, in transaction: any SQLWriting) throws(Problem)
    {
        let began = try transaction.first(
            "SELECT since FROM register_stay WHERE entity_code = ? AND until IS NULL", [code]
        ) { row throws(Problem) in try row.instant(0) }
        if let began, began >= time { throw overlap(code, began) }
        try transaction.execute(
            "UPDATE register_stay SET until = ? WHERE entity_code = ? AND until IS NULL", [time, code])
    }

    private static func overlap(_ code: Code, _ began: Instant) -> Problem {
        Problem(.conflict, "register.stay-overlaps", ["code": .code(code), "since": .text(began.rfc3339)])
    }

    private static func document(of entity: CityEntity) -> JSON {
        [
            "region": entity.region.map(JSON.string) ?? .null,
            "details": .object(entity.details.mapValues(JSON.string)),
        ]
    }

    private static func select(
        _ condition: String, _ arguments: [any SQLConvertible], limit: Int = 1, in transaction: any SQLReading
    ) throws(Problem) -> [CityEntity] {
        try transaction.all(
            """
            SELECT id, sort, name, identity, subject_id, document, issuer_id, valid_from, valid_until
            FROM register_entity WHERE \(condition) ORDER BY code LIMIT \(limit)
            """, arguments
        ) { row throws(Problem) in
            let document = try row.json(5)
            return CityEntity(
                id: try row.id(0), sort: CityEntity.Sort(rawValue: try row.text(1)) ?? .matter,
                name: try row.text(2), identity: try row.optional(3, row.digest),
                subject: try row.optional(4) { column throws(Problem) in try row.id(column, of: Party.self) },
                region: document["region"]?.text,
                details: (document["details"]?.object ?? [:]).compactMapValues(\.text),
                issuer: try row.id(6), since: try row.instant(7), until: try row.optional(8, row.instant))
        }
    }
}
