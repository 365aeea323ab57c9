// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Ledger
import Primitives
import Store
import StoreSQLite
import Synchronization

/// What the crash tests run (docs/design/crash-points.md): a fixed number of commands, each acknowledged in a file
/// before the next one of that client begins.
struct LedgerWorkloadVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "workload", abstract: "Run the commands of the crash tests.", shouldDisplay: false)
    @OptionGroup var output: OutputOptions

    @Option(help: "The folder of the database and the acknowledgements.")
    var data: String

    @Option(help: "Commands in all; 0 makes the database.")
    var commands: Int

    @Option(help: "How many clients wait at a time.")
    var clients = 40

    private static let accounts: UInt64 = 50

    func run(_ console: Console) async throws {
        let store = try SQLiteStore.open(at: data + "/node.sqlite", clock: .system)
        if commands == 0 {
            try await BenchCommit.prepare(store, accounts: Self.accounts)
            await store.close()
            return
        }
        let acknowledgements = try Acknowledgements(path: data + "/acks")
        let commit = BenchCommit(command: .passage, isHot: false, accounts: Self.accounts)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    var random = SystemRandomNumberGenerator()
                    var seeded = SeededRandom(seed: random.next())
                    for _ in 0..<(commands / clients) {
                        let transfer = commit.transfer(at: WallClock.system.now(), using: &seeded)
                        try await commit.send(transfer, to: store)
                        acknowledgements.add("\(client) \(Hex.encode(transfer.id.bytes))\n")
                    }
                }
            }
            try await group.waitForAll()
        }
        await store.close()
    }
}

/// A file to which each line is written at once.
private final class Acknowledgements: Sendable {
    private let handle: Mutex<FileHandle>

    init(path: String) throws(Problem) {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw Problem(.missing, "app.file-unreadable", ["file": .text(path)]) }
        self.handle = Mutex(handle)
    }

    func add(_ line: String) {
        handle.withLock { $0.write(Data(line.utf8)) }
    }
}
