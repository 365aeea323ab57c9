// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A usage policy in plain words, as the people who sign it read it.
package struct Terms: Hashable, Sendable {
    /// Whole sentences, as the policy words itself.
    package let sentences: [LocalizedText]
    /// Whether a copy is handed over, which nobody here can control afterwards. Said plainly.
    package let handsOverACopy: Bool
    /// SHA-256 of the policy's canonical form, which both sides sign.
    package let digest: Digest?

    package init(
        sentences: [LocalizedText],
        handsOverACopy: Bool = false,
        digest: Digest? = nil
    ) {
        self.sentences = sentences
        self.handsOverACopy = handsOverACopy
        self.digest = digest
    }

    func html(_ say: Reader) -> HTML {
        """
        <div class="terms">
        \(when(!sentences.isEmpty) { "<ul class=\"must\">\(each(sentences) { "<li>\(say($0))</li>" })</ul>" })\
        \(when(handsOverACopy) { "<ul class=\"warns\"><li>\(warning(say))</li></ul>" })\
        \(given(digest) { "<p class=\"fine\">\(say("条款摘要", "Digest of the terms")) SHA-256 \($0.block)</p>" })
        </div>
        """
    }

    private func warning(_ say: Reader) -> String {
        say("副本交付后，转发与再加工无法由本系统阻止。", "After a copy, nobody here can stop it from being passed on.")
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
