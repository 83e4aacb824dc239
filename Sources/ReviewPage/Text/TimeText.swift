/// A time in UTC, as RFC 3339 has it, with milliseconds.
struct TimeText {
    let milliseconds: Int64

    private static let perDay: Int64 = 86_400_000
    /// The years that RFC 3339 can write. Devices claim others too.
    private static let writable: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    /// `2026-05-31T12:00:00.000Z`; nil outside the years 0 to 9999.
    var machine: String? {
        guard let (date, time) = parts else { return nil }
        return date + "T" + time + "Z"
    }

    /// `2026-05-31 12:00:00.000 UTC`.
    var human: String {
        guard let (date, time) = parts else { return "\(milliseconds) ms from 1970" }
        return date + " " + time + " UTC"
    }

    /// What the template `time` reads.
    var fragment: Fragment {
        ["human": .text(human), "machine": machine.map { .text($0) }]
    }

    private var parts: (date: String, time: String)? {
        guard Self.writable.contains(milliseconds) else { return nil }
        let (quotient, remainder) = milliseconds.quotientAndRemainder(dividingBy: Self.perDay)
        let days = remainder < 0 ? quotient - 1 : quotient
        let rest = remainder < 0 ? remainder + Self.perDay : remainder
        let (year, month, day) = Self.civil(daysFrom1970: days)
        let date = [Self.padded(year, 4), Self.padded(month, 2), Self.padded(day, 2)].joined(separator: "-")
        let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { Self.padded($0, 2) }
        return (date, clock.joined(separator: ":") + "." + Self.padded(rest % 1000, 3))
    }

    /// The proleptic Gregorian calendar, counted in eras of 400 years that begin in March
    /// (Hinnant, "chrono-compatible low-level date algorithms").
    private static func civil(daysFrom1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
