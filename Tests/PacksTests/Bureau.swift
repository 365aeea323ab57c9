// SPDX-License-Identifier: Apache-2.0

import Casework
import Foundation
import Identity
import Lane
import Lists
import Packs
import Primitives
import Register
import Store
import TestStores
import Testing
import Trade
import Transparency

/// A node's packs on a real database, with a clock that stands where the test put it and parties with roles.
struct Bureau {
    let store: PlacedStore
    let clock: ManualClock
    let context: StageContext
    let service: PackService
    let operatorCaller: Caller

    /// Opens on Monday 2026-03-02, 10:00 in Shanghai.
    init() async throws {
        clock = ManualClock(1_772_416_800_000_000)
        store = try Place().open(clock: clock)
        try await store.migrate(
            IdentitySchema.migrations + LaneSchema.migrations + TransparencySchema.migrations
                + RegisterSchema.migrations + TradeSchema.migrations + ListsSchema.migrations
                + CaseworkSchema.migrations + PacksSchema.migrations)
        let key = try #require(Ed25519Signer(seed: Array(repeating: 9, count: 32)))
        let own = ID<Party>(high: 1, low: 1)
        let lane = LaneService(
            store: store, clock: clock.wall, signer: key, ownID: own, link: NoLink(), checkpoints: NoLink())
        context = StageContext(
            store: store, clock: clock.wall,
            log: TransparencyLog(pseudonyms: Pseudonyms(nodeKey: key)), lane: lane, signer: key, own: own)
        service = PackService(context: context)
        operatorCaller = Caller(
            party: own, roles: [.operator], scopes: Role.operator.scopes, jurisdiction: "CN")
        _ = try await party(1)
    }

    /// A party of the node as a caller.
    func party(_ number: UInt64) async throws -> Caller {
        let id = ID<Party>(high: 1, low: number)
        let party = Party(
            id: id, name: "party \(number)", jurisdiction: "CN", roles: [.buyer],
            signingKey: Array(repeating: UInt8(number), count: 32),
            sealingKey: Array(repeating: UInt8(number), count: 32), address: .account)
        try await store.write { writer throws(Problem) in
            try PartyRegister.put(party, isSelf: number == 1, isExchange: number == 1, in: writer)
        }
        return Caller(party: id, roles: [.buyer], scopes: Role.buyer.scopes, jurisdiction: "CN")
    }

    /// A party with a role until the end of 2036.
    func officer(_ number: UInt64, _ role: String, in scope: String) async throws -> Caller {
        let caller = try await party(number)
        try await appoint(caller, role, in: scope)
        return caller
    }

    func appoint(
        _ caller: Caller, _ role: String, in scope: String, isSuspended: Bool = false
    ) async throws {
        let until = try #require(CalendarDay("2036-12-31"))
        try await service.appoint(
            Duty(
                party: Code(.party, caller.party).text, scope: scope, role: role, until: until,
                isSuspended: isSuspended), by: operatorCaller)
    }

    func install(_ names: String...) async throws {
        for name in names { _ = try await service.add(try PackFiles.of(name), by: operatorCaller) }
    }

    func pass(days: Int) { clock.move(by: Int64(days) * 86_400_000_000) }

    func today() -> CalendarDay { clock.wall.now().day(in: .shanghai) }

    /// Everything that the log keeps, as one text.
    func logText() async throws -> String {
        try await store.read { reader throws(Problem) in
            try reader.all("SELECT content FROM transparency_leaf ORDER BY leaf_index") {
                row throws(Problem) in
                switch row[0] {
                case .text(let text): text
                case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
                default: ""
                }
            }.joined(separator: "\n")
        }
    }

    /// Opens a case, hands in what it asks for, and has an officer accept it all.
    func opened(
        _ procedure: String, _ subject: String, answers: [String: String] = [:], by firm: Caller,
        checkedBy officer: Caller
    ) async throws -> String {
        let code = try await service.open(procedure, subject: subject, answers: answers, by: firm).code.text
        let asked = try await service.look(at: code, for: firm).procedure.materials.filter(\.isRequired)
        for material in asked {
            try await act(code, .submit(material: material.id, file: Digest(of: material.id)), firm)
            try await act(code, .check(material: material.id, isAccepted: true, reason: ""), officer)
        }
        return code
    }

    func act(_ code: String, _ action: CaseAction, _ caller: Caller) async throws {
        _ = try await service.act(on: code, action, by: caller)
    }

    func take(
        _ code: String, _ step: String, _ inputs: [String: String] = [:], _ caller: Caller
    ) async throws {
        try await act(code, .take(step: step, inputs: inputs), caller)
    }

    func state(of code: String, for caller: Caller) async throws -> String {
        try await service.look(at: code, for: caller).file.state
    }

    /// The entries of a list today, as the public sees them.
    func entries(_ list: String) async throws -> [JSON] {
        let view = try await service.view(list, for: nil)
        return view.entries.map(view.shown)
    }
}

/// The code of the problem that something ends with, or `nil`.
func problem(_ body: () async throws -> Void) async -> Problem? {
    do {
        try await body()
        return nil
    } catch { return error as? Problem }
}

enum PackFiles {
    static func of(_ name: String) throws -> [String: String] {
        let folder = PackTests.root.appendingPathComponent(name).standardizedFileURL
        let walk = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var files: [String: String] = [:]
        for case let file as URL in walk where ["yaml", "json", "csv"].contains(file.pathExtension) {
            let path = file.standardizedFileURL.path.dropFirst(folder.path.count + 1)
            files[String(path)] = try String(contentsOf: file, encoding: .utf8)
        }
        return files
    }
}

/// A node without peers.
private struct NoLink: PeerLink, CheckpointExchange {
    func exchange(_ message: LaneMessage, with peer: Party, deadline: Duration) async throws(Problem)
        -> LaneMessage
    {
        throw Problem(.unavailable, "lane.peer-unreachable")
    }
    func own() async -> String? { nil }
    func remember(_ checkpoint: String, of peer: Party) async throws(Problem) {}
}
