import Causality
import MergeCore
import Testing
import Values

private func crowded(_ policy: MergePolicy, writers: Int) -> Tenant {
    var tenant = Tenant(rules: CollectionRules(fields: ["t": FieldRule(merge: policy)]))
    for index in 1...writers {
        let device = DeviceID("d\(index)")
        let clock = VersionVector([.init(device: device, counter: 1)])
        let write = operation(
            OperationID("o\(index)"), .create, clock, fields(("t", .integer(Int64(index)))), at: Int64(index))
        tenant.send(write, from: device)
    }
    return tenant
}

private func held(_ tenant: Tenant) -> [Value] {
    guard case .register(let register)? = tenant.state.units[.field("t")] else { return [] }
    return register.candidates.map(\.value)
}

@Suite("at most 64 values of one unit stand beside one another")
struct ValueBoundTests {
    @Test(
        "the value with the smallest stamp leaves the state and is in the audit", arguments: [MergePolicy.lww, .manual])
    func smallestLeaves(policy: MergePolicy) {
        let tenant = crowded(policy, writers: 66)
        #expect(held(tenant) == (3...66).map { .integer($0) })
        #expect(tenant.fields == fields(("t", 66)))
        let sides = AuditedSides(tenant.audit)
        for value in Int64(1)...65 {
            #expect(sides.remember(.integer(value), of: .field("t")), "\(value)")
        }
    }

    @Test("where the smallest stamp shows, it is the greatest that leaves", arguments: [MergePolicy.fww, .immutable])
    func greatestLeaves(policy: MergePolicy) {
        let tenant = crowded(policy, writers: 66)
        #expect(held(tenant) == (1...64).map { .integer($0) })
        #expect(tenant.fields == fields(("t", 1)))
        let sides = AuditedSides(tenant.audit)
        for value in Int64(2)...66 { #expect(sides.rememberAsLoser(.integer(value), of: .field("t"))) }
    }

    @Test("a write that saw all of them leaves one")
    func oneWriteDecides() {
        var tenant = crowded(.lww, writers: 66)
        let all = tenant.state.clock.setting("z", to: 1)
        tenant.send(operation("z", .update, all, fields(("t", "decided"))), from: "z")
        #expect(held(tenant) == ["decided"])
    }
}
