import Causality
import MergeCore
import SyncStorage
import SyncWire

private let tenant = TenantID("tenant")
private let record = RecordKey("estimates", "r1")

extension StorageLaw {
    static let transactionLaws = [
        StorageLaw("a tenant without rows has the empty head and nothing else") { factory in
            try await factory.withStore { store in
                let contents = try await Contents(of: tenant, in: store, batches: [BatchKey(device: "d", key: "k")])
                try expectEqual(contents.head, TenantHead(), "head")
                try expect(
                    contents.records.isEmpty && contents.operations.isEmpty && contents.batches == [nil]
                        && contents.conflicts.isEmpty && contents.audit.isEmpty && contents.index.isEmpty
                        && contents.devices.isEmpty && contents.conflictCounts == ConflictCounts(),
                    "a new store tells of \(contents)")
                try expectEqual(try await store.tenants(), [], "tenants")
                try expectEqual(try await store.record(tenant, record), nil, "record")
                try expectEqual(try await store.device(tenant, "d"), nil, "device")
                try expectEqual(try await store.operations(tenant, id: "o"), [], "operations")
                let page = try await store.changes(tenant, ChangeQuery(after: 0, limit: 10))
                try expectEqual(page, ChangePage(rows: [], reached: 0, hasMore: false, head: 0, purgeFloor: 0), "page")
                try await store.ping()
            }
        },
        StorageLaw("a snapshot holds what the read set names and nothing else") { factory in
            try await factory.withStore { store in
                let committer = Committer(store, tenant)
                let other = RecordKey("estimates", "r2")
                try await committer.commit([
                    Batch(
                        "b1", from: "anna",
                        [
                            Operation(.create, "o1", on: record, clock: ["anna": 1], ["title": "one"]),
                            Operation(.create, "o2", on: other, clock: ["anna": 1], ["title": "two"]),
                        ]),
                    Batch(
                        "b1", from: "ben",
                        [
                            Operation(.update, "o1", on: other, clock: ["anna": 1, "ben": 1], ["title": "three"])
                        ]),
                ])
                var readSet = StoreReadSet()
                try expectEqual(try await snapshot(store, readSet).size, 0, "rows of an empty read set")
                readSet.merge.records = [record, RecordKey("estimates", "absent")]
                readSet.merge.operations = ["o1", "absent"]
                readSet.merge.dots = [
                    RecordDot(record: other, dot: Dot(device: "ben", counter: 1)),
                    RecordDot(record: other, dot: Dot(device: "ben", counter: 2)),
                    RecordDot(record: record, dot: Dot(device: "ben", counter: 1)),
                ]
                readSet.batches = [BatchKey(device: "ben", key: "b1"), BatchKey(device: "eva", key: "b1")]
                readSet.devices = ["anna", "eva"]
                let found = try await snapshot(store, readSet)
                try expectEqual(Set(found.merge.records.keys), [record], "records")
                try expectEqual(found.merge.records[record]?.sequence, 1, "sequence of the record")
                try expectEqual(Set(found.merge.operations.keys), ["o1"], "operations")
                try expectEqual(
                    found.merge.operations["o1"]?.map(\.device), ["anna", "ben"], "devices that used the id, in order")
                try expectEqual(
                    Set(found.merge.dots.keys), [RecordDot(record: other, dot: Dot(device: "ben", counter: 1))], "dots")
                try expectEqual(found.merge.dots.values.first?.result.sequence, 3, "result of the dot's operation")
                try expectEqual(Set(found.batches.keys), [BatchKey(device: "ben", key: "b1")], "batches")
                try expectEqual(Set(found.devices.keys), ["anna"], "devices")
                try expectEqual(found.head.sequence, 3, "head's sequence")
                try expectEqual(found.merge.sequence, found.head.sequence, "snapshot's sequence")
                try expectEqual(found.merge.auditPosition, found.head.auditPosition, "snapshot's audit position")
                try expectEqual(try await store.head(of: tenant), found.head, "head outside a transaction")
                // Each kind of key alone: nothing else says that it has to be looked for.
                for alone in 0..<3 {
                    var one = StoreReadSet()
                    if alone == 0 { one.merge.operations = ["o1"] }
                    if alone == 1 { one.merge.dependencies = ["o1"] }
                    if alone == 2 { one.merge.dots = readSet.merge.dots }
                    let merge = try await snapshot(store, one).merge
                    try expectEqual(
                        merge.operations.count + merge.dots.count, 1, "what is found of kind \(alone) alone")
                }
            }
        },
        StorageLaw("a commit is seen by every query after it, and by a store that opens the data again") { factory in
            try await factory.withStore { store in
                let reference = InMemoryStore(identity: store.identity)
                var keys: [BatchKey] = []
                try await run(Workload(seed: 1), commits: 40, on: [store, reference], keys: &keys)
                let expected = try await Contents(of: tenant, in: reference, batches: keys)
                try expect(expected.conflicts.count > 5, "the workload makes conflicts")
                try await Contents(of: tenant, in: store, batches: keys).expectEqual(expected, "after the commits")
                let again = try await factory.reopened(store)
                try expectEqual(again.identity, store.identity, "identity after opening again")
                try await Contents(of: tenant, in: again, batches: keys).expectEqual(expected, "after opening again")
                try expectEqual(try await again.tenants(), [tenant], "tenants after opening again")
                await again.close()
            }
        },
        StorageLaw("whatever is committed, an engine and the one in memory stay the same") { factory in
            for seed: UInt64 in 2...4 {
                try await factory.withStore { store in
                    let reference = InMemoryStore(identity: store.identity)
                    var keys: [BatchKey] = []
                    try await run(Workload(seed: seed), commits: 30, on: [store, reference], keys: &keys)
                    try await Contents(of: tenant, in: store, batches: keys)
                        .expectEqual(try await Contents(of: tenant, in: reference, batches: keys), "seed \(seed)")
                }
            }
        },
        StorageLaw("a decision that throws leaves nothing, and its error arrives as it was thrown") { factory in
            try await factory.withStore { store in
                let thrown = StoreError.damaged("thrown by the decision")
                let error = try await expectStoreError("transact") {
                    try await store.transact(tenant, readSet: StoreReadSet()) { _ throws(StoreError) in throw thrown }
                }
                try expectEqual(error, thrown, "error")
                try expectEqual(try await store.head(of: tenant), TenantHead(), "head")
                try expectEqual(try await store.tenants(), [], "tenants")
                try await Committer(store, tenant).commit(
                    Batch("b", from: "anna", [Operation(.create, "o", on: record, clock: ["anna": 1], ["a": 1])]))
                try expectEqual(try await store.head(of: tenant).sequence, 1, "sequence of the next commit")
            }
        },
        StorageLaw("a commit without rows writes nothing") { factory in
            try await factory.withStore { store in
                let answer = try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head), "the answer")
                }
                try expectEqual(answer, "the answer", "answer")
                try expectEqual(try await store.tenants(), [], "tenants")
            }
        },
        StorageLaw("transactions of one tenant are serial: fifty at once lose none") { factory in
            try await factory.withStore { store in
                let seen = try await withThrowingTaskGroup(of: Int64.self) { group in
                    for number in 0..<50 {
                        group.addTask {
                            try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                                var head = snapshot.head
                                head.sequence += 1
                                let batch = BatchRow(
                                    key: BatchKey(device: "d", key: ExactString("\(number)")),
                                    fingerprint: .zero, results: "[]",
                                    recordedAtMilliseconds: 0)
                                return (Commit(head: head, batches: [batch]), head.sequence)
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                try expectEqual(seen.sorted(), Array(1...50), "sequences given")
                try expectEqual(try await store.head(of: tenant).sequence, 50, "last sequence")
            }
        },
        StorageLaw("edge 34: readers beside a writer see whole commits only, and every one in the end") { factory in
            try await factory.withStore { store in
                // Each commit raises two records to the same number.
                let commits = 30
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for number in 1...Int64(commits) {
                            try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                                var head = snapshot.head
                                let rows = ["a", "b"].map { id in
                                    head.sequence += 1
                                    return RecordRow.sample(ExactString(id), sequence: head.sequence, changedAt: number)
                                }
                                return (Commit(head: head, records: rows), ())
                            }
                        }
                    }
                    for _ in 0..<2 {
                        group.addTask {
                            var last: Int64 = 0
                            while last < commits {
                                let rows = try await store.changes(tenant, ChangeQuery(after: 0, limit: 10)).rows
                                try expect(
                                    rows.isEmpty
                                        || rows.count == 2 && Set(rows.map(\.changedAtMilliseconds)).count == 1,
                                    "half a commit is seen: \(rows)")
                                let number = rows.first?.changedAtMilliseconds ?? 0
                                try expect(number >= last, "commit \(number) is seen after \(last)")
                                last = number
                                await Task.yield()
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
        StorageLaw("what was accepted, answered or audited is never overwritten") { factory in
            try await factory.withStore { store in
                var keys: [BatchKey] = []
                try await run(Workload(seed: 5), commits: 20, on: [store], keys: &keys)
                let before = try await Contents(of: tenant, in: store, batches: keys)
                guard let accepted = before.operations.first(where: { $0.outcome != .rejected }),
                    let answered = before.batches.first ?? nil, let entry = before.audit.first,
                    let conflict = before.index.first
                else { throw Violation("the workload fills every table") }
                let wrong: [(String, @Sendable (inout Commit) -> Void)] = [
                    ("operation", { $0.operations = [accepted] }), ("batch", { $0.batches = [answered] }),
                    ("audit entry", { $0.audit = [entry] }),
                    (
                        "conflict",
                        {
                            var row = entry
                            row.position = $0.head.auditPosition + 1
                            row.version = 1_000
                            $0.audit = [row]
                            $0.conflicts = [conflict]
                        }
                    ),
                ]
                for (name, spoil) in wrong {
                    let error = try await expectStoreError("overwriting the \(name)") {
                        try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                            var commit = Commit(head: snapshot.head)
                            commit.head.sequence += 1
                            commit.records = [.sample("new", sequence: commit.head.sequence, changedAt: 0)]
                            spoil(&commit)
                            return (commit, ())
                        }
                    }
                    guard case .damaged = error else { throw Violation("overwriting the \(name) throws \(error)") }
                    try await Contents(of: tenant, in: store, batches: keys).expectEqual(before, "refused \(name)")
                }
            }
        },
        StorageLaw("a stored rejection gives way to the operation's next result") { factory in
            try await factory.withStore { store in
                let row = OperationRow.sample("o", ordinal: 1, outcome: .rejected)
                var later = OperationRow.sample("o", ordinal: 3, outcome: .applied)
                later.counter = 1
                let twice = [later.with(ordinal: 2, outcome: .rejected), later]
                try await write(store) { $0.operations = [row] }
                try expectEqual(try await store.operations(tenant, id: "o"), [row], "operations")
                try await write(store) { $0.operations = twice }
                try expectEqual(try await store.operations(tenant, id: "o"), [later], "operations")
                let rejected = try await store.operations(tenant, OperationQuery(.rejected(nil), limit: 10))
                try expectEqual(rejected, [], "rejected operations")
            }
        },
    ]

    private static func snapshot(_ store: any SyncStore, _ readSet: StoreReadSet) async throws -> StoreSnapshot {
        try await store.transact(tenant, readSet: readSet) { snapshot throws(StoreError) in
            (Commit(head: snapshot.head), snapshot)
        }
    }

    private static func write(
        _ store: any SyncStore, _ fill: @escaping @Sendable (inout Commit) -> Void
    ) async throws {
        try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var commit = Commit(head: snapshot.head)
            fill(&commit)
            return (commit, ())
        }
    }

    private static func run(
        _ workload: Workload, commits: Int, on stores: [any SyncStore], keys: inout [BatchKey]
    ) async throws {
        keys += try await workload.run(commits: commits, on: stores, tenant: tenant)
    }
}

extension StoreSnapshot {
    fileprivate var size: Int {
        merge.records.count + merge.operations.count + merge.dots.count + batches.count + devices.count
    }
}
