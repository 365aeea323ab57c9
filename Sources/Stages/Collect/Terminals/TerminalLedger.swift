// SPDX-License-Identifier: Apache-2.0

package import Primitives
package import Store

/// The one ledger of sensing terminals 统一台账 (S07).
package enum TerminalLedger {
    /// Enters a terminal and gives the key its messages must bring; only the key's digest is kept.
    ///
    /// Throws `collect.terminal-incomplete`, `collect.terminal-taken` (the same city code, or the same type at the same
    /// place), `collect.standard-differs` (another standard than its source's other terminals).
    package static func enter(
        _ declaration: TerminalDeclaration, using random: inout some RandomNumberGenerator,
        in writing: any SQLWriting
    ) throws(Problem) -> (terminal: Terminal, key: Redacted<String>) {
        let standard = try reviewed(declaration, in: writing)
        let id = ID<Terminal>(at: writing.now)
        let key = Hex.encode((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        let taken = try writing.first(
            "SELECT city_code FROM collect_terminal WHERE city_code = ? OR (type = ? AND place = ?)",
            [declaration.cityCode, declaration.type, declaration.place]
        ) { row throws(Problem) in try row.text(0) }
        if let taken {
            throw Problem(
                .conflict, "collect.terminal-taken",
                [
                    "terminal": .text(declaration.cityCode), "other": .text(taken),
                    "type": .text(declaration.type),
                    "place": .text(declaration.place),
                ])
        }
        try writing.execute(
            """
            INSERT INTO collect_terminal (id, code, city_code, type, place, district, owner, standard, state,
                source_id, secret, entered_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                id, Code(.terminal, id), declaration.cityCode, declaration.type, declaration.place,
                declaration.district,
                declaration.owner, declaration.standard, Terminal.State.working.rawValue, declaration.source,
                Digest(of: key), writing.now,
            ])
        let terminal = Terminal(
            id: id, cityCode: declaration.cityCode, type: declaration.type, place: declaration.place,
            district: declaration.district, owner: declaration.owner, standard: standard, state: .working,
            source: declaration.source)
        return (terminal, Redacted(key))
    }

    private static func reviewed(
        _ declaration: TerminalDeclaration, in reading: any SQLReading
    ) throws(Problem) -> CollectionStandard {
        let parts = [
            ("cityCode", declaration.cityCode), ("type", declaration.type), ("place", declaration.place),
            ("district", declaration.district), ("owner", declaration.owner),
        ]
        let missing = parts.filter { part in !part.1.contains { !$0.isWhitespace } }.map(\.0)
        guard missing.isEmpty else {
            throw Problem(.invalid, "collect.terminal-incomplete", ["parts": .list(missing)])
        }
        _ = try SourceRegister.source(declaration.source, in: reading)
        let standard = try CollectionStandard(document: declaration.standard)
        let other = try terminals(of: declaration.source, in: reading).first?.standard
        guard other == nil || other == standard else {
            throw Problem(
                .conflict, "collect.standard-differs",
                [
                    "standard": .text("\(standard.name) \(standard.version)"),
                    "other": .text(other.map { "\($0.name) \($0.version)" } ?? ""),
                ])
        }
        return standard
    }

    /// Puts a terminal into another state; readings come from working ones alone.
    package static func setState(
        _ state: Terminal.State, of code: String, in writing: any SQLWriting
    ) throws(Problem) -> Terminal {
        let terminal = try terminal(code, in: writing)
        try writing.execute(
            "UPDATE collect_terminal SET state = ? WHERE id = ?", [state.rawValue, terminal.id])
        return try self.terminal(code, in: writing)
    }

    /// The terminals of a district and a type, by city code; `nil` asks for all.
    package static func list(
        district: String? = nil, type: String? = nil, in reading: any SQLReading
    ) throws(Problem) -> [Terminal] {
        try reading.all(
            select + " WHERE (? IS NULL OR district = ?) AND (? IS NULL OR type = ?) ORDER BY city_code",
            [district, district, type, type], read)
    }

    package static func terminals(
        of source: ID<CollectionSource>, in reading: any SQLReading
    ) throws(Problem) -> [Terminal] {
        try reading.all(select + " WHERE source_id = ? ORDER BY city_code", [source], read)
    }

    /// A terminal by its code or its city code; `collect.terminal-unknown` where it is not in the ledger.
    package static func terminal(_ code: String, in reading: any SQLReading) throws(Problem) -> Terminal {
        let found = try reading.first(
            select + " WHERE code = ? OR city_code = ?", [Code(code)?.text ?? code, code], read)
        guard let found else {
            throw Problem(.missing, "collect.terminal-unknown", ["terminal": .text(code)])
        }
        return found
    }

    static func isKey(_ key: String, of terminal: ID<Terminal>, in reading: any SQLReading) throws(Problem)
        -> Bool
    {
        let stored = try reading.first("SELECT secret FROM collect_terminal WHERE id = ?", [terminal]) {
            row throws(Problem) in try row.digest(0)
        }
        return stored == Digest(of: key)
    }

    private static let select = """
        SELECT id, city_code, type, place, district, owner, standard, state, source_id FROM collect_terminal
        """

    private static func read(_ row: any SQLRow) throws(Problem) -> Terminal {
        Terminal(
            id: try row.id(0), cityCode: try row.text(1), type: try row.text(2), place: try row.text(3),
            district: try row.text(4), owner: try row.text(5),
            standard: try CollectionStandard(document: try row.json(6)),
            state: Terminal.State(rawValue: try row.text(7)) ?? .suspended, source: try row.id(8))
    }
}

extension CollectionStandard {
    /// Reads a standard that came as a document: `collect.standard-unreadable` names the place.
    package init(document: JSON) throws(Problem) {
        do throws(Declaration.Fault) {
            try self.init(Declaration(document))
        } catch {
            throw Problem(
                .invalid, "collect.standard-unreadable",
                [
                    "place": .text(error.place), "found": .localized(error.found),
                    "remedy": .localized(error.remedy),
                ])
        }
    }
}
