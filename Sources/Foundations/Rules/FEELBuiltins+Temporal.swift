// SPDX-License-Identifier: Apache-2.0

import Primitives

extension FEELBuiltins {
    static let temporal: [String: [FEELBuiltin]] = [
        "date": [
            FEELBuiltin("from") {
                switch $0[0].single {
                case .string(let text): FEELTemporalReader.day(text).map { .date($0) }
                case .date(let day): .date(day)
                case .dateTime(let moment): .date(moment.day)
                default: nil
                }
            },
            FEELBuiltin("year, month, day") { arguments in
                guard let year = arguments[0].integer, let month = arguments[1].integer,
                    let day = arguments[2].integer,
                    abs(year) <= 999_999_999
                else { return nil }
                return CalendarDay(year: year, month: month, day: day).map { .date($0) }
            },
        ],
        "time": [
            FEELBuiltin("from") {
                switch $0[0].single {
                case .string(let text): FEELTemporalReader.time(text).map { .time($0) }
                case .time(let time): .time(time)
                case .date: .time(.midnight.zoned(.offset(seconds: 0)))
                case .dateTime(let moment): .time(moment.time)
                default: nil
                }
            },
            FEELBuiltin("hour, minute, second, offset", required: 3) { composedTime($0) },
        ],
        "date and time": [
            FEELBuiltin("from") {
                switch $0[0].single {
                case .string(let text): FEELTemporalReader.dateTime(text).map { .dateTime($0) }
                case .dateTime(let moment): .dateTime(moment)
                case .date(let day):
                    .dateTime(FEELDateTime(day: day, time: .midnight.zoned(.offset(seconds: 0))))
                default: nil
                }
            },
            FEELBuiltin("date, time") { arguments in
                guard case .time(let time) = arguments[1].single else { return nil }
                return switch arguments[0].single {
                case .date(let day): .dateTime(FEELDateTime(day: day, time: time))
                case .dateTime(let moment): .dateTime(FEELDateTime(day: moment.day, time: time))
                default: nil
                }
            },
        ],
        "duration": [
            FEELBuiltin("from") {
                switch $0[0].single {
                case .string(let text): FEELTemporalReader.duration(text)
                case .months, .nanoseconds: $0[0].single
                default: nil
                }
            }
        ],
        "years and months duration": [FEELBuiltin("from, to") { monthsBetween($0[0].single, $0[1].single) }],
        "day of year": [FEELBuiltin("date") { day($0[0]).map { .number(dayOfYear($0)) } }],
        "day of week": [FEELBuiltin("date") { day($0[0]).map { .string(weekdays[$0.weekday - 1]) } }],
        "month of year": [FEELBuiltin("date") { day($0[0]).map { .string(months[$0.month - 1]) } }],
        "week of year": [FEELBuiltin("date") { day($0[0]).map { .number(weekOfYear($0)) } }],
        "now": [FEELBuiltin("", evaluating: { _, evaluation in evaluation.now.map { .dateTime($0) } })],
        "today": [FEELBuiltin("", evaluating: { _, evaluation in evaluation.now.map { .date($0.day) } })],
    ]

    private static let weekdays = [
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    ]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ]

    private static func day(_ value: FEELValue) -> CalendarDay? {
        switch value.single {
        case .date(let day): day
        case .dateTime(let moment): moment.day
        default: nil
        }
    }

    private static func dayOfYear(_ day: CalendarDay) -> Int {
        CalendarDay(year: day.year, month: 1, day: 1).map { day.daysSince1970 - $0.daysSince1970 + 1 } ?? 0
    }

    /// ISO 8601: the week that holds the year's first Thursday is the first.
    private static func weekOfYear(_ day: CalendarDay) -> Int {
        let thursday = day.advanced(byDays: 4 - day.weekday)
        return (dayOfYear(thursday) - 1) / 7 + 1
    }

    private static func composedTime(_ arguments: [FEELValue]) -> FEELValue? {
        guard let hour = arguments[0].integer, let minute = arguments[1].integer,
            let second = arguments[2].number,
            let whole = second.rounded(to: 0, .floor), let wholeSecond = whole.integer,
            let fraction = second.subtracting(whole)?.multiplied(by: Decimal34(1_000_000_000))?.rounded(
                to: 0, .down)?.integer
        else { return nil }
        var zone: FEELZone?
        if arguments.count > 3, !arguments[3].isNull {
            guard case .nanoseconds(let offset) = arguments[3].single,
                abs(offset) <= 18 * 3600 * 1_000_000_000
            else { return nil }
            zone = .offset(seconds: Int(offset / 1_000_000_000))
        }
        return FEELTime(hour: hour, minute: minute, second: wholeSecond, nanosecond: fraction, zone: zone)
            .map { .time($0) }
    }

    private static func monthsBetween(_ from: FEELValue, _ to: FEELValue) -> FEELValue? {
        guard let start = day(from), let end = day(to) else { return nil }
        func nanosecond(_ value: FEELValue) -> Int128 {
            if case .dateTime(let moment) = value { moment.time.nanosecondOfDay } else { 0 }
        }
        let total = (end.year - start.year) * 12 + end.month - start.month
        let isBefore = (end.day, nanosecond(to)) < (start.day, nanosecond(from))
        let isAfter = (end.day, nanosecond(to)) > (start.day, nanosecond(from))
        if total > 0 && isBefore { return .months(total - 1) }
        if total < 0 && isAfter { return .months(total + 1) }
        return .months(total)
    }

    // MARK: Ranges (Allen's relations, §10.3.4.6)

    static let ranges: [String: [FEELBuiltin]] = [
        "before": [relation("before") { before($0, $1) }],
        "after": [relation("after") { before($1, $0) }],
        "meets": [rangeRelation { $0.isHighIncluded && $1.isLowIncluded && same($0.high, $1.low) }],
        "met by": [rangeRelation { $1.isHighIncluded && $0.isLowIncluded && same($1.high, $0.low) }],
        "overlaps": [rangeRelation { !before($0, $1) && !before($1, $0) }],
        "overlaps before": [
            rangeRelation { startsBefore($0, $1) && !before($0, $1) && endsBefore($0, $1, orWith: true) }
        ],
        "overlaps after": [
            rangeRelation { startsBefore($1, $0) && !before($1, $0) && endsBefore($1, $0, orWith: true) }
        ],
        "finishes": [
            relation("finishes") {
                $0.isPoint
                    ? $1.isHighIncluded && same($0.high, $1.high)
                    : sameEnd($0, $1) && !startsBefore($0, $1)
            }
        ],
        "finished by": [
            relation("finished by") {
                $1.isPoint
                    ? $0.isHighIncluded && same($1.high, $0.high)
                    : sameEnd($0, $1) && !startsBefore($1, $0)
            }
        ],
        "includes": [relation("includes") { !startsBefore($1, $0) && !endsBefore($0, $1, orWith: false) }],
        "during": [relation("during") { !startsBefore($0, $1) && !endsBefore($1, $0, orWith: false) }],
        "starts": [
            relation("starts") {
                $0.isPoint
                    ? $1.isLowIncluded && same($0.low, $1.low)
                    : sameStart($0, $1) && !endsBefore($1, $0, orWith: false)
            }
        ],
        "started by": [
            relation("started by") {
                $1.isPoint
                    ? $0.isLowIncluded && same($1.low, $0.low)
                    : sameStart($0, $1) && !endsBefore($0, $1, orWith: false)
            }
        ],
        "coincides": [relation("coincides") { sameStart($0, $1) && sameEnd($0, $1) }],
        "range": [
            FEELBuiltin(
                "from",
                evaluating: { arguments, evaluation in
                    guard let text = arguments[0].string, let expression = try? FEELParser.expression(text),
                        expression.isLiteralRange,
                        case .range(let range) = evaluation.value(expression, in: .empty),
                        ![range.low, range.high].allSatisfy({ $0?.isNull ?? true }),
                        range.high?.precedes(range.low ?? .null)?.less != true
                    else { return nil }
                    return .range(range)
                })
        ],
    ]

    private static func relation(
        _ name: String, _ test: @escaping @Sendable (FEELRange, FEELRange) -> Bool
    ) -> FEELBuiltin {
        FEELBuiltin("range1, range2") { arguments in
            guard let left = FEELRange(spanning: arguments[0]), let right = FEELRange(spanning: arguments[1]),
                left.isComparable(to: right)
            else { return nil }
            return .boolean(test(left, right))
        }
    }

    private static func rangeRelation(_ test: @escaping @Sendable (FEELRange, FEELRange) -> Bool)
        -> FEELBuiltin
    {
        FEELBuiltin("range1, range2") { arguments in
            guard case .range(let left) = arguments[0], case .range(let right) = arguments[1],
                left.isComparable(to: right)
            else { return nil }
            return .boolean(test(left, right))
        }
    }

    private static func same(_ left: FEELValue?, _ right: FEELValue?) -> Bool {
        guard let left, let right else { return false }
        return left.equals(right) == true
    }

    private static func before(_ left: FEELRange, _ right: FEELRange) -> Bool {
        guard let high = left.high, let low = right.low, let order = high.precedes(low) else { return false }
        return order.less || (order.equal && !(left.isHighIncluded && right.isLowIncluded))
    }

    private static func startsBefore(_ left: FEELRange, _ right: FEELRange) -> Bool {
        guard let rightLow = right.low else { return false }
        guard let leftLow = left.low else { return true }
        guard let order = leftLow.precedes(rightLow) else { return false }
        return order.less || (order.equal && left.isLowIncluded && !right.isLowIncluded)
    }

    private static func endsBefore(_ left: FEELRange, _ right: FEELRange, orWith: Bool) -> Bool {
        guard let leftHigh = left.high else { return false }
        guard let rightHigh = right.high else { return true }
        guard let order = leftHigh.precedes(rightHigh) else { return false }
        return order.less
            || (order.equal
                && (orWith
                    ? !left.isHighIncluded || right.isHighIncluded
                    : !left.isHighIncluded && right.isHighIncluded))
    }

    private static func sameStart(_ left: FEELRange, _ right: FEELRange) -> Bool {
        same(left.low, right.low) && left.isLowIncluded == right.isLowIncluded
    }

    private static func sameEnd(_ left: FEELRange, _ right: FEELRange) -> Bool {
        same(left.high, right.high) && left.isHighIncluded == right.isHighIncluded
    }
}

extension FEELRange {
    /// A range itself, or a point as the range from it to it.
    fileprivate init?(spanning value: FEELValue) {
        if case .range(let range) = value {
            self = range
            return
        }
        guard value.precedes(value) != nil else { return nil }
        self.init(low: value, isLowIncluded: true, high: value, isHighIncluded: true)
    }

    fileprivate var isPoint: Bool {
        guard let low, let high, isLowIncluded, isHighIncluded else { return false }
        return low.equals(high) == true
    }

    fileprivate func isComparable(to other: FEELRange) -> Bool {
        guard let mine = low ?? high, let theirs = other.low ?? other.high else { return false }
        return mine.precedes(theirs) != nil
    }
}

extension FEELExpression {
    /// Only a range between literals may be read from a text.
    fileprivate var isLiteralRange: Bool {
        guard case .range(let low, _, let high, _) = self else { return false }
        return [low, high].compactMap(\.self).allSatisfy(\.isLiteralBound)
    }

    private var isLiteralBound: Bool {
        switch self {
        case .literal: true
        case .negate(let inner): inner.isLiteralBound
        case .call(.name(let name), let arguments):
            ["date", "time", "date and time", "duration"].contains(name)
                && arguments.allSatisfy(\.isLiteralBound)
        default: false
        }
    }
}
