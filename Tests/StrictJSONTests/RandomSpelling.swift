import Causality
import SeededRandom
import StrictJSON
import Values

extension SeededGenerator {
    /// The value in some other spelling: white space, escapes, members in another order, numbers with exponents.
    mutating func spelling(of value: Value) -> String {
        let space = pick(["", "", "", " ", "\n", "\t\r "])
        let body: String
        switch value {
        case .null: body = "null"
        case .boolean(let flag): body = flag ? "true" : "false"
        case .integer(let number): body = spelling(ofInteger: number)
        case .double: body = value.canonicalText
        case .string(let text): body = spelling(of: text)
        case .array(let elements): body = "[" + elements.map { spelling(of: $0) }.joined(separator: ",") + space + "]"
        case .object(let object):
            let members = object.members.shuffled(using: &self).map {
                spelling(of: $0.name) + space + ":" + spelling(of: $0.value)
            }
            body = "{" + space + members.joined(separator: ",") + "}"
        }
        return space + body + space
    }

    private mutating func spelling(ofInteger number: Int64) -> String {
        switch below(4) {
        case 0: return "\(number).0"
        case 1: return "\(number)e0"
        case 2: return number == 0 ? "-0E-2" : "\(number)00E-2"
        default: return "\(number)"
        }
    }

    private mutating func spelling(of text: ExactString) -> String {
        var spelled = "\""
        for scalar in text.text.unicodeScalars {
            if scalar.value < 0x20 || scalar == "\"" || scalar == "\\" || below(8) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &self))
                    spelled += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                spelled.unicodeScalars.append(scalar)
            }
        }
        return spelled + "\""
    }
}
