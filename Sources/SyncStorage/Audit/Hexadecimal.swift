import Causality

extension [UInt8] {
    /// Lowercase, two digits a byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// - Returns: nil unless it is made of pairs of digits. Other spellings than `hexadecimal` pass here: the line they are in is
    ///   written again and compared.
    init?(hexadecimal text: ExactString?) {
        guard let digits = text.map({ Array($0.text.utf8) }), digits.count.isMultiple(of: 2) else { return nil }
        self = []
        reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            append(byte)
        }
    }
}
