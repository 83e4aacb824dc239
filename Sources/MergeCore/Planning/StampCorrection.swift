/// Turns a device's time of an edit into server time (rules T3 and T4 of docs/semantics.md).
///
/// A wrong device clock must not decide who wins. Where the batch says by the same clock when it was sent, the clock's
/// error is known up to the network's delay. It is taken out when it exceeds that. Nothing comes from the future. A
/// time far in the past is left as it is: the edit may well have been made then.
public struct StampCorrection: Sendable, Hashable {
    /// A difference up to this is taken for the network's delay.
    public static let toleratedSkewMilliseconds: Int64 = 2_000

    /// When the batch arrived, in server milliseconds.
    public let receivedAtMilliseconds: Int64
    /// What is added to each time of the batch; 0 where the difference is tolerated.
    public let skewMilliseconds: Int64

    /// Takes the two times of a batch.
    /// - Parameters:
    ///   - receivedAtMilliseconds: when the batch arrived, by the server's clock.
    ///   - sentAtMilliseconds: when it was sent, by the device's clock; nil where the batch does not say.
    public init(receivedAtMilliseconds: Int64, sentAtMilliseconds: Int64?) {
        self.receivedAtMilliseconds = receivedAtMilliseconds
        let skew = sentAtMilliseconds.map { receivedAtMilliseconds - $0 } ?? 0
        skewMilliseconds = abs(skew) > Self.toleratedSkewMilliseconds ? skew : 0
    }

    /// The time of an edit in server milliseconds, never after the receipt.
    /// - Parameter claimed: the time that the device gave; nil stands for the time of receipt.
    public func corrected(_ claimed: Int64?) -> Int64 {
        guard let claimed else { return receivedAtMilliseconds }
        return min(claimed + skewMilliseconds, receivedAtMilliseconds)
    }
}
