import Causality
import Values

/// What a decision wants of the record: the value that its unit is to have, and the operation that gives it that value.
struct ResolutionIntent {
    let unit: UnitKey
    /// The number of the side that was chosen; nil for a value that was chosen for itself.
    let side: Int?
    /// The value that the unit is to have; nil when the record, or the field, is to be absent.
    let value: Value?
    private(set) var kind = OperationKind.update
    /// What the operation writes. nil where it writes nothing, because the record shows what is wanted. No fields are
    /// not the same: they make a record that is one unit empty.
    private(set) var fields: ObjectValue?
    /// Why the decision cannot be carried out on the record as it stands. It is said only to a reviewer who looked at
    /// the record as it stands.
    private(set) var obstacle: Rejection?

    /// - Throws: why the decision cannot be carried out.
    init(
        _ decision: Decision, on conflict: RecordedConflict, record: RecordState, rules: CollectionRules
    ) throws(Rejection) {
        let unit = rules.unit(named: conflict.unit)
        self.unit = unit
        let isDeleted = record.isDeleted(rules.deletes)
        let isAboutExistence = unit == .record && conflict.kind != .writeWrite
        side = try Self.side(decision.choice, of: conflict)
        if let side {
            if conflict.sides[side].isWhatAbsorbed(in: conflict, rules.policy(of: unit)) {
                value = record.held(unit, rules)
            } else {
                value = try Self.value(ofSide: side, of: conflict, in: record, unit: unit, rules: rules)
                obstacle = record.obstacle(to: value, in: unit, rules, at: "choose")
                if let value { fields = try Self.fields(unit, value, rules) }
            }
            // The side may be a write that met a delete. Then fields that show its value already are not written once
            // more.
            if let named = fields, unit == .record, isAboutExistence || rules.recordMerge == nil {
                let differing = rules.recordMerge == nil ? named.differing(from: record, rules: rules) : named
                fields = differing.isEmpty ? nil : differing
            }
        } else if case .value(let given) = decision.choice {
            guard !given.holdsRedactedHash else {
                throw Rejection(
                    .valueInvalid, "A hash stands for the value of a redacted field; give the value itself.",
                    at: ["value"])
            }
            obstacle = record.obstacle(to: given, in: unit, rules, at: "value")
            value = given
            fields = try Self.fields(unit, given, rules)
        } else {
            value = record.shown(unit, rules)
            // What a deleted record holds is settled too: whoever restores it would find values beside one another about which
            // no conflict is open any more.
            fields = record.settling(unit, rules)
            if isDeleted { kind = .delete }
            return
        }
        if value == nil, unit == .record {
            kind = .delete
            return
        }
        guard isDeleted else { return }
        // Whoever decides between a delete and a write for the write wants the record back. A decision about a field of a
        // record that was deleted later has to say so.
        kind = .restore
        guard !isAboutExistence, decision.deletedRecord == .staysDeleted else { return }
        obstacle = Rejection(
            .recordDeleted, "The record is deleted by now. Say that it is to be restored, or leave it as it is.")
    }

    /// The number of the side that is meant; nil where the choice is not of a side.
    static func side(_ choice: Decision.Choice, of conflict: RecordedConflict) throws(Rejection) -> Int? {
        func only(_ what: String, where isMeant: (RecordedConflict.Side) -> Bool) throws(Rejection) -> Int {
            let numbers = conflict.sides.indices.filter {
                !conflict.sides[$0].isDropped && isMeant(conflict.sides[$0])
            }
            guard let number = numbers.first, numbers.count == 1 else {
                throw Rejection(
                    .invalidRequest, "\(numbers.count) sides stand here \(what); choose one by its number.",
                    at: ["choose"])
            }
            return number
        }
        switch choice {
        case .current, .value: return nil
        case .role(let role): return try only("with this role") { $0.role == role }
        case .winner: return try only("that show") { $0.won }
        case .loser: return try only("that do not show") { !$0.won }
        case .side(let number):
            guard conflict.sides.indices.contains(number) else {
                throw Rejection(
                    .invalidRequest, "The conflict has sides 0 to \(conflict.sides.count - 1).", at: ["choose"])
            }
            return number
        }
    }

    private static func value(
        ofSide number: Int, of conflict: RecordedConflict, in record: RecordState, unit: UnitKey, rules: CollectionRules
    ) throws(Rejection) -> Value? {
        let side = conflict.sides[number]
        guard let value = side.value, value.holdsRedactedHash else { return side.value }
        // The audit has a hash only, but as long as nobody has replaced the value, the record has it.
        if let live = record.units[unit]?.content.value(of: side.dot) { return live }
        // The side may be a write that met a delete. Then the record has its redacted fields too, and the decision is
        // about the others.
        if unit == .record, rules.recordMerge == nil, case .object(let object) = value {
            return .object(ObjectValue(object.members.filter { !$0.value.holdsRedactedHash }))
        }
        throw Rejection(
            .valueInvalid, "The value is of a redacted field and is not kept any more; give the value itself.",
            at: ["choose"])
    }

    /// The fields that have the value between them.
    private static func fields(
        _ unit: UnitKey, _ value: Value, _ rules: CollectionRules
    ) throws(Rejection) -> ObjectValue {
        switch unit {
        case .field(let name):
            return ObjectValue([ObjectValue.Member(name: name, value: value)])
        case .group, .record:
            guard case .object(let object) = value else {
                throw Rejection(.valueInvalid, "The value of several fields is an object.", at: ["value"])
            }
            return object
        }
    }
}

extension RecordState {
    /// What the unit shows; nil where it shows nothing, or the record is deleted.
    public func shown(_ unit: UnitKey, _ rules: CollectionRules) -> Value? {
        if isDeleted(rules.deletes) { return nil }
        if unit == .record, rules.recordMerge == nil { return .object(visibleFields(rules)) }
        return units[unit]?.visible(by: rules.policy(of: unit))
    }

    /// What the unit shows, or would show if the record came back.
    fileprivate func held(_ unit: UnitKey, _ rules: CollectionRules) -> Value? {
        units[unit]?.visible(by: rules.policy(of: unit))
    }

    /// The fields that make what the unit holds first its only value; nil where it is the only one already.
    fileprivate func settling(_ unit: UnitKey, _ rules: CollectionRules) -> ObjectValue? {
        // A record that is not one unit any more has nothing to settle: its fields are units of their own.
        guard unit != .record || rules.recordMerge != nil, units[unit]?.hasSiblings ?? false,
            let held = held(unit, rules)
        else { return nil }
        return ObjectValue(unit.fields(of: held).map { ObjectValue.Member(name: $0.0, value: $0.1) })
    }

    /// Why no operation can give the unit the value; nil where one can. A decision that no operation can carry out
    /// would say what is not so.
    /// - Parameter member: the member of the decision in which the issue is.
    fileprivate func obstacle(
        to value: Value?, in unit: UnitKey, _ rules: CollectionRules, at member: ExactString
    ) -> Rejection? {
        guard case .field(let name) = unit, let held = held(unit, rules) else { return nil }
        guard let value else {
            return Rejection(
                .valueInvalid,
                "The field was not there on this side, and what was written by now cannot be made absent. Choose 'current', "
                    + "or give another value.", at: [member])
        }
        guard let rule = rules.rule(of: name), value != held,
            let detail = units[unit]?.content.obstacle(to: value, by: rules.policy(of: unit), type: rule.type)
        else { return nil }
        return Rejection(.valueInvalid, detail, at: [member])
    }
}

extension RecordedConflict.Side {
    /// Whether the side is what an absorbing unit (a counter, a set, a best value) held when an operation of the past
    /// came. Such a side is no change that could be made once more: to choose it is to leave out what came, whatever
    /// was counted since.
    fileprivate func isWhatAbsorbed(in conflict: RecordedConflict, _ policy: MergePolicy) -> Bool {
        policy.family.type.isAbsorbing && conflict.kind == .stale && role == .stored
    }
}

extension ObjectValue {
    /// Those fields that the record does not show with these values, with the whole of their groups.
    ///
    /// Fields that are not assigned (counters, sets) are left out: what a write added to one is in it, seen or unseen.
    fileprivate func differing(from record: RecordState, rules: CollectionRules) -> ObjectValue {
        var units: Set<UnitKey> = []
        let shown = record.visibleFields(rules)
        for member in members
        where !rules.equality(of: .field(member.name)).areSame(shown[member.name], member.value) {
            units.insert(rules.unit(of: member.name))
        }
        return ObjectValue(
            members.filter { member in
                let unit = rules.unit(of: member.name)
                return units.contains(unit) && rules.policy(of: unit).family.type.isAssigned
            })
    }
}
