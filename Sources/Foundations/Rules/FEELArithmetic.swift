// SPDX-License-Identifier: Apache-2.0

import Primitives

/// FEEL's arithmetic over numbers, texts, days, times and durations (DMN 1.5 tables 54–57). What has no meaning,
/// or leaves the range, is `null`.
enum FEELArithmetic {
    static func negated(_ value: FEELValue) -> FEELValue {
        switch value {
        case .number(let number): .number(-number)
        case .nanoseconds(let duration): .nanoseconds(-duration)
        case .months(let months): .months(-months)
        case .missing: value
        default: .null
        }
    }

    static func combined(
        _ symbol: FEELExpression.ArithmeticOperator, _ left: FEELValue, _ right: FEELValue
    ) -> FEELValue {
        if left.missingFacts != nil || right.missingFacts != nil {
            return .missing((left.missingFacts ?? []).union(right.missingFacts ?? []))
        }
        let result: FEELValue? =
            switch symbol {
            case .add: sum(left, right)
            case .subtract: difference(left, right)
            case .multiply: product(left, right)
            case .divide: quotient(left, right)
            case .power: power(left, right)
            }
        return result ?? .null
    }

    private static func sum(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        switch (left, right) {
        case (.number(let left), .number(let right)): left.adding(right).map { .number($0) }
        case (.string(let left), .string(let right)): .string(left + right)
        case (.nanoseconds(let left), .nanoseconds(let right)): .nanoseconds(left + right)
        case (.months(let left), .months(let right)): .months(left + right)
        case (.date, .nanoseconds), (.date, .months), (.dateTime, .nanoseconds), (.dateTime, .months),
            (.time, .nanoseconds):
            moved(left, by: right)
        case (.nanoseconds, .date), (.months, .date), (.nanoseconds, .dateTime), (.months, .dateTime),
            (.nanoseconds, .time):
            moved(right, by: left)
        default: nil
        }
    }

    private static let dayLength: Int128 = 86_400_000_000_000

    private static func moved(_ moment: FEELValue, by duration: FEELValue) -> FEELValue? {
        switch (moment, duration) {
        case (.date(let day), .months(let months)): return day.advanced(byMonths: months).map { .date($0) }
        case (.date(let day), .nanoseconds(let length)):
            return .date(FEELDateTime(local: Int128(day.daysSince1970) * dayLength + length, zone: nil).day)
        case (.dateTime(let start), .months(let months)):
            return start.day.advanced(byMonths: months).map {
                .dateTime(FEELDateTime(day: $0, time: start.time))
            }
        case (.dateTime(let start), .nanoseconds(let length)):
            return .dateTime(FEELDateTime(local: start.local + length, zone: start.time.zone))
        case (.time(let time), .nanoseconds(let length)):
            let moved = (time.nanosecondOfDay + length) % dayLength
            return .time(FEELTime(nanosecondsOfDay: moved < 0 ? moved + dayLength : moved, zone: time.zone))
        default: return nil
        }
    }

    private static func difference(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        switch (left, right) {
        case (.number(let left), .number(let right)): left.subtracting(right).map { .number($0) }
        case (.nanoseconds(let left), .nanoseconds(let right)): .nanoseconds(left - right)
        case (.months(let left), .months(let right)): .months(left - right)
        case (.time(let left), .time(let right)) where (left.zone == nil) == (right.zone == nil):
            .nanoseconds(left.comparable - right.comparable)
        case (.date, .date), (.date, .dateTime), (.dateTime, .date), (.dateTime, .dateTime):
            elapsed(left, right)
        case (.date, .nanoseconds), (.date, .months), (.dateTime, .nanoseconds), (.dateTime, .months),
            (.time, .nanoseconds):
            moved(left, by: negated(right))
        default: nil
        }
    }

    /// A date stands for its midnight in UTC where the other side has a zone.
    private static func elapsed(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        func moment(_ value: FEELValue) -> FEELDateTime? {
            switch value {
            case .date(let day): FEELDateTime(day: day, time: .midnight.zoned(.offset(seconds: 0)))
            case .dateTime(let moment): moment
            default: nil
            }
        }
        guard let left = moment(left), let right = moment(right),
            (left.time.zone == nil) == (right.time.zone == nil)
        else { return nil }
        return .nanoseconds(left.comparable - right.comparable)
    }

    private static func product(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        switch (left, right) {
        case (.number(let left), .number(let right)): left.multiplied(by: right).map { .number($0) }
        case (.nanoseconds(let length), .number(let factor)), (.number(let factor), .nanoseconds(let length)):
            Decimal34(length).multiplied(by: factor).flatMap(whole).map { .nanoseconds($0) }
        case (.months(let length), .number(let factor)), (.number(let factor), .months(let length)):
            Decimal34(length).multiplied(by: factor).flatMap(whole).map { .months(Int($0)) }
        default: nil
        }
    }

    private static func quotient(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        switch (left, right) {
        case (.number(let left), .number(let right)): left.divided(by: right).map { .number($0) }
        case (.nanoseconds(let length), .number(let divisor)):
            Decimal34(length).divided(by: divisor).flatMap(whole).map { .nanoseconds($0) }
        case (.months(let length), .number(let divisor)):
            Decimal34(length).divided(by: divisor).flatMap(whole).map { .months(Int($0)) }
        case (.nanoseconds(let left), .nanoseconds(let right)):
            Decimal34(left).divided(by: Decimal34(right)).map { .number($0) }
        case (.months(let left), .months(let right)):
            Decimal34(left).divided(by: Decimal34(right)).map { .number($0) }
        default: nil
        }
    }

    private static func power(_ left: FEELValue, _ right: FEELValue) -> FEELValue? {
        guard case .number(let base) = left, case .number(let exponent) = right else { return nil }
        return base.raised(to: exponent).map { .number($0) }
    }

    /// The whole part; durations do not reach beyond 18 digits of seconds.
    private static func whole(_ value: Decimal34) -> Int128? {
        guard let rounded = value.rounded(to: 0, .down), rounded.exponent >= 0, rounded.exponent <= 27 else {
            return value.rounded(to: 0, .down).flatMap { Int128($0.description) }
        }
        return Int128(rounded.description)
    }

    /// `1 .. 5` and `5 .. 1`, also over days.
    static func steps(from low: FEELValue, to high: FEELValue) -> Result<[FEELValue], FEELEvaluation.Stop> {
        if let missing = low.missingFacts ?? high.missingFacts { return .failure(.missing(missing)) }
        func places(_ low: Int, _ high: Int, _ make: (Int) -> FEELValue) -> Result<
            [FEELValue], FEELEvaluation.Stop
        > {
            guard abs(high - low) < FEELEvaluation.elementsMax else { return .failure(.null) }
            return .success(stride(from: low, through: high, by: low <= high ? 1 : -1).map(make))
        }
        switch (low, high) {
        case (.number(let low), .number(let high)):
            guard let low = low.integer, let high = high.integer else { return .failure(.null) }
            return places(low, high) { .number(Decimal34($0)) }
        case (.date(let low), .date(let high)):
            return places(low.daysSince1970, high.daysSince1970) { .date(CalendarDay(daysSince1970: $0)) }
        default: return .failure(.null)
        }
    }
}

/// What follows a dot on days, times, durations and ranges (DMN 1.5 tables 60–66).
enum FEELProperties {
    static func property(_ name: String, of value: FEELValue) -> FEELValue {
        let answer: FEELValue? =
            switch value {
            case .date(let day): ofDay(name, day)
            case .time(let time): ofTime(name, time, at: nil)
            case .dateTime(let moment): ofDay(name, moment.day) ?? ofTime(name, moment.time, at: moment)
            case .nanoseconds(let length): ofDuration(name, length)
            case .months(let months): ofMonths(name, months)
            case .range(let range): ofRange(name, range)
            default: nil
            }
        return answer ?? .null
    }

    private static func number(_ value: Int) -> FEELValue { .number(Decimal34(value)) }

    private static func ofDay(_ name: String, _ day: CalendarDay) -> FEELValue? {
        switch name {
        case "year": number(day.year)
        case "month": number(day.month)
        case "day": number(day.day)
        case "weekday": number(day.weekday)
        default: nil
        }
    }

    private static func ofTime(_ name: String, _ time: FEELTime, at moment: FEELDateTime?) -> FEELValue? {
        switch name {
        case "hour": return number(time.hour)
        case "minute": return number(time.minute)
        case "second": return number(time.second)
        case "time offset":
            let seconds = (moment?.day.daysSince1970 ?? 0) * 86_400 + time.secondOfDay
            return time.zone.map { .nanoseconds(Int128($0.offset(atLocal: seconds)) * 1_000_000_000) }
        case "timezone":
            guard case .named(let zone)? = time.zone else { return nil }
            return .string(zone)
        default: return nil
        }
    }

    private static func ofDuration(_ name: String, _ length: Int128) -> FEELValue? {
        let seconds = Int(length / 1_000_000_000)
        return switch name {
        case "days": number(seconds / 86_400)
        case "hours": number(seconds / 3600 % 24)
        case "minutes": number(seconds / 60 % 60)
        case "seconds":
            Decimal34(length % 60_000_000_000).divided(by: Decimal34(1_000_000_000)).map { .number($0) }
        default: nil
        }
    }

    private static func ofMonths(_ name: String, _ months: Int) -> FEELValue? {
        switch name {
        case "years": number(months / 12)
        case "months": number(months % 12)
        default: nil
        }
    }

    private static func ofRange(_ name: String, _ range: FEELRange) -> FEELValue? {
        switch name {
        case "start": range.low ?? .null
        case "end": range.high ?? .null
        case "start included": .boolean(range.isLowIncluded)
        case "end included": .boolean(range.isHighIncluded)
        default: nil
        }
    }
}
