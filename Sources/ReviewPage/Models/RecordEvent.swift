import Causality

/// One operation of a record's history, as pages show it: made from the engine's `RecordedEvent`.
public struct RecordEvent: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case create
        case update
        case delete
        case restore
    }

    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        case applied
        case merged
        case conflicted
        case older
        case rejected
        case skipped
    }

    public let dot: Dot
    /// The operation's whole clock: its context and its own dot.
    public let clock: VersionVector
    public let user: String
    public let operation: String
    public let kind: Kind
    public let outcome: Outcome
    public let atMilliseconds: Int64
    /// The number of the conflict's side that this operation wrote.
    public let side: Int?

    public init(
        dot: Dot, clock: VersionVector, user: String, operation: String, kind: Kind, outcome: Outcome,
        atMilliseconds: Int64, side: Int? = nil
    ) {
        self.dot = dot
        self.clock = clock
        self.user = user
        self.operation = operation
        self.kind = kind
        self.outcome = outcome
        self.atMilliseconds = atMilliseconds
        self.side = side
    }
}
