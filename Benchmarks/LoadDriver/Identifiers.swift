/// How the ids of records, operations and batches follow one another. An id is made of its number alone, so that whoever
/// writes a record knows its id.
public enum Identifiers: String, Sendable, CaseIterable {
    /// UUIDs of version 4, as apps make them (RFC 9562, section 5.4): two of them are neighbours nowhere.
    case random
    /// UUIDs of version 7 (RFC 9562, section 5.7): a device's ids ascend with time, a millisecond apart.
    case timeOrdered
    /// UUIDs whose first eight digits scatter and whose last twelve are the number itself: as random where an index has to find
    /// their place, and SQL can compute them (`sql`).
    case scattered
    /// UUIDs that ascend with the number.
    case ascending

    /// What is named.
    public enum Kind: UInt64, Sendable {
        case record = 1
        case operation
        case batch

        /// Tells kinds apart in scattered and ascending ids, between the first eight digits and the last twelve.
        public var middle: String {
            switch self {
            case .record: "-7d4e-4000-8000-"
            case .operation: "-7d4e-4000-9000-"
            case .batch: "-7d4e-4000-a000-"
            }
        }

        fileprivate var middleBits: (high: UInt64, low: UInt64) {
            switch self {
            case .record: (0x7D4E_4000, 0x8000_0000_0000_0000)
            case .operation: (0x7D4E_4000, 0x9000_0000_0000_0000)
            case .batch: (0x7D4E_4000, 0xA000_0000_0000_0000)
            }
        }
    }

    /// Numbers that follow one another come to lie far apart (Knuth 1998, section 6.4: Fibonacci hashing).
    private static let scattering: UInt32 = 1_640_531_527

    /// The first eight digits of a scattered id.
    public static func scattered(_ number: Int) -> UInt32 { UInt32(truncatingIfNeeded: number) &* scattering }

    /// An expression of PostgreSQL for a scattered id.
    /// - Parameter number: an expression for a bigint of twelve digits.
    public static func sql(_ kind: Kind, _ number: String) -> String {
        "(lpad(to_hex(((\(number)) & 4294967295) * \(scattering) & 4294967295), 8, '0') || '\(kind.middle)' "
            + "|| (\(number))::text)"
    }

    /// The number in a scattered id of a kind; nil: it is none.
    public static func number(_ kind: Kind, ofScattered id: String) -> Int? {
        let digits = id.dropFirst(8)
        return digits.hasPrefix(kind.middle) ? Int(digits.dropFirst(kind.middle.count)) : nil
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
        case .scattered, .ascending:
            let middle = kind.middleBits
            let first = self == .scattered ? Self.scattered(number) : 0x0199_A1C2
            var (rest, digits) = (number, UInt64(0))
            for place in 0..<12 {
                digits |= UInt64(rest % 10) << (4 * UInt64(place))
                rest /= 10
            }
            precondition(rest == 0, "\(number) has more than twelve digits")
            return (UInt64(first) << 32 | middle.high, middle.low | digits)
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
