// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import Primitives
import Store

/// `hutong backup TO`: a consistent copy while the node runs, without keys unless asked.
struct BackupVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy a node's folder, consistently. 备份。",
        discussion: "Keys stay behind unless --with-keys: whoever has them can sign as the node.")
    @Argument(help: "A folder that does not exist yet.") var target: String
    @Option(help: "The node's folder.") var data = "./hutong-data"
    @Flag(help: "Copy keys/ too.") var withKeys = false
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let files = FileManager.default
        guard NodeStore.exists(in: data) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(data)])
        }
        guard !files.fileExists(atPath: target) else {
            throw Problem(.conflict, "app.folder-exists", ["folder": .text(target)])
        }
        try files.createDirectory(atPath: target, withIntermediateDirectories: true)
        let store = try NodeStore.openBeside(data, clock: .system)
        try await store.backup(to: target + "/node.sqlite")
        await store.close()
        // Objects and tiles never change once written: copied after the database, none that it names is missing.
        for folder in ["objects", "log"] + (withKeys ? ["keys"] : [])
        where files.fileExists(atPath: data + "/" + folder) {
            try files.copyItem(atPath: data + "/" + folder, toPath: target + "/" + folder)
        }
        console.answer(["backup": .string(target), "keys": .bool(withKeys)], text: target)
    }
}

/// `hutong restore FROM --data DIR`: into an empty place only.
struct RestoreVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring a backup back. 恢复。",
        discussion: """
            A log is never signed on from a backup: without keys in the backup the node opens a new origin at its first start;
            with them, move log.pem and log.vkey away unless the newest published checkpoint is the backup's own.
            """)
    @Argument(help: "A folder that `hutong backup` wrote.") var source: String
    @Option(help: "Where the node will live; must not exist.") var data: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let files = FileManager.default
        guard files.fileExists(atPath: source + "/node.sqlite") else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(source)])
        }
        guard !files.fileExists(atPath: data) else {
            throw Problem(.conflict, "app.folder-exists", ["folder": .text(data)])
        }
        try files.copyItem(atPath: source, toPath: data)
        // The log key stays behind: signing on over an older tree would be a fork.
        for name in ["log.pem", "log.vkey"] where files.fileExists(atPath: data + "/keys/" + name) {
            try files.moveItem(atPath: data + "/keys/" + name, toPath: data + "/keys/retired-" + name)
        }
        try? files.removeItem(atPath: data + "/log")
        console.answer(["data": .string(data)], text: data)
    }
}
