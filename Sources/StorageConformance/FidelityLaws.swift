import Causality
import MergeCore
import SyncStorage
import SyncWire

private let tenant = TenantID("tenant")

extension StorageLaw {
    static let fidelityLaws = [
        StorageLaw("edge 27: composed and decomposed spellings, and cases, are different names everywhere") { factory in
            try await factory.withStore { store in
                let names: [ExactString] = ["\u{E9}", "e\u{301}", "\u{C9}", "E\u{301}"]
                for name in names {
                    let operation = Operation(
                        .create, OperationID(name), on: RecordKey(collection: name, id: name),
                        clock: [DeviceID(name): 1], .object([(name, .string(name))]))
                    try await Committer(store, TenantID("t")).commit(Batch(name, from: DeviceID(name), [operation]))
                }
                let rows = try await store.changes("t", ChangeQuery(after: 0, limit: 10)).rows
                try expectEqual(rows.map(\.key.id), names, "records")
                for (index, name) in names.enumerated() {
                    let key = RecordKey(collection: name, id: name)
                    let sequence = Int64(index + 1)
                    try expectEqual(try await store.record("t", key)?.sequence, sequence, "record")
                    try expectEqual(
                        try await store.operations("t", id: OperationID(name)).map(\.ordinal), [sequence], "operations")
                    try expectEqual(
                        try await store.operations("t", OperationQuery(.record(key), limit: 10)).map(\.ordinal),
                        [sequence], "operations of the record")
                    let batch = BatchKey(device: DeviceID(name), key: name)
                    try expect(try await store.batch("t", batch) != nil, "batch")
                    try expectEqual(try await store.device("t", DeviceID(name))?.device.name, name, "device")
                    let query = ChangeQuery(after: 0, limit: 10, collections: [name])
                    try expectEqual(
                        try await store.changes("t", query).rows.map(\.sequence), [sequence], "changes of a collection")
                }
                try expectEqual(try await store.devices("t").map(\.device.name), names.sorted(), "devices")
            }
        },
        StorageLaw("integers come back exactly, to the bounds of Int64") { factory in
            try await factory.withStore { store in
                var row = RecordRow.sample("r", sequence: .max)
                row.stampMilliseconds = .min
                row.openConflicts = .max
                row.changedAtMilliseconds = .min
                var operation = OperationRow.sample("o", ordinal: .max - 1, outcome: .rejected)
                operation.counter = .max
                operation.stampMilliseconds = .min
                operation.recordedAtMilliseconds = .max
                var side = AuditSideRow.sample(device: "d", user: "u")
                side.counter = .max
                side.stampMilliseconds = .min
                side.claimedAtMilliseconds = .min
                let conflict = ConflictRow(
                    id: .max - 1, kind: "stale", status: "open", version: .max, collection: "c", record: "r", unit: "u",
                    policy: "p", openedAtMilliseconds: 0, assignee: "e\u{301}")
                var entry = AuditEntryRow.sample(conflict, sides: [side])
                entry.version = .max
                entry.recordedAtMilliseconds = .min
                let head = TenantHead(
                    sequence: .max, operationOrdinal: .max, auditPosition: .max - 1,
                    auditHash: Digest(bytes: 224...255), auditMilliseconds: .min, purgeFloor: .max)
                let commit = Commit(
                    head: head, records: [row], operations: [operation], audit: [entry], conflicts: [conflict])
                try await store.transact(tenant, readSet: StoreReadSet()) { _ throws(StoreError) in (commit, ()) }
                try expectEqual(try await store.head(of: tenant), head, "head")
                try expectEqual(try await store.record(tenant, row.key), row, "record")
                try expectEqual(
                    try await store.changes(tenant, ChangeQuery(after: .max - 1, limit: .max)).rows, [row], "changes")
                try expectEqual(try await store.operations(tenant, id: "o"), [operation], "operation")
                try expectEqual(
                    try await store.conflict(tenant, ConflictID(position: .max - 1)),
                    ConflictHistory(conflict: conflict, entries: [entry]), "conflict")
            }
        },
        StorageLaw("large texts and every kind of scalar come back byte for byte") { factory in
            try await factory.withStore { store in
                let scalars = (1...0x10FFFF).lazy.compactMap { Unicode.Scalar($0) }.filter { $0.value % 61 == 1 }
                var all = String.UnicodeScalarView()
                all.append(contentsOf: scalars)
                var row = RecordRow.sample("r", sequence: 1)
                row.fields = String(repeating: "e\u{301}\u{1F600}0123456789", count: 120_000)
                row.siblings = String(all)
                row.state = ""
                let wanted = row
                try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head, records: [wanted]), ())
                }
                let again = try await factory.reopened(store)
                let found = try await again.record(tenant, row.key)
                try expect(found == row, "a large row came back changed")
                await again.close()
            }
        },
        StorageLaw("a record comes back for the next merge as the last one left it") { factory in
            for seed: UInt64 in 41...44 {
                try await factory.withStore { store in
                    var workload = Workload(seed: seed)
                    let committer = Committer(store, tenant, under: Workload.schema)
                    var expected: [RecordKey: StoredRecord] = [:]
                    for _ in 0..<50 {
                        let answer = try await committer.commit(workload.batches())
                        workload.took(answer)
                        expected.merge(answer.records) { $1 }
                    }
                    var readSet = StoreReadSet()
                    readSet.merge.records = Set(Workload.records)
                    let found = try await store.transact(tenant, readSet: readSet) { snapshot throws(StoreError) in
                        (Commit(head: snapshot.head), snapshot.merge.records)
                    }
                    for key in Workload.records {
                        try expectEqual(found[key], expected[key], "record \(key.collection)/\(key.id), seed \(seed)")
                    }
                    for (key, record) in found {
                        guard let row = try await store.record(tenant, key) else { throw Violation("no record") }
                        let rules = Workload.schema.rules(for: key.collection) ?? CollectionRules()
                        let again = RecordRow(
                            record, rules: rules, changedAtMilliseconds: row.changedAtMilliseconds)
                        try expectEqual(again, row, "the row of \(key.collection)/\(key.id), seed \(seed)")
                    }
                }
            }
        },
    ]
}
