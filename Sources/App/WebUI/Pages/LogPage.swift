// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// The newest entries of the transparency log and the checkpoint over them.
package struct LogPage: Page {
    package struct Entry: Hashable, Sendable {
        package let index: Int
        package let at: Instant
        package let kind: LocalizedText
        package let leaf: Digest

        package init(index: Int, at: Instant, kind: LocalizedText, leaf: Digest) {
            self.index = index
            self.at = at
            self.kind = kind
            self.leaf = leaf
        }
    }

    package let origin: String
    package let size: Int
    package let root: Digest
    /// The signed checkpoint as it is published, lines and signatures.
    package let checkpoint: String
    package let witnesses: [Standing]
    package let entries: [Entry]
    package let olderPath: String?
    package let sameThing: SameThing?
    package var section: Section { .log }

    package init(
        origin: String,
        size: Int,
        root: Digest,
        checkpoint: String,
        witnesses: [Standing],
        entries: [Entry],
        olderPath: String? = nil,
        sameThing: SameThing?
    ) {
        self.origin = origin
        self.size = size
        self.root = root
        self.checkpoint = checkpoint
        self.witnesses = witnesses
        self.entries = entries
        self.olderPath = olderPath
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("存证日志", "Transparency log") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        <p class="lead">\(say(
            "每一次状态变化都是一片叶子。叶子是公开的，只含类型、时间和加盐摘要；内容留在当事方手里，凭回执披露。",
            """
            Every change of state is a leaf. Leaves are public and hold a type, a time and a salted digest; the \
            content stays with the parties, and a receipt discloses what it must.
            """
        ))</p>
        \(checkpointBlock(say))
        \(entries.isEmpty ? emptiness(say) : entryTable(say))
        \(given(olderPath) { "<nav class=\"pages\"><a href=\"\($0)\">\(say("更早的条目", "Older entries")) →</a></nav>" })
        """
    }

    private func checkpointBlock(_ say: Reader) -> HTML {
        var facts = Facts()
        facts.add(say("来源", "Origin"), "<code>\(origin)</code>")
        facts.add(say("条目数", "Size"), text: say.number(size))
        facts.add(say("根", "Root"), root.block)
        facts.add(
            say("见证", "Witnesses"),
            witnesses.isEmpty
                ? Standing(LocalizedText(zh: "未见证", en: "not witnessed"), .waits).chip(say)
                : each(witnesses) { $0.chip(say) + " " }
        )
        return """
            <section class="card"><h2>\(say("最新检查点", "Newest checkpoint"))</h2>\(facts.html)
            <details><summary>\(say("签名原文", "As signed"))</summary><pre tabindex="0">\(checkpoint)</pre></details>
            </section>
            """
    }

    private func emptiness(_ say: Reader) -> HTML {
        EmptyState(
            what: say("日志还没有条目。", "The log has no entry yet."),
            first: HTML(say("第一次登记会写下第一片叶子。", "The first registration writes the first leaf."))
        ).html
    }

    private func entryTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("条目", "Entries"),
            columns: [
                .number(say("序号", "Index")), .text(say("时间", "Time")), .text(say("类型", "Type")),
                .text(say("叶子摘要", "Leaf hash")),
            ],
            rows: entries.map { entry in
                [
                    "<a href=\"/log/\(entry.index)\">#\(say.number(entry.index))</a>", say.time(entry.at),
                    HTML(say(entry.kind)),
                    "<code class=\"digest\">\(String(entry.leaf.hex.prefix(16)))…</code>",
                ]
            }
        ).html
    }
}

/// One entry with its inclusion proof, worked out step by step so that a person can follow and repeat it.
package struct ProofPage: Page {
    package let index: Int
    package let size: Int
    package let at: Instant
    package let kind: LocalizedText
    package let subject: Code?
    package let leaf: Digest
    /// The sibling hashes, from the leaf upward.
    package let path: [Digest]
    package let root: Digest
    /// The leaf as the log holds it: what the leaf's hash is taken over.
    package let record: String
    /// The signed checkpoint that the root stands in.
    package let checkpoint: String
    package let sameThing: SameThing?
    package var section: Section { .log }
    package var script: Asset? { .proofScript }

    package init(
        index: Int,
        size: Int,
        at: Instant,
        kind: LocalizedText,
        subject: Code? = nil,
        leaf: Digest,
        path: [Digest],
        root: Digest,
        record: String = "",
        checkpoint: String = "",
        sameThing: SameThing?
    ) {
        self.index = index
        self.size = size
        self.at = at
        self.kind = kind
        self.subject = subject
        self.leaf = leaf
        self.path = path
        self.root = root
        self.record = record
        self.checkpoint = checkpoint
        self.sameThing = sameThing
    }

    /// One step: our hash and its sibling become the hash above.
    private struct Step {
        let sibling: Digest
        let siblingIsLeft: Bool
        let input: Digest
        let result: Digest
    }

    package func title(_ say: Reader) -> String { say("存证条目 #\(index)", "Log entry #\(index)") }

    package func content(_ say: Reader) -> HTML {
        let steps = self.steps
        let holds = (steps.last?.result ?? leaf) == root && isComplete
        var facts = Facts()
        facts.add(say("类型", "Type"), text: say(kind))
        facts.add(say("时间", "Time"), say.time(at))
        facts.add(say("编码", "Code"), subject?.link)
        facts.add(say("叶子", "Leaf"), leaf.block)
        facts.add(say("根（\(say.number(size)) 个条目）", "Root (of \(say.number(size)) entries)"), root.block)
        facts.add(say("结论", "Verdict"), verdict(holds).chip(say))
        return """
            <p class="above"><a href="/log">\(say("存证日志", "Transparency log"))</a></p>
            <h1>\(title(say))</h1>
            \(facts.html)
            <section><h2>\(say("存在性证明", "Proof of inclusion"))</h2>
            <p>\(say(
                "从叶子开始，每一步把左右两个摘要接在字节 01 之后求 SHA-256；最后必须等于已签名的根。",
                """
                Begin with the leaf. Each step takes SHA-256 over the byte 01 and the two hashes, left then right; \
                the last must equal the signed root.
                """
            ))</p>
            \(stepTable(steps, say))
            \(byBrowser(steps, say))
            <h3>\(say("自己算一遍", "Work it out yourself"))</h3>
            <pre tabindex="0"><code>\(script(steps))</code></pre></section>
            """
    }

    /// The same sum, done by the reader's own browser from what the page shows: the script takes SHA-256 over the record
    /// and up the path, and looks for the result in the signed checkpoint. Without scripts the section stays hidden, and
    /// the steps above and the shell lines below prove the same.
    private func byBrowser(_ steps: [Step], _ say: Reader) -> HTML {
        when(!record.isEmpty && !checkpoint.isEmpty) {
            """
            <section id="recompute" hidden data-leaf="\(leaf.hex)" data-size="\(size)" data-path="\(
                steps.map { ($0.siblingIsLeft ? "L" : "R") + $0.sibling.hex }.joined(separator: " "))" \
            data-holds="\(say("成立：本浏览器算出的根与检查点相同。", "It holds: this browser worked out the root of the checkpoint."))" \
            data-fails="\(say("不成立：算出的根与检查点不同。", "It does not hold: the root worked out is not the checkpoint's."))">
            <h3>\(say("由本浏览器验算", "Worked out by this browser"))</h3>
            <p><button type="button" id="recompute-run">\(say("验算", "Work it out"))</button> \
            <output id="recompute-verdict" role="status"></output></p>
            <ol id="recompute-steps" class="fine"></ol></section>
            <details><summary>\(say("叶子原文与检查点", "The leaf and the checkpoint, word for word"))</summary>
            <pre tabindex="0" id="record">\(record)</pre><pre tabindex="0" id="checkpoint">\(checkpoint)</pre></details>
            """
        }
    }

    private func verdict(_ holds: Bool) -> Standing {
        holds
            ? Standing(LocalizedText(zh: "已验证：在日志中", en: "verified: it is in the log"), .verified)
            : Standing(LocalizedText(zh: "证明不成立", en: "the proof does not hold"), .stopped)
    }

    private func stepTable(_ steps: [Step], _ say: Reader) -> HTML {
        DataTable(
            caption: say("证明的步骤", "Steps of the proof"),
            columns: [
                .number(say("步", "Step")), .text(say("左", "Left")), .text(say("右", "Right")),
                .text(say("结果", "Result")),
            ],
            rows: steps.enumerated().map { place, step in
                let ours = short(step.input)
                let theirs: HTML = "<b>\(short(step.sibling))</b>"
                return [
                    "\(place + 1)", step.siblingIsLeft ? theirs : ours, step.siblingIsLeft ? ours : theirs,
                    short(step.result),
                ]
            }
        ).html
    }

    private func short(_ digest: Digest) -> HTML {
        "<code title=\"\(digest.hex)\">\(String(digest.hex.prefix(10)))…</code>"
    }

    /// Plain tools of any Unix repeat the proof.
    private func script(_ steps: [Step]) -> String {
        let lines = steps.map { step in
            step.siblingIsLeft
                ? "h=$(printf '01%s%s' \(step.sibling.hex) $h | xxd -r -p | sha256sum | cut -c1-64)"
                : "h=$(printf '01%s%s' $h \(step.sibling.hex) | xxd -r -p | sha256sum | cut -c1-64)"
        }
        return (["h=\(leaf.hex)"] + lines + ["test $h = \(root.hex) && echo verified"]).joined(
            separator: "\n"
        )
    }

    /// RFC 9162 §2.1.3.2: `fn` and `sn` walk from the leaf and from the last leaf to the root.
    private var steps: [Step] {
        var fn = index
        var sn = size - 1
        var hash = leaf
        return path.map { sibling in
            let isLeft = fn % 2 == 1 || fn == sn
            if isLeft {
                while fn % 2 == 0 && fn != 0 { (fn, sn) = (fn / 2, sn / 2) }
            }
            let pair = isLeft ? sibling.bytes + hash.bytes : hash.bytes + sibling.bytes
            let step = Step(
                sibling: sibling,
                siblingIsLeft: isLeft,
                input: hash,
                result: Digest(of: [1] + pair)
            )
            (fn, sn, hash) = (fn / 2, sn / 2, step.result)
            return step
        }
    }

    /// Whether the path has exactly as many steps as the tree asks for.
    private var isComplete: Bool {
        guard index >= 0, index < size else { return false }
        var fn = index
        var sn = size - 1
        var count = 0
        while sn > 0 {
            if fn % 2 == 1 || fn != sn { count += 1 }
            (fn, sn) = (fn / 2, sn / 2)
        }
        return count == path.count
    }
}
