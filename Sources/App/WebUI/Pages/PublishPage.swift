// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Publishing: a file goes in and comes out typed, profiled, graded, registered and listed. One page a stage; each
/// shows what is known so far and asks for the next thing alone.
package struct PublishPage: Page {
    package enum Stage: Hashable, Sendable {
        /// Nothing yet: which file, from whom, on which legal basis.
        case file
        /// Types and grades are proposed; a responsible person confirms them.
        case grades(path: String)
        /// Filed; the exchange reviews it.
        case review
        /// Registered: on which terms it is offered.
        case offer(path: String, table: String)
    }

    /// What intake made of the file.
    package struct Proposal: Hashable, Sendable {
        package let asset: Named
        package let rowCount: Int
        package let columns: [ColumnView]
        package let grade: LocalizedText
        package let reasons: [LocalizedText]

        package init(
            asset: Named,
            rowCount: Int,
            columns: [ColumnView],
            grade: LocalizedText,
            reasons: [LocalizedText]
        ) {
            self.asset = asset
            self.rowCount = rowCount
            self.columns = columns
            self.grade = grade
            self.reasons = reasons
        }
    }

    package let stage: Stage
    package let legalBases: [(value: String, name: LocalizedText)]
    package let proposal: Proposal?
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .mine }

    package init(
        stage: Stage,
        legalBases: [(value: String, name: LocalizedText)] = [],
        proposal: Proposal? = nil,
        refusal: Refusal? = nil,
        sameThing: SameThing?
    ) {
        self.stage = stage
        self.legalBases = legalBases
        self.proposal = proposal
        self.refusal = refusal
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("发布数据集", "Publish a dataset") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        \(given(refusal) { $0.note(say) })
        \(given(proposal) { summary($0, say) })
        \(form(say))
        \(given(proposal) { columnTable($0, say) })
        """
    }

    private func form(_ say: Reader) -> HTML {
        switch stage {
        case .file: fileForm(say)
        case .grades(let path): gradesForm(path, say)
        case .review:
            "<p>\(Standing(LocalizedText(zh: "已申请登记，等待交易所审核", en: "filed; the exchange reviews it"), .waits).chip(say))</p>"
        case .offer(let path, let table): offerForm(path, table, say)
        }
    }

    private func fileForm(_ say: Reader) -> HTML {
        """
        <p class="lead">\(say(
            "文件只存放在本数据节点。系统先识别类型、分级并给出建议，由您确认后才登记和挂牌。",
            """
            The file stays on this node. Types and grades are proposed first; nothing is registered or listed until \
            you confirm.
            """
        ))</p>
        <form method="post" action="/publish" enctype="multipart/form-data" class="card narrow">
        \(Field.text("title", label: say("名称", "Title"), isRequired: true))
        \(Field.text("owner", label: say("数据来源单位", "Owner of the source"), isRequired: true))
        \(Field.choice("ground", label: say("合法性基础", "Legal basis"),
                       options: legalBases.map { ($0.value, say($0.name)) }, chosen: legalBases.first?.value ?? ""))
        \(Field.text("document", label: say("依据文件", "Document of the legal basis"), isRequired: true))
        \(Field.text("file", label: say("数据文件", "Data file"),
                     hint: say("CSV（UTF-8 或 GB18030，第一行为列名）、JSON 或 Parquet。",
                               "CSV (UTF-8 or GB18030, first line with the names), JSON or Parquet."),
                     kind: "file", isRequired: true))
        <p>\(gate(say("上传并查看建议", "Upload and see the proposal")))</p></form>
        """
    }

    private func summary(_ proposal: Proposal, _ say: Reader) -> HTML {
        """
        <p class="lead">\(proposal.asset.link(say))\(say("：", ": "))\
        \(say("\(say.number(proposal.rowCount)) 行", "\(say.number(proposal.rowCount)) rows"))\(say("，建议级别：", ", proposed grade: "))\(say(proposal.grade))</p>
        \(when(!proposal.reasons.isEmpty) {
            "<ul class=\"notes\">\(each(proposal.reasons) { "<li>\(say($0))</li>" })</ul>"
        })
        """
    }

    private func gradesForm(_ path: String, _ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)" class="card narrow">
        <p class="fine">\(say(
            "这是建议，不是认定：由负责人确认，由主管部门认定。",
            "This is a proposal: a responsible person confirms it, the authority determines."
        ))</p>
        \(Field.text("person", label: say("负责人", "Responsible person"), isRequired: true))
        <p>\(gate(say("确认分级并申请登记", "Confirm the grades and apply for registration")))</p></form>
        """
    }

    private func offerForm(_ path: String, _ table: String, _ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)" class="card narrow">
        <p>\(say(
            "默认只提供汇总答案，不交付副本；级别较高的列对提问者不可见。",
            "Aggregated answers only, unless you allow a copy; columns of a higher grade stay hidden from questions."
        ))</p>
        \(Field.text("title", label: say("名称", "Title"), isRequired: true))
        \(Field.text("about", label: say("一两句说明", "One or two sentences"), isRequired: true))
        \(Field.text("table", label: say("提问时的表名", "Name of the table in questions"), value: table, isRequired: true))
        \(Field.text("group", label: say("每组不少于", "Smallest group shown"), value: "10", kind: "number", isRequired: true))
        \(Field.text("price", label: say("每次提问的价格（元）", "Price a question (CNY)"), value: "0.50", isRequired: true))
        \(Field.choice("copy", label: say("副本", "Copies"),
                       options: [("no", say("不交付副本", "no copy")),
                                 ("download", say("允许下载副本（离开后无法控制）", "a download (beyond control once it left)"))],
                       chosen: "no"))
        \(Field.text("copyPrice", label: say("每次下载的价格（元）", "Price a download (CNY)"), value: "0.00"))
        \(TermsDraft(purposes: "", until: nil, usesMax: nil).fields("", say))
        <p>\(gate(say("提交挂牌", "Offer it")))</p></form>
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
