import Foundation

/// How long the tests of faults go on: briefly by default, and in full with `REJOIN_SOAK` in the environment.
enum Soak {
    static let isOn = ProcessInfo.processInfo.environment["REJOIN_SOAK"] != nil

    /// How often a fault comes.
    static func count(_ brief: Int) -> Int { isOn ? 20 : brief }

    /// How long devices write where no fault ends it.
    static var duration: Duration { isOn ? .seconds(60) : .seconds(10) }
}
