// SPDX-License-Identifier: Apache-2.0

/// A refusal as a page of its own: what happened, why, what to do.
package struct ProblemPage: Page {
    package let status: Int
    package let refusal: Refusal
    package var sameThing: SameThing? { nil }
    package var section: Section { .none }

    package init(status: Int, refusal: Refusal) {
        self.status = status
        self.refusal = refusal
    }

    package func title(_ say: Reader) -> String { refusal.what }

    package func content(_ say: Reader) -> HTML {
        """
        <p class="above">\(status) · <code>\(refusal.code)</code></p>
        <h1>\(refusal.what)</h1>
        <p class="lead">\(refusal.why)</p>
        <p class="lead">\(refusal.remedy)</p>
        \(given(refusal.request) {
            "<p class=\"fine\">\(say("向运营者求助时请附上请求编号", "If you ask the operator, give this request number")) <code>\($0)</code></p>"
        })
        <p><a href="/">\(say("回到目录", "Back to the catalog"))</a></p>
        """
    }
}
