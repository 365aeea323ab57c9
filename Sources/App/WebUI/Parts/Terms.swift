// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A usage policy in plain words, as the people who sign it read it.
package struct Terms: Hashable, Sendable {
    /// Whole sentences, as the policy words itself; the lists below are for terms already sorted.
    package let sentences: [LocalizedText]
    /// What is allowed.
    package let allowed: [LocalizedText]
    /// What is not.
    package let forbidden: [LocalizedText]
    /// What must be done.
    package let duties: [LocalizedText]
    /// What nobody can control after a copy was handed over. Said plainly.
    package let beyondControl: [LocalizedText]
    /// SHA-256 of the policy's canonical form, which both sides sign.
    package let digest: Digest?

    package init(
        sentences: [LocalizedText] = [],
        allowed: [LocalizedText] = [],
        forbidden: [LocalizedText] = [],
        duties: [LocalizedText] = [],
        beyondControl: [LocalizedText] = [],
        digest: Digest? = nil
    ) {
        self.sentences = sentences
        self.allowed = allowed
        self.forbidden = forbidden
        self.duties = duties
        self.beyondControl = beyondControl
        self.digest = digest
    }

    func html(_ say: Reader) -> HTML {
        """
        <div class="terms">
        \(when(!sentences.isEmpty) { "<ul class=\"must\">\(each(sentences) { "<li>\(say($0))</li>" })</ul>" })\
        \(part(say("可以", "May"), allowed, "may", say))\
        \(part(say("不可以", "May not"), forbidden, "may-not", say))\
        \(part(say("必须", "Must"), duties, "must", say))\
        \(part(say("交付副本后无法控制", "Cannot be controlled after a copy"), beyondControl, "warns", say))\
        \(given(digest) { "<p class=\"fine\">\(say("条款摘要", "Digest of the terms")) SHA-256 \($0.block)</p>" })
        </div>
        """
    }

    private func part(_ name: String, _ texts: [LocalizedText], _ kind: String, _ say: Reader) -> HTML {
        when(!texts.isEmpty) {
            "<h3>\(name)</h3><ul class=\"\(kind)\">\(each(texts) { "<li>\(say($0))</li>" })</ul>\n"
        }
    }
}

/// What one use costs through one door.
package struct PriceLine: Hashable, Sendable {
    package let door: LocalizedText
    package let amount: Money
    /// Per what: a question, a row, a month.
    package let unit: LocalizedText

    package init(door: LocalizedText, amount: Money, unit: LocalizedText) {
        self.door = door
        self.amount = amount
        self.unit = unit
    }

    func line(_ say: Reader) -> HTML {
        """
        <li><span>\(say(door))</span> <b class="figure">\
        \(amount.minorUnits == 0 ? say("免费", "free") : say.money(amount))</b> \
        <span class="fine">/ \(say(unit))</span></li>
        """
    }
}

/// The price list of a listing.
func priceList(_ prices: [PriceLine], _ say: Reader) -> HTML {
    "<ul class=\"prices\">\(each(prices) { $0.line(say) })</ul>"
}

/// One step of a history: when, what, by whom, with the log entry that proves it.
package struct HistoryStep: Hashable, Sendable {
    package let at: Instant?
    package let standing: Standing
    package let what: LocalizedText
    package let by: Named?
    /// The index of the log entry.
    package let logIndex: Int?

    package init(
        at: Instant?,
        standing: Standing,
        what: LocalizedText,
        by: Named? = nil,
        logIndex: Int? = nil
    ) {
        self.at = at
        self.standing = standing
        self.what = what
        self.by = by
        self.logIndex = logIndex
    }

    func item(_ say: Reader) -> HTML {
        """
        <li class="\(standing.tone.rawValue)">\(standing.chip(say)) \(say(what))\
        \(given(by) { " · \($0.link(say))" })\
        <span class="fine">\(given(at) { " \(say.time($0))" })\
        \(given(logIndex) { " · <a href=\"/log/\($0)\">\(say("存证", "log")) #\($0)</a>" })</span></li>
        """
    }
}

func history(_ steps: [HistoryStep], _ say: Reader) -> HTML {
    "<ol class=\"history\">\(each(steps) { $0.item(say) + "\n" })</ol>"
}
