import Causality
import MergeCore
import SyncStorage

private let tenant = TenantID("tenant")

extension StorageLaw {
    static let feedLaws = [
        StorageLaw("edge 35: pages tell every change once, in order, whatever their length") { factory in
            try await factory.withStore { store in
                try await put(store, (1...10).map { .sample(ExactString("r\($0)"), sequence: $0) })
                for limit in [1, 2, 3, 5, 9, 10, 11, 1_000] {
                    var query = ChangeQuery(after: 0, limit: limit)
                    var sequences: [Int64] = []
                    while true {
                        let page = try await store.changes(tenant, query)
                        try expect(page.rows.count <= limit, "\(page.rows.count) rows in a page of \(limit)")
                        sequences += page.rows.map(\.sequence)
                        try expectEqual(page.reached, sequences.last ?? 0, "reached by pages of \(limit)")
                        try expectEqual(
                            page.hasMore, page.reached < 10, "more after \(page.reached), pages of \(limit)")
                        query.after = page.reached
                        if !page.hasMore { break }
                    }
                    try expectEqual(sequences, Array(1...10), "sequences by pages of \(limit)")
                }
                let page = try await store.changes(tenant, ChangeQuery(after: 4, limit: 3))
                try expectEqual(page.rows.map(\.sequence), [5, 6, 7], "a page from the middle")
            }
        },
        StorageLaw("an idle feed is empty and stays where it was") { factory in
            try await factory.withStore { store in
                try await put(store, [.sample("r", sequence: 1)])
                for after: Int64 in [1, 2, 1_000, .max] {
                    let page = try await store.changes(tenant, ChangeQuery(after: after, limit: 10))
                    try expectEqual(
                        page, ChangePage(rows: [], reached: after, hasMore: false, head: 1, purgeFloor: 0),
                        "page after \(after)")
                }
            }
        },
        StorageLaw("edge 35: a filter may leave pages empty, and more is still there") { factory in
            try await factory.withStore { store in
                try await put(
                    store,
                    (1...9).map { .sample(ExactString("r\($0)"), in: $0 == 8 ? "rare" : "common", sequence: $0) })
                var pages: [[Int64]] = []
                var query = ChangeQuery(after: 0, limit: 3, collections: ["rare", "absent"])
                while true {
                    let page = try await store.changes(tenant, query)
                    pages.append(page.rows.map(\.sequence))
                    query.after = page.reached
                    if !page.hasMore { break }
                }
                try expectEqual(pages, [[], [], [8]], "pages of the rare collection")
                query = ChangeQuery(after: 0, limit: 100, collections: ["common", "rare"])
                try expectEqual(try await store.changes(tenant, query).rows.count, 9, "rows of both collections")
            }
        },
        StorageLaw("edge 35: a record that changes between two pages is in a later one, newer, and not lost") {
            factory in
            try await factory.withStore { store in
                try await put(store, (1...4).map { .sample(ExactString("r\($0)"), sequence: $0) })
                let first = try await store.changes(tenant, ChangeQuery(after: 0, limit: 2))
                // The first of these was told already, and the second was not.
                try await put(
                    store, [.sample("r1", sequence: 5, changedAt: 7), .sample("r3", sequence: 6, changedAt: 7)])
                let second = try await store.changes(tenant, ChangeQuery(after: first.reached, limit: 10))
                try expectEqual(second.rows.map(\.key.id), ["r4", "r1", "r3"], "records of the second page")
                try expectEqual(second.rows.map(\.sequence), [4, 5, 6], "sequences of the second page")
                try expectEqual(second.rows.map(\.changedAtMilliseconds), [0, 7, 7], "states of the second page")
            }
        },
        StorageLaw("deleted records are told, purged ones are not, and the floor is with every page") { factory in
            try await factory.withStore { store in
                var deleted = RecordRow.sample("deleted", sequence: 2)
                deleted.isDeleted = true
                var purged = RecordRow.sample("purged", sequence: 3)
                purged.isDeleted = true
                purged.isPurged = true
                try await put(store, [.sample("r", sequence: 1), deleted, purged, .sample("s", sequence: 4)], floor: 3)
                let page = try await store.changes(tenant, ChangeQuery(after: 0, limit: 2))
                try expectEqual(page.rows.map(\.key.id), ["r", "deleted"], "first page")
                try expectEqual(page.hasMore, true, "more")
                try expectEqual(page.purgeFloor, 3, "floor")
                let rest = try await store.changes(tenant, ChangeQuery(after: page.reached, limit: 2))
                try expectEqual(rest.rows.map(\.key.id), ["s"], "second page")
                try expectEqual(
                    try await store.changes(tenant, ChangeQuery(after: 4, limit: 2)).purgeFloor, 3,
                    "floor of an idle feed")
                try expectEqual(try await store.record(tenant, purged.key), purged, "the marker of the purged record")
            }
        },
        StorageLaw("a head that is known is the one that would be read, whoever reads while whoever commits") {
            factory in
            try await factory.withStore { store in
                _ = try await store.head(of: tenant)
                try expectEqual(store.knownHead(of: "other")?.sequence ?? 0, 0, "head of a tenant without data")
                for sequence: Int64 in 1...20 {
                    try await put(store, [.sample(ExactString("r\(sequence)"), sequence: sequence)])
                    try expectEqual(store.knownHead(of: tenant)?.sequence ?? sequence, sequence, "after a commit")
                    _ = try await store.changes(tenant, ChangeQuery(after: 0, limit: 3))
                    try expectEqual(store.knownHead(of: tenant)?.sequence ?? sequence, sequence, "after a page")
                }
                // A commit that fails leaves what was there, and an audit alone moves the head as well.
                try await expectStoreError("a decision that throws") {
                    try await store.transact(tenant, readSet: StoreReadSet()) { _ throws(StoreError) -> (Commit, ()) in
                        throw .unavailable("on purpose")
                    }
                }
                try expectEqual(store.knownHead(of: tenant)?.sequence ?? 20, 20, "after a failure")
                // Nobody who has read a head finds that it is known to be before that.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for part: Int64 in 0..<4 {
                        group.addTask {
                            for number in 1...25 {
                                try await store.transact(tenant, readSet: StoreReadSet()) {
                                    snapshot throws(StoreError) in
                                    var head = snapshot.head
                                    head.sequence += 1
                                    let name = ExactString("p\(part)-\(number)")
                                    return (Commit(head: head, records: [.sample(name, sequence: head.sequence)]), ())
                                }
                            }
                        }
                        group.addTask {
                            for _ in 1...50 {
                                let read = try await store.head(of: tenant).sequence
                                let known = store.knownHead(of: tenant)?.sequence ?? read
                                try expect(known >= read, "the head is known as \(known), and \(read) was read before")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try expectEqual(try await store.head(of: tenant).sequence, 120, "head in the end")
                try expectEqual(store.knownHead(of: tenant)?.sequence ?? 120, 120, "known head in the end")
            }
        },
        StorageLaw("the last page ends at the head, whatever is left out of it, and every page tells the head") {
            factory in
            try await factory.withStore { store in
                var purged = RecordRow.sample("purged", sequence: 4)
                purged.isDeleted = true
                purged.isPurged = true
                let rare = RecordRow.sample("rare", in: "rare", sequence: 1)
                try await put(
                    store, [rare, .sample("a", sequence: 2), .sample("b", sequence: 3), purged], head: 5)
                for (query, reached, hasMore) in [
                    (ChangeQuery(after: 0, limit: 10), 5, false),
                    (ChangeQuery(after: 0, limit: 10, collections: ["rare"]), 5, false),
                    (ChangeQuery(after: 0, limit: 2, collections: ["rare"]), 2, true),
                    (ChangeQuery(after: 0, limit: 3), 5, false), (ChangeQuery(after: 0, limit: 2), 2, true),
                    (ChangeQuery(after: 3, limit: 10), 5, false), (ChangeQuery(after: 5, limit: 10), 5, false),
                    (ChangeQuery(after: 9, limit: 10), 9, false),
                ] as [(ChangeQuery, Int64, Bool)] {
                    let page = try await store.changes(tenant, query)
                    try expectEqual(page.reached, reached, "reached by \(query)")
                    try expectEqual(page.hasMore, hasMore, "more after \(query)")
                    try expectEqual(page.head, 5, "head with \(query)")
                    try expectEqual(page.isReplica, false, "a store that takes commits is no replica")
                }
            }
        },
        StorageLaw("a page has as many bytes as it is allowed, and one row at least") { factory in
            try await factory.withStore { store in
                let rows = (1...9).map { number in
                    var row = RecordRow.sample(
                        ExactString("r\(number)"), in: number % 3 == 0 ? "rare" : "common", sequence: Int64(number))
                    let text = String(repeating: "é", count: number == 4 ? 50_000 : number * 100)
                    row.fields = #"{"text":"\#(text)"}"#
                    if number == 5 { row.siblings = #"{"text":["\#(text)"]}"# }
                    return row
                }
                try await put(store, rows)
                let collections: [Set<ExactString>] = [[], ["rare"], ["common"], ["absent"]]
                for bytes in [0, 1, 1_000, 2_500, 5_000, 101_000, 1_000_000] {
                    for collections in collections {
                        let wanted = rows.filter { collections.isEmpty || collections.contains($0.key.collection) }
                        var query = ChangeQuery(after: 0, limit: 100, bytes: bytes, collections: collections)
                        var found: [RecordRow] = []
                        var pages = 0
                        while true {
                            let page = try await store.changes(tenant, query)
                            pages += 1
                            let size = page.rows.reduce(0) { $0 + $1.pageBytes }
                            try expect(size <= bytes || page.rows.count == 1, "\(size) bytes in a page of \(bytes)")
                            found += page.rows
                            if !page.hasMore { break }
                            // The page is as full as it can be: the next wanted row would not have fitted.
                            try expect(!page.rows.isEmpty, "an empty page of \(bytes) bytes that says more")
                            let next = wanted.first { $0.sequence > page.reached }
                            try expect(
                                next.map { size + $0.pageBytes > bytes } ?? false,
                                "a page of \(bytes) bytes ended early, at \(page.reached)")
                            query.after = page.reached
                        }
                        try expectEqual(found, wanted, "rows by pages of \(bytes) bytes of \(collections)")
                        try expect(pages <= max(1, wanted.count), "\(pages) pages of \(bytes) bytes of \(collections)")
                    }
                }
            }
        },
    ]

    private static func put(
        _ store: any SyncStore, _ rows: [RecordRow], floor: Int64 = 0, head: Int64? = nil
    ) async throws {
        try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var next = snapshot.head
            next.sequence = head ?? rows.map(\.sequence).max() ?? next.sequence
            next.purgeFloor = floor
            return (Commit(head: next, records: rows), ())
        }
    }
}
