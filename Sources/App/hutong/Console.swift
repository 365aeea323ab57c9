// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Primitives
import Wire

/// What every verb takes.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @Option(help: "zh or en; otherwise HUTONG_LANG, then LANG.")
    var lang: String?

    var language: Language {
        let environment = ProcessInfo.processInfo.environment
        let wish = lang ?? environment["HUTONG_LANG"] ?? environment["LANG"] ?? "en"
        return wish.lowercased().hasPrefix("zh") ? .zh : .en
    }
}

/// One verb of the command line. `run(_:)` throws a `Problem`; the three sentences and the exit code
/// (0 done, 1 a problem, 2 usage, 3 storage fault) follow here, the same for all.
protocol Verb: AsyncParsableCommand {
    var output: OutputOptions { get }
    func run(_ console: Console) async throws
}

extension Verb {
    func run() async throws {
        let console = Console(isJSON: output.json, language: output.language)
        do {
            try await run(console)
        } catch let problem as Problem {
            console.tell(problem)
            throw ExitCode(problem.code == "store.storage-failed" ? 3 : 1)
        }
    }
}

/// Where a verb writes: answers on standard output, problems and progress on standard error.
struct Console: Sendable {
    let isJSON: Bool
    let language: Language

    /// The verb's answer: `json` under `--json`, else the text.
    func answer(_ json: JSON, text: @autoclosure () -> String) {
        write(isJSON ? json.prettyText : text(), to: .standardOutput)
    }

    /// The text of the reader's language.
    func say(_ text: LocalizedText) -> String { text[language] }

    func tell(_ problem: Problem) {
        guard !isJSON else {
            write(problem.body(in: language).prettyText, to: .standardOutput)
            return
        }
        let sentences = TextCatalog.embedded.told(problem, in: language)
        let lines = [sentences.what, sentences.why, sentences.remedy].filter { !$0.isEmpty }
        write(lines.joined(separator: "\n") + "\n[\(problem.code)]", to: .standardError)
        if let note = problem.operatorNote { write("  " + note, to: .standardError) }
    }

    /// Whether anybody sees progress: only on a terminal, never in a pipe.
    var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }

    /// One line of progress that replaces the last.
    func progress(_ line: String) {
        guard showsProgress else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
    }

    /// A line beside the answer: not under `--json`.
    func note(_ line: String) {
        guard !isJSON else { return }
        FileHandle.standardError.write(Data((isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : "").utf8))
        write(line, to: .standardError)
    }

    private func write(_ text: String, to handle: FileHandle) {
        handle.write(Data((text + "\n").utf8))
    }
}
