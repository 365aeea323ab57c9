// SPDX-License-Identifier: Apache-2.0

private import Primitives

/// One page: a view model that knows its title, its content, and how to do the same without a browser.
package protocol Page: Sendable {
    func title(_ say: Reader) -> String
    func content(_ say: Reader) -> HTML
    /// The API call and the command line that do what this page does.
    var sameThing: SameThing? { get }
    /// The section of the house that the page belongs to; marks it in the navigation.
    var section: Section { get }
    /// A script that adds something for those who allow one; the page is whole without it.
    var script: Asset? { get }
}

extension Page {
    package var script: Asset? { nil }

    /// The whole document, ready to be sent with `Asset.pageHeaders`.
    package func document(for reader: Reader) -> HTML {
        Layout(reader: reader, section: section, script: script).document(
            title: title(reader),
            content: content(reader) + given(sameThing) { $0.block(reader) }
        )
    }
}

/// The parts of the house, as the navigation shows them.
package enum Section: String, Sendable, CaseIterable {
    case catalog, demands, cases, lists, measure, mine, desk, log, none

    var path: String {
        switch self {
        case .catalog, .none: "/"
        case .demands: "/demands"
        case .cases: "/cases"
        case .lists: "/lists"
        case .measure: "/measure"
        case .mine: "/mine"
        case .desk: "/desk"
        case .log: "/log"
        }
    }

    func name(_ say: Reader) -> String {
        switch self {
        case .catalog, .none: say("目录", "Catalog")
        case .demands: say("需求", "Demands")
        case .cases: say("办事", "Procedures")
        case .lists: say("名录", "Lists")
        case .measure: say("测度", "Measure")
        case .mine: say("我的", "Mine")
        case .desk: say("运营台", "Desk")
        case .log: say("存证日志", "Log")
        }
    }

    /// What this reader sees in the navigation.
    static func visible(to reader: Reader) -> [Section] {
        var sections: [Section] = [.catalog, .demands, .cases, .lists, .measure]
        if reader.viewer != nil { sections.append(.mine) }
        if reader.isA(.operator) || reader.isA(.auditor) { sections.append(.desk) }
        return sections + [.log]
    }
}

/// The API call and the command line that do what a page does.
package struct SameThing: Hashable, Sendable {
    package let http: String
    package let cli: String

    package init(http: String, cli: String) {
        self.http = http
        self.cli = cli
    }

    func block(_ say: Reader) -> HTML {
        """
        <aside class="same" aria-labelledby="same">
        <h2 id="same">\(say("不用浏览器，做同一件事", "The same without a browser"))</h2>
        <dl><dt>API</dt><dd><pre tabindex="0"><code>\(http)</code></pre></dd>
        <dt>\(say("命令行", "CLI"))</dt><dd><pre tabindex="0"><code>\(cli)</code></pre></dd></dl>
        </aside>
        """
    }
}

/// What surrounds every page.
struct Layout {
    let reader: Reader
    let section: Section
    let script: Asset?

    func document(title: String, content: HTML) -> HTML {
        """
        <!DOCTYPE html>
        <html lang="\(reader("zh-CN", "en"))" data-theme="\(reader.theme.rawValue)">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title) · \(reader("互通", "Hutong"))</title>
        <link rel="stylesheet" href="\(Asset.styleSheet.path)">
        <link rel="icon" type="image/svg+xml" href="\(Asset.icon.path)">
        \(given(script) { "<script src=\"\($0.path)\" defer></script>" })</head>
        <body>
        <a class="skip" href="#main">\(reader("跳到正文", "Skip to content"))</a>
        \(header)
        <main id="main">
        \(content)
        </main>
        \(footer)
        </body>
        </html>
        """
    }

    private var header: HTML {
        """
        <header class="eaves"><div class="wide">
        <a class="home" href="/"><img src="\(Asset.icon.path)" alt="" width="28" height="28">\
        <b>互通</b> <span>Hutong</span></a>
        <nav aria-label="\(reader("主导航", "Main"))"><ul>
        \(each(Section.visible(to: reader)) { section in
            let current: HTML = section == self.section ? " aria-current=\"page\"" : .nothing
            return "<li><a href=\"\(section.path)\"\(current)>\(section.name(reader))</a></li>\n"
        })</ul></nav>
        <div class="who">\(languageLink) \(account)</div>
        </div></header>
        """
    }

    private var languageLink: HTML {
        switch reader.language {
        case .zh: "<a href=\"\(reader.path(with: "lang", "en"))\" lang=\"en\" hreflang=\"en\">English</a>"
        case .en: "<a href=\"\(reader.path(with: "lang", "zh"))\" lang=\"zh-CN\" hreflang=\"zh-CN\">中文</a>"
        }
    }

    private var account: HTML {
        guard let viewer = reader.viewer else {
            return "<a href=\"/sign-in\">\(reader("登录", "Sign in"))</a>"
        }
        return """
            <span class="viewer"><span class="unseen">\(reader("当前主体：", "Signed in as "))</span>\(viewer.name)</span>
            <form method="post" action="/sign-out"><button class="plain">\(reader("退出", "Sign out"))</button></form>
            """
    }

    private var footer: HTML {
        """
        <footer><div class="wide">
        <p>\(reader("数据节点：", "Node: "))\(reader.nodeName)\(reader("。时间均为", ". Times are ")) \
        \(reader.zoneName)\(reader("。", "."))</p>
        <p>\(reader("外观：", "Appearance: "))\(themeLinks)</p>
        <p>\(reader("数据不出院，价值走胡同。", "Data stays in the courtyard; its value travels the lane."))</p>
        </div></footer>
        """
    }

    private var themeLinks: HTML {
        let names = [
            (Reader.Theme.system, reader("跟随系统", "system")),
            (.light, reader("浅色", "light")),
            (.dark, reader("深色", "dark")),
        ]
        return each(names) { theme, name in
            let current: HTML = theme == reader.theme ? " aria-current=\"true\"" : .nothing
            return "<a href=\"\(reader.path(with: "theme", theme.rawValue))\"\(current)>\(name)</a> "
        }
    }
}
