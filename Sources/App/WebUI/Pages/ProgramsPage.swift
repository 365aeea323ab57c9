// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// A line that leads to a case: for an inbox or the board of public notices.
package struct CaseLine: Hashable, Sendable {
    package let code: Code
    package let subject: String
    package let procedure: LocalizedText
    package let standing: Standing
    package let dueDay: String?

    package init(
        code: Code, subject: String, procedure: LocalizedText, standing: Standing, dueDay: String?
    ) {
        self.code = code
        self.subject = subject
        self.procedure = procedure
        self.standing = standing
        self.dueDay = dueDay
    }

    static func table(_ lines: [CaseLine], caption: String, _ say: Reader) -> HTML {
        DataTable(
            caption: caption,
            columns: [
                .text(say("事项", "Subject")), .text(say("程序", "Procedure")), .text(say("状态", "State")),
                .text(say("期限", "Due")),
            ],
            rows: lines.map { line in
                [
                    "<a href=\"/cases/\(line.code.text)\">\(line.subject)</a>", HTML(say(line.procedure)),
                    line.standing.chip(say), HTML(line.dueDay ?? "–"),
                ]
            }
        ).html
    }
}

/// The procedures one can apply for, what waits for the reader, and the board of public notices.
package struct ProgramsPage: Page {
    package struct Program: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        package let citation: String

        package init(id: String, title: LocalizedText, citation: String) {
            self.id = id
            self.title = title
            self.citation = citation
        }
    }

    package let programs: [Program]
    /// `nil` for a reader who is not signed in.
    package let inbox: [CaseLine]?
    package let notices: [CaseLine]
    package let sameThing: SameThing?
    package var section: Section { .cases }

    package init(
        programs: [Program], inbox: [CaseLine]?, notices: [CaseLine], sameThing: SameThing?
    ) {
        self.programs = programs
        self.inbox = inbox
        self.notices = notices
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say("办事", "Procedures") }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(title(say))</h1>
        \(given(inbox) { lines in
            "<section id=\"inbox\"><h2>\(say("我的事项", "My cases")) <span class=\"count\">\(lines.count)</span></h2>"
                + (lines.isEmpty
                    ? "<p class=\"fine\">\(say("没有事项。", "None."))</p>"
                    : CaseLine.table(lines, caption: say("我的事项", "My cases"), say)) + "</section>"
        })
        <section id="notices"><h2>\(say("公示", "Public notices")) <span class="count">\(notices.count)</span></h2>
        \(notices.isEmpty
            ? "<p class=\"fine\">\(say("目前没有公示。", "There is no notice now."))</p>"
            : CaseLine.table(notices, caption: say("公示", "Public notices"), say))</section>
        <section id="programs"><h2>\(say("可申请的程序", "What one can apply for"))</h2>
        \(programs.isEmpty ? emptiness(say) : list(say))</section>
        """
    }

    private func list(_ say: Reader) -> HTML {
        """
        <ol class="cards">\(each(programs) { program in
            """
            <li><article><h2><a href="/procedures/\(program.id)">\(say(program.title))</a></h2>
            <p class="meta">\(program.citation)</p></article></li>

            """
        })</ol>
        """
    }

    private func emptiness(_ say: Reader) -> HTML {
        EmptyState(
            what: say("还没有安装规则包。", "No pack is installed yet."),
            first: "<code>hutong pack add Packs/incubator</code>"
        ).html
    }
}

/// One procedure: what it rests on, what it asks, how it goes; and the form that opens a case.
package struct ProcedurePage: Page {
    package let id: String
    package let name: LocalizedText
    package let citation: String
    package let materials: [LocalizedText]
    /// State, owner, period.
    package let way: [(state: LocalizedText, owner: LocalizedText, period: LocalizedText)]
    /// Article and text of each condition.
    package let conditions: [(article: String, text: LocalizedText)]
    package let questions: [(id: String, title: LocalizedText, isRequired: Bool)]
    package let isSignedIn: Bool
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .cases }

    package init(
        id: String, name: LocalizedText, citation: String, materials: [LocalizedText],
        way: [(state: LocalizedText, owner: LocalizedText, period: LocalizedText)],
        conditions: [(article: String, text: LocalizedText)],
        questions: [(id: String, title: LocalizedText, isRequired: Bool)], isSignedIn: Bool,
        refusal: Refusal? = nil, sameThing: SameThing?
    ) {
        self.id = id
        self.name = name
        self.citation = citation
        self.materials = materials
        self.way = way
        self.conditions = conditions
        self.questions = questions
        self.isSignedIn = isSignedIn
        self.refusal = refusal
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { say(name) }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(say(name))</h1><p class="meta">\(citation)</p>
        \(given(refusal) { $0.note(say) })
        <div class="with-side"><div>
        \(when(!conditions.isEmpty) {
            DataTable(
                caption: say("条件", "Conditions"), columns: [.text(say("条款", "Article")), .text(say("内容", "Text"))],
                rows: conditions.map { [HTML($0.article), HTML(say($0.text))] }).html
        })
        <h2>\(say("材料", "Materials"))</h2><ul>\(each(materials) { "<li>\(say($0))</li>" })</ul>
        \(DataTable(
            caption: say("办理环节与时限", "Stages and their time"),
            columns: [.text(say("环节", "Stage")), .text(say("办理人", "Owner")), .text(say("时限", "Time"))],
            rows: way.map { [HTML(say($0.state)), HTML(say($0.owner)), HTML(say($0.period))] }).html)
        </div><aside class="deal after">\(isSignedIn ? form(say) : invitation(say))</aside></div>
        """
    }

    private func form(_ say: Reader) -> HTML {
        """
        <h2>\(say("申请", "Apply"))</h2><form method="post" action="/procedures/\(id)" id="apply">
        \(Field.text("subject", label: say("申报项目或单位名称", "What you apply for"), isRequired: true))
        \(each(questions) {
            Field.text("answer-" + $0.id, label: say($0.title), isRequired: $0.isRequired)
        })<p>\(gate(say("提交申请", "Apply")))</p></form>
        """
    }

    private func invitation(_ say: Reader) -> HTML {
        "<p><a href=\"/sign-in?next=/procedures/\(id)\">\(say("登录后申请", "Sign in to apply"))</a></p>"
    }
}
