import Causality

/// All that the merge knows about one record.
///
/// What the state holds depends on the events that were merged and on nothing else (rule U1): not on the order in which
/// they arrived, and not on any clock on a wall.
public struct RecordState: Sendable, Hashable {
    /// The clock, which says which events were merged.
    public internal(set) var clock: VersionVector
    /// What the record's units hold.
    public internal(set) var units: UnitStates
    /// What decides whether the record is deleted.
    public internal(set) var deletion: DeletionState
    /// The greatest stamp that was ever merged, in milliseconds. A device's hybrid clock stays above it.
    public internal(set) var latestMilliseconds: Int64

    public init(
        clock: VersionVector = VersionVector(), units: UnitStates = [:], deletion: DeletionState = DeletionState(),
        latestMilliseconds: Int64 = 0
    ) {
        self.clock = clock
        self.units = units
        self.deletion = deletion
        self.latestMilliseconds = latestMilliseconds
    }

    /// Whether no event was ever merged. Then the record does not exist.
    public var isUnknown: Bool { clock.isEmpty }

    /// Whether the record exists and is hidden by a delete.
    public func isDeleted(_ policy: DeletePolicy) -> Bool {
        !isUnknown && deletion.isDeleted(policy)
    }
}
