// SPDX-License-Identifier: Apache-2.0

import Assembly
import ArgumentParser
import Foundation
import Packs
import Primitives
import Rules

/// `hutong pack …`: folders of declarations that anybody in a bureau can edit.
struct PackVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pack",
        abstract: "Packs of rules, procedures and lists: check, install, compare, start. 规则包。",
        subcommands: [
            PackCheckVerb.self, PackAddVerb.self, PackListVerb.self, PackDiffVerb.self, PackRemoveVerb.self,
            PackNewVerb.self, PackSchemaVerb.self, PackAppointVerb.self,
        ])
}

struct PackCheckVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Read a pack, run its own tests, name every fault. 检查规则包。",
        discussion: "  hutong pack check Packs/incubator")
    @Argument(help: "The pack's folder.") var folder: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let pack: Pack
        do {
            pack = try PackFolder.read(folder)
        } catch let faults as PackFaults {
            console.answer(
                .array(faults.faults.map { $0.json(in: console.language) }),
                text: faults.text(in: console.language))
            throw ExitCode(1)
        }
        let outcomes = pack.runExamples()
        let failed = outcomes.filter { !$0.differences.isEmpty }
        let story = pack.scenario?.play(in: pack) ?? []
        let json: JSON = [
            "pack": .string(pack.id), "version": .string(pack.version.description),
            "tests": .integer(Int64(outcomes.count)),
            "failed": .array(
                failed.map {
                    ["id": .string($0.id), "differences": .array($0.differences.map { .string($0) })]
                }),
            "scenario": pack.scenario == nil ? .null : .array(story.map { .string($0) }),
        ]
        let lines = failed.map { "  ✗ \($0.id): " + $0.differences.joined(separator: "; ") }
        console.answer(
            json,
            text: ([
                "\(pack.id) \(pack.version): \(pack.rules.count) rules, \(pack.procedures.count) procedures, "
                    + "\(pack.lists.count) lists; \(outcomes.count - failed.count) of \(outcomes.count) tests passed"
            ] + lines + story.map { "  ✗ scenario, \($0)" }).joined(separator: "\n"))
        if !failed.isEmpty || !story.isEmpty { throw ExitCode(1) }
    }
}

struct PackListVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the node's packs, or those of a folder. 列出规则包。",
        discussion: """
              hutong pack list              # installed at HUTONG_URL
              hutong pack list Packs        # in a folder
            """)
    @Argument(help: "A folder of packs; without it, the node's.") var folder: String?
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        var rows: [JSON] = []
        if let folder {
            rows = try PackFolder.all(in: folder).map {
                [
                    "id": .string($0.id), "version": .string($0.version.description),
                    "title": .string($0.title[console.language]),
                ]
            }
        } else {
            rows = try await door.open().get("/api/v1/packs")["packs"]?.array ?? []
        }
        console.answer(
            .array(rows),
            text: rows.map { row in
                let removed =
                    row["removed"]?.bool == true
                    ? console.say(LocalizedText(zh: "（已移除）", en: " (removed)")) : ""
                return
                    "\(row["id"]?.text ?? "")  \(row["version"]?.text ?? "")  \(row["title"]?.text ?? "")\(removed)"
            }.joined(separator: "\n"))
    }
}

/// Installs a pack at a node.
struct PackAddVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Install a pack at the node. 安装规则包。",
        discussion: """
            The pack is read and plays its own examples first. A version is installed once and never changes; what was
            decided or opened under an older one stays with it.
              hutong pack add Packs/incubator
            """)
    @Argument(help: "The pack's folder.") var folder: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let files = try PackFolder.files(folder)
        _ = try PackDesk.checked(files)
        let answer = try await door.open().post(
            "/api/v1/packs", ["files": .object(files.mapValues { .string($0) })])
        console.answer(
            answer,
            text:
                "\(answer["pack"]?.text ?? "") \(answer["version"]?.text ?? "")  sha256:\(answer["digest"]?.text ?? "")"
        )
    }
}

struct PackRemoveVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "End a pack at the node; old decisions stay. 移除规则包。",
        discussion: "  hutong pack remove incubator")
    @Argument(help: "The pack's id.") var pack: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().post("/api/v1/packs/\(pack)/remove")
        console.answer(answer, text: "\(pack) removed")
    }
}

/// What a new version changes, clause by clause.
struct PackDiffVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "What changes between two versions of a pack. 比较规则包版本。",
        discussion: """
            Each side is a folder, or the id of an installed pack with or without a version.
              hutong pack diff incubator Packs/incubator
              hutong pack diff incubator@2020-08-27 incubator@2021-01-01
            """)
    @Argument(help: "A folder, or id[@version].") var old: String
    @Argument(help: "A folder, or id[@version].") var new: String
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let differences = PackDifference.between(try await files(old), try await files(new))
        console.answer(
            .array(
                differences.map {
                    [
                        "file": .string($0.file), "place": .string($0.place),
                        "old": $0.old.map { .string($0) } ?? .null,
                        "new": $0.new.map { .string($0) } ?? .null,
                    ]
                }),
            text: differences.flatMap { difference in
                ["\(difference.file): \(difference.place)"]
                    + [difference.old.map { "  - \($0)" }, difference.new.map { "  + \($0)" }]
                    .compactMap(\.self)
            }.joined(separator: "\n"))
    }

    private func files(_ side: String) async throws -> [String: String] {
        if FileManager.default.fileExists(atPath: side + "/pack.yaml") { return try PackFolder.files(side) }
        let parts = side.split(separator: "@", maxSplits: 1)
        let version = parts.count == 2 ? "?version=\(parts[1])" : ""
        let answer = try await door.open().get("/api/v1/packs/\(parts[0])\(version)")
        return (answer["files"]?.object ?? [:]).compactMapValues(\.text)
    }
}

/// Who acts in procedures and writes lists.
struct PackAppointVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "appoint", abstract: "Give a party a role in a procedure or list. 指派角色。",
        discussion: """
              hutong pack appoint "Science Commission" officer --scope incubator-certification --until 2027-12-31
              hutong pack appoint "Science Commission" officer --scope incubator-certification --until 2027-12-31 --suspend
            """)
    @Argument(help: "The party's code or name.") var party: String
    @Argument(help: "The role, as the procedure or list names it.") var role: String
    @Option(help: "A procedure or list; * for all.") var scope = "*"
    @Option(help: "The last day.") var until: String
    @Flag(help: "Keep the role but let nobody act by it.") var suspend = false
    @OptionGroup var door: DoorOptions
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let answer = try await door.open().post(
            "/api/v1/duties",
            [
                "party": .string(party), "role": .string(role), "scope": .string(scope),
                "until": .string(until), "suspended": .bool(suspend),
            ])
        console.answer(answer, text: "\(answer["party"]?.text ?? "") \(role) \(scope) – \(until)")
    }
}

struct PackNewVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Start a pack with one rule and one test. 新建规则包。",
        discussion: """
            Every file begins with the line by which an editor with a YAML language server finds its schema, and helps while
            one writes; the schemas lie in .schema.
              hutong pack new my-programme
            """)
    @Argument(help: "The folder to make; its name becomes the pack's id.") var folder: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let root = URL(fileURLWithPath: folder)
        guard !FileManager.default.fileExists(atPath: root.path) else {
            throw Problem(.conflict, "packs.folder-taken", ["folder": .text(folder)])
        }
        let today = WallClock.system.now().day(in: .shanghai)
        try PackFolder.write(PackTemplate.files(id: root.lastPathComponent, version: today), into: root)
        console.answer(["folder": .string(folder)], text: "hutong pack check \(folder)")
    }
}

/// The schemas for a folder that came without them, such as one from a repository.
struct PackSchemaVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Write the editors' schemas into a pack's folder. 写入编辑器校验模式。",
        discussion: """
            Writes .schema into the folder and, at the head of each file without one, the line by which editors find it.
              hutong pack schema Packs/incubator
            """)
    @Argument(help: "The pack's folder.") var folder: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let root = URL(fileURLWithPath: folder)
        var written = PackTemplate.schemas
        for (path, text) in try PackFolder.files(folder).sorted(by: { $0.key < $1.key })
        where !text.hasPrefix("# yaml-language-server:") {
            guard let schema = PackJSONSchema(file: path) else { continue }
            written.append((path, schema.modeline(for: path) + text))
        }
        try PackFolder.write(written, into: root)
        console.answer(
            ["written": .array(written.map { .string($0.path) })],
            text: written.map(\.path).joined(separator: "\n"))
    }
}

/// Packs on a disk.
enum PackFolder {
    static func read(_ folder: String) throws -> Pack { try Pack(files: files(folder)) }

    /// The pack's files by their path inside the folder.
    static func files(_ folder: String) throws(Problem) -> [String: String] {
        let root = URL(fileURLWithPath: folder).standardizedFileURL
        var files: [String: String] = [:]
        let endings = [".yaml", ".json", ".csv"]
        for file in try Files.below(root, named: { name in endings.contains { name.hasSuffix($0) } }) {
            let path = String(file.standardizedFileURL.path.dropFirst(root.path.count + 1))
            // What begins with a point is the editor's, not the pack's.
            guard !path.split(separator: "/").contains(where: { $0.hasPrefix(".") }) else { continue }
            files[path] = String(decoding: try Files.bytes(file.path), as: UTF8.self)
        }
        return files
    }

    static func write(_ files: [(path: String, text: String)], into root: URL) throws {
        for (path, text) in files {
            let file = root.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Files.write(text, to: file.path)
        }
    }

    static func all(in folder: String) throws -> [Pack] {
        try Files.below(URL(fileURLWithPath: folder), named: { $0 == "pack.yaml" })
            .map { try read($0.deletingLastPathComponent().path) }
    }

    /// As `read`, with the first fault as a problem.
    static func open(_ folder: String) throws(Problem) -> Pack {
        do {
            return try read(folder)
        } catch let problem as Problem {
            throw problem
        } catch {
            let fault = (error as? PackFaults)?.faults.first
            throw Problem(
                .invalid, "packs.pack-malformed",
                [
                    "file": .text(fault?.file ?? folder), "line": .integer(Int64(fault?.line ?? 1)),
                    "found": .localized(fault?.found ?? LocalizedText("")),
                    "remedy": .localized(fault?.remedy ?? LocalizedText("")),
                ])
        }
    }
}

extension PackFault {
    func json(in language: Language) -> JSON {
        [
            "file": .string(file), "line": .integer(Int64(line)), "place": .string(place),
            "found": .string(found[language]), "remedy": .string(remedy[language]),
        ]
    }
}

extension PackFaults {
    func text(in language: Language) -> String {
        faults.map {
            "\($0.file):\($0.line): \($0.place.isEmpty ? "" : $0.place + " — ")\($0.found[language]). \($0.remedy[language])"
        }
        .joined(separator: "\n")
    }
}
