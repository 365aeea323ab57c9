// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import HTTPAPI
import Identity
import Logging
import Primitives
import StoreSQLite
import Transparency
import TransparencyHTTP
import Wire

struct WitnessVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness",
        abstract: "Watch other nodes' logs and cosign them. 见证并联署他人的日志。",
        subcommands: [WitnessServeVerb.self]
    )
}

struct WitnessServeVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve a witness (c2sp.org/tlog-witness). 运行见证人。",
        discussion: """
            Makes its own key at the first start and prints its policy line. It cosigns a checkpoint only if it
            continues the last one it cosigned, and it never forgets that one.
              hutong witness serve --data ./witness --port 7380 --log "$(hutong log vkey)"
            """
    )
    @Option(help: "The port; 0 takes a free one.") var port = 7380
    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "The witness's own folder: its key and what it cosigned.") var data = "hutong-witness"
    @Option(help: "The witness's name, fixed at the first start.") var name = "witness.hutong.local"
    @Option(
        help:
            "A watched log's verifier key; repeat for several, or list them in DATA/logs.policy at any time.")
    var log: [String] = []
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let keys = KeyFolder(data + "/keys", passphrase: try Environment.passphrase())
        let signer = try keys.witnessKey(firstName: name)
        let store = try SQLiteStore.open(at: data + "/witness.sqlite", clock: .system)
        try await store.migrate(TransparencySchema.witnessMigrations)
        // A log that is listed later is watched at once: the list is read for each request, and is short.
        let (log, data) = (log, data)
        let witness: @Sendable () throws(Problem) -> Witness = { () throws(Problem) in
            Witness(
                store: store, signer: signer, logs: try Self.watched(log, in: data), clock: .system,
                checkers: Trust.checkers)
        }
        _ = try witness()
        let server = HTTPServer(
            table: table(witness),
            host: host,
            port: port,
            tls: nil,
            inbox: data,
            logger: Logger(label: "hutong.witness"),
            metrics: MetricsText(),
            clock: .system
        )
        let host = host
        try await server.run { port in
            let url = "http://\(host):\(port)"
            let line = "witness \(signer.key.name) \(signer.key) \(url)"
            console.answer(
                ["url": .string(url), "vkey": .string(signer.key.description), "policy": .string(line)],
                text: line
            )
        }
    }

    /// The keys of `--log`, and the log lines of `DATA/logs.policy`.
    private static func watched(_ given: [String], in data: String) throws(Problem) -> [NoteKey] {
        var keys = try given.map { text throws(Problem) in
            guard let key = NoteKey(text) else {
                throw Problem(
                    .invalid,
                    "transparency.policy-malformed",
                    ["line": .integer(1), "reason": .text("no verifier key")]
                )
            }
            return key
        }
        let file = data + "/logs.policy"
        if FileManager.default.fileExists(atPath: file), let trust = try Trust.find(file, beside: file) {
            keys += trust.policy.logs.map(\.key)
        }
        return keys
    }

    private func table(_ witness: @escaping @Sendable () throws(Problem) -> Witness) -> RouteTable {
        let answer: Route.Verb = { request throws(Problem) in
            let path = String(request.path.drop { $0 == "/" })
            let method = WebMethod(rawValue: request.method) ?? .get
            let answer = try await WitnessEndpoints(try witness()).answer(method, path, body: request.body)
            let type = answer.headers["content-type"] ?? "text/plain"
            let others = answer.headers.filter { $0.key != "content-type" }
            return APIReply(status: answer.status, contentType: type, headers: others, body: answer.body)
        }
        let limit = Witness.requestBytesMax
        return RouteTable(
            [
                Route(
                    "POST",
                    "/add-checkpoint",
                    .anyone,
                    "Cosign a checkpoint.",
                    bodyBytesMax: limit,
                    answer
                ),
                Route("GET", "/*", .anyone, "The key, and the last cosigned checkpoint of a log.", answer),
            ],
            authenticate: { _ throws(Problem) in throw Problem(.unauthenticated, "identity.token-refused") }
        )
    }
}

struct MirrorVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "mirror",
        abstract: "Keep and verify a whole copy of a log. 保存并核验日志全部副本。",
        discussion: """
            Every entry is hashed again; a history that does not continue the copy is refused and kept as evidence.
              hutong mirror https://exchange.example/log ./copy --trust exchange.policy
            """
    )
    @Argument(help: "The log's address: checkpoint and tile/ lie below it.") var url: String
    @Argument(help: "The folder of the copy.") var folder: String
    @Option(help: "A tlog-policy file with the keys you trust.") var trust: String?
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        guard let trust = try Trust.find(trust, beside: folder + "/x") else {
            throw Problem(.invalid, "transparency.trust-missing")
        }
        let mirror = Mirror(
            url: url,
            storage: LogFolder(folder),
            transport: HTTPWebTransport(),
            policy: trust.policy,
            checkers: Trust.checkers
        )
        let progress = try await mirror.update()
        let (size, added) = (progress.checkpoint.size, progress.leavesAdded)
        console.answer(
            ["size": .integer(Int64(clamping: size)), "added": .integer(Int64(clamping: added))],
            text: console.say(
                .init(
                    zh: "副本已核验：\(size) 个叶，新增 \(added) 个。",
                    en: "The copy is verified: \(size) leaves, \(added) new."
                )
            )
        )
    }
}
