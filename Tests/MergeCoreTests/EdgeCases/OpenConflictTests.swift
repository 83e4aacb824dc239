import Causality
import MergeCore
import Testing
import Values

private func manualTenant() -> Tenant {
    Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: .manual)]))
}

/// Three devices that have not heard of one another write the values "a", "b" and "c".
private func threeSides() -> Tenant {
    var tenant = manualTenant()
    for (index, device) in ["a", "b", "c"].enumerated() {
        let write = operation(
            OperationID(device), .create, VersionVector([.init(device: DeviceID(device), counter: 1)]),
            fields(("t", .string(device))), at: Int64(index))
        tenant.send(write, from: DeviceID(device))
    }
    return tenant
}

private func openSides(_ tenant: Tenant) -> Set<Value?> {
    Set((AuditedSides(tenant.audit).open[.field("t")] ?? []).map(\.value))
}

private func siblings(_ tenant: Tenant) -> [Value] {
    (tenant.state.siblings(tenant.rules)["t"] ?? []).map(\.value)
}

@Suite("conflicts that wait for a decision")
struct OpenConflictTests {
    @Test("edge 24: three concurrent writers make one open conflict with three sides")
    func oneConflict() {
        let tenant = threeSides()
        #expect(tenant.openings.count == 1)
        #expect(openSides(tenant) == ["a", "b", "c"])
        #expect(tenant.fields == fields(("t", "c")))
        #expect(siblings(tenant) == ["a", "b"])
        #expect(tenant.audit.map(\.version) == [1, 2])
        #expect(tenant.record?.openConflicts[.field("t")]?.version == 2)
    }

    @Test("edge 24: a later write that saw all sides closes the conflict as superseded")
    func superseded() {
        var tenant = threeSides()
        let outcome = tenant.send(
            operation("o", .update, ["a": 2, "b": 1, "c": 1], fields(("t", "decided"))), from: "a")
        #expect(outcome.outcome == .applied)
        #expect(openSides(tenant) == [])
        #expect(tenant.record?.openConflicts == [:])
        #expect(siblings(tenant) == [])
        guard case .superseded(let event)? = tenant.audit.last?.content else {
            Issue.record("not superseded")
            return
        }
        #expect(event.dot == Dot(device: "a", counter: 2))
        #expect(tenant.audit.last?.conflict == tenant.audit.first?.conflict)
    }

    @Test("edge 24: of a later write that saw one side, that side drops and the rest stays open")
    func oneSideDrops() {
        var tenant = threeSides()
        tenant.send(operation("o", .update, ["a": 1, "b": 1, "d": 1], fields(("t", "d")), at: 9), from: "d")
        #expect(openSides(tenant) == ["c", "d"])
        #expect(tenant.openings.count == 1)
        #expect(tenant.audit.last?.version == 3)
        #expect(tenant.fields == fields(("t", "d")))
        #expect(siblings(tenant) == ["c"])
    }

    @Test("a write of a value that one side has already adds no side")
    func twin() {
        var tenant = threeSides()
        tenant.send(operation("o", .create, ["d": 1], fields(("t", "a")), at: -1), from: "d")
        #expect(openSides(tenant) == ["a", "b", "c"])
        #expect(tenant.audit.count == 2)
    }

    @Test("a side that two devices wrote stays until both writes are seen", arguments: [Int64(-1), 99])
    func twinStays(time: Int64) {
        var tenant = threeSides()
        tenant.send(operation("o", .create, ["d": 1], fields(("t", "a")), at: time), from: "d")
        tenant.send(operation("p", .update, ["a": 2], fields(("t", "new a"))), from: "a")
        #expect(openSides(tenant) == ["a", "b", "c", "new a"])
        tenant.send(operation("q", .update, ["d": 2], fields(("t", "new d"))), from: "d")
        #expect(openSides(tenant) == ["b", "c", "new a", "new d"])
        #expect(tenant.openings.count == 1)
    }

    @Test("a conflict also closes when what is left beside the write has its value")
    func agreement() {
        var tenant = manualTenant()
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("p", .create, ["b": 1], fields(("t", "y"))), from: "b")
        tenant.send(operation("q", .update, ["b": 2], fields(("t", "x"))), from: "b")
        #expect(openSides(tenant) == [])
        #expect(tenant.record?.openConflicts == [:])
        // A new disagreement is a new conflict.
        tenant.send(operation("r", .update, ["b": 3], fields(("t", "z"))), from: "b")
        #expect(openSides(tenant) == ["x", "z"])
        #expect(tenant.openings.count == 2)
    }

    @Test("a write to another field leaves the open conflict as it is")
    func otherField() {
        var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: .manual), "s": FieldRule()]))
        tenant.send(operation("o", .create, ["a": 1], fields(("t", "x"))), from: "a")
        tenant.send(operation("p", .create, ["b": 1], fields(("t", "y"))), from: "b")
        tenant.send(operation("q", .update, ["a": 2, "b": 1], fields(("s", "z"))), from: "a")
        #expect(openSides(tenant) == ["x", "y"])
        #expect(tenant.record?.openConflicts[.field("t")]?.version == 1)
    }
}
