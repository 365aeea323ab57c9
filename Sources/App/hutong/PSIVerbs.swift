// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Oblivious
import PSI
import Primitives

/// Private match between two processes, without an exchange: for scripts, trials and measurements.
struct PSIVerbs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "psi", abstract: "Match two tables without showing the rest. 隐私求交。",
        subcommands: [PSIPartyVerb.self, PSIBenchVerb.self])
}

struct PSIPartyVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "party", abstract: "Be one side of a private match. 作为一方参与隐私求交。",
        discussion: """
            The listening side receives the result; the connecting side answers. Plain TCP: loopback or a tunnel only.
              hutong psi party --listen 127.0.0.1:7000 --in ours.csv --key phone --out matched.csv
              hutong psi party --connect 127.0.0.1:7000 --in theirs.csv --key phone
            """)
    @OptionGroup var output: OutputOptions
    @Option(help: "Address to listen on, host:port; this side receives.") var listen: String?
    @Option(help: "Address to connect to, host:port; this side answers.") var connect: String?
    @Option(name: .customLong("protocol"), help: "rr22, rr22-malicious, ecdh, ecdh-ristretto or ecdh-sm2.")
    var method =
        "ecdh"
    @Option(help: "CSV file with a header line.") var `in`: String
    @Option(help: "Key columns, comma separated.") var key: String
    @Option(help: "rows, rows-both or size.") var want = "rows"
    @Option(help: "Count the matches by this column (with --want size).") var by: String?
    @Option(help: "Where matched rows are written.") var out: String?
    @Option(help: "Normalization steps: trim,width,lower,upper,phone.") var normalize = "trim,width"
    @Option(help: "Seconds to wait for the peer's next message.") var deadline = 120

    func validate() throws {
        guard (listen == nil) != (connect == nil) else {
            throw ValidationError("Give either --listen or --connect.")
        }
        guard !key.split(separator: ",").isEmpty else {
            throw ValidationError("Name at least one key column.")
        }
        guard PSIMethod(rawValue: method) != nil else { throw ValidationError("Unknown protocol \(method).") }
        guard PSIOutput(name: want) != nil else {
            throw ValidationError("--want is rows, rows-both or size.")
        }
    }

    func run(_ console: Console) async throws {
        let start = ContinuousClock.now
        let steps = normalize.split(separator: ",").compactMap { KeyRecipe.Step(rawValue: String($0)) }
        let recipe = KeyRecipe(steps: steps)
        let table = try KeyedTable(
            file: `in`, key: key.split(separator: ",").map(String.init), recipe: recipe, by: by)
        let link =
            try listen.map { try SocketLink.listening(on: $0, deadlineSeconds: deadline) }
            ?? SocketLink.connected(to: connect ?? "", deadlineSeconds: deadline)
        defer { link.close() }
        let result: PSIResult
        do {
            result = try await match(table, recipe, link)
        } catch {
            throw Problem(
                .unavailable, "psi.run-ended", ["reason": .text("\(error)"), "file": .text(`in`)])
        }
        if let out, let matched = result.matched {
            try table.write(rows: table.items.rows(of: matched), to: out)
        }
        answer(console, table, result, start.duration(to: .now))
    }

    private func match(_ table: KeyedTable, _ recipe: KeyRecipe, _ link: SocketLink) async throws(PSIFailure)
        -> PSIResult
    {
        guard let method = PSIMethod(rawValue: method), let output = PSIOutput(name: want) else {
            throw .differentPlans
        }
        var random = SystemRandomNumberGenerator()
        let mine = table.items.items.count
        try await link.send((0..<8).map { UInt8(truncatingIfNeeded: mine >> (8 * $0)) })
        let count = try await link.receive()
        guard count.count == 8 else { throw .malformed }
        let theirs = Int(truncatingIfNeeded: count.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        let isReceiver = listen != nil
        let plan = try PSIPlan(
            method: method, output: output, recipe: recipe.digest, receiverCount: isReceiver ? mine : theirs,
            senderCount: isReceiver ? theirs : mine)
        let party = PSIParty(plan, link)
        return isReceiver
            ? try await party.receive(table.items.items, groups: table.groups, using: &random)
            : try await party.send(table.items.items, using: &random)
    }

    private func answer(_ console: Console, _ table: KeyedTable, _ result: PSIResult, _ time: Duration) {
        var members: [String: JSON] = [
            "rows": .integer(Int64(table.items.rowCount)), "items": .integer(Int64(table.items.items.count)),
            "rejected": .integer(Int64(table.items.rejectedCount)),
            "bytes_sent": .integer(Int64(result.bytesSent)),
            "bytes_received": .integer(Int64(result.bytesReceived)),
            "seconds": .number(time / .seconds(1)), "cpu_seconds": .number(ResourceUse.now.cpuSeconds),
            "peak_rss_mb": .integer(Int64(ResourceUse.now.peakMebibytes)),
            "transcript": .string(Hex.encode(result.transcript)),
        ]
        if let matched = result.matched { members["intersection"] = .integer(Int64(matched.count)) }
        if let counts = result.counts {
            members["intersection"] = .integer(Int64(counts.reduce(0, +)))
            let named = zip(table.groupNames, counts).map { ($0, JSON.integer(Int64($1))) }
            if by != nil { members["groups"] = .object(Dictionary(named) { first, _ in first }) }
        }
        let json = JSON.object(members)
        console.answer(json, text: json.prettyText)
    }
}

struct PSIBenchVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time a private match of two processes on loopback. 隐私求交性能测试。",
        discussion: "Example: hutong psi bench --items 65536 --protocol ecdh --json")
    @OptionGroup var output: OutputOptions
    @Option(help: "The receiver's items.") var items = 65_536
    @Option(help: "The sender's items; the same number unless given.") var other: Int?
    @Option(name: .customLong("protocol"), help: "rr22, rr22-malicious, ecdh, ecdh-ristretto or ecdh-sm2.")
    var method =
        "ecdh"
    @Option(help: "rows, rows-both or size.") var want = "rows"

    func run(_ console: Console) async throws {
        guard let binary = Bundle.main.executablePath else { throw Problem(.fault, "app.unexpected") }
        let sender = other ?? items
        let common = min(items, sender) / 2
        let folder = FileManager.default.temporaryDirectory.appending(path: "hutong-psi-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (mine, theirs) = (folder.appending(path: "a.csv"), folder.appending(path: "b.csv"))
        try Self.write(0..<items, to: mine)
        try Self.write(items - common..<items - common + sender, to: theirs)
        let port = try SocketLink.freePort()
        let shared = ["--protocol", method, "--want", want, "--key", "id", "--json"]
        let receiver = Child(
            binary,
            [
                "psi", "party", "--listen", "127.0.0.1:\(port)", "--in", mine.path,
                "--out", folder.appending(path: "out.csv").path,
            ] + shared)
        let start = ContinuousClock.now
        try receiver.start()
        let answering = Child(
            binary, ["psi", "party", "--connect", "127.0.0.1:\(port)", "--in", theirs.path] + shared)
        try answering.start()
        let (first, second) = (try receiver.finish(), try answering.finish())
        let seconds = start.duration(to: .now) / .seconds(1)
        let cpu = (first["cpu_seconds"]?.double ?? 0) + (second["cpu_seconds"]?.double ?? 0)
        let json: JSON = [
            "protocol": .string(method), "n": .integer(Int64(items)), "m": .integer(Int64(sender)),
            "want": .string(want), "seconds": .number(seconds), "cpu_seconds": .number(cpu),
            "bytes_sent": first["bytes_sent"] ?? .null, "bytes_received": first["bytes_received"] ?? .null,
            "peak_rss_mb": .integer(
                max(first["peak_rss_mb"]?.integer ?? 0, second["peak_rss_mb"]?.integer ?? 0)),
            "intersection": first["intersection"] ?? .null, "expected": .integer(Int64(common)),
            "security": .string(PSIMethod(rawValue: method)?.model ?? ""),
        ]
        console.answer(json, text: json.prettyText)
        guard first["intersection"]?.integer == Int64(common) else { throw ExitCode(1) }
    }

    /// 18-digit ids, the length of a mainland identity number.
    private static func write(_ range: Range<Int>, to file: URL) throws {
        var text = "id\n"
        text.reserveCapacity(19 * range.count + 3)
        for number in range {
            text += String(number * 7919 + 110_101_190_001_010_000)
            text += "\n"
        }
        try Data(text.utf8).write(to: file)
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
