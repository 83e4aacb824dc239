import Causality
import Values

/// Reads an operation's fields under the rules of its collection. The answer is what is written to which unit, or
/// everything that is wrong with the operation. It depends on the operation and the rules alone, never on what is
/// stored.
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
            do throws(FamilyRefusal) {
                switch unit {
                case .field:
                    let change = try rule.merge.family.type.change(from: member.value, of: rule, limits: limits)
                    writes.append(UnitWrite(unit: unit, policy: rule.merge, change: change))
                case .group, .record:
                    try rule.type.requirePlain(member.value)
                    composites[unit, default: []].append((member.name, member.value))
                }
            } catch {
                reject(.valueInvalid, error.detail, member.name)
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

    private mutating func requireWhole(group: ExactString, rules: CollectionRules, present: [ExactString]) {
        let present = Set(present)
        for field in rules.groups[group]?.fields ?? [] where !present.contains(field) {
            reject(.groupIncomplete, "An operation that writes one field of group '\(group)' writes all of it.", field)
        }
    }

    /// Refuses `null` in a required field. Whether the field is absent from the record that would result is checked at
    /// the merge. But whoever writes the whole record, with whatever kind of operation, takes away what is not named.
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
