import Causality

/// What a link that signs somebody in once carries: a name that counts once, until it expires.
///
/// That it was spent is known to every server on the same data, and outlives them.
public struct OneTimeCode: Sendable, Hashable {
    /// In UTF-8. The ids of tokens are a quarter of it.
    public static let maximumByteCount = 128
    /// How long after its expiry a spent code is remembered. It is refused as expired from then on, but the clocks of several
    /// servers differ: one that is behind would otherwise take for new what another has forgotten. An hour is far beyond what
    /// clocks of servers that check tokens may differ by.
    public static let rememberedMilliseconds: Int64 = 3_600_000
    /// How many are forgotten on the way of one that is spent, at most: the work of one call stays small after a long rest, and
    /// as every call adds one and takes away up to this many, what is kept stays small too.
    public static let forgottenAtOnce = 100

    public let id: ExactString
    public let expiresAtMilliseconds: Int64

    /// - Returns: nil for an id that is empty, longer than `maximumByteCount`, or has a U+0000.
    public init?(id: ExactString, expiresAtMilliseconds: Int64) {
        guard (1...Self.maximumByteCount).contains(id.byteCount), !id.text.utf8.contains(0) else { return nil }
        self.id = id
        self.expiresAtMilliseconds = expiresAtMilliseconds
    }

    /// The last moment at which it may be spent is the one before it expires (RFC 7519 section 4.1.4).
    public func isExpired(atMilliseconds milliseconds: Int64) -> Bool { expiresAtMilliseconds <= milliseconds }

    /// Codes that expired before this are forgotten.
    public static func horizon(atMilliseconds milliseconds: Int64) -> Int64 {
        let (horizon, isBeforeAll) = milliseconds.subtractingReportingOverflow(rememberedMilliseconds)
        return isBeforeAll ? .min : horizon
    }
}
