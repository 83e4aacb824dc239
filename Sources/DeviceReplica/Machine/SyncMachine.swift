import SyncWire

/// Decides what a replica does next. It is pure: what happened and the time go in, what to do comes out. Storage, network and
/// timers are around it, and a test is a transcript.
///
/// One thing is under way at a time. The order is that of what stands in the way of what: a token, an identity, the session, the
/// schema, what has to be pulled again, records that the server knows otherwise, then edits, records that are wanted, then the feed. Edits come before the
/// feed, since what is only here can be lost; an edit ends the wait of a poll.
///
/// ```text
///   (start) ─▶ token ─▶ identity ─▶ register ─▶ session ─▶ collections ─▶ resync ─▶ fetch ─▶ send ─▶ wanted ─▶ pull ─▶ (wait for changes)
///                ▲         ▲                                   ▲                                  │
///                │ 401     │ counter_reused, device_retired    │ resync_required                  │ an edit, a change
///                └─────────┴───────────────────────────────────┴──────────────────────────────────┘
///   any of them ─▶ resting (no answer, 429, 5xx: back-off with jitter) ─▶ the same again
///   any of them ─▶ paused (the app has to do something) ─▶ woken: the same again
/// ```
struct SyncMachine: Sendable, Hashable {
    /// Whether it ends when nothing is left to do, or stays for what comes.
    enum Mode: Sendable, Hashable { case once, staying }

    /// One thing to do.
    enum Activity: Sendable, Hashable {
        /// Asks the app for a token.
        case askForToken
        /// Makes a new device id, and makes everything pending ready to be sent under it.
        case takeNewIdentity
        /// Makes the device known to the server.
        case register
        /// Asks who the server takes the device for, and what may be asked.
        case checkSession
        /// Asks which collections there are, and by which rules they merge.
        case fetchCollections
        /// Asks for a page of a pull from the beginning, beside what is here.
        case pullAgain
        /// Asks how records stand that the server knows otherwise.
        case fetchRecords
        /// Asks how records stand that are wanted, and of which nothing is known.
        case fetchWanted
        /// Sends a batch: the one whose fate is unknown, or a new one.
        case send
        /// Asks for a page of the feed, and lets the server hold an empty one for so many seconds.
        case pull(waitSeconds: Int)
    }

    /// What to do next.
    enum Step: Sendable, Hashable {
        case perform(Activity)
        /// Nothing, until something happens or the time has come, in milliseconds of the device's uptime.
        case rest(untilMilliseconds: Int64?)
        case finish(SyncEnd)
    }

    /// What the replica's storage holds, as far as it decides what is next.
    struct Facts: Sendable, Hashable {
        var hasBatch = false
        var hasEdits = false
        var hasUnclearRecords = false
        var hasUnknownWanted = false
        var needsIdentity = false
        var needsRegistration = false
        var needsCollections = false
        var isPullingAgain = false
        /// In `observe` mode and for a device that may only read.
        var sendsNothing = false
        /// Where no collection is kept here.
        var takesNothing = false
    }

    /// What came of an activity.
    enum Outcome: Sendable, Hashable {
        /// It did what it is for. `hasMore` is of pulls: there is another page.
        case done(hasMore: Bool)
        /// The server refused, and the replica's storage was told what it has to do about it.
        case handled
        /// It was ended because something else is to be done.
        case interrupted
        case failed(Failure)
    }

    /// Why an activity came to nothing.
    enum Failure: Sendable, Hashable {
        /// No answer, or one that is none of the protocol.
        case noAnswer
        /// The server asks to be asked later.
        case busy(ProblemCode, retryAfterMilliseconds: Int64?)
        /// The server does not take the token.
        case tokenRefused
        /// The app has no token now.
        case noToken
        /// The server refuses for good, as long as nobody does anything.
        case refused(ProblemCode)
        /// The token is for another device or tenant than this replica's.
        case otherIdentity
        /// The local database failed.
        case storage
    }

    let mode: Mode
    /// For how long the server may hold an empty page.
    var waitSeconds = 25
    private(set) var backoff: Backoff
    private var hasToken = false
    private var tokenIsFresh = false
    private var isSessionChecked = false
    private var areCollectionsChecked = false
    private var isCaughtUp = false
    private var restsUntilMilliseconds: Int64?
    private(set) var pause: SyncPause?
    /// How often in a row something was refused and handled. What is handled without end is no progress.
    private var handledInARow = 0
    private var lastFailure: Failure?

    init(_ mode: Mode, backoff: Backoff) {
        self.mode = mode
        self.backoff = backoff
    }

    // MARK: What is next

    /// What to do now.
    /// - Parameters:
    ///   - facts: what storage holds now.
    ///   - nowMilliseconds: the device's uptime.
    mutating func next(_ facts: Facts, nowMilliseconds: Int64) -> Step {
        if let pause { return mode == .once ? .finish(.paused(pause)) : .rest(untilMilliseconds: nil) }
        if let until = restsUntilMilliseconds {
            guard nowMilliseconds >= until else {
                return mode == .once ? .finish(.failed(failure)) : .rest(untilMilliseconds: until)
            }
            restsUntilMilliseconds = nil
        }
        if facts.needsIdentity { return .perform(.takeNewIdentity) }
        if !hasToken { return .perform(.askForToken) }
        if facts.needsRegistration { return .perform(.register) }
        if !isSessionChecked { return .perform(.checkSession) }
        if !areCollectionsChecked || facts.needsCollections { return .perform(.fetchCollections) }
        if facts.isPullingAgain { return .perform(.pullAgain) }
        if facts.hasUnclearRecords { return .perform(.fetchRecords) }
        if !facts.sendsNothing, facts.hasBatch || facts.hasEdits { return .perform(.send) }
        if facts.takesNothing { return mode == .once ? .finish(.upToDate) : .rest(untilMilliseconds: nil) }
        if facts.hasUnknownWanted { return .perform(.fetchWanted) }
        guard isCaughtUp else { return .perform(.pull(waitSeconds: 0)) }
        return mode == .once ? .finish(.upToDate) : .perform(.pull(waitSeconds: waitSeconds))
    }

    /// What it last failed with, as the app is told.
    var failure: SyncFailure {
        switch lastFailure {
        case .busy(let code, _)?, .refused(let code)?: .refused(code: code.rawValue)
        case .storage?: .storage
        case .noAnswer?, .tokenRefused?, .noToken?, .otherIdentity?, nil: .noAnswer
        }
    }

    // MARK: What happened

    /// Notes what came of an activity.
    mutating func note(_ outcome: Outcome, of activity: Activity, nowMilliseconds: Int64) {
        switch outcome {
        case .done(let hasMore):
            switch activity {
            // They are means: what comes after them says whether they helped.
            case .askForToken, .takeNewIdentity: break
            case .register, .checkSession, .fetchCollections, .pullAgain, .fetchRecords, .fetchWanted, .send, .pull:
                backoff.reset()
                handledInARow = 0
                lastFailure = nil
            }
            noteDone(activity, hasMore: hasMore)
        case .handled:
            handledInARow += 1
            if handledInARow > 50 { rest(retryAfterMilliseconds: nil, nowMilliseconds) }
        case .interrupted: break
        case .failed(let failure): note(failure, nowMilliseconds)
        }
    }

    private mutating func noteDone(_ activity: Activity, hasMore: Bool) {
        switch activity {
        case .askForToken:
            hasToken = true
            tokenIsFresh = true
            return
        case .takeNewIdentity:
            // The token is of the former device.
            hasToken = false
            isSessionChecked = false
        case .register: break
        case .checkSession: isSessionChecked = true
        case .fetchCollections: areCollectionsChecked = true
        case .pull: isCaughtUp = !hasMore
        case .send: isCaughtUp = false
        case .pullAgain, .fetchRecords, .fetchWanted: break
        }
        tokenIsFresh = false
    }

    private mutating func note(_ failure: Failure, _ nowMilliseconds: Int64) {
        lastFailure = failure
        switch failure {
        case .noAnswer, .storage: rest(retryAfterMilliseconds: nil, nowMilliseconds)
        case .busy(_, let retryAfter): rest(retryAfterMilliseconds: retryAfter, nowMilliseconds)
        case .tokenRefused:
            // A token that was made for this very call is asked for once, not for ever.
            if tokenIsFresh { pause = .token }
            hasToken = false
            tokenIsFresh = false
        case .noToken:
            hasToken = false
            pause = .token
        case .otherIdentity:
            hasToken = false
            pause = .otherIdentity
        case .refused(let code): pause = .refused(code.rawValue)
        }
    }

    private mutating func rest(retryAfterMilliseconds: Int64?, _ nowMilliseconds: Int64) {
        restsUntilMilliseconds = nowMilliseconds + backoff.next(retryAfterMilliseconds: retryAfterMilliseconds)
    }

    /// The network is back, the app came to the front, a user signed in: what was waited for may be there now.
    mutating func wake() {
        pause = nil
        restsUntilMilliseconds = nil
        backoff.reset()
        handledInARow = 0
        isSessionChecked = false
        areCollectionsChecked = false
    }

    /// Something changed here or there. It is looked at in its turn.
    mutating func noteChange() { isCaughtUp = false }
}
