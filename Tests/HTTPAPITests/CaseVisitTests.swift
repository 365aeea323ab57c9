// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import Identity
import Packs
import Primitives
import Register
import Store
import TestKit
import Testing

/// A procedure in a real browser, on one node: the firm's clerk, the officer and an outsider take turns. Pictures of
/// what they saw stay in `.build/screens/cases`.
@Suite("People at a procedure", .serialized)
struct CaseVisitTests {
    @Test(
        "a clerk applies, uploads, is told what is missing, follows the clock; an officer decides; an outsider objects"
    )
    func visit() async throws {
        try await ServedNode.run { node in
            guard let browser = try await Browser.start() else {
                print("skipped: no Chromium on this machine (Scripts/setup installs it)")
                return
            }
            do {
                let visit = try await CaseVisit(browser: browser, node: node)
                try await visit.applies()
                try await visit.isTold()
                try await visit.followsTheClock()
                try await visit.isDecided()
                try await visit.isObjectedTo()
                try await visit.looksAtEveryPage()
            } catch {
                let page = try? await browser.evaluate("location.pathname + ' ' + document.body.innerText")
                    .text
                Issue.record("the page was: \(page ?? "gone")")
                await browser.close()
                throw error
            }
            await browser.close()
        }
    }
}

/// One way through the certification of an incubator; what a step found out serves the next.
final class CaseVisit {
    private let browser: Browser
    private let node: ServedNode
    private let tokens: [String: String]
    private let file: URL
    private var path = ""

    private static let roles = [
        "clerk": nil, "officer": "officer", "outsider": nil, "expert1": "expert", "expert2": "expert",
        "expert3": "expert",
    ]

    /// Installs the packs and opens an account for everybody.
    init(browser: Browser, node: ServedNode) async throws {
        self.browser = browser
        self.node = node
        file = FileManager.default.temporaryDirectory.appending(path: "hutong-visit-material.pdf")
        try Data("%PDF-1.4 made up".utf8).write(to: file)
        for name in ["exclusion-lists", "incubator", "directories", "plan-ledger", "city-index"] {
            let added = try await node.post(
                "/api/v1/packs", ["files": .object(try Self.files(of: name).mapValues { .string($0) })])
            #expect(added.status == 201, "\(name): \(added.json)")
        }
        var tokens: [String: String] = [:]
        for (number, entry) in Self.roles.sorted(by: { $0.key < $1.key }).enumerated() {
            let party = Party(
                id: ID(high: 77, low: UInt64(number + 1)), name: entry.key, jurisdiction: "CN",
                roles: [.buyer], signingKey: Array(repeating: UInt8(number + 1), count: 32),
                sealingKey: Array(repeating: UInt8(number + 1), count: 32), address: .account)
            try await node.node.courtyard.context.store.write { writer throws(Problem) in
                try PartyRegister.put(party, isSelf: false, isExchange: false, in: writer)
            }
            let answer = try await node.post("/api/v1/parties/\(entry.key)/tokens", [:])
            tokens[entry.key] = answer.json["token"]?.text
            if let role = entry.value {
                let duty = try await node.post(
                    "/api/v1/duties",
                    [
                        "party": .string(entry.key), "role": .string(role),
                        "scope": "incubator-certification", "until": "2036-12-31",
                    ])
                #expect(duty.status == 201)
            }
        }
        self.tokens = tokens
    }

    static func files(of name: String) throws -> [String: String] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Packs/" + name).standardizedFileURL
        let walk = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        var files: [String: String] = [:]
        for case let file as URL in walk where ["yaml", "json", "csv"].contains(file.pathExtension) {
            let path = file.standardizedFileURL.path.dropFirst(root.path.count + 1)
            files[String(path)] = try String(contentsOf: file, encoding: .utf8)
        }
        return files
    }

    // MARK: What a person does

    private func open(_ path: String) async throws {
        try await browser.open(try #require(URL(string: "http://127.0.0.1:\(node.port)\(path)")))
    }

    private func signIn(_ name: String, to path: String, in language: String = "en") async throws {
        let token = try #require(tokens[name])
        // The answer to the last click may arrive after the page that was asked for: a person goes there again.
        try await eventually("the page where \(name) signs in") {
            try await self.open("/sign-in?next=\(path)&lang=\(language)")
            try await self.browser.type(token, into: "#token")
            return true
        }
        // The page may still be settling under the first click; a person clicks again.
        try await eventually("signed in as \(name)") {
            if try await self.browser.url.hasSuffix(path) { return true }
            try await self.browser.press("\u{E007}")
            return try await self.browser.url.hasSuffix(path)
        }
    }

    private func eventually(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        for _ in 0..<100 {
            if (try? await isTrue()) == true { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("did not happen: \(what), at \(try await browser.url)")
    }

    private func sees(_ words: String, in selector: String) async throws {
        try await eventually("“\(words)” in \(selector)") {
            try await self.browser.text(of: selector).contains(words)
        }
    }

    private func handIn(_ material: String) async throws {
        try await browser.attach(file, to: "#file-" + material)
        try await browser.click("#send-" + material)
        try await eventually("\(material) was taken") {
            try await self.browser.shows("a[href$='/materials/\(material)']")
        }
    }

    // MARK: The way

    func applies() async throws {
        try await open("/procedures/incubator-certification?lang=en")
        #expect(try await browser.text(of: "main").contains("At least 50 mentor services a year"))
        try await browser.click("aside.deal a")
        try await signIn("clerk", to: "/procedures/incubator-certification")
        try await browser.type("胡同孵化器", into: "#subject")
        try await browser.click("#apply button")
        try await sees("Check of materials", in: "#state")
        path = try #require(URL(string: try await browser.url)?.path())
    }

    func isTold() async throws {
        try await sees("Application form", in: "#missing")
        for material in ["M1", "M2", "M3"] { try await handIn(material) }
        try await photograph("clerk-missing")
        try await signIn("officer", to: "/cases")
        try await browser.click("#inbox a")
        // The officer cannot accept what is not complete: the step is refused in three sentences, or not offered.
        #expect(!(try await browser.shows("#step-accept")))
        try await browser.type("the seal is missing", into: "#reason-M2")
        try await browser.click("#return-M2")
        try await sees("the seal is missing", in: "main")
        try await signIn("clerk", to: path)
        try await sees("the seal is missing", in: "main")
        try await sees("Copy of the licence", in: "#missing")
        try await handIn("M2")
        try await handIn("M4")
    }

    func followsTheClock() async throws {
        let due = try await browser.text(of: "#due")
        #expect(due.count == 10, "a day until which the office has to act: \(due)")
        try await signIn("officer", to: path)
        try await browser.type("one more look at the audit report", into: "#suspend-reason")
        try await browser.click("#suspend button")
        try await signIn("clerk", to: path)
        try await sees("clock stopped", in: "#state")
        try await photograph("clerk-clock-stopped")
        try await signIn("officer", to: path)
        try await browser.click("#resume button")
        try await eventually("the clock runs") {
            !(try await self.browser.text(of: "#state").contains("stopped"))
        }
        #expect(try await browser.text(of: "#due") == due, "stopped and resumed on one day costs no day")
    }

    func isDecided() async throws {
        for material in ["M1", "M2", "M3", "M4"] {
            try await browser.click("#accept-" + material)
            try await eventually("\(material) is accepted") {
                try await self.browser.evaluate(
                    "document.querySelector('#accept-\(material)').closest('tr').innerText"
                ).text?.contains("accepted") == true
            }
        }
        try await photograph("officer-decides")
        try await browser.click("#step-accept button")
        try await sees("Expert review", in: "#state")
        let code = try #require(path.split(separator: "/").last)
        for (expert, points) in [("expert1", Int64(82)), ("expert2", 75), ("expert3", 90)] {
            guard expert == "expert1" else {
                let answer = try await LoopbackHTTP.ask(
                    "POST", "/api/v1/cases/\(code)/actions", port: node.port,
                    headers: ["Authorization": "Bearer " + (tokens[expert] ?? "")],
                    body: JSON.object(["do": "mark", "points": .integer(points)]).canonicalBytes)
                #expect(answer.status == 200, "\(answer.text)")
                continue
            }
            try await signIn(expert, to: path)
            try await browser.type("\(points)", into: "#mark input[name=points]")
            try await browser.click("#mark button")
            try await sees("mark of an expert", in: "main")
        }
        try await signIn("officer", to: "/cases")
        try await sees(String(code), in: "#inbox", orPathOf: path)
        try await open(path)
        try await browser.click("#step-pass button")
        try await sees("On-site check", in: "#state")
        try await browser.type("as applied", into: "#propose-siteReport")
        try await browser.click("#step-propose button")
        try await sees("Public notice", in: "#state")
    }

    /// An inbox shows the subject and links by the code.
    private func sees(_ code: String, in selector: String, orPathOf path: String) async throws {
        try await eventually("\(code) in \(selector)") {
            try await self.browser.shows("\(selector) a[href='\(path)']")
        }
    }

    func isObjectedTo() async throws {
        try await signIn("outsider", to: "/cases", in: "zh")
        try await sees("胡同孵化器", in: "#notices")
        try await browser.click("#notices a")
        try await sees("公示", in: "#state")
        let text = try await browser.text(of: "main")
        #expect(!text.contains("认定申请书") && !text.contains("办理记录"), "an outsider sees the notice alone")
        try await photograph("outsider-notice")
        try await browser.type("场地与本单位重复申报", into: "#object-reason")
        try await browser.click("#object button")
        try await signIn("officer", to: path, in: "zh")
        try await sees("场地与本单位重复申报", in: "#objections")
        try await photograph("officer-objection")
        try await browser.type("场地各自独立", into: "#finding-0")
        try await browser.click("#objections button.dismiss")
        try await sees("不成立", in: "#objections")
    }

    // MARK: Every page in every form

    func looksAtEveryPage() async throws {
        let figures = try #require(try Self.files(of: "city-index")["samples/cities.csv"])
        let published = try await node.post("/api/v1/indices/benchmark/2025", ["figures": .string(figures)])
        #expect(published.status == 201, "\(published.json)")
        let pages = [
            ("officer", path), ("officer", "/cases"), ("clerk", path), ("outsider", path),
            ("outsider", "/procedures/incubator-certification"), ("outsider", "/lists"),
            ("outsider", "/lists/policies"), ("outsider", "/measure"),
            ("outsider", "/measure/benchmark/2025"),
        ]
        var who = ""
        for (name, page) in pages {
            try await browser.resize(width: 1200, height: 900)
            if name != who { try await signIn(name, to: page) }
            who = name
            for (language, theme, width) in [
                ("zh", "light", 1200), ("en", "dark", 380), ("zh", "light", 380),
            ] {
                try await browser.resize(width: width, height: 900)
                try await open("\(page)?lang=\(language)&theme=\(theme)")
                #expect(try await browser.faults() == [], "\(page) \(language) \(width)")
                let file = "\(name)\(page)-\(language)-\(width)".map { $0.isLetter || $0.isNumber ? $0 : "-" }
                try await photograph(String(file).replacing(String(path.dropFirst(7)), with: "case"))
            }
        }
    }

    private func photograph(_ name: String) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/screens/cases")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await browser.photograph().write(to: folder.appending(path: name + ".png"))
    }
}
