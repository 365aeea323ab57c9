// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Ledger
import Primitives
import Store
import Trade

struct LedgerVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Look into the books, export and reconcile them. 账簿：查询、导出、对账。",
        discussion: """
            The books count claims and quotas; the cash lies at the custodian bank. These verbs read a node's \
            data folder and work while the node runs.

            Example: hutong ledger export --format hledger --data ./hutong-data | hledger -f - balance
            """,
        subcommands: [
            LedgerAccountsVerb.self, LedgerBalanceVerb.self, LedgerExportVerb.self, LedgerReconcileVerb.self,
            LedgerCheckVerb.self, LedgerBenchVerb.self, LedgerWorkloadVerb.self,
        ])
}

/// Which node's books.
struct BooksOptions: ParsableArguments {
    @Option(help: "The node's data folder.")
    var data = "hutong-data"

    /// Opens the books of a node that was started at least once. To write, it must be the only writer where the
    /// records lie in PostgreSQL.
    func open(toWrite: Bool = false) throws(Problem) -> any DataStore {
        guard NodeStore.exists(in: data) else {
            throw Problem(.missing, "ledger.books-missing", ["folder": .text(data)])
        }
        return toWrite
            ? try NodeStore.open(in: data, clock: .system) : try NodeStore.openBeside(data, clock: .system)
    }
}

struct LedgerAccountsVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "accounts", abstract: "List the accounts and their balances now. 列出账户及当前余额。")
    @OptionGroup var output: OutputOptions
    @OptionGroup var books: BooksOptions

    func run(_ console: Console) async throws {
        let store = try books.open()
        let accounts = try await store.read { tx throws(Problem) in try Books.accounts(in: tx) }
        await store.close()
        console.answer(.array(accounts.map(\.json)), text: AccountTable.text(accounts))
    }
}

struct LedgerBalanceVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "balance",
        abstract: "The trial balance now or at any past moment, recomputed from the transfers. 任一时刻的试算平衡。",
        discussion: "Example: hutong ledger balance --at 2026-11-01T00:00:00+08:00")
    @OptionGroup var output: OutputOptions
    @OptionGroup var books: BooksOptions

    @Option(help: "RFC 3339, such as 2026-11-01T00:00:00+08:00; otherwise now.")
    var at: String?

    func run(_ console: Console) async throws {
        let instant = try at.map { text in
            guard let instant = Instant(rfc3339: text) else {
                throw ValidationError("--at is no RFC 3339 time: \(text)")
            }
            return instant
        }
        let moment = instant ?? WallClock.system.now()
        let store = try books.open()
        let accounts = try await store.read { tx throws(Problem) in try Books.accounts(at: moment, in: tx) }
        await store.close()
        console.answer(
            ["at": .string(moment.rfc3339), "accounts": .array(accounts.map(\.json))],
            text: AccountTable.text(accounts) + "\n" + AccountTable.sums(accounts))
    }
}

struct LedgerExportVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all bookings as a journal other programs read. 导出分录，供其他记账软件核对。")
    @OptionGroup var output: OutputOptions
    @OptionGroup var books: BooksOptions

    @Option(help: "ledger, hledger or beancount.")
    var format: JournalFormat = .ledger

    func run(_ console: Console) async throws {
        let store = try books.open()
        let format = format
        let text = try await store.read { tx throws(Problem) in
            try Journal(through: Instant(microseconds: .max), in: tx).written(format)
        }
        await store.close()
        console.answer(
            ["format": .string(format.rawValue), "journal": .string(text)], text: String(text.dropLast()))
    }
}

extension JournalFormat: ExpressibleByArgument {}

struct LedgerReconcileVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Hold the books against the custodian bank's file. 与托管银行对账。",
        discussion: """
            The file is CSV with the columns reference and amount; money that came in is positive. A reference is a \
            transfer's code, or the bank's own as it was given with the top-up. What the books \
            cannot explain goes to the suspense account. The same file twice changes nothing.
            """)
    @OptionGroup var output: OutputOptions
    @OptionGroup var books: BooksOptions

    @Argument(help: "The bank's CSV file.")
    var file: String

    @Option(help: "Bookings after this moment should be in the file (RFC 3339); otherwise all.")
    var after: String?

    func run(_ console: Console) async throws {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        let bank = try BankFile(parsing: text)
        let start = after.flatMap { Instant(rfc3339: $0) } ?? Instant(microseconds: -1)
        let store = try books.open(toWrite: true)
        let result = try await store.write { tx throws(Problem) in
            let accounts = try Books.accounts(in: tx).filter { $0.unit == .cny }
            func account(_ kind: AccountKind) throws(Problem) -> ID<Account> {
                guard let account = accounts.first(where: { $0.kind == kind }) else {
                    throw Problem(.missing, "ledger.account-missing", ["kind": .text(kind.label)])
                }
                return account.id
            }
            return try BankDesk.reconcile(
                bank, custodian: try account(.custodian), suspense: try account(.suspense), after: start,
                through: tx.tick(), naming: Bookkeeping.topUp(bankReference:), in: tx)
        }
        await store.close()
        console.answer(result.json, text: result.text)
    }
}

struct LedgerCheckVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Recompute every balance from the transfers and compare. 由分录重算并核对全部余额。")
    @OptionGroup var output: OutputOptions
    @OptionGroup var books: BooksOptions

    func run(_ console: Console) async throws {
        let store = try books.open()
        let faults = try await store.read { tx throws(Problem) in try Books.faults(in: tx) }
        await store.close()
        console.answer(
            ["holds": .bool(faults.isEmpty), "faults": .array(faults.map { .string($0) })],
            text: faults.isEmpty
                ? console.say(LocalizedText(zh: "账簿平衡，余额与分录一致。", en: "The books hold."))
                : faults.joined(separator: "\n"))
        if !faults.isEmpty { throw ExitCode(1) }
    }
}

// MARK: How they look

enum AccountTable {
    /// One line an account: balances right-aligned, with their unit.
    static func text(_ accounts: [Account]) -> String {
        let rows = accounts.map { account in
            [
                Code(.account, account.id).text, account.kind.label,
                account.unit.written(account.balance.net),
                account.unit.symbol, account.isClosed ? "closed" : "", account.name,
            ]
        }
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, cell in
                guard column < 5 else { return cell }
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 2 ? space + cell : cell + space
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// The sums by unit, which are zero when the books hold.
    static func sums(_ accounts: [Account]) -> String {
        LedgerUnit.allCases.compactMap { unit in
            let ofUnit = accounts.filter { $0.unit == unit }
            guard !ofUnit.isEmpty else { return nil }
            return "= \(unit.written(ofUnit.reduce(0) { $0 + $1.balance.net })) \(unit.symbol)"
        }.joined(separator: "\n")
    }
}

extension Account {
    var json: JSON {
        [
            "code": .string(Code(.account, id).text), "id": .string(id.uuid), "unit": .string(unit.symbol),
            "kind": .string(kind.label), "name": .string(name), "closed": .bool(isClosed),
            "net": .integer(balance.net), "debitsPosted": .integer(balance.debitsPosted),
            "creditsPosted": .integer(balance.creditsPosted),
            "debitsPending": .integer(balance.debitsPending),
            "creditsPending": .integer(balance.creditsPending),
        ]
    }
}

extension Reconciliation {
    var json: JSON {
        [
            "lines": .array(
                findings.map { finding in
                    [
                        "line": .integer(Int64(finding.line.number)),
                        "reference": .string(finding.line.reference),
                        "amount": .integer(finding.line.minorUnits),
                        "verdict": .string(finding.verdict.rawValue),
                        "suspense": .integer(finding.suspenseMinorUnits),
                    ]
                }),
            "missing": .array(missing.map { .string(Code(.transfer, $0.id).text) }),
        ]
    }

    var text: String {
        let lines = findings.map { finding in
            "\(finding.verdict.rawValue)  \(finding.line.number)  \(finding.line.reference)  "
                + Money(minorUnits: finding.line.minorUnits).description
                + (finding.suspenseMinorUnits == 0
                    ? "" : "  suspense \(Money(minorUnits: finding.suspenseMinorUnits))")
        }
        let absent = missing.map {
            "missing  \(Code(.transfer, $0.id))  \(Money(minorUnits: $0.amount))  \($0.at.dateAndTime(in: .shanghai))"
        }
        let counts = Reconciliation.Verdict.allCases.map { verdict in
            "\(findings.count { $0.verdict == verdict }) \(verdict.rawValue)"
        }
        return (lines + absent + ["= " + (counts + ["\(missing.count) missing"]).joined(separator: ", ")])
            .joined(separator: "\n")
    }
}
