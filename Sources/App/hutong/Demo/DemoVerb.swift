// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Dispatch
import Foundation
import Primitives

/// `hutong demo`: the main job, end to end, on this machine.
struct DemoVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Play the main job with five nodes. 演示：五个数据节点，一条龙。",
        discussion: """
            Five nodes start on free ports: an exchange, an environment center, a hospital that only dials out, a buyer,
            a community-care service; and three witnesses, two of whom must cosign before anything counts as registered.
            Without --air the air data are synthetic, and say so. Ctrl-C ends the nodes; their folders stay.
            """)

    @Option(help: "Where the nodes' folders go.") var data = "./hutong-demo"
    @Option(help: "A folder of hourly air-quality CSV files.") var air: String?
    @Flag(help: "Use the synthetic air data even where real ones are found.") var synthetic = false
    @Option(
        help:
            "Kill a node with SIGKILL in the middle of this many questions, and all of them after each step.")
    var crashes = 0
    @Flag(help: "Stop the nodes after the story.") var once = false
    @Option(
        help: "postgres://… with {node} in the schema's name, which exists; otherwise SQLite in the folders.")
    var store: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let folder = URL(filePath: data).path(percentEncoded: false)
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (files, isSynthetic) = try airFiles(in: folder)
        let story = try Story(
            data: folder, airFiles: files, isSynthetic: isSynthetic, crashes: crashes, store: store,
            console: console)
        do {
            try await story.play()
        } catch {
            story.end()
            throw error
        }
        story.report["ok"] = true
        story.report["card"] = ["zh": .string(story.card.zh), "en": .string(story.card.en)]
        story.report["urls"] = .object(
            Dictionary(uniqueKeysWithValues: story.nodes.map { ($0.name, .string($0.url)) }))
        story.report["codes"] = .object(story.codes.mapValues(JSON.string))
        let text =
            story.nodes.map { "\($0.name)  \($0.url)  \($0.data)" }.joined(separator: "\n") + "\n\n"
            + story.pages.map { console.say($0.what) + "  " + $0.url }.joined(separator: "\n") + "\n"
            + console.say(Self.signIn)
        console.answer(
            .object(story.report),
            text: console.say(story.effect) + "\n" + console.say(story.card) + "\n\n" + text)
        if once { return story.end() }
        await Interrupt.wait()
        story.end()
    }

    private static let signIn = LocalizedText(
        zh: "登录令牌在各节点目录的 keys/operator.token 中。",
        en: "To sign in, take the token in a node's keys/operator.token.")

    /// The real data beside the checkout, those that `--air` names, else a synthetic sample.
    private func airFiles(in folder: String) throws -> ([String], isSynthetic: Bool) {
        let shared = ProcessInfo.processInfo.environment["HUTONG_SHARED"] ?? "../shared"
        let source = air ?? shared + "/data/beijing-air"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: source)) ?? []
        let files = names.filter { $0.hasSuffix(".csv") }.sorted().map { source + "/" + $0 }
        if air != nil, files.isEmpty {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(source)])
        }
        return files.isEmpty || synthetic ? (try SyntheticData.writeAir(to: folder), true) : (files, false)
    }
}

/// Waits for Ctrl-C or a polite end.
enum Interrupt {
    static func wait() async {
        let signals = AsyncStream<Int32> { continuation in
            let sources = SignalSources { continuation.yield($0) }
            continuation.onTermination = { _ in sources.cancel() }
        }
        for await _ in signals { return }
    }
}

/// The two ways a terminal and an operator end a program.
// SAFETY: the sources are made once and afterwards only cancelled, which Dispatch permits from any thread.
private final class SignalSources: @unchecked Sendable {
    private let sources: [any DispatchSourceSignal]

    init(_ tell: @escaping @Sendable (Int32) -> Void) {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { tell(number) }
            source.resume()
            return source
        }
    }

    func cancel() {
        for source in sources { source.cancel() }
    }
}
