// SPDX-License-Identifier: Apache-2.0

import Primitives

extension Problem {
    static func applicantBarred(until day: CalendarDay) -> Problem {
        Problem(.forbidden, "casework.applicant-barred", ["day": .text(day.description)])
    }

    static func stepNotHere(_ step: String, state: LocalizedText) -> Problem {
        Problem(.conflict, "casework.step-not-here", ["step": .text(step), "state": .localized(state)])
    }

    static func stepTooLate(_ step: String, last: CalendarDay) -> Problem {
        Problem(.conflict, "casework.step-late", ["step": .text(step), "day": .text(last.description)])
    }

    static func roleNeeded(_ roles: [LocalizedText]) -> Problem {
        Problem(.forbidden, "casework.role-missing", ["roles": .localized(joined(roles))])
    }

    static var interestConflict: Problem { Problem(.forbidden, "casework.interest-conflict") }
    static var caseSuspended: Problem { Problem(.conflict, "casework.case-suspended") }
    static var caseClosed: Problem { Problem(.conflict, "casework.case-closed") }
    static var objectionsForbid: Problem { Problem(.conflict, "casework.objections-open") }
    static var noNotice: Problem { Problem(.conflict, "casework.notice-absent") }

    static func clockFixed(_ state: String) -> Problem {
        Problem(.conflict, "casework.clock-fixed", ["state": .text(state)])
    }

    static func inputsMissing(_ names: [String]) -> Problem {
        Problem(.invalid, "casework.inputs-missing", ["names": .list(names)])
    }

    static func materialMissing(_ names: [LocalizedText]) -> Problem {
        Problem(.conflict, "casework.material-missing", ["names": .localized(joined(names))])
    }

    static func materialMissing(_ names: [String]) -> Problem {
        materialMissing(names.map { LocalizedText($0) })
    }

    static func materialUnknown(_ name: String, known: [String]) -> Problem {
        Problem(.invalid, "casework.material-unknown", ["name": .text(name), "known": .list(known)])
    }

    static func markOutOfRange(_ points: Int) -> Problem {
        Problem(.invalid, "casework.mark-invalid", ["points": .integer(Int64(points))])
    }

    static func marksTooFew(_ count: Int, of least: Int) -> Problem {
        Problem(
            .conflict, "casework.marks-missing",
            ["count": .integer(Int64(count)), "least": .integer(Int64(least))])
    }

    static func markTooLow(hundredths: Int, least: Int) -> Problem {
        let mean = "\(hundredths / 100)." + Decimal10.padded(hundredths % 100, 2)
        return Problem(
            .conflict, "casework.mark-low", ["mean": .decimal(mean), "least": .integer(Int64(least))])
    }

    static func objectionUnknown(_ place: Int) -> Problem {
        Problem(.missing, "casework.objection-missing", ["place": .integer(Int64(place))])
    }

    static func caseUnknown(_ code: String) -> Problem {
        Problem(.missing, "casework.case-missing", ["case": .text(code)])
    }

    static func procedureUnknown(_ id: String) -> Problem {
        Problem(.missing, "casework.procedure-missing", ["procedure": .text(id)])
    }

    static func applicantListed(_ hit: CaseHit) -> Problem {
        Problem(
            .forbidden, "casework.applicant-listed",
            ["list": .localized(hit.list), "entry": .text(hit.entry), "day": .text(hit.since.description)])
    }

    static func appointeeUnfit(_ party: String, _ role: String) -> Problem {
        Problem(.conflict, "casework.appointee-unfit", ["party": .text(party), "role": .text(role)])
    }

    static func scoreMalformed(_ name: LocalizedText, _ written: String) -> Problem {
        Problem(
            .invalid, "casework.score-malformed", ["name": .localized(name), "written": .text(written)])
    }

    static func answerUnlisted(_ question: LocalizedText, _ answer: String) -> Problem {
        Problem(
            .conflict, "casework.answer-unlisted",
            ["question": .localized(question), "answer": .text(answer)])
    }

    private static func joined(_ texts: [LocalizedText]) -> LocalizedText {
        LocalizedText(
            zh: texts.map(\.zh).joined(separator: "、"), en: texts.map(\.en).joined(separator: ", "))
    }
}
