import Values

/// Times as GRDB stores a `Date` in a text column: UTC, with a space in the middle and nothing at the end.
enum DatabaseTime {
    /// The digits behind the second's point as a text has them, at least three.
    static func fraction(of text: String) -> String {
        guard let point = text.firstIndex(of: ".") else { return "000" }
        let digits = text[text.index(after: point)...].prefix { $0.isASCII && $0.isNumber }
        return digits.count < 3 ? digits + String(repeating: "0", count: 3 - digits.count) : String(digits)
    }

    /// - Parameter fraction: finer digits are kept as they are.
    static func text(_ time: Timestamp, fraction: String) -> String {
        let text = time.text
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8) + "." + fraction
    }

    /// Reads such a text, with or without seconds or a time of day, as RFC 3339.
    /// - Returns: nil where it is no time.
    static func rfc3339(_ text: String) -> String? {
        if Timestamp(text) != nil { return text.contains(" ") ? text.replacingFirstSpace : text }
        var parts = text.split(whereSeparator: { $0 == " " || $0 == "T" }).map(String.init)
        guard parts.count == 1 || parts.count == 2 else { return nil }
        if parts.count == 1 { parts.append("00:00:00.000") }
        // "HH:MM" is a time of day for SQLite.
        if parts[1].utf8.count == 5 { parts[1] += ":00.000" }
        if !parts[1].contains(".") { parts[1] += ".000" }
        let time = "\(parts[0])T\(parts[1])Z"
        return Timestamp(time) == nil ? nil : time
    }
}

extension String {
    fileprivate var replacingFirstSpace: String {
        guard let space = firstIndex(of: " ") else { return self }
        return self[..<space] + "T" + self[index(after: space)...]
    }
}
