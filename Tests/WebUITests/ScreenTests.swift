// SPDX-License-Identifier: Apache-2.0

import Foundation
import Primitives
import TestKit
import Testing
import WebUI

/// Every page in a real browser. The pictures stay in `.build/screens`, for people to look at.
@Suite("The pages in a browser", .serialized)
struct ScreenTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: ".build/screens")

    /// `HUTONG_SCREENS=all` photographs every page in every form; otherwise a few stand for all.
    private static var isWhole: Bool { ProcessInfo.processInfo.environment["HUTONG_SCREENS"] == "all" }

    @Test("fit a desk and a telephone of 380 pixels without scrolling sideways")
    func fit() async throws {
        guard let browser = try await Browser.start(language: .zh) else {
            print("skipped: no Chromium on this machine (Scripts/setup installs it)")
            return
        }
        do {
            for exhibit in Gallery.exhibits {
                for form in Self.forms(of: exhibit) { try await photograph(exhibit, form, with: browser) }
            }
        } catch {
            await browser.close()
            throw error
        }
        await browser.close()
    }

    private struct Form {
        let language: Language
        let theme: Reader.Theme
        let width: Int

        var name: String { "\(language.rawValue)-\(theme.rawValue)-\(width)" }
    }

    private static func forms(of exhibit: Gallery.Exhibit) -> [Form] {
        guard isWhole else {
            return [
                Form(language: .zh, theme: .light, width: 1200),
                Form(language: .en, theme: .dark, width: 380),
            ]
        }
        return Language.allCases.flatMap { language in
            [Reader.Theme.light, .dark].flatMap { theme in
                [1200, 380].map { Form(language: language, theme: theme, width: $0) }
            }
        }
    }

    private func photograph(_ exhibit: Gallery.Exhibit, _ form: Form, with browser: Browser) async throws {
        let name = "\(exhibit.name)-\(form.name)"
        let page = try Self.write(exhibit, form, name: name)
        try await browser.resize(width: form.width, height: 900)
        try await browser.open(page)
        let width = try await browser.evaluate("document.documentElement.scrollWidth").integer ?? 0
        #expect(width <= form.width, "\(name) is \(width) pixels wide")
        let isStyled = try await browser.evaluate("getComputedStyle(document.body).margin == '0px'").bool
        #expect(isStyled == true, "\(name) has no style sheet")
        try await browser.photograph().write(to: Self.folder.appending(path: name + ".png"))
    }

    /// The page as a file beside its assets, with their paths made relative.
    private static func write(_ exhibit: Gallery.Exhibit, _ form: Form, name: String) throws -> URL {
        try FileManager.default.createDirectory(
            at: folder.appending(path: "assets"),
            withIntermediateDirectories: true
        )
        for asset in Asset.all { try Data(asset.bytes).write(to: folder.appending(path: asset.path)) }
        let document = Gallery.document(exhibit, language: form.language, theme: form.theme).markup
        let file = folder.appending(path: name + ".html")
        try Data(document.replacing("\"/assets/", with: "\"assets/").utf8).write(to: file)
        return file
    }
}
