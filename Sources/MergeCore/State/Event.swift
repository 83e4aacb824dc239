import Causality

/// One authored event on one record, with what the audit must be able to say about it later.
///
/// Every unit that an operation writes holds the operation's event; they share one copy of it.
public struct Event: Sendable {
    private final class Content: Sendable {
        let stamp: Stamp
        let provenance: Provenance

        init(_ stamp: Stamp, _ provenance: Provenance) {
            self.stamp = stamp
            self.provenance = provenance
        }
    }

    private let content: Content

    public init(stamp: Stamp, provenance: Provenance) {
        content = Content(stamp, provenance)
    }

    /// The event's place in the total order that picks winners.
    public var stamp: Stamp { content.stamp }
    /// Who sent the event.
    public var provenance: Provenance { content.provenance }
    /// The event's name.
    public var dot: Dot { content.stamp.dot }

    /// Whether the two are copies of one value. This is quicker to tell than whether they are equal. O(1).
    public func isCopy(of other: Event) -> Bool { content === other.content }
}

extension Event: Hashable {
    public static func == (left: Event, right: Event) -> Bool {
        left.content === right.content || (left.stamp == right.stamp && left.provenance == right.provenance)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(stamp)
        hasher.combine(provenance)
    }
}

/// Who sent an event, in which operation, and at which time by their own clock.
public struct Provenance: Sendable, Hashable {
    /// The operation that the event was.
    public let operation: OperationID
    /// The user on whose behalf the device sent it.
    public let user: ExactString
    /// The device's time as it was sent, before any correction; nil when the operation named none.
    public let claimedMilliseconds: Int64?

    public init(operation: OperationID, user: ExactString, claimedMilliseconds: Int64?) {
        self.operation = operation
        self.user = user
        self.claimedMilliseconds = claimedMilliseconds
    }
}
