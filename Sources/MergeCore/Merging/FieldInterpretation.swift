import Causality

/// Reads an operation's fields under the rules of its collection: what is written to which unit, or everything that is wrong
/// with it. Depends on the operation and the rules alone, never on what is stored.
struct FieldInterpretation {
    private(set) var writes: [UnitWrite] = []
    private(set) var rejections: [Rejection] = []

    init(_ operation: Operation, rules: CollectionRules, limits: Limits) {
        if rules.key == .singleton, operation.record.id != KeyRule.singletonID {
            rejections.append(
                Rejection(.valueInvalid, "The only record of this collection is 'singleton'.", at: ["record"]))
        }
        guard operation.kind != .delete else { return }
        var composites: [UnitKey: [(ExactString, Value)]] = [:]
        writes.reserveCapacity(operation.fields.count)
        for member in operation.fields.members {
            guard let rule = rules.rule(of: member.name) else {
                reject(.fieldInvalid, "The collection does not declare this field.", member.name)
                continue
            }
            let unit = rules.unit(of: member.name)
            switch unit {
            case .field:
                if let change = change(of: member, rule: rule, limits: limits) {
                    writes.append(UnitWrite(unit: unit, policy: rule.merge, change: change))
                }
            case .group, .record:
                if isPlain(member, type: rule.type) {
                    composites[unit, default: []].append((member.name, member.value))
                }
            }
        }
        for (unit, members) in composites.sorted(by: { $0.key < $1.key }) {
            if case .group(let name) = unit { requireWhole(group: name, rules: rules, present: members.map(\.0)) }
            writes.append(UnitWrite(unit: unit, policy: rules.policy(of: unit), change: .assign(.object(members))))
        }
        if rules.recordMerge != nil, composites[.record] == nil, operation.kind != .restore {
            writes.append(UnitWrite(unit: .record, policy: rules.policy(of: .record), change: .assign([:])))
        }
        requireRequired(operation, rules: rules)
        // Fields come sorted; only units of several fields stand in their places after them.
        if !composites.isEmpty || rules.recordMerge != nil { writes.sort { $0.unit < $1.unit } }
    }

    private mutating func reject(_ code: Rejection.Code, _ detail: String, _ field: ExactString) {
        rejections.append(Rejection(code, detail, at: ["fields", field]))
    }

    private mutating func change(
        of member: ObjectValue.Member, rule: FieldRule, limits: Limits
    ) -> UnitWrite.Change? {
        switch rule.merge.family {
        case .counter:
            guard case .object(let object) = member.value, object.count == 1,
                case .integer(let amount)? = object[FieldMarker.increment]
            else {
                reject(.valueInvalid, "A counter takes {\"$increment\": integer} and nothing else.", member.name)
                return nil
            }
            return .increment(amount)
        case .set:
            return elements(of: member, limits: limits)
        case .extremum:
            guard isPlain(member, type: rule.type) else { return nil }
            guard rule.type.isComparable(member.value) else {
                reject(.valueInvalid, Self.comparableForm(rule), member.name)
                return nil
            }
            return .assign(member.value)
        case .register:
            return isPlain(member, type: rule.type) ? .assign(member.value) : nil
        }
    }

    private static func comparableForm(_ rule: FieldRule) -> String {
        rule.type == .timestamp
            ? "A '\(rule.merge.rawValue)' time is written in UTC with milliseconds and Z, so that texts order as times do."
            : "A '\(rule.merge.rawValue)' field takes a \(rule.type.rawValue), never null."
    }

    private mutating func elements(of member: ObjectValue.Member, limits: Limits) -> UnitWrite.Change? {
        guard case .object(let object) = member.value, !object.isEmpty,
            object.members.allSatisfy({ $0.name == FieldMarker.add || $0.name == FieldMarker.remove }),
            let adding = Self.elements(object[FieldMarker.add]),
            let removing = Self.elements(object[FieldMarker.remove])
        else {
            reject(.valueInvalid, "A set takes {\"$add\": [...], \"$remove\": [...]}, either or both.", member.name)
            return nil
        }
        guard adding.count <= limits.elementsPerSet, removing.count <= limits.elementsPerSet else {
            reject(.valueInvalid, "A set has at most \(limits.elementsPerSet) elements.", member.name)
            return nil
        }
        return .elements(adding: adding, removing: removing)
    }

    /// - Returns: the array's elements, none when it is not there; nil when it is no array.
    private static func elements(_ value: Value?) -> [Value]? {
        guard let value else { return [] }
        guard case .array(let elements) = value else { return nil }
        return elements
    }

    /// Whether the member is a value of the type rather than a change meant for a counter or a set; records why not.
    private mutating func isPlain(_ member: ObjectValue.Member, type: FieldType) -> Bool {
        if case .object(let object) = member.value, object.members.contains(where: { FieldMarker.isMarker($0.name) }) {
            reject(.valueInvalid, "This field is no counter and no set: it takes a plain value.", member.name)
            return false
        }
        guard type.admits(member.value) else {
            reject(.valueInvalid, "The field's type is \(type.rawValue).", member.name)
            return false
        }
        return true
    }

    private mutating func requireWhole(group: ExactString, rules: CollectionRules, present: [ExactString]) {
        let present = Set(present)
        for field in rules.groups[group]?.fields ?? [] where !present.contains(field) {
            reject(.groupIncomplete, "An operation that writes one field of group '\(group)' writes all of it.", field)
        }
    }

    /// `null` in a required field is refused here; its absence from the record that would result is checked at the merge. But
    /// whoever writes the whole record, with whatever kind of operation, takes away what is not named.
    private mutating func requireRequired(_ operation: Operation, rules: CollectionRules) {
        guard !rules.required.isEmpty else { return }
        let writesWhole = writes.contains { $0.unit == .record }
        for field in rules.required {
            let value = operation.fields[field]
            if value == .null || (value == nil && writesWhole) {
                reject(.fieldRequired, "This field is required.", field)
            }
        }
    }
}
