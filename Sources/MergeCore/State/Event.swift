import Causality

/// One authored event on one record, with what the audit must be able to say about it later.
///
/// Every unit that an operation writes holds the operation's event: they share one copy of it.
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

    public var stamp: Stamp { content.stamp }
    public var provenance: Provenance { content.provenance }
    public var dot: Dot { content.stamp.dot }

    /// Whether the two are copies of one value, which is quicker to tell than whether they are equal.
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
