/// How the ids of records, operations and batches follow one another. An id is made of its number alone, so that whoever
/// writes a record knows its id.
public enum Identifiers: String, Sendable, CaseIterable {
    /// UUIDs of version 4, as apps make them (RFC 9562, section 5.4): two of them are neighbours nowhere.
    case random
    /// UUIDs of version 7 (RFC 9562, section 5.7): a device's ids ascend with time, a millisecond apart.
    case timeOrdered
    /// A prefix and a number of twelve digits, for who computes ids in SQL.
    case ascending

    /// What is named.
    public enum Kind: UInt64, Sendable {
        case record = 1
        case operation
        case batch

        fileprivate var prefix: (high: UInt64, low: UInt64) {
            switch self {
            case .record: (0x0199_A1C2_7D4E_7000, 0x8000_0000_0000_0000)
            case .operation: (0x0199_B7F0_7D4E_7000, 0x9000_0000_0000_0000)
            case .batch: (0x0199_C3A6_7D4E_7000, 0xA000_0000_0000_0000)
            }
        }
    }

    /// The 128 bits of a UUID.
    func id(_ kind: Kind, _ number: Int) -> (high: UInt64, low: UInt64) {
        let seed = UInt64(truncatingIfNeeded: number) << 2 | kind.rawValue
        let low = Self.mix(seed ^ 0x5851_F42D_4C95_7F2D) >> 2 | 0x8000_0000_0000_0000
        switch self {
        case .random: return (Self.mix(seed) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000, low)
        case .timeOrdered:
            // Two million days are less than 48 bits of milliseconds.
            let milliseconds = 1_780_000_000_000 + UInt64(number % 1_000_000_000)
            return (milliseconds << 16 | 0x7000 | Self.mix(seed) & 0xFFF, low)
        case .ascending:
            let prefix = kind.prefix
            var (rest, digits) = (number, UInt64(0))
            for place in 0..<12 {
                digits |= UInt64(rest % 10) << (4 * UInt64(place))
                rest /= 10
            }
            precondition(rest == 0, "\(number) has more than twelve digits")
            return (prefix.high, prefix.low | digits)
        }
    }

    /// Spreads numbers over all bits, each to another (SplitMix64: Steele, Lea and Flood 2014, "Fast splittable pseudorandom
    /// number generators").
    private static func mix(_ number: UInt64) -> UInt64 {
        var bits = number &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
