// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Publishing: a file goes in, and comes out typed, profiled, graded, registered and listed.
package struct PublishPage: Page {
    /// What intake made of the file; a responsible person confirms the grades before anything is listed.
    package struct Proposal: Hashable, Sendable {
        package let asset: Named
        package let rowCount: Int
        package let columns: [ColumnView]
        package let grade: LocalizedText
        package let reasons: [LocalizedText]
        package let confirmPath: String

        package init(
            asset: Named,
            rowCount: Int,
            columns: [ColumnView],
            grade: LocalizedText,
            reasons: [LocalizedText],
            confirmPath: String
        ) {
            self.asset = asset
            self.rowCount = rowCount
            self.columns = columns
            self.grade = grade
            self.reasons = reasons
            self.confirmPath = confirmPath
        }
    }

    package let doors: [(value: String, name: LocalizedText)]
    package let legalBases: [(value: String, name: LocalizedText)]
    package let proposal: Proposal?
    package let refusal: Refusal?
    package let idempotencyKey: String
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        doors: [(value: String, name: LocalizedText)],
        legalBases: [(value: String, name: LocalizedText)],
        proposal: Proposal? = nil,
        refusal: Refusal? = nil,
        idempotencyKey: String,
        sameThing: SameThing?
    ) {
        self.doors = doors
        self.legalBases = legalBases
        self.proposal = proposal
        self.refusal = refusal
        self.idempotencyKey = idempotencyKey
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("发布数据集", "Publish a dataset") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        \(given(refusal) { $0.note(say) })
        \(proposal.map { confirmation($0, say) } ?? form(say))
        """
    }

    private func form(_ say: Reader) -> HTML {
        """
        <p class="lead">\(say(
            "文件只存放在本数据节点。系统先识别类型、分级并给出建议，由您确认后才登记和挂牌。",
            """
            The file stays on this node. Types and grades are proposed first; nothing is registered or listed until \
            you confirm.
            """
        ))</p>
        <form method="post" action="/publish" enctype="multipart/form-data" class="card narrow">
        \(Field.hidden("idempotency-key", idempotencyKey))
        \(Field.text("file", label: say("CSV 文件", "CSV file"),
                     hint: say("UTF-8 或 GB18030，第一行为列名。", "UTF-8 or GB18030, first line with the names."),
                     kind: "file", isRequired: true))
        \(Field.text("title", label: say("名称", "Title"), isRequired: true))
        \(Field.choice("basis", label: say("合法性基础", "Legal basis"),
                       options: legalBases.map { ($0.value, say($0.name)) }, chosen: legalBases.first?.value ?? ""))
        <fieldset><legend>\(say("交付方式", "Doors"))</legend>
        \(each(doors.enumerated()) { Field.check("door", value: $1.value, label: say($1.name), isChecked: $0 == 0) })
        </fieldset>
        \(Field.text("price", label: say("每次提问的价格（元）", "Price a question (CNY)"), value: "0.50"))
        <p>\(gate(say("上传并查看建议", "Upload and see the proposal")))</p></form>
        """
    }

    private func confirmation(_ proposal: Proposal, _ say: Reader) -> HTML {
        """
        <p class="lead">\(say("已读入", "Read")) \(proposal.asset.link(say))\(say("：", ": "))\
        \(say("\(say.number(proposal.rowCount)) 行", "\(say.number(proposal.rowCount)) rows"))</p>
        <section class="card"><h2>\(say("建议级别：", "Proposed grade: "))\(say(proposal.grade))</h2>
        <ul class="notes">\(each(proposal.reasons) { "<li>\(say($0))</li>" })</ul>
        <p class="fine">\(say(
            "这是建议，不是认定：由负责人确认，由主管部门认定。",
            "This is a proposal: a responsible person confirms it, the authority determines."
        ))</p>
        \(columnTable(proposal, say))
        <form method="post" action="\(proposal.confirmPath)">\(Field.hidden("idempotency-key", idempotencyKey))
        <p>\(gate(say("确认分级，登记并挂牌", "Confirm, register and list")))</p></form></section>
        """
    }

    private func columnTable(_ proposal: Proposal, _ say: Reader) -> HTML {
        DataTable(
            caption: say("列与建议级别", "Columns and proposed grades"),
            columns: [
                .text(say("列", "Column")), .text(say("类型", "Type")), .text(say("建议级别", "Proposed grade")),
            ],
            rows: proposal.columns.map {
                ["<code>\($0.name)</code>", HTML(say($0.type)), HTML(say($0.grade))]
            }
        ).html
    }
}
