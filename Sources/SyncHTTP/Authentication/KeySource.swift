/// Where the keys of an issuer are, and how they are read.
public struct KeySource: Sendable {
    /// Why keys could not be read, for the operator.
    public struct Unreadable: Error, Sendable, Hashable {
        /// The reason, in words.
        public let reason: String

        public init(_ reason: String) { self.reason = reason }
    }

    /// When keys are read, beside where a token names one that is not known.
    public enum Schedule: Sendable, Hashable {
        /// When the operator says so. They have to be there when the server starts.
        case whenTold
        /// When they are older than this. They are somebody else's, who may be away when the server starts.
        case olderThan(milliseconds: Int64)
    }

    /// What the operator knows the place by.
    public let place: String
    /// When keys are read.
    public let schedule: Schedule
    /// A token that names a key which is not known has the keys read again, at most this often. Whoever makes up names
    /// must not keep the server reading.
    public let leastMillisecondsBetweenReadings: Int64
    /// While there are none, all who come with such a token wait for them, so it is tried more often.
    var leastMillisecondsUntilThereAreKeys: Int64 { min(10_000, leastMillisecondsBetweenReadings) }
    let read: @Sendable () async -> Result<TokenKey, Unreadable>

    public init(
        place: String, schedule: Schedule = .whenTold, leastMillisecondsBetweenReadings: Int64 = 10_000,
        read: @escaping @Sendable () async -> Result<TokenKey, Unreadable>
    ) {
        self.place = place
        self.schedule = schedule
        self.leastMillisecondsBetweenReadings = leastMillisecondsBetweenReadings
        self.read = read
    }
}
