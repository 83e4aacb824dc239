import Causality

/// What a link that signs somebody in once carries: a name that counts once, until it expires.
///
/// Every server on the same data knows that the code was spent, and that outlives them.
public struct OneTimeCode: Sendable, Hashable {
    /// The longest id, in bytes of UTF-8. The ids of tokens are a quarter of it.
    public static let maximumByteCount = 128
    /// How long a spent code is remembered after its expiry.
    ///
    /// The code is refused as expired from then on, but the clocks of several servers differ. One that is behind would
    /// otherwise take for new what another has forgotten. An hour is far beyond what clocks of servers that check
    /// tokens may differ by.
    public static let rememberedMilliseconds: Int64 = 3_600_000
    /// How many codes are forgotten, at most, when one is spent. So the work of one call stays small after a long rest.
    /// Every call adds one and takes away up to this many, so what is kept stays small too.
    public static let forgottenAtOnce = 100

    /// The code's name, 1 to 128 bytes.
    public let id: ExactString
    /// From when on the code does not count, in server milliseconds.
    public let expiresAtMilliseconds: Int64

    /// Takes a code.
    /// - Returns: nil for an id that is empty, longer than ``maximumByteCount``, or has a U+0000.
    public init?(id: ExactString, expiresAtMilliseconds: Int64) {
        guard (1...Self.maximumByteCount).contains(id.byteCount), !id.text.utf8.contains(0) else { return nil }
        self.id = id
        self.expiresAtMilliseconds = expiresAtMilliseconds
    }

    /// Whether the code does not count any more. The last moment at which it may be spent is the one before it expires
    /// (RFC 7519 section 4.1.4).
    public func isExpired(atMilliseconds milliseconds: Int64) -> Bool { expiresAtMilliseconds <= milliseconds }

    /// The time before which a code has to have expired to be forgotten.
    public static func horizon(atMilliseconds milliseconds: Int64) -> Int64 {
        let (horizon, isBeforeAll) = milliseconds.subtractingReportingOverflow(rememberedMilliseconds)
        return isBeforeAll ? .min : horizon
    }
}
