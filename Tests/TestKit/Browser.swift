// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import Primitives

/// A headless Chromium that a test drives over WebDriver (W3C), through Debian's `chromium-driver`.
///
/// Owns two processes, which `close()` ends. Text is read and things are clicked as a person would; there is no
/// way in that a person does not have, but for the size of the window, which Chromium's own commands set.
package final class Browser {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let driver: Process
    private let session: String
    private let port: Int

    /// `nil` where there is no browser on this machine; the caller says that it skipped.
    package static func start(language: Language = .en) async throws -> Browser? {
        let tools = ["/usr/bin/chromedriver", "/usr/bin/chromium"]
        guard tools.allSatisfy(FileManager.default.isExecutableFile) else { return nil }
        return try await Browser(driverPath: tools[0], browserPath: tools[1], language: language)
    }

    private init(driverPath: String, browserPath: String, language: Language) async throws {
        driver = Process()
        driver.executableURL = URL(filePath: driverPath)
        driver.arguments = ["--port=0"]
        let output = Pipe()
        driver.standardOutput = output
        driver.standardError = FileHandle.nullDevice
        try driver.run()
        port = try Self.port(from: output.fileHandleForReading)
        let options: JSON = [
            "binary": .string(browserPath),
            "args": .array([
                "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--disable-dev-shm-usage",
                "--force-device-scale-factor=1", .string("--lang=" + (language == .zh ? "zh-CN" : "en-US")),
            ]),
        ]
        let wish: JSON = [
            "capabilities": ["alwaysMatch": ["browserName": "chrome", "goog:chromeOptions": options]]
        ]
        let answer = try await Self.ask("POST", "/session", wish, port: port)
        guard let session = answer["sessionId"]?.text else {
            throw Failure(description: "no session: \(answer)")
        }
        self.session = session
    }

    /// Ends the browser and its driver.
    package func close() async {
        _ = try? await Self.ask("DELETE", "/session/\(session)", nil, port: port)
        driver.terminate()
    }

    package func open(_ url: URL) async throws {
        _ = try await command("url", ["url": .string(url.absoluteString)])
    }

    package var title: String {
        get async throws { try await ask("title").text ?? "" }
    }

    package var url: String {
        get async throws { try await ask("url").text ?? "" }
    }

    /// The text that a person sees in the first element of a CSS selector.
    package func text(of selector: String) async throws -> String {
        try await patiently {
            try await self.ask("element/\(try await self.element(selector))/text").text ?? ""
        }
    }

    package func click(_ selector: String) async throws {
        // What stands under a bar that stays on the screen cannot be clicked; a person scrolls first.
        let quoted = JSON.string(selector).canonicalText
        try await patiently {
            _ = try await self.evaluate(
                "document.querySelector(\(quoted))?.scrollIntoView({block: 'center'})")
            _ = try await self.command("element/\(try await self.element(selector))/click", [:])
        }
    }

    /// Whether the selector finds something before a person's patience ends: the next page may still be coming.
    package func appears(_ selector: String) async throws -> Bool {
        do {
            _ = try await patiently { try await self.element(selector) }
            return true
        } catch is Failure {
            return false
        }
    }

    /// Tries again for ten seconds while the page is still on its way or changing under the hand.
    private func patiently<Value>(_ body: () async throws -> Value) async throws -> Value {
        let passing = ["no such element", "stale element", "intercepted", "not interactable"]
        for _ in 0..<100 {
            do {
                return try await body()
            } catch let failure as Failure where passing.contains(where: failure.description.contains) {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        return try await body()
    }

    package func type(_ text: String, into selector: String) async throws {
        try await patiently {
            let field = try await self.element(selector)
            _ = try await self.command("element/\(field)/clear", [:])
            _ = try await self.command("element/\(field)/value", ["text": .string(text)])
        }
    }

    /// Chooses a file of this machine in a file field, as a person does in its dialog.
    package func attach(_ file: URL, to selector: String) async throws {
        try await patiently {
            _ = try await self.command(
                "element/\(try await self.element(selector))/value",
                ["text": .string(file.path(percentEncoded: false))])
        }
    }

    /// What would hinder somebody who hears the page or uses no mouse, or whose window is narrow: not one heading of
    /// the first level, a level skipped, a field or a button without a name, an id twice, a page wider than its window.
    package func faults() async throws -> [String] {
        try await evaluate(
            """
            (() => {
              const faults = [];
              if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
              let level = 1;
              for (const head of document.querySelectorAll('h1,h2,h3,h4')) {
                const own = Number(head.tagName[1]);
                if (own > level + 1) faults.push('skipped to ' + head.tagName + ' ' + head.textContent);
                level = own;
              }
              for (const field of document.querySelectorAll('input:not([type=hidden]),textarea,select'))
                if (!field.labels?.length && !field.ariaLabel) faults.push('no label ' + field.name);
              for (const button of document.querySelectorAll('button,a'))
                if (!button.textContent.trim()) faults.push('no name ' + button.outerHTML.slice(0, 60));
              const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
              for (const id of ids) if (ids.filter((one) => one === id).length > 1) faults.push('twice: ' + id);
              if (document.documentElement.scrollWidth > innerWidth)
                faults.push(document.documentElement.scrollWidth + ' pixels wide in ' + innerWidth);
              return faults;
            })()
            """
        ).array?.compactMap(\.text) ?? []
    }

    /// Presses and releases one key of the keyboard, wherever the focus is (W3C WebDriver §17.4.2).
    package func press(_ key: String) async throws {
        let keys: JSON = [
            ["type": "keyDown", "value": .string(key)], ["type": "keyUp", "value": .string(key)],
        ]
        _ = try await command(
            "actions", ["actions": [["type": "key", "id": "keyboard", "actions": keys]]])
    }

    /// Whether the selector finds anything on the page.
    package func shows(_ selector: String) async throws -> Bool {
        let found = try await command("elements", ["using": "css selector", "value": .string(selector)])
        return found.array?.isEmpty == false
    }

    /// The value of a JavaScript expression on the page.
    package func evaluate(_ expression: String) async throws -> JSON {
        try await command("execute/sync", ["script": .string("return " + expression), "args": .array([])])
    }

    /// Sets the size of the page in CSS pixels, as a telephone or a desk has it.
    package func resize(width: Int, height: Int) async throws {
        let size: JSON = [
            "width": .integer(Int64(width)), "height": .integer(Int64(height)), "deviceScaleFactor": 1,
            "mobile": .bool(width < 600),
        ]
        try await chromium("Emulation.setDeviceMetricsOverride", size)
    }

    /// A PNG of the whole page, below the fold too.
    package func photograph() async throws -> Data {
        let shot = try await chromium(
            "Page.captureScreenshot",
            ["format": "png", "captureBeyondViewport": true]
        )
        guard let data = shot["data"]?.text.flatMap({ Data(base64Encoded: $0) }) else {
            throw Failure(description: "the browser gave no picture")
        }
        return data
    }

    // MARK: The protocol

    @discardableResult
    private func chromium(_ method: String, _ parameters: JSON) async throws -> JSON {
        try await command("goog/cdp/execute", ["cmd": .string(method), "params": parameters])
    }

    /// W3C WebDriver §12.3: the reference of the first element.
    private func element(_ selector: String) async throws -> String {
        let found = try await command("element", ["using": "css selector", "value": .string(selector)])
        guard let reference = found.object?.values.first?.text else {
            throw Failure(description: "the page has no \(selector): \(found)")
        }
        return reference
    }

    private func command(_ path: String, _ body: JSON) async throws -> JSON {
        try await Self.ask("POST", "/session/\(session)/\(path)", body, port: port)
    }

    private func ask(_ path: String) async throws -> JSON {
        try await Self.ask("GET", "/session/\(session)/\(path)", nil, port: port)
    }

    private static func ask(_ method: String, _ path: String, _ body: JSON?, port: Int) async throws -> JSON {
        let reply = try await LoopbackHTTP.ask(
            method,
            path,
            port: port,
            headers: ["Content-Type": "application/json"],
            body: body?.canonicalBytes ?? []
        )
        let value = try JSON(parsing: reply.body)["value"] ?? .null
        if let error = value["error"]?.text {
            throw Failure(description: "\(error): \(value["message"]?.text?.prefix(300) ?? "")")
        }
        return value
    }

    /// The driver prints the port it found.
    private static func port(from output: FileHandle) throws -> Int {
        var text = ""
        while true {
            let more = output.availableData
            guard !more.isEmpty else { throw Failure(description: "the driver did not start: \(text)") }
            text += String(decoding: more, as: UTF8.self)
            if let match = text.firstMatch(of: /started successfully on port (\d+)/),
                let port = Int(match.output.1)
            {
                return port
            }
        }
    }
}
