import Causality
import Values

/// What holds for a family that is assigned values, absorbs them, and keeps what was written.
extension MergeFamily {
    public static func fieldType(declared: FieldType?, for policy: MergePolicy) throws(FamilyRefusal) -> FieldType {
        guard declared != .set else { throw FamilyRefusal("'type: set' needs 'merge: set'") }
        return declared ?? .json
    }

    public static var markers: [ExactString] { [] }
    public static var isAssigned: Bool { true }
    public static var isAbsorbing: Bool { true }

    public static func change(
        from value: Value, of field: FieldRule, limits: Limits
    ) throws(FamilyRefusal) -> UnitWrite.Change {
        try field.type.requirePlain(value)
        return .assign(value)
    }

    public static func canReject(_ policy: MergePolicy) -> Bool { true }

    public static func rejection(
        of write: UnitWrite, to state: Self?, in context: WriteContext, equality: UnitEquality
    ) -> Rejection? { nil }

    public var bottom: Self { self }

    /// What was absorbed always shows.
    public func hasValue(for field: ExactString, in unit: UnitKey, by policy: MergePolicy) -> Bool { true }

    public var hasSiblings: Bool { false }
    public func siblings(by policy: MergePolicy, _ equality: UnitEquality) -> [Sibling] { [] }

    public var dots: [Dot] {
        var dots: [Dot] = []
        visitEvents { dots.append($0.dot) }
        return dots
    }

    public var replaceableEvents: [Event] { [] }

    /// The value that shows, if one of the events is behind it.
    public func contribution(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> Value? {
        dots.contains(where: isIncluded) ? visible(by: policy) : nil
    }

    public func contributions(by policy: MergePolicy, where isIncluded: (Dot) -> Bool) -> [DeviceID: Value] {
        let devices = Set(dots.filter(isIncluded).map(\.device))
        guard !devices.isEmpty, let value = visible(by: policy) else { return [:] }
        return Dictionary(uniqueKeysWithValues: devices.map { ($0, value) })
    }

    public func isHeld(_ write: UnitWrite, by equality: UnitEquality) -> Bool {
        guard case .assign(let value) = write.change else { return false }
        return equality.areSame(visible(by: write.policy), value)
    }

    public func shown(beside write: UnitWrite) -> (value: Value?, event: Event?) {
        (visible(by: write.policy), nil)
    }

    public func value(of dot: Dot) -> Value? { nil }
    public func obstacle(to value: Value, by policy: MergePolicy, type: FieldType) -> String? { nil }

    public var kind: String { Self.kinds.first ?? "" }

    public var unitState: UnitState { .other(OtherState(self)) }

    public init?(_ state: UnitState) {
        guard case .other(let other) = state, let own = other.content as? Self else { return nil }
        self = own
    }
}

extension FieldType {
    /// Requires a value of the type, rather than a change that is meant for another family.
    func requirePlain(_ value: Value) throws(FamilyRefusal) {
        if case .object(let object) = value, object.members.contains(where: { MergeFamilies.isMarker($0.name) }) {
            throw FamilyRefusal("This field is no counter and no set: it takes a plain value.")
        }
        guard admits(value) else { throw FamilyRefusal("The field's type is \(rawValue).") }
    }
}

// `UnitState` asks these of a state whose static type it does not know.
extension MergeFamily {
    /// - Returns: nil where the other state is not of this kind.
    func joinIfAlike(
        _ other: any MergeFamily, clock: VersionVector, otherClock: VersionVector
    ) -> UnitState? {
        guard kind == other.kind, let other = other as? Self else { return nil }
        return join(other, clock: clock, otherClock: otherClock).unitState
    }

    /// The join with a record that holds nothing of the unit.
    func joinWithNothing(clock: VersionVector, otherClock: VersionVector) -> UnitState {
        join(bottom, clock: clock, otherClock: otherClock).unitState
    }

    func isEqual(to other: any MergeFamily) -> Bool {
        (other as? Self).map { self == $0 } ?? false
    }
}
