/// Why a replica waits for the app or its user.
public enum SyncPause: Sendable, Hashable {
    /// The app has no token that the server takes: the user has to sign in. Nothing was lost.
    case token
    /// The token is for another device or tenant than this replica's. Nothing is sent, since it would come from the wrong one.
    case otherIdentity
    /// The server refuses for good, with this code.
    case refused(String)
}

/// Why a sync came to nothing.
public enum SyncFailure: Error, Sendable, Hashable {
    /// The server did not answer, or something else answered in its place.
    case noAnswer
    /// The server said to come back later, or refused, with a code of the protocol.
    case refused(code: String)
    /// The app or its user has to do something first.
    case paused(SyncPause)
    /// The local database failed.
    case storage
    /// Another process, or another client in this one, syncs the same database.
    case runsElsewhere
}

/// How a sync ended.
enum SyncEnd: Sendable, Hashable {
    /// All edits are confirmed or parked, and everything that the server has is here.
    case upToDate
    case failed(SyncFailure)
    case paused(SyncPause)
}

/// What a replica is doing, and what is left to do.
public struct SyncStatus: Sendable, Hashable {
    /// What it is doing.
    public enum Phase: Sendable, Hashable {
        /// Nobody runs it.
        case stopped
        /// It is about to begin.
        case starting
        /// The server does not answer; it tries again.
        case offline
        /// Edits are on their way.
        case sending
        /// Changes are being pulled.
        case pulling
        /// Everything that was made here is there, and the other way round.
        case upToDate
        /// The app or its user has to do something.
        case paused(SyncPause)
    }

    /// What it is doing.
    public var phase: Phase
    /// Edits that the server has not confirmed.
    public var pending: Int
    /// Edits that the server refused, kept with their reasons.
    public var parked: Int
    /// Changes that could not be applied here, kept with their reasons.
    public var setAside: Int
}

/// Numbers for whoever watches an app.
public struct SyncMetrics: Sendable, Hashable {
    /// Edits that are not confirmed.
    public var pending = 0
    /// Edits that were refused and wait for somebody.
    public var parked = 0
    /// Changes that could not be applied here.
    public var setAside = 0
    /// Edits that the server has taken since this replica was made.
    public var acknowledged = 0
    /// Edits of this device that met a conflict.
    public var conflicts = 0
    /// From an edit to its confirmation, on average, in milliseconds; nil before the first.
    public var averageLatencyMilliseconds: Int64?
    /// When the server last answered well, in server milliseconds since 1970; nil before the first time.
    public var lastSuccessMilliseconds: Int64?
}
