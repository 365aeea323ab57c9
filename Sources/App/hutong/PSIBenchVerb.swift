// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import PSI
import Primitives

struct PSIBenchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time a private match of two processes on loopback. 隐私求交性能测试。",
        discussion: "Example: hutong psi bench --items 65536 --protocol ecdh --json")
    @OptionGroup var output: OutputOptions
    @Option(help: "The receiver's items.") var items = 65_536
    @Option(help: "The sender's items; the same number unless given.") var other: Int?
    @OptionGroup var terms: PartyTerms
    @Option(help: "Cores that each side's encoding may take.") var threads = 1
    @Flag(help: "Keep parts on disk: bounded memory.") var onDisk = false

    func run(_ console: Console) async throws {
        try terms.requireOffered()
        guard terms.want.name != "shares" else {
            throw ValidationError("Shares tell nothing to check: measure --want sum with --protocol rr22.")
        }
        guard let binary = Bundle.main.executablePath else { throw Problem(.fault, "app.unexpected") }
        let folder = FileManager.default.temporaryDirectory.appending(path: "hutong-psi-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = BenchData(receiver: items, sender: other ?? items, folder: folder)
        try data.write()
        var members = try pair(binary, data, folder)
        if terms.method == .unbalanced {
            // The same again: both sides now have the encoding.
            let first = members
            members = try pair(binary, data, folder)
            members["offline_seconds"] = first["prepare_seconds"]
            members["first_seconds"] = first["seconds"]
            members["first_cpu_seconds"] = first["cpu_seconds"]
            members["first_bytes_received"] = first["bytes_received"]
        }
        let json = JSON.object(members)
        console.answer(json, text: json.prettyText)
        guard data.isRight(json) else { throw ExitCode(1) }
    }

    /// One run of both sides.
    private func pair(_ binary: String, _ data: BenchData, _ folder: URL) throws -> [String: JSON] {
        let port = try SocketLink.freePort()
        var shared = [
            "--protocol", terms.method.rawValue, "--minimum", "\(terms.minimum)", "--most", "\(terms.most)",
            "--key", "id", "--json", "--threads", "\(threads)",
        ]
        let own = { (side: String) -> [String] in
            if terms.method == .unbalanced {
                return ["--cache", folder.appending(path: side + ".cache").path]
            }
            return onDisk ? ["--work", folder.appending(path: side + ".work").path] : []
        }
        shared = ["psi", "party"] + shared
        let wish = terms.want.name
        let receiver = Child(
            binary,
            shared + own("a") + [
                "--want", wish, "--listen", "127.0.0.1:\(port)", "--in", data.mine.path, "--out",
                folder.appending(path: "out.csv").path,
            ])
        let start = ContinuousClock.now
        try receiver.start()
        let answering = Child(
            binary,
            shared + own("b") + [
                "--want", wish == "sum" ? "sum:amount" : wish, "--connect", "127.0.0.1:\(port)", "--in",
                data.theirs.path,
            ])
        try answering.start()
        let (first, second) = (try receiver.finish(), try answering.finish())
        let seconds = start.duration(to: .now) / .seconds(1)
        return members(first, second, seconds: seconds, data)
    }

    private func members(_ first: JSON, _ second: JSON, seconds: Double, _ data: BenchData) -> [String: JSON]
    {
        let cpu = (first["cpu_seconds"]?.double ?? 0) + (second["cpu_seconds"]?.double ?? 0)
        let peak = max(first["peak_rss_mb"]?.integer ?? 0, second["peak_rss_mb"]?.integer ?? 0)
        var members: [String: JSON] = [
            "protocol": .string(terms.method.rawValue), "n": .integer(Int64(data.receiver)),
            "m": .integer(Int64(data.sender)), "want": .string(terms.want.name), "seconds": .number(seconds),
            "cpu_seconds": .number(cpu), "bytes_sent": first["bytes_sent"] ?? .null,
            "bytes_received": first["bytes_received"] ?? .null, "peak_rss_mb": .integer(peak),
            "intersection": first["intersection"] ?? .null, "expected": .integer(Int64(data.common)),
            "security": .string(terms.method.model),
        ]
        for name in ["sum", "match_seconds"] { members[name] = first[name] }
        members["prepare_seconds"] = second["prepare_seconds"]
        return members
    }
}

/// Two tables with 18-digit ids, the length of a mainland identity number, half of the smaller one in both.
private struct BenchData {
    let receiver: Int
    let sender: Int
    let folder: URL

    var common: Int { min(receiver, sender) / 2 }
    var mine: URL { folder.appending(path: "a.csv") }
    var theirs: URL { folder.appending(path: "b.csv") }

    func write() throws {
        try write(0..<receiver, to: mine)
        try write(receiver - common..<receiver - common + sender, to: theirs)
    }

    /// Every row has an amount, which only sums read.
    private func write(_ range: Range<Int>, to file: URL) throws {
        let handle = try FileHandle.ofNewFile(file.path)
        defer { try? handle.close() }
        var text = "id,amount\n"
        for number in range {
            text += "\(number * 7919 + 110_101_190_001_010_000),\(amount(number))\n"
            guard text.utf8.count > 1 << 20 else { continue }
            try handle.write(contentsOf: Data(text.utf8))
            text = ""
        }
        try handle.write(contentsOf: Data(text.utf8))
    }

    private func amount(_ number: Int) -> Int { number % 100 }

    func isRight(_ answer: JSON) -> Bool {
        guard answer["intersection"]?.integer == Int64(common) else { return false }
        guard let sum = answer["sum"]?.text else { return true }
        return sum == String((receiver - common..<receiver).reduce(0) { $0 + amount($1) })
    }
}

/// A child process whose standard output is one JSON object.
private final class Child {
    private let process = Process()
    private let pipe = Pipe()

    init(_ binary: String, _ arguments: [String]) {
        process.executableURL = URL(filePath: binary)
        process.arguments = arguments
        process.standardOutput = pipe
    }

    func start() throws { try process.run() }

    func finish() throws -> JSON {
        let text = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Problem(.fault, "app.unexpected") }
        return try JSON(parsing: Array(text))
    }
}

/// What this process used so far.
struct ResourceUse {
    let cpuSeconds: Double
    let peakMebibytes: Int

    static var now: ResourceUse {
        var usage = rusage()
        // SAFETY: getrusage fills the structure it is given.
        _ = unsafe getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
        let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return ResourceUse(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            peakMebibytes: Int(usage.ru_maxrss) / 1024)
    }
}
