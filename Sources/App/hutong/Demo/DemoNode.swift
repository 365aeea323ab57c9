// SPDX-License-Identifier: Apache-2.0

import APIClient
import Foundation
import Primitives

/// One node of the demonstration: a process of this same binary, with its own folder and port.
final class DemoNode: @unchecked Sendable {
    // SAFETY: the process and its pipe are touched by the one task that plays the story, and by `stop` after it.
    let name: String
    let data: String
    let arguments: [String]
    /// What it is started as: `serve`, or `witness serve`.
    private let verb: [String]
    private var process: Process?
    private let port: Int
    /// Straight to the process: what the node's own people use. Peers come through the tap.
    var url: String { "http://127.0.0.1:\(port)" }

    init(name: String, data: String, port: Int, verb: [String] = ["serve"], arguments: [String]) {
        self.verb = verb
        self.name = name
        self.data = data
        self.port = port
        self.arguments = arguments
    }

    /// Starts the process and waits until it serves.
    func start() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments =
            verb + ["--data", data, "--port", String(port), "--name", name, "--json"] + arguments
        let output = Pipe()
        process.standardOutput = output
        let log = data + ".log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let errors = FileHandle(forWritingAtPath: log)
        _ = try errors?.seekToEnd()
        process.standardError = errors ?? FileHandle.nullDevice
        try process.run()
        self.process = process
        var bytes: [UInt8] = []
        // The answer is one JSON object; the pipe closes early if the node could not start.
        while true {
            let piece = output.fileHandleForReading.availableData
            guard !piece.isEmpty else {
                throw Problem(
                    .unavailable, "app.node-unreachable", ["url": .text(name)], operatorNote: tail(of: log))
            }
            bytes += Array(piece)
            if let ready = try? JSON(parsing: bytes), ready["url"] != nil { return }
        }
    }

    /// The operator's door of this node.
    var door: NodeClient {
        let token = try? String(contentsOfFile: data + "/keys/operator.token", encoding: .utf8)
        return NodeClient(
            url: url, token: token.map { Redacted($0.trimmingCharacters(in: .whitespacesAndNewlines)) })
    }

    var isRunning: Bool { process?.isRunning ?? false }

    /// Ends the process at once, as a power cut of the process would.
    func kill() {
        guard let process, process.isRunning else { return }
        // SAFETY: the identifier is that of our own child, which is still running.
        _ = Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks politely, waits a second, then ends it: a node that is ended resumes as one that was stopped.
    func stop() {
        guard let process, process.isRunning else { return }
        process.terminate()
        for _ in 0..<100 where process.isRunning { usleep(10_000) }
        kill()
    }

    private func tail(of log: String) -> String {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return String(text.suffix(500))
    }
}
