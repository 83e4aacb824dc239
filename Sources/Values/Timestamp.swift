/// A point in time as RFC 3339 writes it, read to milliseconds.
public struct Timestamp: Sendable, Hashable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Reads an RFC 3339 section 5.6 `date-time` with any offset. O(n).
    ///
    /// Digits of the second beyond the third are cut off. A leap second is read as the last millisecond of its minute.
    /// - Returns: nil when the text is not such a date or names a day that does not exist.
    public init?(_ text: String) {
        let read = text.utf8.withContiguousStorageIfAvailable { Self.milliseconds($0) }
        guard let milliseconds = read ?? Array(text.utf8).withUnsafeBufferPointer({ Self.milliseconds($0) }) else {
            return nil
        }
        self.milliseconds = milliseconds
    }

    private static func milliseconds(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard let parts = Parts(text) else { return nil }
        guard parts.second < 60 else { return (parts.minutes * 60 + 59) * 1000 + 999 }
        var thousandths: Int64 = 0
        for index in 0..<3 {
            let digit = index < parts.fraction.count ? text[parts.fraction.lowerBound + index] - 48 : 0
            thousandths = thousandths * 10 + Int64(digit)
        }
        return (parts.minutes * 60 + parts.second) * 1000 + thousandths
    }

    /// The instant that a text names, to its last digit. A leap second is an instant of its own. Two texts are the same
    /// `timestamp` when they name the same instant (rule V4).
    package struct Instant: Hashable {
        /// Whole minutes since 1970-01-01T00:00Z.
        let minutes: Int64
        let second: Int64
        /// The digits behind the point, without zeros at the end.
        let fraction: [UInt8]

        /// - Returns: nil where the text is no RFC 3339 `date-time`.
        package init?(_ text: String) {
            let read = text.utf8.withContiguousStorageIfAvailable { Self.read($0) }
            guard let instant = read ?? Array(text.utf8).withUnsafeBufferPointer({ Self.read($0) }) else { return nil }
            self = instant
        }

        private init(minutes: Int64, second: Int64, fraction: [UInt8]) {
            self.minutes = minutes
            self.second = second
            self.fraction = fraction
        }

        private static func read(_ text: UnsafeBufferPointer<UInt8>) -> Instant? {
            guard let parts = Parts(text) else { return nil }
            var fraction = Array(text[parts.fraction])
            while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
            return Instant(minutes: parts.minutes, second: parts.second, fraction: fraction)
        }
    }

    /// What a text says, in UTC.
    private struct Parts {
        let minutes: Int64
        /// 60 in a leap second.
        let second: Int64
        /// Where the digits behind the point stand.
        let fraction: Range<Int>

        init?(_ text: UnsafeBufferPointer<UInt8>) {
            var reader = Reader(bytes: text)
            guard let year = reader.digits(4), reader.skip("-"), let month = reader.digits(2), reader.skip("-"),
                let day = reader.digits(2), reader.skip("T") || reader.skip("t") || reader.skip(" "),
                let hour = reader.digits(2), reader.skip(":"), let minute = reader.digits(2), reader.skip(":"),
                let second = reader.digits(2)
            else { return nil }
            guard (1...12).contains(month), (1...days(inMonth: month, ofYear: year)).contains(day), hour < 24,
                minute < 60, second <= 60
            else { return nil }
            fraction = reader.skip(".") ? reader.skipDigits() : reader.position..<reader.position
            guard !fraction.isEmpty || text[..<fraction.lowerBound].last != UInt8(ascii: ".") else { return nil }
            var offsetMinutes: Int64 = 0
            if !(reader.skip("Z") || reader.skip("z")) {
                let isEast = reader.skip("+")
                guard isEast || reader.skip("-"), let hours = reader.digits(2), reader.skip(":"),
                    let minutes = reader.digits(2), hours < 24, minutes < 60
                else { return nil }
                offsetMinutes = (hours * 60 + minutes) * (isEast ? 1 : -1)
            }
            guard reader.isAtEnd else { return nil }
            let days = daysSinceEpoch(year: year, month: month, day: day)
            minutes = (days * 24 + hour) * 60 + minute - offsetMinutes
            self.second = second
        }
    }

    /// The form that is sent: UTC with milliseconds, `2026-11-20T21:58:12.123Z`. RFC 3339 cannot write years outside
    /// 0–9999; a time beyond them is held at its ends.
    public var text: String {
        String(decoding: [UInt8](capacity: Self.byteCount) { write(to: &$0) }, as: UTF8.self)
    }

    /// The bytes of the form that is sent.
    package static let byteCount = 24

    /// Appends the form that is sent.
    package func write(to output: inout OutputSpan<UInt8>) {
        let bounded = min(max(milliseconds, Self.earliest), Self.latest)
        let (days, inDay) = Self.floorDivide(bounded, 86_400_000)
        let (year, month, day) = Self.civil(daysSinceEpoch: days)
        let (second, thousandth) = Self.floorDivide(inDay, 1000)
        Self.write(year / 100, to: &output)
        Self.write(year % 100, to: &output)
        output.append(UInt8(ascii: "-"))
        Self.write(month, to: &output)
        output.append(UInt8(ascii: "-"))
        Self.write(day, to: &output)
        output.append(UInt8(ascii: "T"))
        Self.write(second / 3600, to: &output)
        output.append(UInt8(ascii: ":"))
        Self.write(second / 60 % 60, to: &output)
        output.append(UInt8(ascii: ":"))
        Self.write(second % 60, to: &output)
        output.append(UInt8(ascii: "."))
        output.append(48 + UInt8(truncatingIfNeeded: thousandth / 100))
        Self.write(thousandth % 100, to: &output)
        output.append(UInt8(ascii: "Z"))
    }

    /// Two digits.
    private static func write(_ number: Int64, to output: inout OutputSpan<UInt8>) {
        output.append(48 + UInt8(truncatingIfNeeded: number / 10))
        output.append(48 + UInt8(truncatingIfNeeded: number % 10))
    }

    private static let earliest: Int64 = -62_167_219_200_000
    private static let latest: Int64 = 253_402_300_799_999

    private static func floorDivide(_ dividend: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func days(inMonth month: Int64, ofYear year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // The proleptic Gregorian calendar by eras of 400 years, the year beginning in March so that the leap day comes last.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let (era, yearOfEra) = floorDivide(shifted, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(daysSinceEpoch + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private struct Reader {
        let bytes: UnsafeBufferPointer<UInt8>
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
            position += 1
            return true
        }

        mutating func digits(_ count: Int) -> Int64? {
            guard position + count <= bytes.count else { return nil }
            var number: Int64 = 0
            for byte in bytes[position..<position + count] {
                guard (48...57).contains(byte) else { return nil }
                number = number * 10 + Int64(byte - 48)
            }
            position += count
            return number
        }

        /// - Returns: where the digits stood.
        mutating func skipDigits() -> Range<Int> {
            let start = position
            while position < bytes.count, (48...57).contains(bytes[position]) { position += 1 }
            return start..<position
        }
    }
}
