// SPDX-License-Identifier: Apache-2.0

/// Signing in by token. There are no passwords: a token is made by `hutong party token`, scoped and revocable.
package struct SignInPage: Page {
    /// Where to go afterwards: a path of this node.
    package let next: String
    package let refusal: Refusal?
    package var sameThing: SameThing? {
        SameThing(
            http: "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/…",
            cli: "export HUTONG_URL=… HUTONG_TOKEN=$(hutong party token NAME --data DIR)"
        )
    }
    package var section: Section { .none }

    package init(next: String, refusal: Refusal? = nil) {
        self.next = next
        self.refusal = refusal
    }

    package func title(_ say: Reader) -> String { say("登录", "Sign in") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        \(given(refusal) { $0.note(say) })
        <form method="post" action="/sign-in" class="card narrow">
        \(Field.hidden("next", next))
        \(Field.text("token", label: say("访问令牌", "Access token"),
                     hint: say("由数据节点的运营者用 hutong party token 签发。",
                               "The node's operator makes one with hutong party token."),
                     kind: "password", isRequired: true))
        <p>\(gate(say("登录", "Sign in")))</p></form>
        """
    }
}
