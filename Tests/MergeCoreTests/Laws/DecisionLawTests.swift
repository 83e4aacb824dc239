import Causality
import MergeCore
import Testing
import Values

private let rita = Reviewer(user: "rita", nowMilliseconds: Batch.receivedAt)

/// Something that a reviewer can say.
private struct Saying: CustomStringConvertible {
    let choice: Decision.Choice
    let deletedRecord: Decision.DeletedRecord

    var description: String { "\(choice), \(deletedRecord)" }

    /// Everything that can be said about sides, and some values.
    static func all(ofSides count: Int, values: [Value]) -> [Saying] {
        let choices: [Decision.Choice] =
            (0..<count).map { .side($0) } + [.role(.stored), .role(.incoming), .winner, .loser, .current]
            + values.map { .value($0) }
        return choices.flatMap { choice in
            [Decision.DeletedRecord.staysDeleted, .isRestored].map { Saying(choice: choice, deletedRecord: $0) }
        }
    }
}

extension Tenant {
    fileprivate mutating func decide(_ saying: Saying, on conflict: RecordedConflict) -> DecisionOutcome {
        decide(
            Decision(version: conflict.version, choice: saying.choice, deletedRecord: saying.deletedRecord),
            on: conflict, by: rita)
    }

    /// The conflicts as they stand.
    fileprivate var conflicts: [RecordedConflict] {
        Set(audit.map(\.conflict)).sorted().compactMap { recorded($0) }
    }
}

@Suite("what decisions leave behind")
struct DecisionLawTests {
    /// The same two fields as a field, as a group and as a whole record that wait for decisions.
    private static let layouts = [
        CollectionRules(fields: ["t": FieldRule(merge: .manual), "u": FieldRule()]),
        CollectionRules(
            fields: ["t": FieldRule(), "u": FieldRule(), "v": FieldRule()],
            groups: ["both": GroupRule(fields: ["t", "u"], merge: .manual)]),
        CollectionRules(recordMerge: .manual),
    ]

    /// Records in which values stand beside one another, or stood until a delete hid them.
    private static func tenants(_ rules: CollectionRules) -> [Tenant] {
        let both = { (t: Value, u: Value) in fields(("t", t), ("u", u)) }
        let contents = [(both("a", 1), both("b", 2))] + (rules.recordMerge == nil ? [] : [(fields(), both("b", 2))])
        return contents.flatMap { first, second in
            [nil, ["a": 1, "b": 1, "c": 1], ["a": 1, "c": 1], ["b": 1, "c": 1]].map { (delete: VersionVector?) in
                var tenant = Tenant(rules: rules)
                tenant.send(operation("a1", .create, ["a": 1], first, at: 1), from: "a")
                tenant.send(operation("b1", .create, ["b": 1], second, at: 2), from: "b")
                if let delete { tenant.send(operation("c1", .delete, delete, at: 3), from: "c") }
                return tenant
            }
        }
    }

    @Test("values stand beside one another only where a conflict is open, and what was decided is what shows")
    func nothingHidden() {
        let values: [Value] = [
            [:], ["t": 9], ["t": 9, "u": 9], ["t": 9, "u": 9, "v": 9], ["v": 9], .null, "z",
        ]
        var coverage = Coverage()
        for rules in Self.layouts + Self.layouts.map(\.withDeletesThatWin) {
            for tenant in Self.tenants(rules) {
                for conflict in tenant.conflicts {
                    for saying in Saying.all(ofSides: conflict.sides.count, values: values) {
                        var after = tenant
                        let outcome = after.decide(saying, on: conflict)
                        if let failure = failure(of: outcome, on: conflict, from: tenant, to: after) {
                            Issue.record("\(saying): \(failure)\n\(outcome)\n\(conflict)")
                            return
                        }
                        // What is refused changes nothing, and that is all there is to ask of it.
                        let isDecided = if case .decided = outcome { true } else { false }
                        coverage.includes(isDecided)
                    }
                }
            }
        }
        coverage.expect(atLeast: 1_000)
    }

    private func failure(
        of outcome: DecisionOutcome, on conflict: RecordedConflict, from before: Tenant, to after: Tenant
    ) -> String? {
        let rules = after.rules
        for (name, siblings) in after.state.siblings(rules)
        where after.record?.openConflicts[rules.unit(named: name)] == nil {
            return "\(siblings.map(\.value)) stand in \(name), and no conflict is open"
        }
        guard case .decided(let decided) = outcome else {
            return before.stored == after.stored ? nil : "not decided, and yet something changed"
        }
        guard conflict.kind == .writeWrite else {
            let isDeleted = after.state.isDeleted(rules.deletes)
            return isDeleted == (decided.resolution.value == nil) ? nil : "it was decided whether the record is there"
        }
        let shown = after.state.shown(decided.resolution.unit, rules)
        return shown == decided.resolution.value ? nil : "\(String(describing: shown)) shows"
    }

    @Test("an empty value is refused where fields are missing, and empties the record where it is one unit")
    func empty() throws {
        let expected: [(rules: CollectionRules, codes: [Rejection.Code])] = [
            (Self.layouts[1], [.groupIncomplete]), (Self.layouts[2], []),
        ]
        for (rules, codes) in expected {
            var tenant = try #require(Self.tenants(rules).first)
            let conflict = try #require(tenant.conflicts.first)
            let saying = Saying(choice: .value([:]), deletedRecord: .staysDeleted)
            switch tenant.decide(saying, on: conflict) {
            case .refused(let rejections): #expect(rejections.map(\.code) == codes)
            case .decided:
                #expect(codes.isEmpty)
                #expect(tenant.fields == fields())
            case let other: Issue.record("\(other)")
            }
        }
        var tenant = Tenant(rules: CollectionRules(recordMerge: .manual, required: ["t"]))
        tenant.send(operation("a1", .create, ["a": 1], fields(("t", 1))), from: "a")
        tenant.send(operation("b1", .create, ["b": 1], fields(("t", 2))), from: "b")
        let conflict = try #require(tenant.conflicts.first)
        guard
            case .refused(let rejections) = tenant.decide(
                Saying(choice: .value([:]), deletedRecord: .staysDeleted), on: conflict)
        else {
            Issue.record("a required field was taken away")
            return
        }
        #expect(rejections.map(\.code) == [.fieldRequired])
    }

    @Test("what came too late can be decided on under every policy, whatever happened since", arguments: everyPolicy)
    func stale(policy: MergePolicy) throws {
        let universe = smallUniverse(policy, deletes: .updateWins)
        var coverage = Coverage()
        let values = universe.actions.compactMap { action -> Value? in
            if case .write(let writes) = action { writes.first?.value } else { nil }
        }
        for (first, late) in values.flatMap({ first in values.map { (first, $0) } }) {
            // What was written since may be better than what came too late.
            let better: [Value] = policy == .max ? [3] : policy == .min ? [0] : []
            for later in [nil] + (values + better).map(Optional.some) {
                for isDeleted in [false, true] {
                    var tenant = Tenant(rules: universe.rules)
                    tenant.send(operation("o", .create, ["a": 1], fields(("f", first))), from: "a")
                    tenant.stored.operations = [:]
                    tenant.stored.dots = [:]
                    tenant.send(operation("late", .create, ["a": 1], fields(("f", late))), from: "a")
                    let opened = tenant.conflicts.first
                    guard coverage.includes(opened != nil), let conflict = opened else { continue }
                    if let later {
                        tenant.send(operation("p", .update, ["a": 1, "b": 1], fields(("f", later))), from: "b")
                    }
                    if isDeleted {
                        tenant.send(operation("d", .delete, tenant.state.clock.setting("c", to: 1)), from: "c")
                    }
                    for saying in Saying.all(ofSides: 2, values: []) {
                        if let failure = failure(of: saying, on: conflict, policy, tenant) {
                            Issue.record("\(first), \(late), \(String(describing: later)): \(saying): \(failure)")
                            return
                        }
                    }
                }
            }
        }
        coverage.expect(atLeast: 6)
    }

    private func failure(
        of saying: Saying, on conflict: RecordedConflict, _ policy: MergePolicy, _ before: Tenant
    ) -> String? {
        var after = before
        let visible = { (tenant: Tenant) in tenant.state.units[.field("f")]?.visible(by: policy) }
        let outcome = after.decide(saying, on: conflict)
        let isHidden = before.state.isDeleted(before.rules.deletes)
        let isStored = [.side(0), .role(.stored), .winner].contains(saying.choice)
        switch outcome {
        case .decided(let decided):
            let isKept = saying.choice == .current || (isStored && policy.registerRule == nil)
            if isKept, visible(after) != visible(before) { return "what shows was to stay" }
            if isStored, after.state.shown(.field("f"), after.rules) != decided.resolution.value {
                return "another value shows than was chosen"
            }
        case .refused(let rejections):
            // What is advised instead has to be possible.
            if rejections.map(\.code) == [.recordDeleted], isHidden, saying.deletedRecord == .staysDeleted {
                return nil
            }
            if isStored, policy.registerRule == nil { return "\(rejections)" }
            if policy == .immutable { return rejections.map(\.code) == [.fieldImmutable] ? nil : "\(rejections)" }
            var instead = before
            let current = Saying(choice: .current, deletedRecord: saying.deletedRecord)
            guard rejections.contains(where: { $0.detail.contains("'current'") }),
                case .decided = instead.decide(current, on: conflict)
            else { return "\(rejections)" }
        case .repeated, .decidedOtherwise, .changed: return "\(outcome)"
        }
        return nil
    }
}

extension CollectionRules {
    fileprivate var withDeletesThatWin: CollectionRules {
        CollectionRules(fields: fields, groups: groups, recordMerge: recordMerge, deletes: .deleteWins)
    }
}
