/// Writes queries of addresses. All but the unreserved characters of RFC 3986 are percent-encoded, by the bytes of
/// UTF-8.
enum QueryText {
    static func encoded(_ items: [(name: String, value: String)]) -> String {
        items.map { encoded($0.name) + "=" + encoded($0.value) }.joined(separator: "&")
    }

    static func encoded(_ text: String) -> String {
        var encoded: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// A path with its query, where there is one.
    static func address(_ path: String, _ items: [(name: String, value: String)]) -> String {
        items.isEmpty ? path : path + "?" + encoded(items)
    }
}
