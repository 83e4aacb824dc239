import Causality
import Values

/// A value beside the visible one, of a unit that waits for a decision.
public struct Sibling: Sendable, Hashable {
    /// The value that does not show.
    public let value: Value
    /// The event that wrote it.
    public let event: Event

    public init(value: Value, event: Event) {
        self.value = value
        self.event = event
    }
}

extension RecordState {
    /// The fields as an app sees them, whether or not the record is deleted. O(n log n) at most.
    ///
    /// Units that the rules no longer know (a group that was taken apart) still show their fields, below those of the
    /// units that are declared now.
    public func visibleFields(_ rules: CollectionRules) -> ObjectValue {
        plainFields(rules) ?? spreadFields(rules)
    }

    /// The fields of a record whose units are all of one field, which are sorted as the units are; nil for another one.
    private func plainFields(_ rules: CollectionRules) -> ObjectValue? {
        var members: [ObjectValue.Member] = []
        members.reserveCapacity(units.count)
        for (unit, state) in units {
            guard case .field(let name) = unit else { return nil }
            if let value = state.visible(by: rules.policy(of: unit)) {
                members.append(ObjectValue.Member(name: name, value: value))
            }
        }
        return ObjectValue(sorted: members)
    }

    private func spreadFields(_ rules: CollectionRules) -> ObjectValue {
        var fields: [ExactString: Value] = [:]
        var isDeclared: [ExactString: Bool] = [:]
        for (unit, state) in units {
            for (name, value) in state.visibleFields(of: unit, by: rules.policy(of: unit)) {
                let declared = rules.unit(of: name) == unit
                if declared || isDeclared[name] != true {
                    fields[name] = value
                    isDeclared[name] = declared
                }
            }
        }
        return ObjectValue(fields.map { ObjectValue.Member(name: $0.key, value: $0.value) })
    }

    /// The values beside the visible ones, of all units that wait for a decision, by the unit's name.
    public func siblings(_ rules: CollectionRules) -> [ExactString: [Sibling]] {
        var siblings: [ExactString: [Sibling]] = [:]
        for (unit, state) in units {
            guard state.hasSiblings else { continue }
            let others = state.content.siblings(by: rules.policy(of: unit), rules.equality(of: unit))
            if !others.isEmpty { siblings[unit.name] = others }
        }
        return siblings
    }
}

extension UnitState {
    fileprivate func visibleFields(of unit: UnitKey, by policy: MergePolicy) -> [(ExactString, Value)] {
        guard let value = visible(by: policy) else { return [] }
        return unit.fields(of: value)
    }
}

extension UnitKey {
    /// A unit's value spread over its fields. Groups and whole records are kept as objects.
    public func fields(of value: Value) -> [(ExactString, Value)] {
        switch self {
        case .field(let name): return [(name, value)]
        case .group, .record:
            guard case .object(let object) = value else { return [] }
            return object.members.map { ($0.name, $0.value) }
        }
    }
}
