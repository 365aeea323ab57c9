// SPDX-License-Identifier: Apache-2.0

package import Primitives
private import Foundation

/// A zone as FEEL writes it: `Z`, `+08:00` or `@Asia/Shanghai`.
package enum FEELZone: Hashable, Sendable {
    case offset(seconds: Int)
    case named(String)

    /// Seconds east of UTC at a local time. The database of zones is the system's.
    func offset(atLocal seconds: Int) -> Int {
        switch self {
        case .offset(let seconds): return seconds
        case .named(let name):
            guard let zone = TimeZone(identifier: name) else { return 0 }
            let guess = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))
            return zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds - guess)))
        }
    }

    static func isKnown(_ name: String) -> Bool { TimeZone(identifier: name) != nil }

    var text: String {
        switch self {
        case .offset(0): return "Z"
        case .offset(let seconds):
            let total = abs(seconds)
            let tail = total % 60 == 0 ? "" : ":" + Decimal10.padded(total % 60, 2)
            return (seconds < 0 ? "-" : "+") + Decimal10.padded(total / 3600, 2) + ":"
                + Decimal10.padded(total / 60 % 60, 2) + tail
        case .named(let name): return "@" + name
        }
    }
}

/// A time of day, to the nanosecond, with or without a zone.
package struct FEELTime: Hashable, Sendable {
    let hour: Int
    let minute: Int
    let second: Int
    let nanosecond: Int
    let zone: FEELZone?

    init?(hour: Int, minute: Int, second: Int, nanosecond: Int = 0, zone: FEELZone? = nil) {
        guard (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second),
            (0..<1_000_000_000).contains(nanosecond)
        else { return nil }
        self.hour = hour
        self.minute = minute
        self.second = second
        self.nanosecond = nanosecond
        self.zone = zone
    }

    init(nanosecondsOfDay: Int128, zone: FEELZone?) {
        let seconds = Int(nanosecondsOfDay / 1_000_000_000)
        hour = seconds / 3600
        minute = seconds / 60 % 60
        second = seconds % 60
        nanosecond = Int(nanosecondsOfDay % 1_000_000_000)
        self.zone = zone
    }

    static let midnight = FEELTime(nanosecondsOfDay: 0, zone: nil)

    var secondOfDay: Int { hour * 3600 + minute * 60 + second }
    var nanosecondOfDay: Int128 { Int128(secondOfDay) * 1_000_000_000 + Int128(nanosecond) }
    func zoned(_ zone: FEELZone?) -> FEELTime { FEELTime(nanosecondsOfDay: nanosecondOfDay, zone: zone) }

    /// Nanoseconds of the day in UTC for zoned times, local ones otherwise.
    var comparable: Int128 { nanosecondOfDay - Int128(zone?.offset(atLocal: 0) ?? 0) * 1_000_000_000 }

    var text: String {
        var digits = Decimal10.padded(nanosecond, 9)
        while digits.hasSuffix("0") { digits.removeLast() }
        return [hour, minute, second].map { Decimal10.padded($0, 2) }.joined(separator: ":")
            + (digits.isEmpty ? "" : "." + digits) + (zone?.text ?? "")
    }
}

/// A day and a time of day.
package struct FEELDateTime: Hashable, Sendable {
    let day: CalendarDay
    let time: FEELTime

    /// Nanoseconds since 1970, local.
    var local: Int128 { Int128(day.daysSince1970) * 86_400_000_000_000 + time.nanosecondOfDay }

    /// Nanoseconds since 1970 in UTC for zoned ones, local ones otherwise.
    var comparable: Int128 {
        guard let zone = time.zone else { return local }
        return local - Int128(zone.offset(atLocal: day.daysSince1970 * 86_400 + time.secondOfDay))
            * 1_000_000_000
    }

    init(day: CalendarDay, time: FEELTime) {
        self.day = day
        self.time = time
    }

    init(local: Int128, zone: FEELZone?) {
        let dayLength: Int128 = 86_400_000_000_000
        let days = local >= 0 ? local / dayLength : (local - dayLength + 1) / dayLength
        day = CalendarDay(daysSince1970: Int(days))
        time = FEELTime(nanosecondsOfDay: local - days * dayLength, zone: zone)
    }

    /// A moment as UTC shows it.
    package init(_ instant: Instant) {
        self.init(local: Int128(instant.microseconds) * 1000, zone: .offset(seconds: 0))
    }

    var text: String { day.feelText + "T" + time.text }
}

extension CalendarDay {
    /// XML Schema's form: at least four digits of the year, a minus for years before 1.
    var feelText: String {
        (year < 0 ? "-" : "") + Decimal10.padded(abs(year), 4) + "-" + Decimal10.padded(month, 2) + "-"
            + Decimal10.padded(day, 2)
    }

    func advanced(byMonths count: Int) -> CalendarDay? {
        let months = year * 12 + month - 1 + count
        let year = months >= 0 ? months / 12 : (months - 11) / 12
        let month = months - year * 12 + 1
        guard abs(year) <= 999_999_999 else { return nil }
        return CalendarDay(year: year, month: month, day: min(day, Self.days(inMonth: month, of: year)))
    }
}

// MARK: Reading

/// Reads the lexical forms of XML Schema 2 and FEEL's `@zone`, strictly.
struct FEELTemporalReader {
    private var rest: Substring.UTF8View

    init(_ text: String) {
        rest = text[...].utf8
    }

    static func day(_ text: String) -> CalendarDay? {
        var reader = FEELTemporalReader(text)
        return reader.day().flatMap { reader.rest.isEmpty ? $0 : nil }
    }

    static func time(_ text: String) -> FEELTime? {
        var reader = FEELTemporalReader(text)
        _ = reader.take("T")
        return reader.time().flatMap { reader.rest.isEmpty ? $0 : nil }
    }

    static func dateTime(_ text: String) -> FEELDateTime? {
        var reader = FEELTemporalReader(text)
        guard let day = reader.day() else { return nil }
        if reader.rest.isEmpty { return FEELDateTime(day: day, time: .midnight) }
        guard reader.take("T") else { return nil }
        // XML Schema's 24:00:00 is the midnight that begins the next day.
        let isEndOfDay = Substring(reader.rest).hasPrefix("24:00:00")
        guard let time = reader.time(), reader.rest.isEmpty else { return nil }
        return FEELDateTime(day: isEndOfDay ? day.advanced(byDays: 1) : day, time: time)
    }

    /// `P1Y2M` as months or `P1DT2H3M4.5S` as nanoseconds.
    static func duration(_ text: String) -> FEELValue? {
        var reader = FEELTemporalReader(text)
        let isNegative = reader.take("-")
        guard reader.take("P"), !reader.rest.isEmpty else { return nil }
        let sign: Int128 = isNegative ? -1 : 1
        if let months = reader.yearsAndMonths() {
            guard abs(months) < 1_000_000_000_000 else { return nil }
            return .months(Int(sign * months))
        }
        reader = FEELTemporalReader(text)
        _ = reader.take("-")
        _ = reader.take("P")
        guard let nanoseconds = reader.daysAndTime() else { return nil }
        return .nanoseconds(sign * nanoseconds)
    }

    private mutating func take(_ character: Character) -> Bool {
        guard rest.first == character.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func digits(_ range: ClosedRange<Int>) -> Int128? {
        let run = rest.prefix { (48...57).contains($0) }
        guard range.contains(run.count) else { return nil }
        rest = rest.dropFirst(run.count)
        return run.reduce(0) { $0 * 10 + Int128($1 - 48) }
    }

    private mutating func day() -> CalendarDay? {
        let isNegative = take("-")
        let hasZero = rest.first == 48
        let before = rest.count
        guard let year = digits(4...9), !(hasZero && before - rest.count > 4), take("-"),
            let month = digits(2...2), take("-"), let day = digits(2...2)
        else { return nil }
        return CalendarDay(year: Int(isNegative ? -year : year), month: Int(month), day: Int(day))
    }

    private mutating func time() -> FEELTime? {
        let isEndOfDay = Substring(rest).hasPrefix("24:00:00")
        guard let hour = digits(2...2), take(":"), let minute = digits(2...2), take(":"),
            let second = digits(2...2)
        else { return nil }
        var nanosecond = 0
        if take(".") {
            let run = rest.prefix { (48...57).contains($0) }
            guard !run.isEmpty else { return nil }
            rest = rest.dropFirst(run.count)
            nanosecond = (0..<9).reduce(0) { value, place in
                value * 10
                    + (place < run.count ? Int(run[run.index(run.startIndex, offsetBy: place)] - 48) : 0)
            }
        }
        guard let zone = zone() else { return nil }
        return FEELTime(
            hour: isEndOfDay && nanosecond == 0 ? 0 : Int(hour), minute: Int(minute), second: Int(second),
            nanosecond: nanosecond, zone: zone)
    }

    /// `.some(nil)` where no zone is written, `nil` where a wrong one is.
    private mutating func zone() -> FEELZone?? {
        if rest.isEmpty { return .some(nil) }
        if take("Z") || take("z") { return .offset(seconds: 0) }
        if take("@") {
            let name = String(Substring(rest))
            rest = rest.dropFirst(rest.count)
            return FEELZone.isKnown(name) ? .named(name) : nil
        }
        let isNegative = rest.first == UInt8(ascii: "-")
        guard take("+") || take("-"), let hours = digits(2...2), take(":"), let minutes = digits(2...2),
            hours <= 18, minutes < 60
        else { return nil }
        var seconds: Int128 = 0
        if take(":") {
            guard let value = digits(2...2), value < 60 else { return nil }
            seconds = value
        }
        let total = Int(hours * 3600 + minutes * 60 + seconds)
        return total <= 18 * 3600 ? .offset(seconds: isNegative ? -total : total) : nil
    }

    private mutating func yearsAndMonths() -> Int128? {
        var months: Int128 = 0
        var count = 0
        for (unit, factor) in [("Y" as Character, Int128(12)), ("M", 1)] {
            let start = rest
            guard let value = digits(1...12) else { break }
            guard take(unit) else {
                rest = start
                continue
            }
            months += value * factor
            count += 1
        }
        return count > 0 && rest.isEmpty ? months : nil
    }

    private mutating func daysAndTime() -> Int128? {
        let second: Int128 = 1_000_000_000
        var total: Int128 = 0
        var count = 0
        if rest.first != UInt8(ascii: "T") {
            guard let days = digits(1...12), take("D") else { return nil }
            total = days * 86_400 * second
            count = 1
        }
        guard !rest.isEmpty else { return total }
        guard take("T") else { return nil }
        count = 0
        for (unit, factor) in [("H" as Character, 3600 * second), ("M", 60 * second), ("S", second)] {
            let start = rest
            guard let value = digits(1...12) else { break }
            var fraction: Int128 = 0
            if unit == "S", take(".") {
                let run = Array(rest.prefix { (48...57).contains($0) })
                guard !run.isEmpty else { return nil }
                rest = rest.dropFirst(run.count)
                for place in 0..<9 {
                    fraction = fraction * 10 + (place < run.count ? Int128(run[place] - 48) : 0)
                }
            }
            guard take(unit) else {
                rest = start
                continue
            }
            total += value * factor + fraction
            count += 1
        }
        return count > 0 && rest.isEmpty ? total : nil
    }
}
