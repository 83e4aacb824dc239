import Causality

/// An operation that has been read and classified as newer or concurrent: ready to be merged into its record.
public struct RecordWrite: Sendable, Hashable {
    public let kind: OperationKind
    public let event: Event
    /// What the author had seen. Within the record's clock.
    public let context: VersionVector
    /// One a unit. Empty for a delete.
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
    public let state: RecordState
    /// The registers that were written, in the order of the writes, as far as they were asked for.
    public let registers: [RegisterMerge]
    public let deletion: DeletionMerge
}

/// Which deletes and writes that had not seen each other met in a merge.
public struct DeletionMerge: Sendable, Hashable {
    public let wasDeleted: Bool
    public let isDeleted: Bool
    /// For a write: the deletes it had not seen.
    public let unseenDeletes: [Event]
    /// For a delete: the latest writes it had not seen, one a device.
    public let unseenWrites: [Event]
}

extension RecordState {
    /// Merges one write: what its author had seen is replaced, what its author had not seen stays beside it.
    ///
    /// The write was admitted before (`rejections(of:rules:limits:)`). O(k log n) in the number k of units that the write
    /// names, and O(devices).
    /// - Parameter open: given to be told of those registers only in which values remain beside the write's, or which have
    ///   an open conflict: about the others there is nothing to record. nil: of all.
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
