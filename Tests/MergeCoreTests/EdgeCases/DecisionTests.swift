import Causality
import MergeCore
import SeededRandom
import Testing
import Values

@Suite("decisions of reviewers")
struct DecisionTests {
    private let rita = Reviewer(user: "rita", nowMilliseconds: Batch.receivedAt)

    /// Decides over what the tenant holds, and takes it in.
    private func decide(
        _ choice: Decision.Choice, _ tenant: inout Tenant, seen: VersionVector? = nil,
        deletedRecord: Decision.DeletedRecord = .staysDeleted, version: Int64? = nil
    ) throws -> DecisionOutcome {
        let conflict = try #require(tenant.recorded(tenant.audit.first?.conflict))
        return tenant.decide(
            Decision(
                version: version ?? conflict.version, choice: choice, seen: seen, deletedRecord: deletedRecord),
            on: conflict, by: rita)
    }

    /// A record with a conflict over field `t` between "a" and "b".
    private func conflicted(_ policy: MergePolicy) -> Tenant {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: policy), "u": FieldRule()]))
        tenant.send(operation("a1", .create, ["a": 1], fields(("t", "a")), at: 1), from: "a")
        tenant.send(operation("b1", .create, ["b": 1], fields(("t", "b")), at: 2), from: "b")
        return tenant
    }

    @Test(
        "a decision has seen everything: nothing remains beside its value", arguments: [MergePolicy.lww, .fww, .manual])
    func settles(policy: MergePolicy) throws {
        for (choice, wanted) in [
            (Decision.Choice.side(0), Value.string("a")), (.side(1), "b"), (.value("c"), "c"), (.value(.null), .null),
        ] {
            var tenant = conflicted(policy)
            let before = tenant.state.clock
            guard case .decided(let decided) = try decide(choice, &tenant) else {
                Issue.record("\(policy) \(choice)")
                continue
            }
            #expect(tenant.fields?["t"] == wanted)
            #expect(tenant.state.siblings(tenant.rules).isEmpty)
            #expect(tenant.state.clock == before.setting("reviewer:rita", to: 1))
            #expect(tenant.record?.openConflicts.isEmpty == true)
            #expect(decided.clock == tenant.state.clock)
            #expect(decided.version == 2)
            #expect(tenant.audit.last?.version == 2)
            #expect(tenant.audit.last?.clockAfter == tenant.state.clock)
            // A device that has seen it goes on without a conflict.
            let count = tenant.audit.count
            let clock = tenant.state.clock.setting("a", to: 2)
            #expect(
                tenant.send(operation("a2", .update, clock, fields(("t", "d"))), from: "a").outcome == .applied)
            #expect(tenant.audit.count == count)
        }
    }

    @Test("a decision is stamped after everything that the record has seen")
    func stamp() throws {
        var tenant = conflicted(.manual)
        let latest = tenant.state.latestMilliseconds
        let early = Reviewer(user: "rita", nowMilliseconds: latest - 5)
        let conflict = try #require(tenant.recorded(tenant.audit.first?.conflict))
        let outcome = tenant.decide(Decision(version: 1, choice: .side(0)), on: conflict, by: early)
        guard case .decided(let decided) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(decided.resolution.event.stamp.milliseconds == latest + 1)
    }

    @Test("to leave what shows writes a unit only where something stands beside it")
    func current() throws {
        for policy in [MergePolicy.lww, .manual] {
            var tenant = conflicted(policy)
            guard case .decided(let decided) = try decide(.current, &tenant) else {
                Issue.record("\(policy)")
                continue
            }
            #expect(decided.fields == fields(("t", "b")))
            #expect(tenant.fields == fields(("t", "b")))
        }
        var tenant = conflicted(.lww)
        tenant.send(operation("a2", .update, ["a": 2, "b": 1], fields(("t", "later"))), from: "a")
        guard case .decided(let decided) = try decide(.current, &tenant) else {
            Issue.record("not decided")
            return
        }
        #expect(decided.fields.isEmpty)
        #expect(tenant.fields == fields(("t", "later")))
    }

    @Test("edge 41: a write that is concurrent to a decision meets it, in either order of stamps")
    func meets() throws {
        for policy in [MergePolicy.lww, .manual] {
            for at in [Int64(3), Batch.receivedAt] {
                var tenant = conflicted(policy)
                guard case .decided = try decide(.side(0), &tenant) else {
                    Issue.record("\(policy)")
                    continue
                }
                let met = tenant.send(
                    operation("b2", .update, ["a": 1, "b": 2], fields(("t", "late")), at: at), from: "b")
                #expect(met.outcome == .conflicted)
                let sides = tenant.openings.last?.sides.map(\.value)
                #expect(Set(sides ?? []) == ["a", "late"])
            }
        }
    }

    @Test("a decision on a unit that went through something unseen is refused; other units do not count")
    func unseen() throws {
        var tenant = conflicted(.lww)
        let seen = tenant.state.clock
        tenant.send(operation("a2", .update, ["a": 2, "b": 1], fields(("u", 1))), from: "a")
        #expect(try decide(.side(0), &tenant, seen: seen).isDecided)
        tenant = conflicted(.lww)
        tenant.send(operation("a2", .update, ["a": 2, "b": 1], fields(("t", "c"))), from: "a")
        #expect(try decide(.side(0), &tenant, seen: seen) == .changed)
        #expect(tenant.fields == fields(("t", "c")))
        tenant = conflicted(.lww)
        tenant.send(operation("a2", .delete, ["a": 2, "b": 1]), from: "a")
        #expect(try decide(.side(0), &tenant, seen: seen, deletedRecord: .isRestored) == .changed)
    }

    @Test("edge 40: the same decision twice is one, another one is refused, at the version before and at the new one")
    func twice() throws {
        var tenant = conflicted(.manual)
        #expect(try decide(.side(0), &tenant).isDecided)
        let stored = tenant.stored
        for version: Int64 in [1, 2] {
            for same in [Decision.Choice.side(0), .role(.stored), .value("a"), .current] {
                #expect(try decide(same, &tenant, version: version) == .repeated, "\(same)")
            }
            for other in [Decision.Choice.side(1), .winner, .value("c"), .value(.null)] {
                #expect(try decide(other, &tenant, version: version) == .decidedOtherwise, "\(other)")
            }
        }
        for version: Int64 in [0, 3] { #expect(try decide(.side(0), &tenant, version: version) == .changed) }
        #expect(tenant.stored == stored)
    }

    @Test("a hash that stands for a redacted value is never written into a record")
    func hashes() throws {
        let hash = Value.object([(RedactionMarker.name, .string("00"))])
        let nested = Value.object([(ExactString("inner"), hash)])
        for value in [hash, nested] {
            var tenant = conflicted(.manual)
            guard case .refused(let rejections) = try decide(.value(value), &tenant) else {
                Issue.record("\(value) was taken")
                continue
            }
            #expect(rejections.map(\.code) == [.valueInvalid])
            #expect(tenant.fields == fields(("t", "b")))
        }
    }

    @Test("to decide for a write against a delete brings back its values, and counts nothing twice")
    func writeAgainstDelete() throws {
        for deletes in [DeletePolicy.updateWins, .deleteWins] {
            let rules = CollectionRules(
                fields: [
                    "t": FieldRule(), "n": FieldRule(type: .integer, merge: .counter),
                    "s": FieldRule(type: .set, merge: .set), "m": FieldRule(type: .integer, merge: .max),
                ], deletes: deletes)
            var tenant = Tenant(rules: rules)
            let all = fields(("t", "a"), ("n", ["$increment": 1]), ("s", ["$add": ["x"]]), ("m", 5))
            tenant.send(operation("a1", .create, ["a": 1], all), from: "a")
            tenant.send(operation("b1", .delete, ["a": 1, "b": 1]), from: "b")
            let late = fields(("t", "late"), ("n", ["$increment": 2]), ("s", ["$add": ["y"]]), ("m", 3))
            tenant.send(operation("a2", .update, ["a": 2], late), from: "a")
            let conflict = try #require(tenant.recorded(tenant.audit.last?.conflict))
            #expect(conflict.kind == .deleteWrite)
            let side = try #require(conflict.sides.firstIndex { $0.value != nil })
            let outcome = tenant.decide(Decision(version: 1, choice: .side(side)), on: conflict, by: rita)
            #expect(outcome.isDecided, "\(deletes): \(outcome)")
            #expect(
                tenant.fields == fields(("m", 5), ("n", 3), ("s", ["x", "y"]), ("t", "late")), "\(deletes)")
        }
    }

    @Test("a conflict that a later write superseded is not decided again")
    func superseded() throws {
        var tenant = conflicted(.manual)
        tenant.send(operation("a2", .update, ["a": 2, "b": 1], fields(("t", "c"))), from: "a")
        #expect(try decide(.side(0), &tenant, version: 1) == .changed)
        #expect(try decide(.side(0), &tenant, version: 2) == .decidedOtherwise)
    }

    @Test("a decision on one conflict ends the open one of the same unit")
    func endsAnother() throws {
        // The unit was decided by a policy when the first conflict came, and awaits decisions since.
        var tenant = conflicted(.lww)
        var manual = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: .manual), "u": FieldRule()]))
        manual.adopt(tenant)
        manual.send(operation("c1", .create, ["c": 1], fields(("t", "c")), at: 3), from: "c")
        #expect(manual.record?.openConflicts.count == 1)
        tenant = manual
        #expect(try decide(.side(0), &tenant).isDecided)
        #expect(tenant.record?.openConflicts.isEmpty == true)
        let kinds = tenant.audit.suffix(2).map(\.content)
        guard case .superseded = kinds.first, case .resolved = kinds.last else {
            Issue.record("\(kinds)")
            return
        }
        #expect(tenant.audit.map(\.position) == Array(1...Int64(tenant.audit.count)))
    }

    @Test("nothing that a device sent is lost by decisions, at whatever moments they come")
    func nothingLost() throws {
        var written = Coverage()
        var decided = Coverage()
        for seed in UInt64(0)..<60 { play(seed: seed, &written, &decided) }
        written.expect(atLeast: 1_700)
        decided.expect(atLeast: 180)
    }

    /// Forty steps, each of which writes, decides, or only looks at the record.
    private func play(seed: UInt64, _ writing: inout Coverage, _ deciding: inout Coverage) {
        // Values are numbers that occur once: each is current, seen by whoever overwrote it, or a side in the audit.
        var random = SeededGenerator(seed: seed)
        let policy = random.pick([MergePolicy.lww, .fww, .manual])
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: policy)]))
        let devices: [DeviceID] = ["a", "b", "c"]
        var sights: [DeviceID: VersionVector] = [:]
        var written: [(value: Int64, clock: VersionVector, device: DeviceID)] = []
        for step: Int64 in 1...40 {
            let device = random.pick(devices)
            if random.below(4) == 0, let id = tenant.audit.randomElement(using: &random)?.conflict,
                let conflict = tenant.recorded(id)
            {
                let choice: Decision.Choice = random.below(2) == 0 ? .side(random.below(2)) : .current
                let outcome = tenant.decide(
                    Decision(version: conflict.version, choice: choice, seen: tenant.state.clock), on: conflict,
                    by: rita)
                if case .refused(let rejections) = outcome { Issue.record("seed \(seed): \(rejections)") }
                deciding.includes(outcome.isDecided)
                continue
            }
            if random.below(3) == 0 { sights[device] = tenant.state.clock }
            let context = sights[device] ?? VersionVector()
            let clock = context.setting(device, to: tenant.state.clock[device] + 1)
            let kind: OperationKind = context.isEmpty ? .create : .update
            guard writing.includes(context[device] == tenant.state.clock[device]) else {
                sights[device] = tenant.state.clock
                continue
            }
            let outcome = tenant.send(
                operation(
                    OperationID("o\(step)"), kind, clock, fields(("t", .integer(step))),
                    at: Int64(random.below(1_000))), from: device)
            #expect(outcome.relationIsKnown, "seed \(seed), step \(step): \(outcome)")
            sights[device] = clock
            written.append((step, clock, device))
        }
        var kept = Set(tenant.audit.flatMap(\.sideValues))
        if case .register(let register)? = tenant.state.units[.field("t")] {
            kept.formUnion(register.candidates.map(\.value))
        }
        for write in written where !kept.contains(.integer(write.value)) {
            let dot = Dot(device: write.device, counter: write.clock[write.device])
            let isSeen =
                written.contains { $0.device != write.device && $0.clock.contains(dot) }
                || written.contains { $0.device == write.device && $0.clock[write.device] > dot.counter }
                || tenant.audit.contains { entry in
                    if case .resolved = entry.content { entry.clockBefore.contains(dot) } else { false }
                }
            #expect(isSeen, "seed \(seed): the value \(write.value) is gone")
        }
    }
}

extension DecisionOutcome {
    fileprivate var isDecided: Bool {
        if case .decided = self { true } else { false }
    }
}

extension OperationOutcome {
    fileprivate var relationIsKnown: Bool { result.relation != nil }
}

extension AuditEntry {
    fileprivate var sideValues: [Value] {
        switch content {
        case .opened(let opening): opening.sides.compactMap(\.value)
        case .sidesChanged(_, let joined, _): joined.compactMap(\.value)
        case .superseded, .resolved, .commented, .assigned: []
        }
    }
}
