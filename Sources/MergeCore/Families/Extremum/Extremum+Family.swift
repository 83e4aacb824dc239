import Causality
import Values

extension Extremum: MergeFamily {
    public static func fieldType(
        declared: FieldType?, for policy: MergePolicy
    ) throws(FamilyRefusal) -> FieldType {
        guard let declared, declared.hasExtremum else {
            throw FamilyRefusal("'\(policy.rawValue)' needs a type: integer, number, string or timestamp")
        }
        return declared
    }

    public static func change(
        from value: Value, of field: FieldRule, limits: Limits
    ) throws(FamilyRefusal) -> UnitWrite.Change {
        try field.type.requirePlain(value)
        guard field.type.isComparable(value) else {
            throw FamilyRefusal(
                field.type == .timestamp
                    ? "A '\(field.merge.rawValue)' time is written in UTC with milliseconds and Z, so that texts order as times do."
                    : "A '\(field.merge.rawValue)' field takes a \(field.type.rawValue), never null.")
        }
        return .assign(value)
    }

    public static func canReject(_ policy: MergePolicy) -> Bool { false }

    public static func apply(
        _ write: UnitWrite, in context: WriteContext, equality: UnitEquality, to state: inout Extremum?
    ) -> RegisterMerge? {
        guard case .assign(let value) = write.change, case .extremum(let direction) = write.policy.family else {
            return nil
        }
        let written = Extremum(direction: direction, value: value, event: context.event)
        state = state?.join(written) ?? written
        return nil
    }

    public func join(_ other: Extremum, clock: VersionVector, otherClock: VersionVector) -> Extremum { join(other) }

    // MARK: What shows, and the sides of a conflict

    public func visible(by policy: MergePolicy) -> Value? { value }

    public func weigh(into weight: inout UnitWeight, of unit: UnitKey) {
        weight.values += valueWeight
        weight.events += event.weight
    }

    public func isHeld(_ write: UnitWrite, by equality: UnitEquality) -> Bool {
        guard case .assign(let value) = write.change else { return false }
        return value == self.value || !isBettered(by: value)
    }

    public func shown(beside write: UnitWrite) -> (value: Value?, event: Event?) { (value, event) }

    public func obstacle(to value: Value, by policy: MergePolicy, type: FieldType) -> String? {
        guard policy.family == .extremum(direction), type.isComparable(value), value != self.value,
            !isBettered(by: value)
        else { return nil }
        return
            "A '\(policy.rawValue)' field never goes back, and it has a better value than this. Choose 'current' to leave it, "
            + "or give that value or a better one."
    }

    // MARK: The stored form: the event and the value

    /// The kinds, in the order of rule S7.
    public static var kinds: [String] { ["n", "x"] }

    public var kind: String {
        switch direction {
        case .smallest: "n"
        case .greatest: "x"
        }
    }

    public func visitEvents(_ visit: (Event) -> Void) { visit(event) }

    public func encode(into writer: inout some UnitStateWriter) {
        writer.event(event)
        writer.value(value)
    }

    public init(kind: String, from reader: inout some UnitStateReader) throws(UnreadableState) {
        let event = try reader.event()
        self.init(direction: kind == "x" ? .greatest : .smallest, value: try reader.value(), event: event)
    }

    // MARK: Standing in a record

    public var unitState: UnitState { .extremum(self) }

    public init?(_ state: UnitState) {
        guard case .extremum(let own) = state else { return nil }
        self = own
    }
}
