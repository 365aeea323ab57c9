// SPDX-License-Identifier: Apache-2.0

import APIClient
import Foundation
import Identity
import Primitives
import Register
import Wire

/// The story that `hutong demo` plays: five processes, two hosted accounts, ten steps. A step that does not hold
/// throws; what it measured goes into the report.
final class Story {
    let data: String
    let airFiles: [String]
    let isSynthetic: Bool
    let console: Console
    var report: [String: JSON] = [:]
    var exchange: DemoNode
    var air: DemoNode
    var clinic: DemoNode
    var buyer: DemoNode
    var care: DemoNode
    var taps: [WireTap] = []
    let witnesses: [DemoNode]
    /// What later steps need from earlier ones.
    var codes: [String: String] = [:]
    var accounts: [String: DemoAccount] = [:]
    var answers: [String: JSON] = [:]
    var refusals: [JSON] = []

    /// How often a node is killed in the middle of a question.
    let crashes: Int

    /// Where the nodes keep their records, with `{node}` for their names; `nil` is SQLite in their folders.
    let store: String?

    init(
        data: String, airFiles: [String], isSynthetic: Bool, crashes: Int, store: String?, console: Console
    ) throws {
        self.crashes = crashes
        self.store = store
        self.data = data
        self.airFiles = airFiles
        self.isSynthetic = isSynthetic
        self.console = console
        try FileManager.default.createDirectory(atPath: data + "/wire", withIntermediateDirectories: true)
        witnesses = try DemoWitnesses.prepare(in: data)
        let policy = DemoWitnesses.policyFile(in: data)
        func node(_ name: String, _ role: String, _ more: [String] = []) throws -> (DemoNode, WireTap) {
            let port = try SocketLink.freePort()
            guard let tap = WireTap(target: port, record: data + "/wire/\(name).bytes") else {
                throw Problem(.unavailable, "demo.step-failed", ["step": "start", "why": "no free port"])
            }
            let place = store.map { ["--store", $0.replacing("{node}", with: name)] } ?? []
            let arguments =
                ["--role", role, "--public-url", "http://127.0.0.1:\(tap.port)", "--trust", policy] + more
                + place
            return (DemoNode(name: name, data: data + "/" + name, port: port, arguments: arguments), tap)
        }
        var tap: WireTap
        (exchange, tap) = try node("exchange", "exchange")
        taps.append(tap)
        (air, tap) = try node("air", "party")
        taps.append(tap)
        (clinic, tap) = try node("clinic", "party", ["--dial-out"])
        taps.append(tap)
        (buyer, tap) = try node("buyer", "party")
        taps.append(tap)
        (care, tap) = try node("care", "party")
        taps.append(tap)
    }

    var nodes: [DemoNode] { [exchange, air, clinic, buyer, care] }

    func play() async throws {
        try await step(
            "start", "五个数据节点与三个见证人启动，加入交易所", "five nodes and three witnesses start; the nodes join"
        ) { try await self.start() }
        try await step("collect", "采集：合法性依据、类型、剖析", "collect, with legal basis") { try await self.collect() }
        try await step("register", "登记与评估", "register and assess") { try await self.register() }
        try await step("list", "开放与挂牌，需求撮合", "open, list, match a demand") { try await self.list() }
        try await step("agree", "磋商、双方签署、冻结款项", "negotiate, sign, hold money") { try await self.agree() }
        try await step("match", "隐私求交：只见数量", "match privately: sizes only") { try await self.match() }
        try await step("ask", "提问：可用不可见", "ask: usable, not visible") { try await self.ask() }
        try await step("use", "衍生产品与沿袭分成", "a derived product pays back") { try await self.use() }
        if crashes > 0 {
            try await step("crash", "中途断电，账证不乱", "kill -9 in the middle") {
                try await self.crash(rounds: self.crashes)
            }
        }
        try await step("refuse", "拒绝并说明", "refuse and explain") { try await self.refuse() }
        try await step("settle", "结算", "settle") { try await self.settle() }
        try await step("verify", "离线核验；运营者作弊被发现", "verify; the operator cheats") { try await self.verify() }
    }

    func stop() {
        for node in nodes { node.stop() }
    }

    /// Ends the nodes, then the witnesses.
    func end() {
        stop()
        for witness in witnesses { witness.stop() }
    }

    private func step(
        _ name: String, _ zh: String, _ en: String, _ body: () async throws -> [String: JSON]
    ) async throws {
        let begun = ContinuousClock.now
        console.progress(console.say(LocalizedText(zh: zh, en: en)) + " …")
        do {
            var figures = try await body()
            let milliseconds = (ContinuousClock.now - begun).wholeMicroseconds / 1000
            figures["seconds"] = .number(Double(milliseconds) / 1000)
            if crashes > 0 { try await powerCut() }
            report[name] = .object(figures)
            console.note("✓ " + console.say(LocalizedText(zh: zh, en: en)) + "  \(milliseconds) ms")
        } catch let problem as Problem {
            let sentences = TextCatalog.embedded.told(problem, in: console.language)
            throw Problem(
                .fault, "demo.step-failed",
                ["step": .text(name), "why": .text("\(problem.code): \(sentences.what) \(sentences.why)")],
                operatorNote: problem.operatorNote)
        }
    }

    /// Every node is killed where a step has just ended, and started again: what the next step builds on must have been
    /// durable.
    private func powerCut() async throws {
        let running = nodes.filter(\.isRunning)
        for node in running { node.kill() }
        for node in running { try node.start() }
    }

    /// A fact that must hold for the step to count.
    func hold(_ fact: Bool, _ what: String) throws {
        guard fact else { throw Problem(.fault, "demo.step-failed", ["step": "-", "why": .text(what)]) }
    }

    /// A call that must be refused with this code; the refusal is kept for the report.
    func refused(_ code: String, _ call: () async throws(Problem) -> JSON) async throws {
        do throws(Problem) {
            _ = try await call()
        } catch {
            try hold(error.code == code, "expected \(code), got \(error.code)")
            let sentences = TextCatalog.embedded.told(error, in: console.language)
            refusals.append(
                [
                    "code": .string(code), "what": .string(sentences.what), "why": .string(sentences.why),
                    "remedy": .string(sentences.remedy),
                ])
            return
        }
        throw Problem(
            .fault, "demo.step-failed", ["step": "-", "why": .text("expected \(code), but it passed")])
    }

    /// Waits for news that travels by message: at most ten seconds.
    func eventually(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        for _ in 0..<200 {
            if try await isTrue() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Problem(.fault, "demo.step-failed", ["step": "-", "why": .text("did not happen: " + what)])
    }
}

/// A party with an account at the exchange: its keys are made and stay here.
struct DemoAccount: Sendable {
    let party: Party
    let signer: Ed25519Signer
    let sealingKey: SealingKey
    let door: NodeClient
}
