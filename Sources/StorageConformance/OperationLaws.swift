import Causality
import MergeCore
import SyncStorage
import SyncWire

private let tenant = TenantID("tenant")

extension StorageLaw {
    static let operationLaws = [
        StorageLaw("operations of a record and rejected ones are listed newest first, page by page") { factory in
            try await factory.withStore { store in
                let rows = (1...40).map { ordinal in
                    var row = OperationRow.sample(
                        OperationID("o\(ordinal * 7 % 41)"), ordinal: Int64(ordinal),
                        outcome: ordinal % 3 == 0 ? .rejected : .applied)
                    row.device = ordinal % 2 == 0 ? "anna" : "ben"
                    row.record = ordinal % 5 == 0 ? nil : RecordKey("samples", ordinal % 4 == 0 ? "r" : "s")
                    row.counter = row.outcome == .rejected || row.record == nil ? nil : Int64(ordinal)
                    return row
                }
                try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head, operations: rows), ())
                }
                let selections: [(OperationQuery.Selection, (OperationRow) -> Bool)] = [
                    (.record(RecordKey("samples", "r")), { $0.record == RecordKey("samples", "r") }),
                    (.record(RecordKey("samples", "absent")), { _ in false }),
                    (.rejected(nil), { $0.outcome == .rejected }),
                    (.rejected("anna"), { $0.outcome == .rejected && $0.device == "anna" }),
                    (.rejected("absent"), { _ in false }),
                ]
                for (selection, selects) in selections {
                    let expected = rows.filter(selects).sorted { $0.ordinal > $1.ordinal }
                    for limit in [1, 3, 100] {
                        var query = OperationQuery(selection, limit: limit)
                        var found: [OperationRow] = []
                        while true {
                            let page = try await store.operations(tenant, query)
                            try expect(page.count <= limit, "\(page.count) rows in a page of \(limit)")
                            found += page
                            guard let last = page.last else { break }
                            query.before = last.ordinal
                        }
                        try expectEqual(found, expected, "\(selection) by pages of \(limit)")
                    }
                }
                for row in rows {
                    try expectEqual(try await store.operations(tenant, id: row.id), [row], "operation \(row.id.name)")
                }
            }
        },
        StorageLaw("an operation id belongs to each device that used it, by device") { factory in
            try await factory.withStore { store in
                let rows = (["ben", "anna", "B", "\u{E9}"] as [DeviceID]).enumerated().map { index, device in
                    var row = OperationRow.sample("o", ordinal: Int64(index + 1), outcome: .older)
                    row.device = device
                    return row
                }
                try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head, operations: rows), ())
                }
                let found = try await store.operations(tenant, id: "o")
                try expectEqual(found, rows.sorted { $0.device < $1.device }, "operations of the id")
            }
        },
        StorageLaw("what is kept of a batch comes back byte for byte, and only under its device and key") { factory in
            try await factory.withStore { store in
                let rows = [
                    "{\"a\": 1}", "", " \u{E9} e\u{301} \u{FEFF}\n\t",
                    "[" + String(repeating: "9,", count: 90_000) + "0]",
                ]
                .enumerated().map { index, results in
                    BatchRow(
                        key: BatchKey(device: "anna", key: ExactString("k\(index)")),
                        fingerprint: Digest(of: .integer(Int64(index))), results: results,
                        recordedAtMilliseconds: Int64(index))
                }
                try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head, batches: rows), ())
                }
                for row in rows {
                    let found = try await store.batch(tenant, row.key)
                    try expect(
                        found == row && Array(found?.results.utf8 ?? "".utf8) == Array(row.results.utf8),
                        "what is kept of \(row.key.key) came back changed")
                }
                let strangers = [
                    BatchKey(device: "ben", key: "k0"), BatchKey(device: "anna", key: "K0"),
                    BatchKey(device: "anna", key: ""),
                ]
                for key in strangers {
                    try expectEqual(try await store.batch(tenant, key), nil, "batch under another name")
                }
            }
        },
    ]
}
