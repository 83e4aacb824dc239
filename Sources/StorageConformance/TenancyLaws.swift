import Causality
import MergeCore
import SyncStorage

private let anna = TenantID("anna")
private let ben = TenantID("ben")

extension StorageLaw {
    static let tenancyLaws = [
        StorageLaw("edge 39: no method tells one tenant anything of another") { factory in
            try await factory.withStore { store in
                let keys = try await Workload(seed: 31).run(commits: 25, on: [store], tenant: anna)
                _ = try await store.administer(anna, .setMember("u", roles: ["device"]), by: "", nowMilliseconds: 1)
                let session = ReviewSessionRow(
                    id: "s", user: "u", beganAtMilliseconds: 1, expiresAtMilliseconds: 9, way: .link, browser: "b")
                try await store.begin(anna, session, nowMilliseconds: 1)
                let before = try await Contents(of: anna, in: store, batches: keys)
                for method in TenantMethod.reads {
                    let own = String(describing: try await method.call(store, anna))
                    let foreign = String(describing: try await method.call(store, ben))
                    let nobody = String(describing: try await method.call(store, "nobody"))
                    try expect(own != nobody, "\(method.name) tells the tenant of its own rows")
                    try expectEqual(foreign, nobody, "\(method.name) for another tenant")
                }
                // What one tenant writes under the same names is its own.
                for method in TenantMethod.writes { _ = try await method.call(store, ben) }
                try await Contents(of: anna, in: store, batches: keys).expectEqual(
                    before, "after another tenant's writes")
                let reference = InMemoryStore(identity: store.identity)
                for method in TenantMethod.writes { _ = try await method.call(reference, ben) }
                let others = try await Workload(seed: 32).run(commits: 25, on: [store, reference], tenant: ben)
                try await Contents(of: anna, in: store, batches: keys).expectEqual(
                    before, "after another tenant's commits")
                try await Contents(of: ben, in: store, batches: others)
                    .expectEqual(try await Contents(of: ben, in: reference, batches: others), "the other tenant")
                try expectEqual(try await store.tenants(), [anna, ben], "tenants")
            }
        },
        StorageLaw("a snapshot holds nothing of another tenant") { factory in
            try await factory.withStore { store in
                let batch = Batch(
                    "b", from: "anna",
                    [
                        Operation(.create, "o", on: RecordKey("estimates", "r"), clock: ["anna": 1], ["title": "hers"])
                    ])
                try await Committer(store, anna).commit(batch)
                let found = try await store.transact(ben, readSet: Committer.readSet(of: [batch])) {
                    snapshot throws(StoreError) in (Commit(head: snapshot.head), snapshot)
                }
                try expect(
                    found.merge == Snapshot() && found.batches.isEmpty && found.devices.isEmpty
                        && found.head == TenantHead(),
                    "another tenant's snapshot holds \(found)")
                // The same batch is new for the other tenant.
                let answer = try await Committer(store, ben).commit(batch)
                try expectEqual(answer.decisions.first?.outcomes.first?.result.outcome, .applied, "outcome")
                try expectEqual(answer.sequence, 1, "sequence")
            }
        },
        StorageLaw("tenants are listed by the bytes of their names, each once") { factory in
            try await factory.withStore { store in
                let names: [TenantID] = ["b", "a", "B", "\u{E9}", "e\u{301}", "\u{1F600}", "\u{FF5E}", "a b"]
                for tenant in names {
                    try await Committer(store, tenant).commit(
                        Batch(
                            "b", from: "d",
                            [Operation(.create, "o", on: RecordKey("c", "r"), clock: ["d": 1], ["a": 1])]))
                }
                try expectEqual(try await store.tenants(), names.sorted(), "tenants")
            }
        },
    ]
}
