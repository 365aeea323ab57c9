// SPDX-License-Identifier: Apache-2.0

import Assembly
import Primitives
import Store
import StoreSQLite
import Synchronization
import Testing
import Transparency

/// Flips one byte in every column of the rows that evidence, money, usage and agreements are kept in, one at a time, and
/// asks what `fsck` and `verify` ask; in a JSON document several bytes, in names and values. Each flip is rolled back.
struct RowFlips {
    private static let tables = [
        "valve_passage", "trade_agreement", "register_registration", "ledger_account", "ledger_transfer",
        "metering_event", "metering_grant", "metering_reservation",
    ]

    /// What nothing else says, so that nothing contradicts it (docs/transparency.md, "What it does not do").
    private static let saidOnce: Set<String> = [
        // Names and limits for people and for later postings; balances do not follow from them.
        "ledger_account.unit", "ledger_account.kind", "ledger_account.balance_limit",
        "ledger_account.is_closed",
        "ledger_account.owner", "ledger_account.name", "ledger_account.opened_at", "ledger_account.id",
        // What a transfer is for; its accounts and its amount follow from the balances.
        "ledger_transfer.at", "ledger_transfer.id", "ledger_transfer.code", "ledger_transfer.pending_at",
        "ledger_transfer.timeout_seconds", "ledger_transfer.subject", "ledger_transfer.reference",
        "ledger_transfer.refusal", "ledger_transfer.flags",
        // The valve says these again only where a passage names them.
        "metering_event.source", "metering_event.id", "metering_event.subject", "metering_event.digest",
        "metering_event.at", "metering_grant.id", "metering_grant.holder", "metering_grant.asset",
        "metering_grant.purpose", "metering_grant.granted", "metering_grant.starts_at",
        "metering_grant.ends_at",
        "metering_grant.revoked_at", "metering_reservation.id", "metering_reservation.expires_at",
    ]

    /// In how many places a document is flipped; any other value is in its middle alone.
    private static let parts = 8

    let folder: String

    func check() async throws {
        let store = try SQLiteStore.open(
            at: folder + "/node.sqlite", clock: WallClock { Instant(microseconds: 0) })
        let checks = DataChecks.all(folder)
        var flipped = 0
        for table in Self.tables {
            for column in try await columns(of: table, store) {
                var isFlipped = false
                for part in 0..<Self.parts {
                    guard let outcome = try await flip(column, of: table, part, store, checks) else {
                        continue
                    }
                    isFlipped = true
                    guard !Self.saidOnce.contains("\(table).\(column)") else { continue }
                    #expect(
                        outcome, "byte \(part) of \(table).\(column) of \(folder), flipped, was not named")
                }
                flipped += isFlipped ? 1 : 0
            }
        }
        // A holder's folder keeps no accounts: it has the fewest, 27.
        #expect(flipped >= 25, "only \(flipped) columns had a value to flip")
        await store.close()
    }

    private func columns(of table: String, _ store: SQLiteStore) async throws -> [String] {
        try await store.read { reading throws(Problem) in
            try reading.all("SELECT name FROM pragma_table_info('\(table)')") { row throws(Problem) in
                try row.text(0)
            }
        }
    }

    /// Whether a flip in the first row that has a value is named; `nil` where no row has one, or not in that part.
    private func flip(
        _ column: String, of table: String, _ part: Int, _ store: SQLiteStore, _ checks: [any DataCheck]
    ) async throws -> Bool? {
        let outcome = Mutex<Bool?>(nil)
        do throws(Problem) {
            try await store.write { writing throws(Problem) in
                let found = try writing.first(
                    "SELECT rowid, \(column) FROM \(table) WHERE \(column) IS NOT NULL ORDER BY rowid LIMIT 1"
                ) { row throws(Problem) in (try row.integer(0), row[1]) }
                guard let (place, value) = found, let flipped = Self.flipped(value, part) else { return }
                do throws(Problem) {
                    try writing.execute(
                        "UPDATE \(table) SET \(column) = ? WHERE rowid = ?", [flipped, place])
                } catch {
                    // The schema itself refuses such a value: a reader of the file stumbles over it at once.
                    return outcome.withLock { $0 = true }
                }
                var isNamed = false
                for check in checks where !isNamed {
                    do throws(Problem) {
                        isNamed = try !check.findings(in: writing).isEmpty
                    } catch {
                        isNamed = true
                    }
                }
                outcome.withLock { [isNamed] in $0 = isNamed }
                throw Problem(.conflict, "app.unexpected")
            }
        } catch {
            guard error.code == "app.unexpected" else { throw error }
        }
        return outcome.withLock { $0 }
    }

    private static func flipped(_ value: SQLValue, _ part: Int) -> SQLValue? {
        let isMiddle = part == parts / 2
        switch value {
        case .null, .real: return nil
        case .integer(let number): return isMiddle ? .integer(number ^ 1) : nil
        case .blob(var bytes):
            guard isMiddle, !bytes.isEmpty else { return nil }
            bytes[bytes.count / 2] ^= 1
            return .blob(bytes)
        case .text(let text):
            var bytes = Array(text.utf8)
            // A letter or a digit becomes its neighbor: the text stays a text.
            let places = bytes.indices.filter { bytes[$0].isLetterOrDigit }
            guard !places.isEmpty, isMiddle || text.hasPrefix("{") else { return nil }
            bytes[places[places.count * part / parts]] ^= 1
            return .text(String(decoding: bytes, as: UTF8.self))
        }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x61...0x7a).contains(self)
    }
}
