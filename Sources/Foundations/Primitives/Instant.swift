// SPDX-License-Identifier: Apache-2.0

/// A moment: microseconds since 1970-01-01T00:00:00Z, without leap seconds. Always UTC; zones are for people.
package struct Instant: Hashable, Sendable, Comparable {
    package let microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    package init(seconds: Int64) {
        microseconds = seconds * 1_000_000
    }

    package func advanced(by duration: Duration) -> Instant {
        Instant(microseconds: microseconds + duration.wholeMicroseconds)
    }

    package func duration(since earlier: Instant) -> Duration {
        .microseconds(microseconds - earlier.microseconds)
    }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 {
        microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
    }

    package static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }
}

extension Duration {
    /// The whole microseconds, rounded toward zero.
    package var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}

/// A day of the Gregorian calendar, without a zone.
package struct CalendarDay: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let year: Int
    package let month: Int
    package let day: Int

    /// `nil` if there is no such day.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...12).contains(month), day >= 1, day <= Self.days(inMonth: month, of: year) else {
            return nil
        }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Reads `2026-11-21`; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    /// Days since 1970-01-01 (proleptic Gregorian). Howard Hinnant's `days_from_civil`.
    package init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    package var daysSince1970: Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// 1 is Monday, 7 is Sunday (ISO 8601).
    package var weekday: Int { ((daysSince1970 + 3) % 7 + 7) % 7 + 1 }

    package func advanced(byDays count: Int) -> CalendarDay {
        CalendarDay(daysSince1970: daysSince1970 + count)
    }

    package static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    package var description: String {
        Decimal10.padded(year, 4) + "-" + Decimal10.padded(month, 2) + "-" + Decimal10.padded(day, 2)
    }

    package static func < (left: CalendarDay, right: CalendarDay) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}

/// A zone with a fixed distance from UTC. China has kept +08:00 without summer time since 1992.
package struct TimeZoneOffset: Hashable, Sendable {
    package let minutes: Int
    package init(minutes: Int) { self.minutes = minutes }
    package static let utc = TimeZoneOffset(minutes: 0)
    /// Asia/Shanghai, the default of agreements (valid for instants since 1992).
    package static let shanghai = TimeZoneOffset(minutes: 480)
}

extension Instant {
    /// The calendar day of this moment in a zone.
    package func day(in zone: TimeZoneOffset) -> CalendarDay {
        CalendarDay(daysSince1970: Int(floorDivide(local(zone), 86_400)))
    }

    /// The moment at which a day begins in a zone.
    package init(startOf day: CalendarDay, in zone: TimeZoneOffset) {
        self.init(seconds: Int64(day.daysSince1970) * 86_400 - Int64(zone.minutes) * 60)
    }

    /// RFC 3339 with seconds, in UTC: `2026-11-21T03:44:04Z`. Microseconds are shown only if there are any.
    package var rfc3339: String {
        let fraction = microseconds - seconds * 1_000_000
        let tail = fraction == 0 ? "" : "." + Decimal10.padded(Int(fraction), 6)
        return dateAndTime(in: .utc, separator: "T") + tail + "Z"
    }

    /// `2026-11-21 11:44:04` in a zone, for people.
    package func dateAndTime(in zone: TimeZoneOffset, separator: String = " ") -> String {
        let secondOfDay = Int(local(zone) - floorDivide(local(zone), 86_400) * 86_400)
        return "\(day(in: zone))\(separator)\(Decimal10.padded(secondOfDay / 3600, 2)):"
            + "\(Decimal10.padded(secondOfDay / 60 % 60, 2)):\(Decimal10.padded(secondOfDay % 60, 2))"
    }

    /// Reads RFC 3339 with `Z` or an offset, up to microseconds; `nil` for anything else.
    package init?(rfc3339 text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t"),
            let day = CalendarDay(String(decoding: bytes[0..<10], as: UTF8.self)),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let hour = Decimal10.digits(bytes[11..<13]), hour < 24,
            let minute = Decimal10.digits(bytes[14..<16]), minute < 60,
            let second = Decimal10.digits(bytes[17..<19]), second < 60
        else { return nil }
        var rest = bytes[19...]
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (48...57).contains($0) }
            guard (1...9).contains(digits.count), let value = Decimal10.digits(digits.prefix(6)) else {
                return nil
            }
            fraction = (digits.count..<max(6, digits.count)).reduce(value) { value, _ in value * 10 }
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = Self.offsetMinutes(Array(rest)) else { return nil }
        let seconds =
            Int64(day.daysSince1970) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset * 60)
        self.init(microseconds: seconds * 1_000_000 + Int64(fraction))
    }

    private static func offsetMinutes(_ text: [UInt8]) -> Int? {
        if text == [UInt8(ascii: "Z")] || text == [UInt8(ascii: "z")] { return 0 }
        guard text.count == 6, text[3] == UInt8(ascii: ":"),
            let hours = Decimal10.digits(text[1..<3]), hours < 24,
            let minutes = Decimal10.digits(text[4..<6]), minutes < 60
        else { return nil }
        switch text[0] {
        case UInt8(ascii: "+"): return hours * 60 + minutes
        case UInt8(ascii: "-"): return -(hours * 60 + minutes)
        default: return nil
        }
    }

    private func local(_ zone: TimeZoneOffset) -> Int64 { seconds + Int64(zone.minutes) * 60 }
}

private func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : (value - divisor + 1) / divisor
}

/// Small decimal helpers that need no Foundation.
package enum Decimal10 {
    package static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value.magnitude)
        let zeros = String(repeating: "0", count: max(0, width - digits.count))
        return (value < 0 ? "-" : "") + zeros + digits
    }

    static func digits(_ bytes: some Collection<UInt8>) -> Int? {
        guard !bytes.isEmpty, bytes.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int($1 - 48) }
    }
}

/// Where the time comes from; tests hand in a manual one. Nothing else in the house asks the system.
package struct WallClock: Sendable {
    package let now: @Sendable () -> Instant

    package init(now: @escaping @Sendable () -> Instant) {
        self.now = now
    }
}
