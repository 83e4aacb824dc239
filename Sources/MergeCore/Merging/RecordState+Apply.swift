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

/// What happened in one register.
public struct RegisterMerge: Sendable, Hashable {
    public let unit: UnitKey
    public let policy: MergePolicy
    public let rule: RegisterRule
    /// When two of the values are the same.
    public let equality: UnitEquality
    public let incoming: Register.Candidate
    /// The values that the write had seen and replaced.
    public let replaced: Register
    /// The values that it had not seen: it was concurrent to them.
    public let remaining: Register
    public let result: Register
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
        let coverage = CausalCoverage(write.context, of: clock)
        var position: UnitStates.Position?
        for unitWrite in write.writes {
            let merge = next.units.update(unitWrite.unit, near: &position) { state in
                Self.apply(unitWrite, of: write, seeing: coverage, to: &state, rules: rules, limits: limits)
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

    /// What a write's author had seen of a record.
    private enum CausalCoverage {
        case all
        case some

        init(_ context: VersionVector, of clock: VersionVector) {
            self = context.includes(clock) ? .all : .some
        }
    }

    /// - Returns: what happened in the register, nil where the policy absorbs the write.
    private static func apply(
        _ unitWrite: UnitWrite, of write: RecordWrite, seeing coverage: CausalCoverage, to state: inout UnitState?,
        rules: CollectionRules,
        limits: Limits
    ) -> RegisterMerge? {
        switch unitWrite.change {
        case .increment(let amount):
            var totals = counter(state)
            state = nil
            totals.add(amount, at: write.event.dot)
            state = .counter(totals)
            return nil
        case .elements(let adding, let removing):
            var set = set(state)
            // Held once: what is not shared with another state is changed in its place.
            state = nil
            set.change(adding: adding, removing: removing, at: write.event.dot, context: write.context)
            state = .set(set)
            return nil
        case .assign(let value):
            switch unitWrite.policy.family {
            case .extremum(let direction):
                let written = Extremum(direction: direction, value: value, event: write.event)
                if case .extremum(let best)? = state {
                    state = .extremum(best.join(written))
                } else {
                    state = .extremum(written)
                }
                return nil
            case .register(let rule):
                var register = register(state)
                // Repeating an immutable value that was seen leaves the first event in its place. Otherwise a different
                // value that arrives later could find that event replaced, and be taken for concurrent where it was not.
                if rule.succession == .mustEqual, register.holdsValue(seenBy: write.context) { return nil }
                let replaced =
                    switch coverage {
                    case .all: register.dropAll()
                    case .some: register.drop(seenBy: write.context)
                    }
                let remaining = register
                let incoming = Register.Candidate(value: value, event: write.event)
                register.insert(incoming, limit: limits.valuesPerUnit, rule: rule)
                state = .register(register)
                return RegisterMerge(
                    unit: unitWrite.unit, policy: unitWrite.policy, rule: rule,
                    equality: rules.equality(of: unitWrite.unit), incoming: incoming, replaced: replaced,
                    remaining: remaining, result: register)
            case .counter, .set:
                return nil
            }
        }
    }

    static func register(_ state: UnitState?) -> Register {
        if case .register(let register)? = state { register } else { Register() }
    }

    static func counter(_ state: UnitState?) -> CounterTotals {
        if case .counter(let totals)? = state { totals } else { CounterTotals() }
    }

    static func set(_ state: UnitState?) -> ObservedRemoveSet {
        if case .set(let set)? = state { set } else { ObservedRemoveSet() }
    }
}
