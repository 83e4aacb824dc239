import Causality
import MergeCore
import SyncStorage

private let tenant = TenantID("tenant")

extension StorageLaw {
    /// Laws of pages that have some records of a collection alone, and of records that are read by their keys.
    static let selectionLaws = [
        StorageLaw("a page has of a collection only the records that are wanted, and goes on behind the others") {
            factory in
            try await factory.withStore { store in
                try await fill(store)
                // The same id in another collection is another record.
                for (only, collections, wanted) in [
                    (["a": ["r2", "r8", "r3", "none"]], [], [1, 2, 3, 5, 7, 8, 9]),
                    (["a": ["r2"], "b": ["r3"]], [], [2, 3]), (["a": []], [], [1, 3, 5, 7, 9]),
                    (["a": ["r2"]], ["a"], [2]), (["a": ["r2"]], ["a", "b"], [1, 2, 3, 5, 7, 9]),
                    (["c": ["r1"]], [], Array(1...9)), (["a": ["r2"]], ["b"], [1, 3, 5, 7, 9]),
                ] as [([ExactString: Set<ExactString>], Set<ExactString>, [Int64])] {
                    for limit in [1, 3, 100] {
                        var query = ChangeQuery(after: 0, limit: limit, collections: collections, only: only)
                        var found: [Int64] = []
                        var pages = 0
                        while true {
                            let page = try await store.changes(tenant, query)
                            pages += 1
                            found += page.rows.map(\.sequence)
                            try expect(page.reached > query.after, "a page of \(query) stays where it is")
                            query.after = page.reached
                            if !page.hasMore { break }
                        }
                        try expectEqual(found, wanted, "sequences of \(only) in \(collections), pages of \(limit)")
                        // Rows that are not wanted are looked at and counted: no page reads on until something is found.
                        try expectEqual(pages, (9 + limit - 1) / limit, "pages of \(limit)")
                    }
                }
            }
        },
        StorageLaw("records are read by their keys in the order of these, with the head, as one state") { factory in
            try await factory.withStore { store in
                try await fill(store)
                let keys = [RecordKey("b", "r9"), RecordKey("a", "none"), RecordKey("a", "r2"), RecordKey("a", "r1")]
                let page = try await store.records(tenant, RecordsQuery(keys))
                try expectEqual(page.rows.map(\.key), [keys[0], keys[2]], "records by key")
                try expectEqual(page.omitted, [], "omitted")
                try expectEqual(page.head, 9, "head")
                try expectEqual(
                    try await store.records(tenant, RecordsQuery([])), RecordsPage(head: 9), "no records at all")
                try expectEqual(
                    try await store.records("other", RecordsQuery(keys)), RecordsPage(head: 0), "of another tenant")
            }
        },
        StorageLaw("of records by their keys, those beyond the bytes are named alone, and the first is always read") {
            factory in
            try await factory.withStore { store in
                try await fill(store)
                let keys = [RecordKey("a", "none"), RecordKey("a", "r2"), RecordKey("b", "r3"), RecordKey("b", "r5")]
                let size = try await store.records(tenant, RecordsQuery([keys[1]])).rows.map(\.byteCount)
                for (bytes, count) in [(0, 1), (size[0], 1), (2 * size[0], 2), (.max, 3)] {
                    let page = try await store.records(tenant, RecordsQuery(keys, bytes: bytes))
                    try expectEqual(page.rows.map(\.key), Array(keys[1...count]), "records within \(bytes)")
                    try expectEqual(page.omitted, Array(keys[(count + 1)...]), "omitted beyond \(bytes)")
                }
            }
        },
    ]

    /// Nine records: those of even sequences in collection `a`, the others in `b`.
    private static func fill(_ store: any SyncStore) async throws {
        try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var next = snapshot.head
            next.sequence = 9
            let rows = (1...9).map { number in
                RecordRow.sample(ExactString("r\(number)"), in: number % 2 == 0 ? "a" : "b", sequence: Int64(number))
            }
            return (Commit(head: next, records: rows), ())
        }
    }
}
