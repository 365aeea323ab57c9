// SPDX-License-Identifier: Apache-2.0

import Testing
import WebUI

@Suite("HTML")
struct HTMLTests {
    @Test("text that a person typed never becomes markup, in content or in an attribute")
    func textIsEscaped() {
        let typed = "<script>alert('\"&"
        let page: HTML = "<p title=\"\(typed)\">\(typed)</p>"
        let safe = "&lt;script&gt;alert(&#39;&quot;&amp;"
        #expect(page.markup == "<p title=\"\(safe)\">\(safe)</p>")
    }

    @Test("a piece keeps its markup inside another, once escaped and not twice")
    func piecesNest() {
        let inner: HTML = "<b>\("a & b")</b>"
        let outer: HTML = "<p>\(inner)\(12)</p>"
        #expect(outer.markup == "<p><b>a &amp; b</b>12</p>")
    }
}
