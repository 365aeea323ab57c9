// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import Foundation
import Identity
import Logging
import Primitives

/// `hutong serve`: one data folder, one port, a printed URL.
struct ServeVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run a node. 启动数据节点。",
        discussion: """
            Example: hutong serve --data ./air --port 8081 --name air --role party
            Records lie in DIR in SQLite, or with --store in a PostgreSQL schema of the node's own:
              hutong serve --store 'postgres://hutong@db/city?options=-csearch_path%3Dair'
            The first start makes keys and an operator's token in DIR/keys; nothing else is needed.
            With --trust, certificates and receipts count once the policy's witnesses cosigned them:
              hutong serve --data ./air --trust witnesses.policy
            """)

    @Option(help: "The data folder.") var data = "./hutong-data"
    @Option(help: "postgres://… for the records, at the first start; otherwise SQLite in the folder.")
    var store: String?
    @Option(help: "The address to bind.") var host = "127.0.0.1"
    @Option(help: "The port; 0 takes a free one.") var port = 8080
    @Option(help: "Where others reach this node, if not at host and port.") var publicURL: String?
    @Option(help: "The party's name, at the first start.") var name: String?
    @Option(help: "exchange, party or both.") var role: String = "both"
    @Option(help: "ISO 3166-1 code of where the data lies.") var jurisdiction = "CN"
    @Flag(help: "Accept no peers; take messages from the exchange's mailbox.") var dialOut = false
    @Option(name: .customLong("tls-cert"), help: "Certificate chain in PEM.") var certificate: String?
    @Option(name: .customLong("tls-key"), help: "Private key in PEM.") var privateKey: String?
    @Option(help: "A tlog-policy with the witnesses to ask; the data folder remembers it.") var trust: String?
    @Flag(help: "Sign every checkpoint with an SM2 key too, from now on. 国密")
    var sm2 = false
    @Option(help: "A timestamp authority (RFC 3161) that stamps the log every hour; needs --anchor-ca.")
    var anchor: String?
    @Option(name: .customLong("anchor-ca"), help: "The authority's certificates in PEM.") var anchorCA:
        String?
    @Option(help: "Authorities, in PEM, whose certificates peers may show besides the system's.") var peerCa:
        String?
    @Flag(
        name: .customLong("tck"),
        help: "Answer the Dataspace Protocol's conformance kit; no data of this node.")
    var isConformance = false
    @OptionGroup var output: OutputOptions

    private var evidence: EvidenceSettings {
        get throws {
            var evidence = EvidenceSettings()
            evidence.trust = trust
            evidence.signsWithSM2 = sm2
            guard anchor != nil || anchorCA != nil else { return evidence }
            guard let anchor, let anchorCA else {
                throw ValidationError("--anchor and --anchor-ca belong together")
            }
            evidence.anchor = (anchor, anchorCA)
            return evidence
        }
    }

    func run(_ console: Console) async throws {
        guard let role = NodeSettings.Role(rawValue: role) else {
            throw ValidationError("--role is exchange, party or both")
        }
        if host != "127.0.0.1", host != "localhost", certificate == nil {
            throw Problem(.forbidden, "lane.plain-http", ["url": .text("http://\(host)")])
        }
        var settings = NodeSettings(
            data: data, store: store, host: host, port: port, publicURL: publicURL, name: name, role: role,
            dialsOut: dialOut,
            jurisdiction: jurisdiction, certificate: certificate, privateKey: privateKey, peerRoots: peerCa,
            passphrase: try Environment.passphrase())
        settings.isConformance = isConformance
        settings.evidence = try evidence
        let node = try await Node.open(settings, version: Version.text)
        let logger = Logger(label: "hutong") { _ in
            var handler = StreamLogHandler.standardError(label: "hutong")
            handler.logLevel = .warning
            return handler
        }
        let (data, party) = (data, node.own)
        try await node.serve(logger: logger) { url in
            console.answer(
                [
                    "url": .string(url), "party": .string(party.code.text), "name": .string(party.name),
                    "token": .string(data + "/keys/operator.token"),
                ],
                text: "\(url)\n\(party.name) · \(party.code.text)\n"
                    + console.say(
                        LocalizedText(zh: "运营者令牌：", en: "operator's token: ")) + data + "/keys/operator.token"
            )
        }
    }
}

/// What the environment says. Nothing else reads it.
enum Environment {
    static var url: String { ProcessInfo.processInfo.environment["HUTONG_URL"] ?? "http://127.0.0.1:8080" }
    static var token: String? { ProcessInfo.processInfo.environment["HUTONG_TOKEN"] }

    /// A PEM file of authorities that are trusted besides the system's.
    static var roots: String? { ProcessInfo.processInfo.environment["HUTONG_CA"] }

    static func passphrase() throws(Problem) -> Redacted<[UInt8]>? {
        guard let file = ProcessInfo.processInfo.environment["HUTONG_KEY_PASSPHRASE_FILE"] else { return nil }
        guard var bytes = FileManager.default.contents(atPath: file).map(Array.init) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(file)])
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        return Redacted(bytes)
    }
}
