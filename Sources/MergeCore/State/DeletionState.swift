import Causality

/// What decides whether a record is deleted: the writes that no delete has seen, and the deletes that no later event
/// has seen (rule U5; the flags of Almeida et al. 2018).
///
/// One event a device is enough for the writes. A device's events are totally ordered, a delete by the device itself
/// has seen all of its earlier writes, and whoever has seen its latest write has seen the earlier ones. So either the
/// device's latest event is an unseen write, or none of its writes is unseen.
public struct DeletionState: Sendable, Hashable {
    /// The latest event of each device whose latest event is a write that no delete has seen. Sorted by device.
    public private(set) var writes: [Event]
    /// The deletes that no later event has seen, sorted by dot.
    public private(set) var deletes: [Event]

    public init(writes: [Event] = [], deletes: [Event] = []) {
        self.writes = writes.count < 2 ? writes : writes.sorted { $0.dot < $1.dot }
        self.deletes = deletes.count < 2 ? deletes : deletes.sorted { $0.dot < $1.dot }
    }

    /// Whether the record is hidden. The answer has a meaning only for a record that has at least one event. O(1).
    public func isDeleted(_ policy: DeletePolicy) -> Bool {
        switch policy {
        case .updateWins: writes.isEmpty
        case .deleteWins: !deletes.isEmpty
        }
    }

    /// Takes in a create, an update or a restore, which supersedes the deletes that it has seen.
    func written(_ event: Event, context: VersionVector) -> DeletionState {
        var next = self
        let position = writes.firstIndex { !($0.dot.device < event.dot.device) } ?? writes.endIndex
        if position < writes.endIndex, writes[position].dot.device == event.dot.device {
            next.writes[position] = event
        } else {
            next.writes.insert(event, at: position)
        }
        if !deletes.isEmpty { next.deletes.removeAll { context.contains($0.dot) } }
        return next
    }

    /// Takes in a delete. It supersedes the deletes that it has seen, and hides the writes that it has seen, its
    /// author's own among them.
    func deleted(_ event: Event, context: VersionVector) -> DeletionState {
        DeletionState(
            writes: writes.filter { !context.contains($0.dot) },
            deletes: deletes.filter { !context.contains($0.dot) } + [event])
    }

    func join(_ other: DeletionState, clock: VersionVector, otherClock: VersionVector) -> DeletionState {
        DeletionState(
            writes: Self.join(writes, other.writes, clock, otherClock),
            deletes: Self.join(deletes, other.deletes, clock, otherClock))
    }

    // Between two entries of one device the lower never survives: the side with the higher one has heard of it.
    private static func join(
        _ mine: [Event], _ theirs: [Event], _ clock: VersionVector, _ otherClock: VersionVector
    ) -> [Event] {
        mine.filter { event in !otherClock.contains(event.dot) || theirs.contains { $0.dot == event.dot } }
            + theirs.filter { event in !clock.contains(event.dot) }
    }
}
