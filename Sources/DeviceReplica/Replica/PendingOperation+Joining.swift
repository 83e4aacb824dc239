import Causality
import MergeCore
import Values

extension PendingOperation {
    /// Whether a further edit may join this one.
    ///
    /// Only while nothing that was pulled has changed what the author sees: an edit that took over a newer context would say
    /// of its fields that their author had seen the other's values, and would overwrite them without a conflict.
    /// - Parameters:
    ///   - edit: what is written now, with the base's clock of now as its context.
    private func canTake(_ edit: PendingOperation) -> Bool {
        isWaiting && attempts == 0 && edit.kind == .update && kind != .delete && context == edit.context
            && isInServerTime == edit.isInServerTime
            && (isAtomic || edit.isAtomic ? transaction == edit.transaction : true)
            && Set(edit.dependsOn).isSubset(of: dependsOn)
    }

    /// This edit and a further one as one; nil where they have to stay two. O(n) in what both name.
    func joined(_ edit: PendingOperation, by rules: CollectionRules) -> PendingOperation? {
        guard canTake(edit) else { return nil }
        var values: [ExactString: Value] = [:]
        let replacesAll = rules.recordMerge != nil
        if !replacesAll { for member in fields.members { values[member.name] = member.value } }
        for member in edit.fields.members {
            guard let earlier = values[member.name] else {
                values[member.name] = member.value
                continue
            }
            guard let both = FieldChange(earlier).followed(by: FieldChange(member.value)) else { return nil }
            // `max` and `min` keep the better of two values; whoever sends the later alone would lose the better one.
            if case .extremum = rules.policy(of: rules.unit(of: member.name)).family {
                values[member.name] = both.applied(to: earlier, by: rules.policy(of: rules.unit(of: member.name)))
            } else {
                values[member.name] = both.value
            }
        }
        var joined = self
        joined.fields = ObjectValue(values.map { ObjectValue.Member(name: $0.key, value: $0.value) })
        joined.editedAtMilliseconds = edit.editedAtMilliseconds
        return joined
    }
}
