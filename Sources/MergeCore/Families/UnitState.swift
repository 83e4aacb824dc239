import Causality
import Values

/// The state of one unit, in the form that its family needs.
///
/// The families that nearly all units are of have a case to themselves, so that their states need no box and are called
/// directly. All others are `other`. A family's folder says what its state means; this type only says which family is
/// asked.
public enum UnitState: Sendable, Hashable {
    /// The state of `lww`, `fww`, `manual` and `immutable`.
    case register(Register)
    // The state is kept apart: it is much larger than the others, and nearly all units are of those.
    /// The state of `max` and `min`.
    indirect case extremum(Extremum)
    /// The state of `counter`.
    case counter(CounterTotals)
    /// The state of `set`.
    case set(ObservedRemoveSet)
    /// The state of a family without a case to itself.
    // In a box: else all states would be as large as what stands behind a protocol, and copied as it is.
    indirect case other(OtherState)

    /// The state as its family's own type. It is copied into a box, so this is for questions that are seldom asked.
    public var content: any MergeFamily {
        switch self {
        case .register(let state): state
        case .extremum(let state): state
        case .counter(let state): state
        case .set(let state): state
        case .other(let state): state.content
        }
    }

    /// Whether the policy keeps its state in this form.
    func isKept(by policy: MergePolicy) -> Bool {
        switch (self, policy.family) {
        case (.register, .register), (.counter, .counter), (.set, .set): true
        case (.extremum(let extremum), .extremum(let direction)): extremum.direction == direction
        case (.other(let state), .other(let family)): type(of: state.content) == family.type
        case (.register, _), (.extremum, _), (.counter, _), (.set, _), (.other, _): false
        }
    }
}

/// A state of a family that has no case of `UnitState` to itself.
public struct OtherState: Sendable {
    /// The state as its family's own type.
    public fileprivate(set) var content: any MergeFamily

    /// Wraps a state.
    public init(_ content: some MergeFamily) { self.content = content }
}

extension OtherState: Hashable {
    public static func == (left: OtherState, right: OtherState) -> Bool { left.content.isEqual(to: right.content) }

    public func hash(into hasher: inout Hasher) { content.hash(into: &hasher) }
}

// MARK: Asked with every operation

extension UnitState {
    static func rejection(
        of write: UnitWrite, to state: UnitState?, in context: WriteContext, rules: CollectionRules
    ) -> Rejection? {
        switch write.policy.family {
        case .register: rejection(of: write, to: state, by: Register.self, context, rules)
        case .extremum: rejection(of: write, to: state, by: Extremum.self, context, rules)
        case .counter: rejection(of: write, to: state, by: CounterTotals.self, context, rules)
        case .set: rejection(of: write, to: state, by: ObservedRemoveSet.self, context, rules)
        case .other(let family): rejection(of: write, to: state, by: family.type, context, rules)
        }
    }

    private static func rejection<Family: MergeFamily>(
        of write: UnitWrite, to state: UnitState?, by family: Family.Type, _ context: WriteContext,
        _ rules: CollectionRules
    ) -> Rejection? {
        guard Family.canReject(write.policy) else { return nil }
        return Family.rejection(
            of: write, to: state.flatMap { Family($0) }, in: context, equality: rules.equality(of: write.unit))
    }

    /// Merges a change into the state of its unit; nil stands for a unit that was never written.
    static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout UnitState?
    ) -> RegisterMerge? {
        switch write.policy.family {
        case .register: apply(write, by: Register.self, context, equality, to: &state)
        case .extremum: apply(write, by: Extremum.self, context, equality, to: &state)
        case .counter: apply(write, by: CounterTotals.self, context, equality, to: &state)
        case .set: apply(write, by: ObservedRemoveSet.self, context, equality, to: &state)
        case .other(let family): apply(write, by: family.type, context, equality, to: &state)
        }
    }

    private static func apply<Family: MergeFamily>(
        _ write: UnitWrite, by family: Family.Type, _ context: WriteContext, _ equality: UnitEquality,
        to state: inout UnitState?
    ) -> RegisterMerge? {
        var own = state.flatMap { Family($0) }
        // `state` lets go of it, so that it is changed in place and not copied.
        state = nil
        let merge = Family.apply(write, in: context, equality: equality, to: &own)
        state = own?.unitState
        return merge
    }

    /// The value that the unit shows; nil when it shows none.
    public func visible(by policy: MergePolicy) -> Value? {
        switch self {
        case .register(let state): state.visible(by: policy)
        case .extremum(let state): state.visible(by: policy)
        case .counter(let state): state.visible(by: policy)
        case .set(let state): state.visible(by: policy)
        case .other(let state): state.content.visible(by: policy)
        }
    }

    func hasValue(for field: ExactString, in unit: UnitKey, by policy: MergePolicy) -> Bool {
        switch self {
        case .register(let state): state.hasValue(for: field, in: unit, by: policy)
        case .extremum(let state): state.hasValue(for: field, in: unit, by: policy)
        case .counter(let state): state.hasValue(for: field, in: unit, by: policy)
        case .set(let state): state.hasValue(for: field, in: unit, by: policy)
        case .other(let state): state.content.hasValue(for: field, in: unit, by: policy)
        }
    }

    /// Whether several events' values stand beside one another. O(1).
    var hasSiblings: Bool {
        switch self {
        case .register(let state): state.hasSiblings
        case .extremum(let state): state.hasSiblings
        case .counter(let state): state.hasSiblings
        case .set(let state): state.hasSiblings
        case .other(let state): state.content.hasSiblings
        }
    }

    /// What the unit weighs. O(1); where several values stand beside one another, O(their number).
    func weight(of unit: UnitKey) -> UnitWeight {
        var weight = UnitWeight()
        weight.values = WeightOf.unit + unit.name.weight
        weight.fields = 1
        switch self {
        case .register(let state): state.weigh(into: &weight, of: unit)
        case .extremum(let state): state.weigh(into: &weight, of: unit)
        case .counter(let state): state.weigh(into: &weight, of: unit)
        case .set(let state): state.weigh(into: &weight, of: unit)
        case .other(let state): state.content.weigh(into: &weight, of: unit)
        }
        return weight
    }
}

// MARK: The stored form

extension UnitState {
    /// The name under which `MergeFamilies` finds the family again.
    public var kind: String {
        switch self {
        case .register: Register.kind
        case .extremum(let state): state.kind
        case .counter(let state): state.kind
        case .set(let state): state.kind
        case .other(let state): state.content.kind
        }
    }

    /// Visits the events that `encode` names, in the same order.
    public func visitEvents(_ visit: (Event) -> Void) {
        switch self {
        case .register(let state): state.visitEvents(visit)
        case .extremum(let state): state.visitEvents(visit)
        case .counter(let state): state.visitEvents(visit)
        case .set(let state): state.visitEvents(visit)
        case .other(let state): state.content.visitEvents(visit)
        }
    }

    /// Writes the state in the form that `MergeFamilies` reads.
    public func encode(into writer: inout some UnitStateWriter) {
        switch self {
        case .register(let state): state.encode(into: &writer)
        case .extremum(let state): state.encode(into: &writer)
        case .counter(let state): state.encode(into: &writer)
        case .set(let state): state.encode(into: &writer)
        case .other(let state): state.content.encode(into: &writer)
        }
    }
}

// MARK: Joining and the sides of conflicts

extension UnitState {
    /// - Parameter other: nil where the other record never heard of the unit.
    func join(_ other: UnitState?, clock: VersionVector, otherClock: VersionVector) -> UnitState {
        guard let other else { return content.joinWithNothing(clock: clock, otherClock: otherClock) }
        if let joined = content.joinIfAlike(other.content, clock: clock, otherClock: otherClock) { return joined }
        // The unit was written under policies of two families. The state whose family ranks higher stays, and the other
        // side counts as one that holds nothing of it. Every state holds something of one family only. So this is the
        // join of all families side by side, of which the highest shows, and the laws hold.
        return MergeFamilies.outranks(kind, other.kind)
            ? join(nil, clock: clock, otherClock: otherClock) : other.joinedFromNothing(clock, otherClock)
    }

    /// The join of a record that holds nothing of the unit with one that holds this.
    func joinedFromNothing(_ clock: VersionVector, _ otherClock: VersionVector) -> UnitState {
        // The join is commutative.
        join(nil, clock: otherClock, otherClock: clock)
    }

    /// The events behind what the unit holds.
    public var dots: [Dot] { content.dots }
}
