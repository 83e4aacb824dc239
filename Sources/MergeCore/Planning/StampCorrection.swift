/// Turns a device's time of an edit into server time.
///
/// A wrong device clock must not decide who wins. Where the batch says when it was sent by the same clock, the clock's
/// error is known up to the network's delay, and is taken out when it exceeds that. Nothing comes from the future. A time
/// far in the past is left as it is: the edit may well have been made then.
public struct StampCorrection: Sendable, Hashable {
    /// A difference up to this is taken for the network's delay.
    public static let toleratedSkewMilliseconds: Int64 = 2_000

    public let receivedAtMilliseconds: Int64
    public let skewMilliseconds: Int64

    public init(receivedAtMilliseconds: Int64, sentAtMilliseconds: Int64?) {
        self.receivedAtMilliseconds = receivedAtMilliseconds
        let skew = sentAtMilliseconds.map { receivedAtMilliseconds - $0 } ?? 0
        skewMilliseconds = abs(skew) > Self.toleratedSkewMilliseconds ? skew : 0
    }

    /// - Parameter claimed: the time that the device gave; nil stands for the time of receipt.
    public func corrected(_ claimed: Int64?) -> Int64 {
        guard let claimed else { return receivedAtMilliseconds }
        return min(claimed + skewMilliseconds, receivedAtMilliseconds)
    }
}
