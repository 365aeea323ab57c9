// SPDX-License-Identifier: Apache-2.0

package import Primitives

/// Which days are worked. The holidays and the weekends that are worked instead (调休) are data a pack brings;
/// Saturday and Sunday are off otherwise.
package struct WorkingCalendar: Hashable, Sendable {
    private let holidays: Set<CalendarDay>
    private let workedWeekends: Set<CalendarDay>

    package init(holidays: Set<CalendarDay> = [], workedWeekends: Set<CalendarDay> = []) {
        self.holidays = holidays
        self.workedWeekends = workedWeekends
    }

    package func isWorked(_ day: CalendarDay) -> Bool {
        workedWeekends.contains(day) || (day.weekday <= 5 && !holidays.contains(day))
    }

    /// The last day of a period that begins with an event on `day`.
    ///
    /// The day of the event is not counted unless `countsFirstDay` (civil-law default). Months and years end on
    /// the same date, or on the last day of a shorter month.
    package func end(of period: Period, from day: CalendarDay, countsFirstDay: Bool = false) -> CalendarDay {
        let shift = countsFirstDay ? -1 : 0
        return switch period.unit {
        case .workingDays: worked(period.count, after: day.advanced(byDays: shift))
        case .days: day.advanced(byDays: period.count + shift)
        case .months: day.advanced(byMonths: period.count).advanced(byDays: shift)
        case .years: day.advanced(byMonths: 12 * period.count).advanced(byDays: shift)
        case .yearEnds: CalendarDay(year: day.year + period.count - 1, month: 12, day: 31) ?? day
        }
    }

    /// How many days are worked after `start`, up to and with `end`.
    package func workingDays(after start: CalendarDay, through end: CalendarDay) -> Int {
        guard start < end else { return 0 }
        return (start.daysSince1970 + 1...end.daysSince1970)
            .count { isWorked(CalendarDay(daysSince1970: $0)) }
    }

    private func worked(_ count: Int, after day: CalendarDay) -> CalendarDay {
        var day = day
        var left = count
        // A calendar with a whole year off is a mistake in its data; the walk ends all the same.
        var offInSuccession = 0
        while left > 0 && offInSuccession < 366 {
            day = day.advanced(byDays: 1)
            offInSuccession = isWorked(day) ? 0 : offInSuccession + 1
            left -= offInSuccession == 0 ? 1 : 0
        }
        return day
    }
}

/// A length of time as an article of law writes it.
package struct Period: Hashable, Sendable {
    package enum Unit: String, Hashable, Sendable, CaseIterable {
        case workingDays, days, months, years
        /// To 31 December: 1 is that of the year the event lies in.
        case yearEnds
    }

    package let count: Int
    package let unit: Unit

    package init(_ count: Int, _ unit: Unit) {
        self.count = count
        self.unit = unit
    }

    /// Longer periods are a slip of the pen: no procedure of a bureau runs for a century.
    static let countMax = 10_000

    /// Reads `{workingDays: 5}`, `{days: 30}`, `{months: 3}`, `{years: 2}` or `{yearEnds: 1}`.
    init(_ declared: Declaration) throws(Declaration.Fault) {
        let members = try declared.members()
        guard members.count == 1, let unit = Unit(rawValue: members[0].key) else {
            throw declared.fault(
                zh: "期限没有写成“单位: 数”", en: "the period is not written as “unit: number”",
                remedyZH: "例如：{workingDays: 5}、{days: 30}、{months: 3}、{years: 2} 或 {yearEnds: 1}（当年年底）。",
                remedyEN:
                    "For instance {workingDays: 5}, {days: 30}, {months: 3}, {years: 2} or {yearEnds: 1}.")
        }
        let count = try members[0].value.integer()
        guard (1...Self.countMax).contains(count) else {
            throw members[0].value.fault(
                zh: "期限应为 1 至 \(Self.countMax)", en: "a period lies between 1 and \(Self.countMax)",
                remedyZH: "请写正整数。", remedyEN: "Write a positive whole number.")
        }
        self.init(count, unit)
    }
}

extension CalendarDay {
    /// The same date some months later; the last day of the month where that date does not exist.
    package func advanced(byMonths count: Int) -> CalendarDay {
        let months = year * 12 + (month - 1) + count
        let year = months >= 0 ? months / 12 : (months - 11) / 12
        let month = months - year * 12 + 1
        let day = min(day, Self.days(inMonth: month, of: year))
        return CalendarDay(year: year, month: month, day: day) ?? self
    }
}
