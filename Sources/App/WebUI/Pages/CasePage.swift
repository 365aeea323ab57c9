// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// One case: where it stands, with whom and until when; what is missing; what the reader can do now. To an outsider it
/// is the public notice, with the form of an objection.
package struct CasePage: Page {
    /// One material the procedure asks for.
    package struct Material: Hashable, Sendable {
        package let id: String
        package let title: LocalizedText
        package let isRequired: Bool
        package let standing: Standing
        /// The file that was handed in.
        package let file: Digest?
        /// Why it was not accepted.
        package let reason: String

        package init(
            id: String, title: LocalizedText, isRequired: Bool, standing: Standing, file: Digest?,
            reason: String
        ) {
            self.id = id
            self.title = title
            self.isRequired = isRequired
            self.standing = standing
            self.file = file
            self.reason = reason
        }
    }

    /// A step the reader can take today.
    package struct Step: Sendable {
        package let id: String
        package let title: LocalizedText
        package let inputs: [String]
        /// The dimensions of a score sheet, 0 to 100 each.
        package let scores: [(id: String, title: LocalizedText)]

        package init(
            id: String, title: LocalizedText, inputs: [String],
            scores: [(id: String, title: LocalizedText)] = []
        ) {
            self.id = id
            self.title = title
            self.inputs = inputs
            self.scores = scores
        }
    }

    package struct Objection: Hashable, Sendable {
        package let day: String
        package let reason: String
        package let standing: Standing
        package let isOpen: Bool

        package init(day: String, reason: String, standing: Standing, isOpen: Bool) {
            self.day = day
            self.reason = reason
            self.standing = standing
            self.isOpen = isOpen
        }
    }

    /// One line of the case's history.
    package struct Event: Hashable, Sendable {
        package let day: String
        package let what: LocalizedText
        package let by: String

        package init(day: String, what: LocalizedText, by: String) {
            self.day = day
            self.what = what
            self.by = by
        }
    }

    /// What the reader may do with a case, by the roles he has in it.
    package struct Powers: OptionSet, Hashable, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }
        /// The case is the reader's: he hands in.
        package static let handsIn = Powers(rawValue: 1)
        /// The reader works on it: he checks and resolves.
        package static let officiates = Powers(rawValue: 2)
        package static let marks = Powers(rawValue: 4)
        package static let objects = Powers(rawValue: 8)
        package static let suspends = Powers(rawValue: 16)
        package static let resumes = Powers(rawValue: 32)
        package static let isSignedIn = Powers(rawValue: 64)
    }

    package let code: Code
    package let procedure: LocalizedText
    package let subject: String
    package let applicant: String
    package let standing: Standing
    package let dueDay: String?
    package let facts: [(name: LocalizedText, value: String)]
    package let materials: [Material]
    package let missing: [LocalizedText]
    package let steps: [Step]
    package let objections: [Objection]
    package let letters: [(day: String, text: LocalizedText)]
    package let events: [Event]
    package let powers: Powers
    package let refusal: Refusal?
    package let sameThing: SameThing?
    package var section: Section { .cases }

    package init(
        code: Code, procedure: LocalizedText, subject: String, applicant: String, standing: Standing,
        dueDay: String?, facts: [(name: LocalizedText, value: String)], materials: [Material],
        missing: [LocalizedText], steps: [Step], objections: [Objection],
        letters: [(day: String, text: LocalizedText)], events: [Event], powers: Powers,
        refusal: Refusal? = nil, sameThing: SameThing?
    ) {
        self.code = code
        self.procedure = procedure
        self.subject = subject
        self.applicant = applicant
        self.standing = standing
        self.dueDay = dueDay
        self.facts = facts
        self.materials = materials
        self.missing = missing
        self.steps = steps
        self.objections = objections
        self.letters = letters
        self.events = events
        self.powers = powers
        self.refusal = refusal
        self.sameThing = sameThing
    }

    package func title(_ say: Reader) -> String { subject }

    private var path: String { "/cases/" + code.text }

    package func content(_ say: Reader) -> HTML {
        """
        <h1>\(subject)</h1>
        \(given(refusal) { $0.note(say) })
        <div class="with-side"><div>\(summary(say).html)
        \(when(!missing.isEmpty) { missingNote(say) })
        \(when(!materials.isEmpty) { materialTable(say) })
        \(when(!objections.isEmpty) { objectionList(say) })
        \(when(!letters.isEmpty) { letterList(say) })
        \(when(!events.isEmpty) { history(say) })</div>
        <aside class="deal after">\(actions(say))</aside></div>
        """
    }

    private func summary(_ say: Reader) -> Facts {
        var lines = Facts()
        lines.add(say("程序", "Procedure"), text: say(procedure))
        lines.add(say("申请人", "Applicant"), text: applicant)
        lines.add(say("编号", "Code"), "<code id=\"case-code\">\(code.text)</code>")
        lines.add(say("状态", "State"), "<span id=\"state\">\(standing.chip(say))</span>")
        lines.add(say("期限", "Due"), dueDay.map { "<time id=\"due\" datetime=\"\($0)\">\($0)</time>" })
        for fact in facts { lines.add(say(fact.name), text: fact.value) }
        return lines
    }

    private func missingNote(_ say: Reader) -> HTML {
        """
        <div class="empty" id="missing"><p><b>\(say("还缺材料", "Still missing"))</b></p>
        <ul>\(each(missing) { "<li>\(say($0))</li>" })</ul></div>
        """
    }

    private func materialTable(_ say: Reader) -> HTML {
        DataTable(
            caption: say("材料", "Materials"),
            columns: [
                .text(say("材料", "Material")), .text(say("状态", "State")), .text(say("文件", "File")),
            ],
            rows: materials.map { material in
                [
                    HTML(say(material.title))
                        + when(!material.isRequired) {
                            " <span class=\"fine\">\(say("（可选）", "(optional)"))</span>"
                        },
                    material.standing.chip(say)
                        + when(!material.reason.isEmpty) { " <span class=\"fine\">\(material.reason)</span>" },
                    fileCell(material, say),
                ]
            }
        ).html
    }

    private func fileCell(_ material: Material, _ say: Reader) -> HTML {
        let link: HTML = given(material.file) { digest in
            "<a href=\"\(path)/materials/\(material.id)\"><code>\(digest.hex.prefix(12).description)…</code></a> "
        }
        let upload: HTML = """
            <form method="post" action="\(path)/materials/\(material.id)" enctype="multipart/form-data">\
            <label class="unseen" for="file-\(material.id)">\(say("文件", "File"))</label>\
            <input type="file" id="file-\(material.id)" name="file" required> \
            <button id="send-\(material.id)">\(say("提交", "Hand in"))</button></form>
            """
        let check: HTML = """
            <form method="post" action="\(path)/actions">\(Field.hidden("do", "check"))\
            \(Field.hidden("material", material.id))\
            <label class="unseen" for="reason-\(material.id)">\(say("意见", "Reason"))</label>\
            <input id="reason-\(material.id)" name="reason"> \
            <button name="accepted" value="true" id="accept-\(material.id)">\(say("合格", "Accept"))</button> \
            <button name="accepted" value="false" id="return-\(material.id)">\(say("退回", "Return"))</button></form>
            """
        return link + when(powers.contains(.handsIn)) { upload }
            + when(powers.contains(.officiates) && material.file != nil) { check }
    }

    private func objectionList(_ say: Reader) -> HTML {
        """
        <section id="objections"><h2>\(say("异议", "Objections"))</h2><ol>
        \(each(objections.enumerated()) { place, objection in
            "<li><p><time>\(objection.day)</time> \(objection.reason) \(objection.standing.chip(say))</p>"
                + when(objection.isOpen && powers.contains(.officiates)) { resolution(place, say) } + "</li>"
        })</ol></section>
        """
    }

    private func resolution(_ place: Int, _ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)/actions">\(Field.hidden("do", "resolve"))\
        \(Field.hidden("objection", "\(place)"))
        \(Field.text("reason", id: "finding-\(place)", label: say("核查结论", "Finding"), isRequired: true))
        <p><button name="upheld" value="true">\(say("异议成立", "Upheld"))</button> \
        <button name="upheld" value="false" class="dismiss">\(say("异议不成立", "Not upheld"))</button></p></form>
        """
    }

    private func letterList(_ say: Reader) -> HTML {
        """
        <section id="letters"><h2>\(say("文书", "Letters"))</h2>
        \(each(letters) { "<blockquote><p>\(say($0.text))</p><p class=\"fine\">\($0.day)</p></blockquote>" })</section>
        """
    }

    private func history(_ say: Reader) -> HTML {
        DataTable(
            caption: say("办理记录（每步均存证）", "History (each step is in the log)"),
            columns: [.text(say("日期", "Day")), .text(say("事项", "What")), .text(say("办理人", "By"))],
            rows: events.map { [HTML($0.day), HTML(say($0.what)), HTML($0.by)] }
        ).html
    }
}

// MARK: What the reader can do

extension CasePage {
    private func actions(_ say: Reader) -> HTML {
        let forms =
            each(steps) { stepForm($0, say) } + when(powers.contains(.marks)) { markForm(say) }
            + when(powers.contains(.suspends)) { suspendForm(say) }
            + when(powers.contains(.resumes)) { resumeForm(say) }
            + when(powers.contains(.objects)) { objectionForm(say) }
        guard forms.isEmpty else { return forms }
        return powers.contains(.isSignedIn)
            ? "<p>\(say("现在没有需要您办理的步骤。", "There is nothing for you to do now."))</p>"
            : "<p><a href=\"/sign-in?next=\(path)\">\(say("登录后办理或提出异议", "Sign in to act or to object"))</a></p>"
    }

    private func stepForm(_ step: Step, _ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)/actions" id="step-\(step.id)">\(Field.hidden("do", "take"))\
        \(Field.hidden("step", step.id))
        \(each(step.inputs) { name in
            Field.text(
                "input-" + name, id: step.id + "-" + name, label: inputName(name, say), isRequired: true)
        })\(each(step.scores) { score in
            Field.text(
                "input-" + score.id, id: step.id + "-" + score.id,
                label: say(score.title) + say("（0 至 100）", " (0 to 100)"), kind: "number", isRequired: true)
        })
        <p>\(step.inputs.contains("reason") ? "<button>\(say(step.title))</button>" : gate(say(step.title)))</p></form>
        """
    }

    private func inputName(_ name: String, _ say: Reader) -> String {
        switch name {
        case "reason": say("理由", "Reason")
        case "siteReport": say("现场核查情况", "Report of the on-site check")
        case "evaluation": say("评价", "Evaluation")
        case "amount": say("金额（元）", "Amount (yuan)")
        case "report": say("报告", "Report")
        default: name
        }
    }

    private func markForm(_ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)/actions" id="mark">\(Field.hidden("do", "mark"))
        \(Field.text("points", label: say("评分（0 至 100）", "Mark (0 to 100)"), kind: "number", isRequired: true))
        \(Field.text("comment", label: say("评审意见", "Comment")))
        <p><button>\(say("提交评分", "Give the mark"))</button></p></form>
        """
    }

    private func suspendForm(_ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)/actions" id="suspend">\(Field.hidden("do", "suspend"))
        \(Field.text("reason", id: "suspend-reason", label: say("中止计时的理由", "Why the clock stops"), isRequired: true))
        <p><button>\(say("中止计时", "Stop the clock"))</button></p></form>
        """
    }

    private func resumeForm(_ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)/actions" id="resume">\(Field.hidden("do", "resume"))
        <p>\(gate(say("恢复计时", "Resume the clock")))</p></form>
        """
    }

    private func objectionForm(_ say: Reader) -> HTML {
        """
        <form method="post" action="\(path)/actions" id="object"><h2>\(say("提出异议", "Object"))</h2>
        \(Field.hidden("do", "object"))
        \(Field.area("reason", id: "object-reason", label: say("异议理由", "Reason of the objection"), value: "", rows: 4))
        <p>\(gate(say("提出异议", "Object")))</p></form>
        """
    }
}
