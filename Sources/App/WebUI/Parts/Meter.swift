// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A budget that is used up: what is spent, what is reserved for a running question, what is left.
///
/// Values are exact decimals already written (ε "0.50"), with shares for the picture alone.
package struct Budget: Hashable, Sendable {
    package let unit: String
    package let total: String
    package let spent: String
    package let reserved: String?
    package let left: String
    /// Shares of the total in thousandths.
    package let spentShare: Int
    package let reservedShare: Int
    /// When it is filled again.
    package let renews: Instant?

    package init(
        unit: String,
        total: String,
        spent: String,
        reserved: String? = nil,
        left: String,
        spentShare: Int,
        reservedShare: Int = 0,
        renews: Instant? = nil
    ) {
        self.unit = unit
        self.total = total
        self.spent = spent
        self.reserved = reserved
        self.left = left
        self.spentShare = min(1000, max(0, spentShare))
        self.reservedShare = min(1000 - self.spentShare, max(0, reservedShare))
        self.renews = renews
    }

    func meter(_ say: Reader, label: String) -> HTML {
        """
        <div class="meter">
        <p><b>\(label)</b> \(say("剩余", "left")) <span class="figure">\(unit)\u{A0}\(left)</span> / \(total)\
        \(given(renews) { "\(say("，重置于", ", renewed on")) \(say.day($0))" })</p>
        <svg viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="1000" \
        height="14"/><rect class="spent" width="\(spentShare)" height="14"/><rect class="reserved" x="\(spentShare)" \
        width="\(reservedShare)" height="14"/></svg>
        <p class="fine">\(say("已用", "spent")) \(unit)\u{A0}\(spent)\
        \(given(reserved) { " · \(say("已预留", "reserved")) \(unit)\u{A0}\($0)" })</p>
        </div>
        """
    }
}
