import Mustache

/// Escapes for HTML, text and quoted attributes alike.
///
/// The library's own escaping goes by characters. A quotation mark with a combining mark behind it is another character
/// than a quotation mark, and would leave the attribute that it stands in. Browsers read scalars, so this goes by
/// bytes; all that matters to HTML is ASCII.
struct PageContentType: MustacheContentType {
    /// The name under which templates ask for it.
    static let name = "REVIEW"

    func escapeText(_ text: String) -> String {
        guard text.utf8.contains(where: Self.isSpecial(_:)) else { return text }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count + text.utf8.count / 8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "<"): escaped += "&lt;".utf8
            case UInt8(ascii: ">"): escaped += "&gt;".utf8
            case UInt8(ascii: "&"): escaped += "&amp;".utf8
            case UInt8(ascii: "\""): escaped += "&quot;".utf8
            case UInt8(ascii: "'"): escaped += "&#39;".utf8
            case UInt8(ascii: "`"): escaped += "&#96;".utf8
            // A parser makes a line feed of a carriage return.
            case UInt8(ascii: "\r"): escaped += "&#13;".utf8
            // HTML has no way to write U+0000.
            case 0: escaped += "\u{FFFD}".utf8
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        switch byte {
        case 0, UInt8(ascii: "\r"), UInt8(ascii: "\""), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "<"),
            UInt8(ascii: ">"), UInt8(ascii: "`"):
            true
        default: false
        }
    }
}
