// SPDX-License-Identifier: Apache-2.0

/// A problem as its reader sees it: what happened, why, what to do.
package struct Refusal: Hashable, Sendable {
    package let code: String
    package let what: String
    package let why: String
    package let remedy: String
    /// The number under which the operator finds the request.
    package let request: String?

    package init(code: String, what: String, why: String, remedy: String, request: String? = nil) {
        self.code = code
        self.what = what
        self.why = why
        self.remedy = remedy
        self.request = request
    }

    func note(_ say: Reader) -> HTML {
        """
        <div class="refusal" role="alert">
        <p class="what">\(what)</p><p>\(why)</p><p>\(remedy)</p>
        <p class="fine"><a href="/problems/\(code)"><code>\(code)</code></a>\
        \(given(request) { " · \(say("请求", "request")) <code>\($0)</code>" })</p>
        </div>
        """
    }
}
