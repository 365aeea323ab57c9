// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A paper that is printed and filed: registration certificate, digital agreement, trading contract.
///
/// Every number on it can be found again in the log; the foot says how to check it without us.
package struct PaperPage: Page {
    package enum Kind: Hashable, Sendable {
        case certificate, agreement, contract
    }

    /// A numbered clause with its sentences.
    package struct Clause: Hashable, Sendable {
        package let name: LocalizedText
        package let sentences: [LocalizedText]

        package init(_ name: LocalizedText, _ sentences: [LocalizedText]) {
            self.name = name
            self.sentences = sentences
        }
    }

    /// Who signed, when, and the digest that was signed.
    package struct Signature: Hashable, Sendable {
        package let role: LocalizedText
        package let party: Named
        package let at: Instant
        package let keyFingerprint: String

        package init(role: LocalizedText, party: Named, at: Instant, keyFingerprint: String) {
            self.role = role
            self.party = party
            self.at = at
            self.keyFingerprint = keyFingerprint
        }
    }

    package let kind: Kind
    package let code: Code
    package let subject: LocalizedText
    package let facts: [(name: LocalizedText, value: LocalizedText)]
    package let clauses: [Clause]
    package let signatures: [Signature]
    package let digest: Digest
    package let logIndex: Int?
    /// Said plainly where no independent witness has signed the log's checkpoint yet.
    package let isWitnessed: Bool
    package let sameThing: SameThing?
    package var section: Section { .none }

    package init(
        kind: Kind,
        code: Code,
        subject: LocalizedText,
        facts: [(name: LocalizedText, value: LocalizedText)],
        clauses: [Clause] = [],
        signatures: [Signature],
        digest: Digest,
        logIndex: Int?,
        isWitnessed: Bool,
        sameThing: SameThing?
    ) {
        self.kind = kind
        self.code = code
        self.subject = subject
        self.facts = facts
        self.clauses = clauses
        self.signatures = signatures
        self.digest = digest
        self.logIndex = logIndex
        self.isWitnessed = isWitnessed
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String {
        switch kind {
        case .certificate: say("数据资产登记凭证", "Certificate of registration")
        case .agreement: say("数字合约", "Digital agreement")
        case .contract: say("数据交易合同", "Data trading contract")
        }
    }

    package func content(_ say: Reader) -> HTML {
        """
        <article class="paper">
        <header><h1>\(title(say))</h1><p>\(say(subject))</p><p class="code">\(code.text)</p></header>
        <dl class="facts">\(each(facts) { "<div><dt>\(say($0.name))</dt><dd>\(say($0.value))</dd></div>\n" })</dl>
        \(when(!clauses.isEmpty) { clauseList(say) })
        \(signatureTable(say))
        \(foot(say))
        </article>
        """
    }

    private func clauseList(_ say: Reader) -> HTML {
        """
        <ol class="clauses">\(each(clauses) { clause in
            "<li><h2>\(say(clause.name))</h2>\(each(clause.sentences) { "<p>\(say($0))</p>" })</li>\n"
        })</ol>
        """
    }

    private func signatureTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("签署", "Signatures"),
            columns: [
                .text(say("签署方", "Signed by")), .text(say("身份", "As")), .text(say("时间", "Time")),
                .text(say("密钥指纹", "Key")),
            ],
            rows: signatures.map {
                [
                    $0.party.link(say), HTML(say($0.role)), say.time($0.at),
                    "<code>\($0.keyFingerprint)</code>",
                ]
            }
        ).html
    }

    private func foot(_ say: Reader) -> HTML {
        """
        <footer>
        <p>\(isWitnessed
            ? Standing(LocalizedText(zh: "已登记，已见证", en: "registered, witnessed"), .verified).chip(say)
            : Standing(LocalizedText(zh: "已登记（未见证）", en: "registered (not witnessed)"), .waits).chip(say))\
        \(given(logIndex) { " · <a href=\"/log/\($0)\">\(say("存证", "log entry")) #\(say.number($0))</a>" })</p>
        <p>SHA-256 \(digest.block)</p>
        <p class="fine">\(limits(say))</p>
        </footer>
        """
    }

    private func limits(_ say: Reader) -> String {
        switch kind {
        case .certificate:
            say(
                "登记记录的是经审核的主张，并不创设所有权。离线核验：hutong verify 凭证文件。",
                "Registration records a reviewed claim; it does not create ownership. Check it offline: hutong verify FILE."
            )
        case .agreement, .contract:
            say(
                "双方签署的是上述摘要所指的文本；过阀时按数字合约执行。离线核验：hutong verify 文件。",
                "Both sides signed the text under this digest; the valve executes it. Check it offline: hutong verify FILE."
            )
        }
    }
}
