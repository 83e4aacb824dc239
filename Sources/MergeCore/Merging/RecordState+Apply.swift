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
    /// The registers that were written, in the order of the writes.
    public let registers: [RegisterMerge]
    public let life: LifeMerge
}

/// What happened in one register.
public struct RegisterMerge: Sendable, Hashable {
    public let unit: UnitKey
    public let policy: MergePolicy
    public let rule: RegisterRule
    public let incoming: Register.Candidate
    /// The values that the write had seen and replaced.
    public let replaced: [Register.Candidate]
    /// The values that it had not seen: it was concurrent to them.
    public let remaining: Register
    public let result: Register
}

/// What a delete and writes that had not seen each other met in.
public struct LifeMerge: Sendable, Hashable {
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
    /// The write was admitted before (`rejections(of:rules:limits:)`). O(size of the record).
    public func applying(_ write: RecordWrite, rules: CollectionRules, limits: Limits) -> RecordMerge {
        var next = self
        var registers: [RegisterMerge] = []
        for unitWrite in write.writes {
            if let merge = next.apply(unitWrite, of: write, limits: limits) { registers.append(merge) }
        }
        let isDelete = write.kind == .delete
        next.life =
            isDelete
            ? life.deleted(write.event, context: write.context) : life.written(write.event, context: write.context)
        next.clock = clock.union(write.context).setting(write.event.dot.device, to: write.event.dot.counter)
        next.latestMilliseconds = max(latestMilliseconds, write.event.stamp.milliseconds)
        let life = LifeMerge(
            wasDeleted: isDeleted(rules.deletes), isDeleted: next.isDeleted(rules.deletes),
            unseenDeletes: isDelete ? [] : life.deletes.filter { !write.context.contains($0.dot) },
            unseenWrites: isDelete ? life.writes.filter { !write.context.contains($0.dot) } : [])
        return RecordMerge(state: next, registers: registers, life: life)
    }

    /// The state with an event in its clock that wrote nothing.
    func noting(_ dot: Dot) -> RecordState {
        var next = self
        next.clock = clock.setting(dot.device, to: dot.counter)
        return next
    }

    /// - Returns: what happened in the register, nil where the policy absorbs the write.
    private mutating func apply(_ unitWrite: UnitWrite, of write: RecordWrite, limits: Limits) -> RegisterMerge? {
        let current = units[unitWrite.unit]
        switch unitWrite.change {
        case .increment(let amount):
            if let totals = Self.counter(current).adding(amount, at: write.event.dot) {
                units[unitWrite.unit] = .counter(totals)
            }
            return nil
        case .elements(let adding, let removing):
            let changed = Self.set(current).changing(
                adding: adding, removing: removing, at: write.event.dot, context: write.context)
            units[unitWrite.unit] = .set(changed)
            return nil
        case .assign(let value):
            switch unitWrite.policy.family {
            case .extremum(let direction):
                let written = Extremum(direction: direction, value: value, event: write.event)
                if case .extremum(let best)? = current {
                    units[unitWrite.unit] = .extremum(best.join(written))
                } else {
                    units[unitWrite.unit] = .extremum(written)
                }
                return nil
            case .register(let rule):
                return assign(value, to: unitWrite, rule: rule, write: write, limit: limits.valuesPerUnit)
            case .counter, .set:
                return nil
            }
        }
    }

    private mutating func assign(
        _ value: Value, to unitWrite: UnitWrite, rule: RegisterRule, write: RecordWrite, limit: Int
    ) -> RegisterMerge? {
        var register = Self.register(units[unitWrite.unit])
        // Repeating an immutable value that was seen leaves the first event in its place. Otherwise a different value that
        // arrives later could find that event replaced, and be taken for concurrent where it was not.
        if rule.succession == .mustEqual, register.candidates.contains(where: { write.context.contains($0.event.dot) })
        {
            return nil
        }
        let incoming = Register.Candidate(value: value, event: write.event)
        let replaced = register.drop(seenBy: write.context)
        let remaining = register
        register.insert(incoming, limit: limit, rule: rule)
        units[unitWrite.unit] = .register(register)
        return RegisterMerge(
            unit: unitWrite.unit, policy: unitWrite.policy, rule: rule, incoming: incoming, replaced: replaced,
            remaining: remaining, result: register)
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
