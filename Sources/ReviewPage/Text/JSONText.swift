/// Writes values as JSON for people to read and to edit.
///
/// Whatever has no ink is escaped inside strings, which JSON reads as the same string: so the text shows all of it, in a
/// text area as well, where no chips can stand.
enum JSONText {
    /// Nesting beyond this is not indented further: deep values would run out of the page.
    static let maximumIndentation = 8

    /// On lines, two spaces a level. O(n).
    static func pretty(_ value: PageValue) -> String {
        var text = ""
        write(value, depth: 0, isPretty: true, to: &text)
        return text
    }

    /// On one line.
    static func compact(_ value: PageValue) -> String {
        var text = ""
        write(value, depth: 0, isPretty: false, to: &text)
        return text
    }

    private static func write(_ value: PageValue, depth: Int, isPretty: Bool, to text: inout String) {
        switch value {
        case .null: text += "null"
        case .bool(let bool): text += bool ? "true" : "false"
        case .number(let number): text += number
        case .string(let string): write(string, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += isPretty ? "," : ", " }
                if isPretty { newLine(depth + 1, to: &text) }
                write(element, depth: depth + 1, isPretty: isPretty, to: &text)
            }
            if isPretty, !elements.isEmpty { newLine(depth, to: &text) }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += isPretty ? "," : ", " }
                if isPretty { newLine(depth + 1, to: &text) }
                write(member.name, to: &text)
                text += ": "
                write(member.value, depth: depth + 1, isPretty: isPretty, to: &text)
            }
            if isPretty, !members.isEmpty { newLine(depth, to: &text) }
            text += "}"
        }
    }

    private static func newLine(_ depth: Int, to text: inout String) {
        text += "\n" + String(repeating: "  ", count: min(depth, maximumIndentation))
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        var previous: Unicode.Scalar?
        let scalars = Array(string.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            // A mark behind an escape or a space would stand on that.
            let isPlain =
                scalar.isASCII
                ? scalar.value >= 0x20 && scalar.value != 0x7F
                : scalar.hasInk(after: previous, before: next) && !(scalar.isCombining && previous == nil)
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case _ where isPlain: text.unicodeScalars.append(scalar)
            default:
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
            previous = isPlain && scalar != " " ? scalar : nil
        }
        text += "\""
    }
}
