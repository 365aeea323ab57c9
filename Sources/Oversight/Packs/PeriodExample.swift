// SPDX-License-Identifier: Apache-2.0

package import Casework
import Primitives

/// An example of a procedure's time: when a state that begins on a day is due, or how long a step bars. Counted
/// without holidays, which are the data of another pack.
package struct PeriodExample: Sendable {
    package let id: String
    package let procedure: Procedure
    private let actual: CalendarDay?
    private let expected: CalendarDay?

    /// Reads `{id, state, from, countsFirstDay, due}` or `{id, step, from, barredUntil}`.
    init(_ declared: Declaration, of procedure: Procedure) throws(Declaration.Fault) {
        try declared.allows("id", "state", "step", "from", "countsFirstDay", "due", "barredUntil")
        id = try declared.member("id").text()
        self.procedure = procedure
        let from = try declared.member("from").day()
        if let name = try declared.optional("step")?.text() {
            guard let step = procedure.step(name) else {
                throw try declared.member("step").fault(
                    zh: "没有步骤“\(name)”", en: "there is no step “\(name)”",
                    remedyZH: "可用：\(procedure.steps.map(\.id).joined(separator: "、"))。",
                    remedyEN: "Known: \(procedure.steps.map(\.id).joined(separator: ", ")).")
            }
            actual = step.bar.map { Procedure.end(of: $0, from: from, countsFirstDay: false) }
            expected = try declared.optional("barredUntil")?.day()
            return
        }
        let name = try declared.member("state").text()
        guard let deadline = procedure.state(name)?.deadline else {
            throw try declared.member("state").fault(
                zh: "状态“\(name)”没有期限", en: "the state “\(name)” has no deadline",
                remedyZH: "请写有期限的状态。", remedyEN: "Name a state with a deadline.")
        }
        let counts = try declared.optional("countsFirstDay")?.bool() ?? deadline.countsFirstDay
        actual = Procedure.end(of: deadline.period, from: from, countsFirstDay: counts)
        expected = try declared.member("due").day()
    }

    /// Empty is a pass.
    package var differences: [String] {
        guard actual != expected else { return [] }
        func text(_ day: CalendarDay?) -> String { day?.description ?? "none" }
        return ["expected \(text(expected)), got \(text(actual))"]
    }
}
