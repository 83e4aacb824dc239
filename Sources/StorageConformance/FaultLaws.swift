import Causality
import MergeCore
import SyncStorage

private let record = RecordKey("estimates", "r1")
private let other = RecordKey("estimates", "r2")

extension StorageLaw {
    static let faultLaws = [
        StorageLaw("edge 33: a fault at any step of a commit leaves nothing of it, and the next attempt ends the same")
        {
            factory in
            let script = FaultScript()
            try await factory.withStore(probe: script.probe) { store in
                // This is what happens without faults, and in how many steps.
                let reference = InMemoryStore(identity: store.identity)
                try await prepare(reference, "reference")
                try await prepare(store, "reference")
                let (whole, steps) = await script.watching { try await attempt(store, "reference") }
                let expected = try whole.get()
                try expectEqual(expected, try await attempt(reference, "reference"), "answer without a fault")
                try await Contents(of: "reference", in: store, batches: keys)
                    .expectEqual(try await Contents(of: "reference", in: reference, batches: keys), "without a fault")
                try expect(steps.count > 5, "a commit has more steps than \(steps)")

                for step in 1...steps.count {
                    let tenant = TenantID("fault \(step)")
                    try await prepare(store, tenant)
                    let before = try await Contents(of: tenant, in: store, batches: keys)
                    let (failed, _) = await script.watching(failing: step) { try await attempt(store, tenant) }
                    let name = "\(steps[step - 1]) (step \(step))"
                    guard case .failure(let error as StoreError) = failed, error == FaultScript.injected else {
                        throw Violation("a fault at \(name) ends in \(failed)")
                    }
                    try await Contents(of: tenant, in: store, batches: keys).expectEqual(
                        before, "after a fault at \(name)")
                    try expectEqual(
                        try await attempt(store, tenant), expected, "second attempt after a fault at \(name)")
                    try await prepare(reference, tenant)
                    _ = try await attempt(reference, tenant)
                    try await Contents(of: tenant, in: store, batches: keys).expectEqual(
                        try await Contents(of: tenant, in: reference, batches: keys),
                        "after the second attempt, the first having failed at \(name)")
                }
            }
        },
        StorageLaw("edge 33: a fault in any other method is thrown, changes nothing, and passes") { factory in
            let script = FaultScript()
            try await factory.withStore(probe: script.probe) { store in
                let reference = InMemoryStore(identity: store.identity)
                for method in TenantMethod.all {
                    let calm = TenantID(ExactString("\(method.name), calm"))
                    try await prepare(store, calm)
                    let (whole, steps) = await script.watching { try await method.call(store, calm) }
                    _ = try whole.get()
                    try expect(!steps.isEmpty, "\(method.name) has steps")
                    for step in 1...steps.count {
                        let tenant = TenantID(ExactString("\(method.name), step \(step)"))
                        let name = "\(steps[step - 1]) in \(method.name)"
                        try await prepare(store, tenant)
                        let before = try await Contents(of: tenant, in: store, batches: keys)
                        let (failed, _) = await script.watching(failing: step) { try await method.call(store, tenant) }
                        guard case .failure(let error as StoreError) = failed, error == FaultScript.injected else {
                            throw Violation("a fault at \(name) ends in \(failed)")
                        }
                        try await Contents(of: tenant, in: store, batches: keys)
                            .expectEqual(before, "after a fault at \(name)")
                        // The audit's hashes cover the tenant, so another store answers for the same one.
                        try await prepare(reference, tenant)
                        let expected = try await method.call(reference, tenant)
                        try expectEqual(
                            String(describing: try await method.call(store, tenant)), String(describing: expected),
                            "second attempt after a fault at \(name)")
                    }
                }
            }
        },
    ]

    private static let keys = ["k1", "k2", "k3", "k4", "k5"].flatMap { key in
        (["anna", "ben", "eva"] as [DeviceID]).map { BatchKey(device: $0, key: key) }
    }

    /// Two records, one with an open conflict, and a rejected operation.
    private static func prepare(_ store: any SyncStore, _ tenant: TenantID) async throws {
        let committer = Committer(store, tenant, under: Workload.schema)
        try await committer.commit(
            Batch(
                "k1", from: "anna",
                [
                    Operation(.create, "o1", on: record, clock: ["anna": 1], ["status": "new", "title": "one"]),
                    Operation(.create, "o2", on: other, clock: ["anna": 1], ["title": "two"]),
                    Operation(.create, "o3", on: RecordKey("estimates", "r3"), clock: ["anna": 1], ["unknown": 1]),
                ]))
        try await committer.commit(
            Batch("k2", from: "ben", [Operation(.create, "o4", on: record, clock: ["ben": 1], ["status": "sent"])]))
    }

    /// One commit that touches every table: a new record and a changed one, a rejection replaced, a side joining an open
    /// conflict, a new conflict, a new device, two batches.
    private static func attempt(_ store: any SyncStore, _ tenant: TenantID) async throws -> Committer.Answer {
        try await Committer(store, tenant, under: Workload.schema).commit([
            Batch(
                "k3", from: "eva",
                [
                    Operation(.create, "o5", on: record, clock: ["eva": 1], ["status": "paid", "title": "uno"]),
                    Operation(.create, "o6", on: RecordKey("estimates", "r4"), clock: ["eva": 1], ["title": "four"]),
                ]),
            Batch(
                "k4", from: "anna",
                [
                    Operation(.create, "o3", on: RecordKey("estimates", "r3"), clock: ["anna": 1], ["title": "three"]),
                    Operation(.update, "o7", on: other, clock: ["anna": 2], ["title": "zwei"]),
                    Operation(.update, "o8", on: other, clock: ["anna": 3], ["title": "deux"]),
                ]),
        ])
    }
}
