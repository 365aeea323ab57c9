// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A budget that is used up: what is spent, what is left.
///
/// Values are exact decimals already written (ε "0.50"), with shares for the picture alone.
package struct Budget: Hashable, Sendable {
    package let unit: String
    package let total: String
    package let spent: String
    package let left: String
    /// The share of the total in thousandths.
    package let spentShare: Int
    /// When it is filled again.
    package let renews: Instant?

    package init(
        unit: String,
        total: String,
        spent: String,
        left: String,
        spentShare: Int,
        renews: Instant? = nil
    ) {
        self.unit = unit
        self.total = total
        self.spent = spent
        self.left = left
        self.spentShare = min(1000, max(0, spentShare))
        self.renews = renews
    }

    func meter(_ say: Reader, label: String) -> HTML {
        """
        <div class="meter">
        <p><b>\(label)</b> \(say("剩余", "left")) <span class="figure">\(unit)\u{A0}\(left)</span> / \(total)\
        \(given(renews) { "\(say("，重置于", ", renewed on")) \(say.day($0))" })</p>
        <svg viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="1000" \
        height="14"/><rect class="spent" width="\(spentShare)" height="14"/></svg>
        <p class="fine">\(say("已用", "spent")) \(unit)\u{A0}\(spent)</p>
        </div>
        """
    }
}
