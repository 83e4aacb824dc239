import Foundation

/// The clocks of the device that a replica goes by.
public struct DeviceClock: Sendable {
    /// The time that the user sees, in milliseconds since 1970. It may be wrong, and may jump.
    public let wall: @Sendable () -> Int64
    /// Time that passes and never jumps, from any beginning.
    public let uptime: @Sendable () -> Duration

    /// Takes other clocks than the device's, for tests.
    public init(wall: @escaping @Sendable () -> Int64, uptime: @escaping @Sendable () -> Duration) {
        self.wall = wall
        self.uptime = uptime
    }

    /// The device's own.
    public static let system: DeviceClock = {
        let start = ContinuousClock.now
        return DeviceClock(
            wall: { Int64((Date().timeIntervalSince1970 * 1000).rounded()) },
            uptime: { ContinuousClock.now - start })
    }()
}
