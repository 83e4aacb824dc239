import Causality
import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Values

private let tenant = TenantID("tenant")

/// The laws of what is stored once though many share it: the clocks and values of the conflicts of one commit, and the
/// results of a batch.
extension StorageLaw {
    static let sharingLaws = [
        StorageLaw("what the conflicts of one commit share stands once, and each conflict is read whole") { factory in
            try await factory.withStore { store in
                let long = Value.string(ExactString(String(repeating: "long ", count: 2_000)))
                let devices = (0..<100).map { DeviceID("device-with-a-long-name-\($0)") }
                let committer = Committer(store, tenant)
                try await committer.commit(
                    Batch("a", from: "anna", [Operation(.create, "a", on: record, clock: ["anna": 1], ["text": long])]))
                var seen: VersionVector = ["anna": 1]
                for (number, device) in devices.enumerated() {
                    seen = seen.setting(device, to: 1)
                    try await committer.commit(
                        Batch(
                            ExactString("d\(number)"), from: device,
                            [Operation(.update, OperationID("d\(number)"), on: record, clock: seen, ["n": 1])]))
                }
                let before = try await store.head(of: tenant).auditPosition
                let edits = (1...50).map { number in
                    Operation(
                        .update, OperationID("b\(number)"), on: record, clock: ["ben": Int64(number)],
                        ["text": .string(ExactString("short \(number)"))], at: 1)
                }
                try await committer.commit(Batch("b", from: "ben", edits))

                let entries = try await store.auditEntries(tenant, after: before, limit: .max)
                try expectEqual(entries.count, 50, "entries of the batch")
                let bytes = entries.reduce(0) { $0 + $1.storedByteCount }
                let values = 10_002 + 50 * 10
                try expect(bytes <= 4 * values + 50 * 1_024, "\(bytes) bytes of audit for \(values) of values")
                try expectEqual(entries.filter { $0.clocksFrom == nil }.count, 1, "whole clocks")
                let stored = entries.flatMap(\.sides).filter { $0.role == "stored" }
                try expectEqual(stored.filter { $0.valueFrom == nil }.count, 1, "long values")

                var query = ConflictQuery(limit: 100)
                query.order = .oldest
                let histories = try await store.conflicts(tenant, query)
                try expectEqual(histories.count, 50, "conflicts")
                for (number, history) in histories.enumerated() {
                    let entry = history.entries[0]
                    try expectEqual(entry.sides.map(\.value).first, long.canonicalText, "the stored side of \(number)")
                    try expectEqual(
                        entry.sides.last?.value, "\"short \(number + 1)\"", "the incoming side of \(number)")
                    let clock = number == 0 ? seen : seen.setting("ben", to: Int64(number))
                    try expectEqual(entry.clockBefore, clock.canonicalText, "the clock before \(number)")
                    try expectEqual(
                        entry.clockAfter, seen.setting("ben", to: Int64(number + 1)).canonicalText,
                        "the clock after \(number)")
                    let alone = try await store.conflict(tenant, ConflictID(position: history.conflict.id))
                    try expectEqual(alone, history, "conflict \(number) alone")
                }
                let ids = Set(histories.map { ConflictID(position: $0.conflict.id) })
                var readSet = StoreReadSet()
                readSet.conflicts = ids
                let decided = try await store.transact(tenant, readSet: readSet) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head), snapshot.conflicts)
                }
                try expectEqual(
                    histories.map { decided[ConflictID(position: $0.conflict.id)] }, histories.map { $0 },
                    "those of a read set")
                try expectEqual(try await store.verifyAudit(of: tenant).fault, nil, "the audit")
            }
        },
        StorageLaw("a batch is recalled with its results, and with its records as they stand now") { factory in
            try await factory.withStore { store in
                let committer = Committer(store, tenant)
                let mixed = Batch(
                    "k", from: "anna",
                    [
                        Operation(.create, "o1", on: record, clock: ["anna": 1], ["n": 1]),
                        Operation(.update, "gap", on: RecordKey("c", "gap"), clock: ["anna": 7], ["n": 1]),
                        Operation(.create, "o2", on: RecordKey("c", "s"), clock: ["anna": 1], ["n": 2]),
                    ])
                let answer = try await committer.commit(mixed)
                let key = BatchKey(device: "anna", key: "k")
                let first = try await store.recall(tenant, key, recordBytes: .max)
                try expectEqual(first?.outcomes, answer.decisions[0].outcomes, "results")
                try expectEqual(first?.records.map(\.key), [record, RecordKey("c", "s")], "records")
                try await committer.commit(
                    Batch(
                        "l", from: "ben",
                        [Operation(.update, "o3", on: record, clock: ["anna": 1, "ben": 1], ["n": 3])]))
                let later = try await store.recall(tenant, key, recordBytes: .max)
                try expectEqual(later?.outcomes, answer.decisions[0].outcomes, "results later")
                try expectEqual(later?.sequence, 3, "sequence later")
                try expectEqual(later?.records.first?.fields, "{\"n\":3}", "the record later")
                let short = try await store.recall(tenant, key, recordBytes: 1)
                try expectEqual(short?.records.map(\.key), [record], "records within a byte")
                try expectEqual(short?.omitted, [RecordKey("c", "s")], "records beyond it")
                try expectEqual(
                    try await store.recall("other", key, recordBytes: .max), nil, "recall of another tenant")
            }
        },
        StorageLaw("a commit reads no more bytes of records than its read set allows, but for one record") { factory in
            try await factory.withStore { store in
                let committer = Committer(store, tenant)
                let keys = (1...20).map { RecordKey("c", ExactString("r\($0)")) }
                let text = Value.string(ExactString(String(repeating: "x", count: 10_000)))
                try await committer.commit(
                    Batch(
                        "b", from: "anna",
                        keys.map { Operation(.create, OperationID($0.id), on: $0, clock: ["anna": 1], ["t": text]) }))
                for (bytes, expected) in [(Int.max, 20), (1, 1), (45_000, 4), (0, 1)] {
                    var readSet = StoreReadSet()
                    readSet.merge.records = Set(keys + [RecordKey("c", "absent")])
                    readSet.recordBytes = bytes
                    let (read, omitted) = try await store.transact(tenant, readSet: readSet) {
                        snapshot throws(StoreError) in
                        (Commit(head: snapshot.head), (snapshot.merge.records.count, snapshot.omitted))
                    }
                    try expectEqual(read, expected, "records read within \(bytes) bytes")
                    try expectEqual(omitted.count, 20 - expected, "records left out within \(bytes) bytes")
                    try expect(omitted.isSubset(of: keys), "what is left out is there")
                }
            }
        },
    ]

    private static let record = RecordKey("c", "r")
}

extension AuditEntryRow {
    /// The bytes that are stored of the entry, with 16 for each number.
    fileprivate var storedByteCount: Int {
        let texts = [type, collection, record, batch, device, clockBefore, clockAfter, detail]
        return texts.reduce(16 * 5 + 32) { $0 + $1.utf8.count }
            + sides.reduce(0) { sum, side in
                sum + 16 * 5
                    + [side.role, side.value, side.device, side.user, side.operation].reduce(0) { $0 + $1.utf8.count }
            }
    }
}
