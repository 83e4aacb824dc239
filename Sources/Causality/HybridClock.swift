/// A device's clock in server time, which never runs behind anything that the device has seen (Kulkarni et al. 2014;
/// here the logical part is folded into the milliseconds).
///
/// The clock learns the offset between the device's clock and the server's from the answers that it gets. A time that
/// it hands out is above every stamp observed so far. So an edit is stamped later than what its author was looking at,
/// even when the device's clock was set back in between.
public struct HybridClock: Sendable, Hashable {
    /// Server time minus device time.
    public private(set) var offsetMilliseconds: Int64
    /// The greatest time handed out or observed.
    public private(set) var latestMilliseconds: Int64

    /// Continues a clock that was kept from an earlier run; without arguments, begins one that has learned nothing.
    public init(offsetMilliseconds: Int64 = 0, latestMilliseconds: Int64 = 0) {
        self.offsetMilliseconds = offsetMilliseconds
        self.latestMilliseconds = latestMilliseconds
    }

    /// Learns the offset from one answer.
    ///
    /// The server's time is read against the middle of the exchange, which halves the error that the network's delay
    /// makes (Cristian 1989).
    /// - Parameters:
    ///   - serverMilliseconds: the server's time, from the answer.
    ///   - sentAtDeviceMilliseconds: when the device sent the request, by its own clock.
    ///   - receivedAtDeviceMilliseconds: when the answer arrived, by the same clock.
    public mutating func learn(
        serverMilliseconds: Int64, sentAtDeviceMilliseconds: Int64, receivedAtDeviceMilliseconds: Int64
    ) {
        let middle = sentAtDeviceMilliseconds + (receivedAtDeviceMilliseconds - sentAtDeviceMilliseconds) / 2
        offsetMilliseconds = serverMilliseconds - middle
    }

    /// Notes the greatest stamp of a record that the device has received.
    public mutating func observe(stampMilliseconds: Int64) {
        latestMilliseconds = max(latestMilliseconds, stampMilliseconds)
    }

    /// The time of a new edit, in server milliseconds: at least 1 ms above everything that was seen or handed out.
    public mutating func tick(deviceMilliseconds: Int64) -> Int64 {
        latestMilliseconds = max(deviceMilliseconds + offsetMilliseconds, latestMilliseconds + 1)
        return latestMilliseconds
    }
}
