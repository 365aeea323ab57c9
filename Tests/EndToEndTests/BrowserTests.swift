// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import TestKit
import Testing

/// The demonstration left running, and a person with a browser. Pictures of what was seen stay in
/// `.build/screens/running`.
@Suite("A person at a browser", .serialized)
struct BrowserTests {
    @Test(
        "S58, S59: signs in by keyboard, searches, agrees, asks at a price seen before, verifies, and shuts the valve"
    )
    func wholeVisit() async throws {
        guard let browser = try await Browser.start() else {
            print("skipped: no Chromium on this machine (Scripts/setup installs it)")
            return
        }
        let demo = try RunningDemo()
        do {
            let visit = Visit(browser: browser, demo: demo)
            try await visit.agree()
            try await visit.ask()
            try await visit.seeBothSides()
            try await visit.followOneCode()
            try await visit.verifyProof()
            try await visit.shutTheValve()
            try await visit.addUpTheBudget()
            try await visit.lookAtEveryPage()
        } catch {
            let page = try? await browser.evaluate("location.pathname + ' ' + document.body.innerText").text
            Issue.record("the page was: \(page ?? "gone")")
            demo.stop()
            await browser.close()
            throw error
        }
        demo.stop()
        await browser.close()
    }
}

/// One visit, step after step; what a step found out serves the next.
private final class Visit {
    private let browser: Browser
    private let demo: RunningDemo
    private var agreement = ""

    init(browser: Browser, demo: RunningDemo) {
        self.browser = browser
        self.demo = demo
    }

    private func open(_ node: String, _ path: String) async throws {
        try await browser.open(try #require(URL(string: try demo.url(of: node) + path)))
    }

    /// Nothing but the keyboard: Tab to the field, the token, Enter.
    private func signIn(at node: String) async throws {
        try await open(node, "/sign-in?lang=en")
        var tabs = 0
        while try await browser.evaluate("document.activeElement.id").text != "token" {
            tabs += 1
            try #require(tabs < 30, "the keyboard reaches the token's field")
            try await browser.press("\u{E004}")
        }
        for character in try demo.token(of: node) { try await browser.press(String(character)) }
        try await browser.press("\u{E007}")
        try await eventually("signed in") { try await self.browser.url.hasSuffix("/mine") }
    }

    private func eventually(_ what: String, _ isTrue: () async throws -> Bool) async throws {
        for _ in 0..<100 {
            if try await isTrue() { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("did not happen: \(what), at \(try await browser.url)")
    }

    func agree() async throws {
        try await signIn(at: "buyer")
        try await open("buyer", "/")
        try await browser.type("air", into: "#q")
        try await browser.click("form.search button")
        #expect(try await browser.text(of: ".cards").contains("hourly air quality"))
        try await browser.click(".cards h2 a")
        #expect(try await browser.appears(".histogram"), "the profile of an open table")
        #expect(try await browser.text(of: ".same").contains("/api/v1/listings/"))
        try await browser.click(".deal a.gate")
        let before = try await agreements()
        try await browser.click("form.card button.gate")
        try await eventually("the agreement is in force") {
            guard let fresh = Set(try await self.agreements()).subtracting(before).first else { return false }
            self.agreement = fresh
            return true
        }
    }

    /// The codes of the agreements that one may ask under, as the party's own page shows them.
    private func agreements() async throws -> [String] {
        let here = try await browser.url
        try await open("buyer", "/mine")
        let found = try await browser.evaluate(
            "[...document.querySelectorAll('td a[href^=\"/agreements/\"]')].map((a) => a.getAttribute('href'))"
        )
        let back = try #require(URL(string: here))
        if !here.hasSuffix("/mine") { try await browser.open(back) }
        return found.array?.compactMap(\.text) ?? []
    }

    func ask() async throws {
        try await open("buyer", agreement)
        try await browser.type(
            "SELECT month, AVG(\"PM2.5\") AS pm FROM air GROUP BY month", into: "#question")
        try await browser.type("research", into: "#purpose")
        try await browser.click("form.ask button.gate")
        #expect(try await browser.text(of: ".quote").contains("0.00 CNY"), "the price before the question")
        #expect(!(try await browser.shows(".answer")), "nothing has run yet")
        try await browser.click("form.ask button.gate")
        #expect(try await browser.appears(".answer table"))
        #expect(try await browser.appears(".answer .chart svg"), "a picture of the answer")
    }

    /// Each side's own page shows the same agreement, in force, and the passage.
    func seeBothSides() async throws {
        let code = String(agreement.split(separator: "/").last ?? "")
        try await signIn(at: "air")
        let seen = try await browser.evaluate("document.body.innerHTML").text ?? ""
        #expect(seen.contains(code))
        for paper in ["/agreements/\(code)/paper"] {
            try await open("air", paper)
            let text = try await browser.text(of: ".paper")
            #expect(text.contains("holder") && text.contains("buyer"), "both signatures on the paper")
        }
    }

    func followOneCode() async throws {
        let asset = try #require(demo.report["codes"]?["clinic.asset"]?.text)
        try await open("exchange", "/codes/\(asset)?lang=en")
        let text = try await browser.text(of: ".six")
        for step in ["Registration", "Evaluation", "Sharing", "Trade", "Use", "Service"] {
            #expect(text.contains(step + " done") || text.contains(step + "\ndone"), "\(step) in \(text)")
        }
    }

    func verifyProof() async throws {
        try await open("exchange", "/log/5")
        try await browser.click("#recompute-run")
        try await eventually("the browser worked the proof out") {
            try await self.browser.text(of: "#recompute-verdict").contains("It holds")
        }
        try await photograph("proof-worked-out")
        // A wrong record is found by the same script.
        _ = try await browser.evaluate("(document.getElementById('record').textContent += ' ')")
        try await browser.click("#recompute-run")
        try await eventually("the browser found the change") {
            try await self.browser.text(of: "#recompute-verdict").contains("does not hold")
        }
    }

    func shutTheValve() async throws {
        try await signIn(at: "air")
        try await open("air", "/desk")
        try await browser.click("button.valve")
        #expect(try await browser.text(of: "main").contains("closed"))
        try await open("buyer", agreement)
        try await browser.type("SELECT COUNT(*) AS n FROM air WHERE month = 4", into: "#question")
        try await browser.type("research", into: "#purpose")
        try await browser.click("form.ask button.gate")
        try await browser.click("form.ask button.gate")
        #expect(try await browser.text(of: ".refusal").contains("valve.closed"))
        try await photograph("refused-closed")
    }

    /// What is listed charge by charge adds up to what the holder says was spent: an answer given again cost nothing.
    func addUpTheBudget() async throws {
        let noised = demo.report["codes"]?["clinic.agreement"]?.text ?? ""
        try await open("buyer", "/agreements/\(noised)/budget?lang=en")
        let sums = try await browser.evaluate(
            """
            (() => {
              const tables = [...document.querySelectorAll('main table')];
              const last = (table, column) => [...table.rows].at(-1).cells[column].innerText.trim();
              return [last(tables[0], 2), last(tables.at(-1), 3)].join(' = ').replace(/\\s+/g, ' ');
            })()
            """)
        #expect(sums.text == "ε 3 = ε 3")
    }

    // MARK: Every page in every form

    private var pages: [(node: String, path: String)] {
        let code = agreement.split(separator: "/").last ?? ""
        let listing = demo.report["codes"]?["clinic.listing"]?.text ?? ""
        let asset = demo.report["codes"]?["clinic.asset"]?.text ?? ""
        let noised = demo.report["codes"]?["clinic.agreement"]?.text ?? ""
        return [
            ("buyer", "/"), ("buyer", "/?q=air"), ("buyer", "/mine"), ("buyer", agreement),
            ("buyer", "/agreements/\(code)/paper"), ("buyer", "/agreements/\(noised)/budget"),
            ("buyer", "/listings/\(listing)"),
            ("buyer", "/listings/\(listing)/agree"), ("air", "/desk"), ("air", "/mine"),
            ("exchange", "/"), ("exchange", "/log"), ("exchange", "/log/5"), ("exchange", "/demands"),
            ("exchange", "/codes/\(asset)"), ("exchange", "/listings/\(listing)"), ("exchange", "/desk"),
        ]
    }

    func lookAtEveryPage() async throws {
        try await signIn(at: "exchange")
        for (node, path) in pages {
            for (language, theme, width) in [("zh", "light", 1200), ("en", "dark", 380)] {
                try await browser.resize(width: width, height: 900)
                try await open(
                    node, path + (path.contains("?") ? "&" : "?") + "lang=\(language)&theme=\(theme)")
                let name = "\(node)\(path) \(language) \(theme) \(width)"
                let wide = try await browser.evaluate("document.documentElement.scrollWidth").integer ?? 0
                #expect(wide <= Int64(width), "\(name) is \(wide) pixels wide")
                let faults = try await browser.faults()
                #expect(faults.isEmpty, "\(name): \(faults)")
                let isRaw = try await browser.evaluate(
                    "document.querySelector('main').innerText.includes('urn:uuid')")
                #expect(isRaw == false, "\(name): an identifier stands where a name belongs")
                let file = name.map { $0.isLetter || $0.isNumber ? $0 : "-" }
                try await photograph(String(file))
            }
        }
    }

    private func photograph(_ name: String) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: ".build/screens/running")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await browser.photograph().write(to: folder.appending(path: name + ".png"))
    }
}

/// `hutong demo` after its story, with its four nodes up. Ends them when it is stopped.
private final class RunningDemo {
    let report: JSON
    private let process = Process()
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "hutong-visit-\(ProcessInfo.processInfo.processIdentifier)")
        process.executableURL = URL(filePath: Binary.path)
        process.arguments = [
            "demo", "--synthetic", "--json", "--data", folder.path(percentEncoded: false),
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var bytes: [UInt8] = []
        while true {
            let piece = output.fileHandleForReading.availableData
            bytes += Array(piece)
            if let report = try? JSON(parsing: bytes) {
                self.report = report
                break
            }
            try #require(!piece.isEmpty, "the demonstration ended before its report")
        }
        try #require(report["ok"] == true, "\(report.canonicalText.prefix(400))")
    }

    func url(of node: String) throws -> String { try #require(report["urls"]?[node]?.text) }

    func token(of node: String) throws -> String {
        try String(contentsOf: folder.appending(path: node + "/keys/operator.token"), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }
}
