// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One code followed through the six steps of circulation on one page (S59): registration, evaluation, sharing,
/// trade, use, service. A step that may not begin yet says what it waits for.
package struct CodePage: Page {
    package enum Stage: Int, Hashable, Sendable, CaseIterable {
        case registration, evaluation, sharing, trade, use, service

        func name(_ say: Reader) -> String {
            switch self {
            case .registration: say("登记", "Registration")
            case .evaluation: say("评估", "Evaluation")
            case .sharing: say("共享", "Sharing")
            case .trade: say("交易", "Trade")
            case .use: say("应用", "Use")
            case .service: say("服务", "Service")
            }
        }
    }

    package struct Step: Hashable, Sendable {
        package let stage: Stage
        package let standing: Standing
        package let events: [HistoryStep]
        /// What must be done first, where the step may not begin.
        package let waitsFor: LocalizedText?

        package init(
            _ stage: Stage,
            standing: Standing,
            events: [HistoryStep] = [],
            waitsFor: LocalizedText? = nil
        ) {
            self.stage = stage
            self.standing = standing
            self.events = events
            self.waitsFor = waitsFor
        }
    }

    package let code: Code
    package let kind: LocalizedText
    package let name: LocalizedText
    package let holder: Named?
    package let standing: Standing
    package let logIndex: Int?
    /// Other codes that belong to it: certificate, listing, agreements.
    package let related: [(role: LocalizedText, thing: Named)]
    /// The six steps, for an asset; other codes show only what they are.
    package let steps: [Step]
    package let papers: [(name: LocalizedText, path: String)]
    package let sameThing: SameThing?
    package var section: Section { .none }

    package init(
        code: Code,
        kind: LocalizedText,
        name: LocalizedText,
        holder: Named?,
        standing: Standing,
        logIndex: Int?,
        related: [(role: LocalizedText, thing: Named)] = [],
        steps: [Step] = [],
        papers: [(name: LocalizedText, path: String)] = [],
        sameThing: SameThing?
    ) {
        self.code = code
        self.kind = kind
        self.name = name
        self.holder = holder
        self.standing = standing
        self.logIndex = logIndex
        self.related = related
        self.steps = steps
        self.papers = papers
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { "\(say(name)) \(code.text)" }

    package func content(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("编码", "Code"), "<code class=\"code\">\(code.text)</code>")
        facts.add(say("种类", "Kind"), text: say(kind))
        facts.add(say("持有方", "Holder"), holder?.link(say))
        facts.add(say("状态", "State"), standing.chip(say))
        facts.add(say("存证", "Log entry"), logIndex.map { "<a href=\"/log/\($0)\">#\(say.number($0))</a>" })
        for (role, thing) in related { facts.add(say(role), thing.link(say)) }
        for (name, path) in papers {
            facts.add(say("文书", "Paper"), "<a href=\"\(path)\">\(say(name))</a>")
        }
        return """
            <p class="above">\(say(kind))</p>
            <h1>\(say(name))</h1>
            \(facts.html)
            <p><img class="qr" src="/codes/\(code.text)/qr.svg" width="160" height="160" \
            alt="\(say("此页地址的二维码", "QR code with the address of this page"))"></p>
            \(when(!steps.isEmpty) { stepList(say) })
            """
    }

    private func stepList(_ say: Reader) -> HTML {
        """
        <section><h2>\(say("六步", "Six steps"))</h2>
        <ol class="six">\(each(steps) { step in
            """
            <li class="\(step.standing.tone.rawValue)"><h3>\(step.stage.name(say)) \(step.standing.chip(say))</h3>
            \(given(step.waitsFor) { "<p>\(say("先要：", "First: "))\(say($0))</p>" })
            \(when(!step.events.isEmpty) { history(step.events, say) })</li>

            """
        })</ol></section>
        """
    }
}
