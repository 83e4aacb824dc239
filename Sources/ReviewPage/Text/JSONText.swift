/// Writes values as JSON for people to read and to edit.
///
/// Whatever has no ink is escaped inside strings, which JSON reads as the same string. So the text shows all of it, in
/// a text area as well, where no chips can stand.
enum JSONText {
    /// Nesting beyond this is not indented further: deep values would run out of the page.
    static let maximumIndentation = 8

    /// The value on several lines, with two spaces a level. O(n).
    static func pretty(_ value: PageValue) -> String { pretty(value, upTo: .max).text }

    /// The value on one line. O(n).
    static func compact(_ value: PageValue) -> String { compact(value, upTo: .max).text }

    /// The beginning of `pretty`, and whether it is all of it. O(its length).
    /// - Parameters:
    ///   - value: the value.
    ///   - bytes: about how many bytes are written.
    static func pretty(_ value: PageValue, upTo bytes: Int) -> (text: String, isWhole: Bool) {
        var output = Output(layout: .lines, maximumBytes: bytes)
        output.write(value, depth: 0)
        return (output.text, !output.isFull)
    }

    /// The beginning of `compact`, and whether it is all of it. O(its length).
    static func compact(_ value: PageValue, upTo bytes: Int) -> (text: String, isWhole: Bool) {
        var output = Output(layout: .oneLine, maximumBytes: bytes)
        output.write(value, depth: 0)
        return (output.text, !output.isFull)
    }

    private enum Layout {
        case lines
        case oneLine
    }

    /// A text that is written up to a bound, and nothing after that.
    private struct Output {
        let layout: Layout
        let maximumBytes: Int
        private(set) var text = ""
        /// Whether something was left out.
        private(set) var isFull = false

        init(layout: Layout, maximumBytes: Int) {
            self.layout = layout
            self.maximumBytes = maximumBytes
        }

        mutating func write(_ value: PageValue, depth: Int) {
            switch value {
            case .null: append("null")
            case .bool(let bool): append(bool ? "true" : "false")
            case .number(let number): append(number)
            case .string(let string): write(string)
            case .array(let elements):
                append("[")
                for (index, element) in elements.enumerated() {
                    guard !isFull else { return }
                    begin(index, depth)
                    write(element, depth: depth + 1)
                }
                end(elements.count, depth)
                append("]")
            case .object(let members):
                append("{")
                for (index, member) in members.enumerated() {
                    guard !isFull else { return }
                    begin(index, depth)
                    write(member.name)
                    append(": ")
                    write(member.value, depth: depth + 1)
                }
                end(members.count, depth)
                append("}")
            }
        }

        private mutating func append(_ piece: String) {
            guard !isFull, text.utf8.count < maximumBytes else {
                isFull = true
                return
            }
            text += piece
        }

        private mutating func begin(_ index: Int, _ depth: Int) {
            if index > 0 { append(layout == .lines ? "," : ", ") }
            newLine(depth + 1)
        }

        private mutating func end(_ count: Int, _ depth: Int) {
            if count > 0 { newLine(depth) }
        }

        private mutating func newLine(_ depth: Int) {
            guard layout == .lines else { return }
            append("\n" + String(repeating: "  ", count: min(depth, JSONText.maximumIndentation)))
        }

        private mutating func write(_ string: String) {
            append("\"")
            var previous: Unicode.Scalar?
            let scalars = string.unicodeScalars
            var index = scalars.startIndex
            while index < scalars.endIndex {
                guard !isFull, text.utf8.count < maximumBytes else {
                    isFull = true
                    return
                }
                let scalar = scalars[index]
                index = scalars.index(after: index)
                let next = index < scalars.endIndex ? scalars[index] : nil
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
            append("\"")
        }
    }
}
