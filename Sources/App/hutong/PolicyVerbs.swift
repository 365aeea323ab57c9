// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Policy
import Primitives

/// `hutong policy …`: what terms say, whether they can be enforced, and what they answer. Works offline.
struct PolicyVerbs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Explain and evaluate usage terms (ODRL). 解释与评估使用条款。",
        subcommands: [PolicyExplainVerb.self, PolicyEvaluateVerb.self, PolicyMakeVerb.self])
}

struct PolicyExplainVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say in plain words what terms allow, and whether a node can enforce them. 用通俗语言解释条款。",
        discussion: """
            Reads ODRL as JSON-LD or Turtle. Ends with 1 if a term could not be enforced, and says where.

              hutong policy explain terms.jsonld
              hutong policy explain terms.jsonld --lang zh
            """)
    @Argument(help: "terms.jsonld or a Turtle file.")
    var file: String
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let policy = try PolicyFile.policy(file)
        try policy.enforceable()
        let words = policy.plainWords
        console.answer(
            [
                "policy": .string(policy.id), "digest": .string(policy.digest.hex), "enforceable": true,
                "en": .array(words.map { .string($0.en) }), "zh": .array(words.map { .string($0.zh) }),
            ],
            text: words.map(console.say).joined(separator: "\n"))
    }
}

struct PolicyEvaluateVerb: Verb {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, turtle }

    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Evaluate a request against a policy and a state of the world. 评估一次使用请求。",
        discussion: """
            The three files are Turtle, as the ODRL test suite writes them. The report follows the compliance \
            report model; --json prints the same for programs.

              hutong policy evaluate --policy policy.ttl --request request.ttl --sotw sotw.ttl --format turtle
            """)
    @Option(help: "The policy.")
    var policy: String
    @Option(help: "The request.")
    var request: String
    @Option(help: "The state of the world: time, memberships, duties.")
    var sotw: String
    @Option(help: "text or turtle.")
    var format = Format.text
    @OptionGroup var output: OutputOptions

    func run(_ console: Console) async throws {
        let odrl = try ODRLCase(
            policy: PolicyFile.graph(policy), request: PolicyFile.graph(request),
            world: PolicyFile.graph(sotw))
        let decision = odrl.policy.evaluate(odrl.request, in: odrl.world)
        let report = PolicyReport(
            policy: odrl.policy, requestId: odrl.requestId, request: odrl.request, decision: decision,
            created: odrl.world.now)
        let isTurtle = format == .turtle
        console.answer(
            report.json,
            text: isTurtle ? report.graph.turtle(prefixes: PolicyReport.prefixes) : text(decision, console))
    }

    private func text(_ decision: PolicyDecision, _ console: Console) -> String {
        let verdict =
            decision.isPermitted
            ? LocalizedText(zh: "允许。", en: "Permitted.") : LocalizedText(zh: "不允许。", en: "Not permitted.")
        var lines = [console.say(verdict)]
        for report in decision.reports {
            lines.append(
                "\(report.rule.kind.rawValue) \(report.rule.id ?? "") \(report.isActive ? "active" : "inactive")"
            )
            lines += report.premises.map { "  \($0.truth.rawValue)  \(console.say($0.plainWords))" }
        }
        return lines.joined(separator: "\n")
    }
}

struct PolicyMakeVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "make",
        abstract: "Make terms from plain choices. 用简单选项生成条款。",
        discussion: """
            Writes terms.jsonld to standard output. Without --door the terms allow to describe and to query; a \
            copy leaves only by download or share.

              hutong policy make --purpose statistics --until 2026-12-31T16:00:00Z --uses 100 --only did:web:bank \
            --in CN > terms.jsonld
            """)
    @Option(help: "A purpose that is allowed; may be repeated.")
    var purpose: [String] = []
    @Option(help: "The first moment without permission, with its zone.")
    var until: String?
    @Option(help: "At most this many uses.")
    var uses: Int64?
    @Option(help: "A party that may receive results; may be repeated.")
    var only: [String] = []
    @Option(
        name: .customLong("in"),
        help: "A jurisdiction where results may be received, such as CN; may be repeated.")
    var jurisdiction: [String] = []
    @Option(help: "describe, query, match, train, workspace, download, share; may be repeated.")
    var door: [String] = ["describe", "query"]
    @Flag(help: "Each use is paid by the listing's price plan.")
    var paid = false
    @Option(help: "The policy's identifier.")
    var id = "urn:hutong:terms"
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let until, Instant(rfc3339: until) == nil {
            throw ValidationError("--until needs a time with its zone, such as 2026-12-31T16:00:00Z.")
        }
        if let unknown = door.first(where: { Door(rawValue: $0) == nil }) {
            throw ValidationError("There is no door “\(unknown)”.")
        }
    }

    func run(_ console: Console) async throws {
        let terms = PlainTerms(
            purposes: Set(purpose), until: until.flatMap { Instant(rfc3339: $0) }, usesMax: uses,
            recipients: Set(only), jurisdictions: Set(jurisdiction), doors: Set(door.compactMap(Door.init)),
            isPaid: paid)
        let policy = terms.policy(id: id)
        try policy.enforceable()
        console.answer(policy.document, text: policy.document.prettyText)
    }
}

/// Policies and graphs from files.
private enum PolicyFile {
    static func bytes(_ path: String) throws(Problem) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Problem(.missing, "app.file-unreadable", ["file": .text(path)])
        }
        return Array(data)
    }

    static func graph(_ path: String) throws(Problem) -> RDFGraph {
        let text = try bytes(path)
        do {
            return try RDFGraph(turtle: text)
        } catch {
            throw Problem(
                .invalid, "policy.turtle-malformed",
                [
                    "file": .text(path), "line": .integer(Int64(error.line)), "reason": .text(error.reason),
                ])
        }
    }

    static func policy(_ path: String) throws(Problem) -> UsagePolicy {
        if path.hasSuffix(".ttl") { return try UsagePolicy(graph: graph(path)) }
        return try UsagePolicy(json: json(path))
    }

    private static func json(_ path: String) throws(Problem) -> JSON {
        let text = try bytes(path)
        do {
            return try JSON(parsing: text)
        } catch {
            throw Problem(
                .invalid, "app.json-malformed",
                [
                    "offset": .integer(Int64(error.offset)), "reason": .text(error.reason),
                ])
        }
    }
}
