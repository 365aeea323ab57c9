// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import Primitives
import Store
import TestStores
import TestKit
import Testing

/// Other people's bookkeeping programs, installed from Debian.
enum Bookkeeper: String, CaseIterable, Sendable {
    case ledger, hledger, beancount

    var program: String { self == .beancount ? "/usr/bin/bean-query" : "/usr/bin/" + rawValue }
    var format: JournalFormat { JournalFormat(rawValue: rawValue) ?? .ledger }

    static let installed = allCases.filter { bookkeeper in
        let isInstalled = FileManager.default.isExecutableFile(atPath: bookkeeper.program)
        if !isInstalled { FileHandle.standardError.write(Data("skipped: no \(bookkeeper.program)\n".utf8)) }
        return isInstalled
    }

    func arguments(_ file: String) -> [String] {
        switch self {
        case .ledger:
            ["-f", file, "balance", "--flat", "--no-total", "--format", "%(account),%(display_total)\n"]
        case .hledger: ["-f", file, "balance", "--flat", "--no-total", "-O", "csv"]
        case .beancount: ["-f", "csv", file, "SELECT account, sum(position) GROUP BY account"]
        }
    }

    /// Balances by account as the program states them; zero balances left out.
    func balances(of journal: String, in folder: String) throws -> [String: String] {
        let file = "\(folder)/books.\(rawValue)"
        try journal.write(toFile: file, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments(file)
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0 && complaint.isEmpty, "\(program): \(complaint)")
        var balances: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let cells = line.split(separator: ",", maxSplits: 1).map { cell in
                cell.filter { $0 != "\"" && $0 != "," }.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 2, cells[0].contains(":") else { continue }
            let amount = cells[1].split(separator: " ").joined(separator: " ")
            if !amount.isEmpty, !amount.hasPrefix("0"), amount != "0" { balances[cells[0]] = amount }
            if amount.hasPrefix("0."), !amount.hasPrefix("0.00") { balances[cells[0]] = amount }
        }
        return balances
    }
}

@Suite("Journal")
struct JournalTests {
    /// Two hundred random bookings in three units, some held, some voided, some in part.
    static func books(in tx: any SQLWriting) throws(Problem) {
        var random = SeededRandom(seed: 77)
        let units: [LedgerUnit] = [.cny, .usd, .queries]
        var accounts: [Account] = []
        for (place, unit) in units.enumerated() {
            for kind in AccountKind.allCases {
                let id = ID<Account>(high: UInt64(place + 1), low: UInt64(kind.rawValue))
                accounts.append(Account(id: id, unit: unit, kind: kind, limit: .none, name: "a"))
            }
        }
        try Books.requireOpen(accounts, in: tx)
        let kinds = UInt64(AccountKind.allCases.count)
        for number in 1...200 as ClosedRange<UInt64> {
            let unit = random.next() % 3
            let debit = random.next() % kinds
            let credit = (debit + 1 + random.next() % (kinds - 1)) % kinds
            var transfer = Transfer(
                id: ID(high: 9, low: number), debit: ID(high: unit + 1, low: debit + 1),
                credit: ID(high: unit + 1, low: credit + 1), amount: Int64(random.next() % 10_000_000),
                unit: units[Int(unit)], code: Int64(1 + random.next() % 12))
            if number.isMultiple(of: 5) { transfer = transfer.held(forSeconds: 60) }
            try Books.require([transfer], in: tx)
            if number.isMultiple(of: 10) {
                let id = ID<Transfer>(high: 10, low: number)
                let amount = transfer.amount / 2
                try Books.require(
                    [
                        number.isMultiple(of: 20)
                            ? .voiding(transfer.id, id: id) : .posting(transfer.id, id: id, amount: amount)
                    ],
                    in: tx)
            }
        }
    }

    @Test(
        "three independent programs read our export and give every balance we give", .ownThread,
        arguments: Bookkeeper.installed)
    func threePrograms(_ bookkeeper: Bookkeeper) async throws {
        let place = Place()
        let store = try place.open()
        try await store.migrate(LedgerSchema.migrations)
        try await store.write { tx throws(Problem) in try Self.books(in: tx) }
        let (accounts, journal) = try await store.read { tx throws(Problem) in
            (
                try Books.accounts(in: tx),
                try Journal(through: Instant(microseconds: .max), in: tx).written(bookkeeper.format)
            )
        }
        var ours: [String: String] = [:]
        for account in accounts where account.balance.net != 0 {
            ours[Journal.name(of: account)] =
                "\(account.unit.written(account.balance.net)) \(account.unit.symbol)"
        }
        #expect(ours.count > 20)
        let theirs = try bookkeeper.balances(of: journal, in: place.folder)
        let differences = Set(ours.keys).union(theirs.keys).filter { ours[$0] != theirs[$0] }
        #expect(differences.map { "\($0): \(ours[$0] ?? "none"), \(theirs[$0] ?? "none")" } == [])
        await store.close()
    }
}

@Suite("Reconciliation")
struct ReconciliationTests {
    @Test(
        "every line of the bank is matched, different or unknown, what is missing is named, and the custodian account follows the bank",
        arguments: Engine.available)
    func reconcile(_ engine: Engine) async throws {
        let store = try Place(engine).open()
        try await store.migrate(LedgerSchema.migrations)
        @Sendable func id<Noun>(_ number: UInt64) -> ID<Noun> { ID(high: 1, low: number) }
        let codes = (1...3).map { Code(.transfer, ID<Transfer>(high: 1, low: UInt64($0))).text }
        let file = try BankFile(
            parsing:
                "\u{feff}date,Reference,amount,note\r\n2026-11-01,\(codes[0].uppercased()),\"1,000.00\",\"a \"\"b\"\"\"\r\n"
                + "2026-11-02,\(codes[1]),4.50,\n2026-11-03,stranger,7,x\n2026-11-04,\(codes[0]),1,again\n")
        let first = try await store.write { tx throws(Problem) in
            try Books.requireOpen(
                [
                    Account(id: id(1), unit: .cny, kind: .custodian, name: "bank"),
                    Account(id: id(2), unit: .cny, kind: .prepaid, name: "buyer"),
                    Account(id: id(3), unit: .cny, kind: .suspense, name: "suspense"),
                ], in: tx)
            for (number, amount) in [(1, 100_000), (2, 500), (3, 900)] as [(UInt64, Int64)] {
                try Books.require(
                    [
                        Transfer(
                            id: id(number), debit: id(1), credit: id(2), amount: amount, unit: .cny, code: 1)
                    ], in: tx)
            }
            return try BankDesk.reconcile(
                file, custodian: id(1), suspense: id(3), after: Instant(microseconds: 0), through: tx.tick(),
                in: tx)
        }
        #expect(first.findings.map(\.verdict) == [.matched, .different, .unknown, .repeated])
        #expect(first.findings.map(\.suspenseMinorUnits) == [0, -50, 700, 100])
        let (again, balance, suspense) = try await store.write { tx throws(Problem) in
            (
                try BankDesk.reconcile(
                    file, custodian: id(1), suspense: id(3), after: Instant(microseconds: 0),
                    through: tx.tick(), in: tx),
                try Books.account(id(1), in: tx)?.balance.net, try Books.account(id(3), in: tx)?.balance.net
            )
        }
        #expect(again == first)
        #expect(first.missing.map(\.id) == [id(3)])
        // What the bank holds, and what it has not received yet.
        #expect(balance == Int64(102_150))
        #expect(suspense == Int64(-750))
        await store.close()
    }

    @Test("a malformed bank file is refused with its line")
    func malformed() {
        for (text, line) in [
            ("", 0), ("a,b\n", 0), ("reference,amount\nx\n", 1), ("reference,amount\nx,1\ny,1.234\n", 2),
            ("reference,amount\n\"x,1\n", 1),
        ] {
            let problem = #expect(throws: Problem.self) { try BankFile(parsing: text) }
            #expect(problem?.arguments["line"] == .integer(Int64(line)), "\(text)")
        }
    }

    @Test("no bytes of a bank break the reader")
    func fuzz() {
        var random = SeededRandom(seed: 13)
        let seed = Array("reference,amount\ntrf-1,\"1,000.00\"\r\n\"a\"\"b\",-3\n".utf8)
        for _ in 0..<(ProcessInfo.processInfo.environment["HUTONG_SOAK"] == nil ? 20_000 : 2_000_000) {
            var bytes = seed
            for _ in 0...(random.next() % 4) {
                let place = Int(random.next() % UInt64(bytes.count))
                if random.next() % 3 == 0 {
                    bytes.remove(at: place)
                } else {
                    bytes[place] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            _ = try? BankFile(parsing: String(decoding: bytes, as: UTF8.self))
        }
    }
}
