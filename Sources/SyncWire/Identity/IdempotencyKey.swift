import Causality

/// The `Idempotency-Key` of a batch: an RFC 9651 section 3.3.3 string, or the same characters without quotes (rule I5).
public struct IdempotencyKey: Sendable, Hashable {
    /// The characters of the key, without quotes.
    public let text: ExactString

    /// Reads the header.
    /// - Parameters:
    ///   - field: the header's value.
    ///   - limit: how many characters a key may have.
    /// - Returns: nil unless the key is 1 to `limit` visible ASCII characters in one of the two forms, and neither `.`
    ///   nor `..`.
    public init?(field: String, limit: Int) {
        var characters: [UInt8] = []
        let bytes = Array(field.utf8)
        if bytes.first == UInt8(ascii: "\"") {
            guard let unquoted = Self.unquoted(bytes) else { return nil }
            characters = unquoted
        } else {
            characters = bytes
            // A quotation mark or backslash would be another key in the quoted form.
            guard !characters.contains(UInt8(ascii: "\"")), !characters.contains(UInt8(ascii: "\\")) else { return nil }
        }
        guard (1...limit).contains(characters.count), characters.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        // It stands in paths.
        guard !NameRule.isDots(String(decoding: characters, as: UTF8.self)) else { return nil }
        text = ExactString(String(decoding: characters, as: UTF8.self))
    }

    /// The header's value for a key: a quoted string.
    public static func field(for key: ExactString) -> String {
        var field = "\""
        for scalar in key.text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { field += "\\" }
            field.unicodeScalars.append(scalar)
        }
        return field + "\""
    }

    private static func unquoted(_ bytes: [UInt8]) -> [UInt8]? {
        var characters: [UInt8] = []
        var index = 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                return index == bytes.count - 1 ? characters : nil
            case UInt8(ascii: "\\"):
                index += 1
                guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "\\")
                else {
                    return nil
                }
                characters.append(bytes[index])
            default:
                characters.append(bytes[index])
            }
            index += 1
        }
        return nil
    }
}
