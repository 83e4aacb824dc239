import Causality

/// An operation that has been read and classified as newer or concurrent, so that it can be merged into its record.
public struct RecordWrite: Sendable, Hashable {
    /// What the operation asks for.
    public let kind: OperationKind
    /// The event that it is.
    public let event: Event
    /// What the author had seen. It is within the record's clock.
    public let context: VersionVector
    /// What is written, one entry a unit. Empty for a delete.
    public let writes: [UnitWrite]

    public init(kind: OperationKind, event: Event, context: VersionVector, writes: [UnitWrite]) {
        self.kind = kind
        self.event = event
        self.context = context
        self.writes = writes
    }
}

/// What a merge did, for those who have to record it.
public struct RecordMerge: Sendable, Hashable {
    /// The record's state after the merge.
    public let state: RecordState
    /// The registers that were written, in the order of the writes, as far as the caller asked for them.
    public let registers: [RegisterMerge]
    /// Which deletes and writes met.
    public let deletion: DeletionMerge
}

/// Which deletes and writes that had not seen each other met in a merge.
public struct DeletionMerge: Sendable, Hashable {
    /// Whether the record was hidden before the merge.
    public let wasDeleted: Bool
    /// Whether the record is hidden after it.
    public let isDeleted: Bool
    /// The deletes that a write had not seen; empty for a delete.
    public let unseenDeletes: [Event]
    /// The latest writes that a delete had not seen, one a device; empty for a write.
    public let unseenWrites: [Event]
}

extension RecordState {
    /// Merges one write. What its author had seen is replaced; what its author had not seen stays beside it (rules M2
    /// to M5).
    ///
    /// The write was admitted before by ``rejections(of:rules:limits:)``. O(k log n) in the number k of units that the
    /// write names, and O(devices).
    /// - Parameters:
    ///   - write: what is merged.
    ///   - rules: the rules of the record's collection.
    ///   - limits: for the number of values that one unit may hold.
    ///   - open: where it is given, the answer has only those registers in which values remain beside the write's, or
    ///     that have an open conflict; there is nothing to record about the others. Where it is nil, the answer has
    ///     all.
    public func applying(
        _ write: RecordWrite, rules: CollectionRules, limits: Limits, notingOnly open: [UnitKey: OpenConflict]? = nil
    ) -> RecordMerge {
        var next = self
        var registers: [RegisterMerge] = []
        let context = WriteContext(
            event: write.event, seen: write.context, hasSeenAll: write.context.includes(clock), limits: limits)
        var position: UnitStates.Position?
        for unitWrite in write.writes {
            let equality = rules.equality(of: unitWrite.unit)
            let merge = next.units.update(unitWrite.unit, near: &position) { state in
                UnitState.apply(unitWrite, in: context, equality: equality, to: &state)
            }
            guard let merge else { continue }
            if let open, merge.remaining.isEmpty, open.isEmpty || open[merge.unit] == nil { continue }
            registers.append(merge)
        }
        let isDelete = write.kind == .delete
        next.deletion =
            isDelete
            ? deletion.deleted(write.event, context: write.context)
            : deletion.written(write.event, context: write.context)
        next.clock = clock.union(write.context).setting(write.event.dot.device, to: write.event.dot.counter)
        next.latestMilliseconds = max(latestMilliseconds, write.event.stamp.milliseconds)
        let deletion = DeletionMerge(
            wasDeleted: isDeleted(rules.deletes), isDeleted: next.isDeleted(rules.deletes),
            unseenDeletes: isDelete ? [] : deletion.deletes.filter { !write.context.contains($0.dot) },
            unseenWrites: isDelete ? deletion.writes.filter { !write.context.contains($0.dot) } : [])
        return RecordMerge(state: next, registers: registers, deletion: deletion)
    }

    /// The state with an event in its clock that wrote nothing.
    func noting(_ dot: Dot) -> RecordState {
        var next = self
        next.clock = clock.setting(dot.device, to: dot.counter)
        return next
    }
}
