import Causality
import MergeCore
import Values

/// How what a device knows of a record stands to what a server knows that was set back.
///
/// A backup does not have what came after it. The devices still have it: each offers what the server's record lacks, and so they
/// bring back together what the backup lost.
struct Reoffer: Sendable, Hashable {
    /// What is offered; nil where the server has all that is known here.
    let operation: Draft?
    /// What both know. Whatever else the server has, the edits made here have not seen.
    let common: VersionVector

    /// An operation without the place in the queue that it is to get.
    struct Draft: Sendable, Hashable {
        let kind: OperationKind
        let fields: ObjectValue
        let context: VersionVector
    }

    /// Compares the two. O(n) in fields and clocks.
    ///
    /// The offer's context is what both know. So a value that the server's record got meanwhile is met as a concurrent one, and
    /// not overwritten. A counter's total is never offered, because each device would offer it: see `increments`.
    /// - Parameters:
    ///   - base: what the server said before it was set back.
    ///   - now: what it says now; nil where it has no such record.
    ///   - increments: what this device itself added to counters, and the server lost.
    ///   - rules: of the record's collection.
    init(_ base: RecordBase, to now: RecordBase?, increments: [ExactString: Int64], by rules: CollectionRules) {
        common = base.clock.intersection(now?.clock ?? VersionVector())
        guard common != base.clock else {
            operation = nil
            return
        }
        if base.isDeleted {
            // A record that the server does not have is deleted enough.
            let isShown = now.map { !$0.isDeleted } ?? false
            operation = isShown ? Draft(kind: .delete, fields: ObjectValue([]), context: common) : nil
            return
        }
        var offered: [ObjectValue.Member] = []
        for member in base.fields.members {
            let unit = rules.unit(of: member.name)
            switch rules.policy(of: unit).family {
            case .counter:
                if let amount = increments[member.name], amount != 0 {
                    offered.append(.init(name: member.name, value: FieldChange.increment(amount).value))
                }
            case .set:
                guard case .array(let here) = member.value else { continue }
                var there: Set<Value> = []
                if case .array(let elements)? = now?.fields[member.name] { there = Set(elements) }
                let adding = here.filter { !there.contains($0) }
                // What was taken out is taken out again; what was added since, the context has not seen, and it stays.
                let removing = there.subtracting(here).sorted { $0.precedes($1) }
                if !adding.isEmpty || !removing.isEmpty {
                    offered.append(
                        .init(name: member.name, value: FieldChange.elements(adding: adding, removing: removing).value))
                }
            case .register, .extremum, .other:
                if now?.fields[member.name] != member.value { offered.append(member) }
            }
        }
        let names = Set(offered.map { rules.unit(of: $0.name) })
        // What wins or loses together is offered together.
        for member in base.fields.members where now?.fields[member.name] == member.value {
            let unit = rules.unit(of: member.name)
            if case .field = unit { continue }
            if names.contains(unit) { offered.append(member) }
        }
        let kind: OperationKind = now == nil ? .create : now?.isDeleted == true ? .restore : .update
        let isNeeded = !offered.isEmpty || kind == .restore || kind == .create
        operation =
            isNeeded
            ? Draft(kind: kind, fields: ObjectValue(offered), context: kind == .create ? VersionVector() : common) : nil
    }
}
