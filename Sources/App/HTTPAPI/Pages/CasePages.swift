// SPDX-License-Identifier: Apache-2.0

import Store
import Casework
import Packs
import Primitives
private import Rules
import WebUI

/// Pages of procedures: a firm applies and hands in, an officer decides, an outsider sees the notice and objects.
extension Courtyard {
    var casePages: [Route] {
        [
            page("/cases", .anyone, "Procedures, public notices and one's own cases.") {
                request throws(Problem) in try await programsPage(request)
            },
            page("/procedures/:procedure", .anyone, "A procedure, and the form that applies.") {
                request throws(Problem) in try await procedurePage(request, refusal: nil)
            },
            page("/cases/:code", .anyone, "A case, or its public notice.") { request throws(Problem) in
                try await casePage(request, refusal: nil)
            },
            Route(
                "GET", "/cases/:code/materials/:material", .signedIn, "The file that was handed in."
            ) { request throws(Problem) in
                try await table.answer(
                    APIRequest(
                        method: "GET", path: "/api/v1" + request.path, headers: request.headers,
                        caller: request.caller, language: request.language))
            },
            form("/procedures/:procedure", "Apply.") { request throws(Problem) in
                try await apply(request)
            },
            form("/cases/:code/actions", "One action on a case.") { request throws(Problem) in
                let code = request.parameter("code")
                do throws(Problem) {
                    _ = try await api(
                        "POST", "/api/v1/cases/\(code)/actions", body: Self.action(of: request.form),
                        as: request)
                } catch {
                    return try await refused(error, request)
                }
                return APIReply(seeOther: "/cases/" + code)
            },
            form("/cases/:code/materials/:material", "Hand in a file.", bodyBytesMax: Self.materialBytesMax) {
                request throws(Problem) in try await upload(request)
            },
        ]
    }

    /// A form of a signed-in reader; one that another site sent is refused.
    func form(
        _ path: String, _ summary: String, bodyBytesMax: Int = 1 << 20,
        _ act: @escaping @Sendable (APIRequest) async throws(Problem) -> APIReply
    ) -> Route {
        Route("POST", path, .signedIn, summary, bodyBytesMax: bodyBytesMax) { request throws(Problem) in
            let site = request.headers["sec-fetch-site"] ?? "same-origin"
            guard site == "same-origin" || site == "none" else {
                throw Problem(.unauthenticated, "identity.token-refused")
            }
            return try await act(request)
        }
    }

    // MARK: Forms

    private func apply(_ request: APIRequest) async throws(Problem) -> APIReply {
        let fields = request.form
        let answers = fields.filter { $0.key.hasPrefix("answer-") }
        let body: JSON = [
            "procedure": .string(request.parameter("procedure")),
            "subject": .string(fields["subject"] ?? ""),
            "answers": .object(
                Dictionary(
                    answers.map { (String($0.key.dropFirst("answer-".count)), JSON.string($0.value)) }
                ) { first, _ in first }),
        ]
        do throws(Problem) {
            let opened = try await api("POST", "/api/v1/cases", body: body, as: request)
            return APIReply(seeOther: "/cases/" + (opened["case"]?.text ?? ""))
        } catch {
            let refusal = Refusal(error, in: request.pageLanguage)
            return try await reply(try await procedurePage(request, refusal: refusal), to: request)
        }
    }

    private func upload(_ request: APIRequest) async throws(Problem) -> APIReply {
        do throws(Problem) {
            guard
                let form = MultipartForm(
                    contentType: request.headers["content-type"] ?? "", body: request.body),
                let file = form.parts.first(where: { $0.name == "file" })
            else { throw Problem(.invalid, "app.part-missing", ["part": "file"]) }
            _ = try await handIn(request.parameter("material"), Array(file.bytes), request)
        } catch {
            return try await refused(error, request)
        }
        return APIReply(seeOther: "/cases/" + request.parameter("code"))
    }

    /// The case's page again, with the refusal in its place.
    private func refused(_ problem: Problem, _ request: APIRequest) async throws(Problem) -> APIReply {
        let refusal = Refusal(problem, in: request.pageLanguage)
        return try await reply(try await casePage(request, refusal: refusal), to: request)
    }

    /// A form's fields as the body of the API's action.
    private static func action(of fields: [String: String]) -> JSON {
        var body: [String: JSON] = [:]
        var inputs: [String: JSON] = [:]
        for (name, value) in fields {
            switch name {
            case "accepted", "upheld": body[name] = .bool(value == "true")
            case "points", "objection": body[name] = Int64(value).map { .integer($0) } ?? .string(value)
            case _ where name.hasPrefix("input-"): inputs[String(name.dropFirst(6))] = .string(value)
            default: body[name] = .string(value)
            }
        }
        if !inputs.isEmpty { body["inputs"] = .object(inputs) }
        return .object(body)
    }

    // MARK: Pages

    private func programsPage(_ request: APIRequest) async throws(Problem) -> any Page {
        var inbox: [CaseLine]?
        if let caller = request.caller {
            inbox = try await packs.inbox(of: caller).map {
                CaseLine($0.0, under: $0.1, in: request.pageLanguage)
            }
        }
        return ProgramsPage(
            programs: try await packs.procedures().map {
                ProgramsPage.Program(id: $0.id, title: $0.title, citation: $0.citation)
            },
            inbox: inbox,
            notices: try await packs.notices().map {
                CaseLine($0.0, under: $0.1, in: request.pageLanguage)
            },
            sameThing: SameThing(http: "curl $HUTONG_URL/api/v1/public-notices", cli: "hutong case inbox"))
    }

    private func procedurePage(_ request: APIRequest, refusal: Refusal?) async throws(Problem) -> any Page {
        let id = request.parameter("procedure")
        guard let procedure = try await packs.procedures().first(where: { $0.id == id }) else {
            throw Problem(.missing, "casework.procedure-missing", ["procedure": .text(id)])
        }
        let desk = packs.packs
        let books = try await store.read { reader throws(Problem) in
            try desk.inForce(asOf: nil, reader).flatMap(\.rules)
        }
        let conditions = books.first { $0.id == procedure.rule }?.clauses.filter { $0.kind == .condition }
        return ProcedurePage(
            id: id, name: procedure.title, citation: procedure.citation,
            materials: procedure.materials.map(\.title),
            way: procedure.states.filter { !$0.isFinal }.map { state in
                (
                    state.title, procedure.roles[state.owner] ?? LocalizedText(state.owner),
                    state.deadline.map(PageWords.period) ?? LocalizedText("–")
                )
            },
            conditions: (conditions ?? []).map { ($0.article, $0.text) },
            questions: procedure.questions.map { ($0.id, $0.title, $0.isRequired) },
            isSignedIn: request.caller != nil, refusal: refusal,
            sameThing: SameThing(
                http: "curl -X POST -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/cases \\\n"
                    + "  -d '{\"procedure\": \"\(id)\", \"subject\": \"…\", \"answers\": {}}'",
                cli: "hutong case open \(id) --subject …"))
    }

    private func casePage(_ request: APIRequest, refusal: Refusal?) async throws(Problem) -> any Page {
        let view = try await packs.look(at: request.parameter("code"), for: request.caller)
        let (file, procedure) = (view.file, view.procedure)
        let names = try await partyNames()
        return CasePage(
            code: file.code, procedure: procedure.title, subject: file.subject, applicant: view.applicant,
            standing: view.standing(in: request.pageLanguage), dueDay: file.due?.description,
            facts: view.isOutsider
                ? []
                : procedure.questions.compactMap { question in
                    file.answers[question.id].map { (question.title, $0) }
                },
            materials: view.isOutsider ? [] : view.materials,
            missing: view.isOutsider ? [] : file.missingMaterials(under: procedure).map(\.title),
            steps: view.choices.map { step in
                CasePage.Step(
                    id: step.id, title: step.title, inputs: step.inputs,
                    scores: step.scores.map { ($0.id, $0.title) })
            },
            objections: view.isOutsider ? [] : file.objections.map(CasePage.Objection.init),
            letters: view.letters.map { ($0.at.day(in: .shanghai).description, $0.text) },
            events: view.records.map { record in
                CasePage.Event(
                    day: record["day"]?.text ?? "",
                    what: PageWords.caseAction(record, under: procedure),
                    by: names.party(record["by"]?.text).name[request.pageLanguage])
            },
            powers: view.powers(isSignedIn: request.caller != nil), refusal: refusal,
            sameThing: SameThing(
                http:
                    "curl -H \"Authorization: Bearer $HUTONG_TOKEN\" $HUTONG_URL/api/v1/cases/\(file.code.text)",
                cli: "hutong case show \(file.code.text)"))
    }
}

// MARK: Words

extension CaseLine {
    fileprivate init(_ file: CaseFile, under procedure: Procedure, in language: Language) {
        self.init(
            code: file.code, subject: file.subject, procedure: procedure.title,
            standing: Standing(file, under: procedure, isOverdue: false, in: language),
            dueDay: file.due?.description)
    }
}

extension Standing {
    fileprivate init(
        _ file: CaseFile, under procedure: Procedure, isOverdue: Bool, in language: Language
    ) {
        let state = procedure.state(file.state)
        let title = state?.title ?? LocalizedText(file.state)
        if file.suspendedOn != nil {
            self.init(LocalizedText(zh: title.zh + "（中止计时）", en: title.en + " (clock stopped)"), .waits)
        } else if state?.isFinal == true {
            self.init(title, .plain)
        } else {
            let mark = isOverdue ? LocalizedText(zh: title.zh + "（超期）", en: title.en + " (overdue)") : title
            self.init(mark, .waits, owner: state.flatMap { procedure.roles[$0.owner]?[language] })
        }
    }
}

extension CaseView {
    fileprivate func standing(in language: Language) -> Standing {
        Standing(file, under: procedure, isOverdue: isOverdue, in: language)
    }

    fileprivate var materials: [CasePage.Material] {
        procedure.materials.map { material in
            let submission = file.submissions[material.id]
            let standing =
                switch submission?.isAccepted {
                case true?: Standing(LocalizedText(zh: "合格", en: "accepted"))
                case false?: Standing(LocalizedText(zh: "已退回，请补正", en: "returned"), .stopped)
                case nil:
                    submission == nil
                        ? Standing(LocalizedText(zh: "未提交", en: "not handed in"))
                        : Standing(LocalizedText(zh: "待审核", en: "to be checked"), .waits)
                }
            return CasePage.Material(
                id: material.id, title: material.title, isRequired: material.isRequired, standing: standing,
                file: submission?.file, reason: submission?.reason ?? "")
        }
    }

    fileprivate func powers(isSignedIn: Bool) -> CasePage.Powers {
        var powers: CasePage.Powers = isSignedIn ? [.isSignedIn] : []
        let state = procedure.state(file.state)
        let isOpen = state?.isFinal != true
        let officers = roles.subtracting([Procedure.applicant, "auditor"])
        if roles.contains(Procedure.applicant), isOpen { powers.insert(.handsIn) }
        if !officers.isEmpty {
            if isOpen { powers.insert(.officiates) }
            let isReviewed = procedure.steps(from: file.state).contains { $0.reviews != nil }
            if isReviewed { powers.insert(.marks) }
            if file.suspendedOn != nil {
                powers.insert(.resumes)
            } else if state?.maySuspend == true {
                powers.insert(.suspends)
            }
        }
        let isNotice = state?.isNotice == true && file.due.map { today <= $0 } == true
        if isSignedIn, isNotice, !roles.contains(Procedure.applicant) { powers.insert(.objects) }
        return powers
    }
}

extension CasePage.Objection {
    fileprivate init(_ objection: CaseFile.Objection) {
        let standing =
            switch objection.isUpheld {
            case true?: Standing(LocalizedText(zh: "成立", en: "upheld"), .stopped)
            case false?: Standing(LocalizedText(zh: "不成立", en: "not upheld"))
            case nil: Standing(LocalizedText(zh: "待核查", en: "to be looked at"), .waits)
            }
        self.init(
            day: objection.day.description, reason: objection.reason, standing: standing,
            isOpen: objection.isUpheld == nil)
    }
}

extension PageWords {
    fileprivate static func period(_ deadline: Procedure.Deadline) -> LocalizedText {
        let count = deadline.period.count
        return switch deadline.period.unit {
        case .workingDays: LocalizedText(zh: "\(count) 个工作日", en: "\(count) working days")
        case .days: LocalizedText(zh: "\(count) 日", en: "\(count) days")
        case .months: LocalizedText(zh: "\(count) 个月", en: "\(count) months")
        case .years: LocalizedText(zh: "\(count) 年", en: "\(count) years")
        case .yearEnds:
            count == 1
                ? LocalizedText(zh: "至当年年底", en: "to the end of the year")
                : LocalizedText(zh: "至第 \(count) 年年底", en: "to the end of year \(count)")
        }
    }

    /// What a record of a case says in words.
    fileprivate static func caseAction(_ record: JSON, under procedure: Procedure) -> LocalizedText {
        let action = record["action"]?.text ?? ""
        if let step = procedure.step(action) { return step.title }
        let material = record["details"]?["material"]?.text
            .flatMap { id in procedure.materials.first { $0.id == id }?.title }
        func with(_ zh: String, _ en: String) -> LocalizedText {
            LocalizedText(zh: zh + (material?.zh ?? ""), en: en + (material?.en ?? ""))
        }
        return switch action {
        case "open": LocalizedText(zh: "立案", en: "opened")
        case "submit": with("提交：", "handed in: ")
        case "check":
            record["details"]?["accepted"]?.text == "true"
                ? with("合格：", "accepted: ") : with("退回：", "returned: ")
        case "mark": LocalizedText(zh: "专家评分", en: "mark of an expert")
        case "object": LocalizedText(zh: "收到异议", en: "objection")
        case "resolve": LocalizedText(zh: "异议核查", en: "objection resolved")
        case "suspend": LocalizedText(zh: "中止计时", en: "clock stopped")
        case "resume": LocalizedText(zh: "恢复计时", en: "clock resumed")
        case "appoint": LocalizedText(zh: "指派", en: "appointed")
        default: LocalizedText(action)
        }
    }
}
