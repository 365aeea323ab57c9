// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives

/// `hutong demo`: the main job, end to end, on this machine.
struct DemoVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Play the main job with four nodes. 演示：四个数据节点，一条龙。",
        discussion: """
            Four nodes start on free ports: an exchange, an environment center, a hospital that only dials out, a buyer.
            Without --air the air data are synthetic, and say so. Ctrl-C ends the nodes; their folders stay.
            """)

    @Option(help: "Where the nodes' folders go.") var data = "./hutong-demo"
    @Option(help: "A folder of hourly air-quality CSV files.") var air: String?
    @Flag(help: "Use the synthetic air data even where real ones are found.") var synthetic = false
    @Option(help: "Kill a node with SIGKILL in the middle of this many questions.") var crashes = 0
    @Flag(help: "Stop the nodes after the story.") var once = false
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let folder = URL(filePath: data).path(percentEncoded: false)
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (files, isSynthetic) = try airFiles(in: folder)
        let story = try Story(data: folder, airFiles: files, isSynthetic: isSynthetic, crashes: crashes, console: console)
        do {
            try await story.play()
        } catch {
            story.stop()
            throw error
        }
        story.report["ok"] = true
        story.report["card"] = ["zh": .string(story.card.zh), "en": .string(story.card.en)]
        story.report["urls"] = .object(
            Dictionary(uniqueKeysWithValues: story.nodes.map { ($0.name, .string($0.url)) }))
        let text = story.nodes.map { "\($0.name)  \($0.url)  \($0.data)" }.joined(separator: "\n")
        console.answer(.object(story.report), text: console.say(story.card) + "\n\n" + text)
        if once { return story.stop() }
        await Interrupt.wait()
        story.stop()
    }

    /// The real data beside the checkout, those that `--air` names, else a synthetic sample.
    private func airFiles(in folder: String) throws -> ([String], isSynthetic: Bool) {
        let shared = ProcessInfo.processInfo.environment["HUTONG_SHARED"] ?? "../shared"
        let source = air ?? shared + "/data/beijing-air"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: source)) ?? []
        let files = names.filter { $0.hasSuffix(".csv") }.sorted().map { source + "/" + $0 }
        if air != nil, files.isEmpty { throw Problem(.missing, "app.file-unreadable", ["file": .text(source)]) }
        return files.isEmpty || synthetic ? (try SyntheticData.writeAir(to: folder), true) : (files, false)
    }
}

/// Waits for Ctrl-C or a polite end.
enum Interrupt {
    static func wait() async {
        for signal in [SIGINT, SIGTERM] { Foundation.signal(signal, SIG_IGN) }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let sources = [SIGINT, SIGTERM].map { DispatchSource.makeSignalSource(signal: $0, queue: .global()) }
            nonisolated(unsafe) var isOver = false
            let queue = DispatchQueue(label: "interrupt")
            for source in sources {
                source.setEventHandler {
                    queue.sync {
                        guard unsafe !isOver else { return }
                        unsafe isOver = true
                        continuation.resume()
                        for source in sources { source.cancel() }
                    }
                }
                source.resume()
            }
        }
    }
}
