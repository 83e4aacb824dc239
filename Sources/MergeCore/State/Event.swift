import Causality

/// One authored event on one record, with what the audit must be able to say about it later.
public struct Event: Sendable, Hashable {
    public let stamp: Stamp
    public let provenance: Provenance

    public init(stamp: Stamp, provenance: Provenance) {
        self.stamp = stamp
        self.provenance = provenance
    }

    public var dot: Dot { stamp.dot }
}

/// Who sent an event, in which operation, at which time by their own clock.
public struct Provenance: Sendable, Hashable {
    public let operation: OperationID
    public let user: ExactString
    /// The device's time as it was sent, before any correction; nil when the operation named none.
    public let claimedMilliseconds: Int64?

    public init(operation: OperationID, user: ExactString, claimedMilliseconds: Int64?) {
        self.operation = operation
        self.user = user
        self.claimedMilliseconds = claimedMilliseconds
    }
}
