import SeededRandom
import Causality
import MergeCore
import SyncStorage

private let tenant = TenantID("tenant")

extension StorageLaw {
    static let conflictLaws = [
        StorageLaw("conflicts are listed by any conditions, in both orders, page by page") { factory in
            try await factory.withStore { store in
                var random = SeededGenerator(seed: 11)
                let corpus = Corpus(&random)
                try await corpus.put(in: store)
                var queries = Corpus.singleConditions
                for _ in 0..<120 { queries.append(Corpus.conditions(&random)) }
                var nonEmpty = 0
                for order in ConflictQuery.Order.allCases {
                    for (number, condition) in queries.enumerated() {
                        var query = condition
                        query.order = order
                        query.limit = number < Corpus.singleConditions.count ? 7 : 1 + random.below(20)
                        let expected = corpus.selected(query)
                        nonEmpty += expected.isEmpty ? 0 : 1
                        var found: [ConflictHistory] = []
                        while true {
                            let page = try await store.conflicts(tenant, query)
                            try expect(page.count <= query.limit, "\(page.count) conflicts in a page of \(query.limit)")
                            found += page
                            guard let last = page.last, found.count <= expected.count else { break }
                            query.beyond = ConflictID(position: last.conflict.id)
                        }
                        try expectEqual(found.map(\.conflict.id), expected.map(\.conflict.id), "conflicts for \(query)")
                        try expectEqual(found, expected, "histories for \(query)")
                        query.beyond = nil
                        var wide = query
                        wide.limit = 1_000
                        try expectEqual(
                            try await store.conflictCounts(tenant, [query, wide]),
                            [min(expected.count, query.limit), expected.count], "counts for \(query)")
                    }
                }
                try expect(nonEmpty > 60, "most queries find something")
            }
        },
        StorageLaw("a conflict is found by its id with all its entries and sides, in order") { factory in
            try await factory.withStore { store in
                var random = SeededGenerator(seed: 12)
                let corpus = Corpus(&random)
                try await corpus.put(in: store)
                for history in corpus.histories {
                    let id = ConflictID(position: history.conflict.id)
                    try expectEqual(try await store.conflict(tenant, id), history, "conflict \(id.position)")
                }
                for position: Int64 in [-1, 0, Int64(corpus.entries.count) + 1] {
                    try expectEqual(
                        try await store.conflict(tenant, ConflictID(position: position)), nil, "conflict \(position)")
                }
            }
        },
        StorageLaw("a transaction reads the conflicts of its read set with all their entries, and no other") {
            factory in
            try await factory.withStore { store in
                var random = SeededGenerator(seed: 15)
                let corpus = Corpus(&random)
                try await corpus.put(in: store)
                var readSet = StoreReadSet()
                let wanted = corpus.histories.filter { _ in random.below(3) == 0 }
                readSet.conflicts = Set(wanted.map { ConflictID(position: $0.conflict.id) })
                // An entry that opened no conflict, and positions that are not there.
                let others = Set(corpus.entries.map(\.position)).subtracting(corpus.histories.map(\.conflict.id))
                readSet.conflicts.formUnion((others + [-1, 0, 900]).map { ConflictID(position: $0) })
                let keys = readSet
                let found = try await store.transact(tenant, readSet: keys) { snapshot throws(StoreError) in
                    (Commit(head: snapshot.head), snapshot.conflicts)
                }
                try expect(wanted.count > 10 && wanted.contains { $0.entries.count > 1 }, "the corpus is rich enough")
                try expectEqual(
                    found,
                    Dictionary(uniqueKeysWithValues: wanted.map { (ConflictID(position: $0.conflict.id), $0) }),
                    "conflicts of the read set")
            }
        },
        StorageLaw("a conflict has each version once; comments and assignments stand beside one under it") {
            factory in
            try await factory.withStore { store in
                var random = SeededGenerator(seed: 16)
                let corpus = Corpus(&random)
                try await corpus.put(in: store)
                let head = try await store.head(of: tenant)
                guard let history = corpus.histories.last else { throw Violation("no corpus") }
                func append(_ type: AuditEntryRow.EntryType, version: Int64) async throws {
                    var entry = AuditEntryRow.sample(history.conflict, sides: [])
                    let position = try await store.head(of: tenant).auditPosition + 1
                    (entry.position, entry.version, entry.type) = (position, version, type.rawValue)
                    let added = entry
                    try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                        var commit = Commit(head: snapshot.head, audit: [added])
                        commit.head.auditPosition = position
                        return (commit, ())
                    }
                }
                let version = history.conflict.version
                for type in AuditEntryRow.EntryType.allCases where !type.isVersion {
                    try await append(type, version: version)
                    try await append(type, version: version)
                }
                let refused = AuditEntryRow.EntryType.allCases.filter(\.isVersion)
                for type in refused {
                    let error = try await expectStoreError("a version twice, \(type)") {
                        try await append(type, version: version)
                    }
                    guard case .damaged = error else { throw Violation("a version twice ends in \(error)") }
                }
                try await append(.resolved, version: version + 1)
                try expectEqual(try await store.head(of: tenant).auditPosition, head.auditPosition + 5, "position")
                let id = ConflictID(position: history.conflict.id)
                try expectEqual(
                    try await store.conflict(tenant, id)?.entries.map(\.version),
                    history.entries.map(\.version) + [version, version, version, version, version + 1], "versions")
            }
        },
        StorageLaw("the summary counts every conflict under each of its names") { factory in
            try await factory.withStore { store in
                var random = SeededGenerator(seed: 13)
                let corpus = Corpus(&random)
                try await corpus.put(in: store)
                try expectEqual(try await store.conflictCounts(tenant), corpus.conflictCounts, "summary")
            }
        },
        StorageLaw("the index over the audit is listed in order, page by page") { factory in
            try await factory.withStore { store in
                var random = SeededGenerator(seed: 14)
                let corpus = Corpus(&random)
                try await corpus.put(in: store)
                var found: [ConflictRow] = []
                while true {
                    let page = try await store.conflictIndex(tenant, after: found.last?.id ?? 0, limit: 9)
                    found += page
                    if page.isEmpty { break }
                }
                try expectEqual(found, corpus.histories.map(\.conflict), "index")
            }
        },
    ]
}

/// Conflicts with every combination of names, few of each, so that every condition selects some.
private struct Corpus: Sendable {
    let histories: [ConflictHistory]
    var entries: [AuditEntryRow] { histories.flatMap(\.entries).sorted { $0.position < $1.position } }

    static let collections: [ExactString] = ["estimates", "notes", "a/b"]
    static let records: [ExactString] = ["r1", "r2", "\u{E9}", "e\u{301}"]
    static let units: [ExactString] = ["status", "title", "$record", "b/status"]
    static let policies: [ExactString] = ["lww", "manual", "update-wins"]
    static let devices: [DeviceID] = ["anna", "ben", "\u{E9}va", "e\u{301}va"]
    static let users: [ExactString] = ["u1", "u2", "u3"]
    static let assignees = ["", "u1", "\u{E9}va", "e\u{301}va"]
    /// They never go back from one conflict to the next, as the seam asks.
    static let times: [Int64] = [0, 86_399_999, 86_400_000, 1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000]

    init(_ random: inout SeededGenerator) {
        var rows: [ConflictRow] = []
        var entries: [Int64: [AuditEntryRow]] = [:]
        for position: Int64 in 1...90 {
            let sides = (0..<(1 + random.below(3))).map { _ in
                AuditSideRow.sample(
                    device: random.pick(Self.devices).name.text, user: random.pick(Self.users).text)
            }
            // One in three entries belongs to a conflict that was opened before.
            if random.below(3) == 0, let open = rows.indices.randomElement(using: &random) {
                let type = random.pick(AuditEntryRow.EntryType.allCases.filter { $0 != .opened })
                if type.isVersion {
                    rows[open].version += 1
                    rows[open].status = random.pick(ConflictStatus.allCases).rawValue
                } else if type == .assigned {
                    rows[open].assignee = random.pick(Self.assignees)
                }
                var entry = AuditEntryRow.sample(rows[open], sides: type == .sidesChanged ? sides : [])
                entry.position = position
                entry.version = rows[open].version
                entry.type = type.rawValue
                entries[rows[open].id]?.append(entry)
            } else {
                let row = ConflictRow(
                    id: position, kind: random.pick(ConflictKind.allCases).rawValue,
                    status: random.pick(ConflictStatus.allCases).rawValue, version: 1,
                    collection: random.pick(Self.collections).text, record: random.pick(Self.records).text,
                    unit: random.pick(Self.units).text, policy: random.pick(Self.policies).text,
                    openedAtMilliseconds: Self.times[Int(position - 1) * Self.times.count / 90])
                rows.append(row)
                entries[position] = [.sample(row, sides: sides)]
            }
        }
        histories = rows.map { ConflictHistory(conflict: $0, entries: entries[$0.id] ?? []) }
    }

    /// Puts the conflicts in two commits: entries of the second change conflicts of the first.
    func put(in store: any SyncStore) async throws {
        let entries = entries
        for half in [entries.prefix(50), entries.dropFirst(50)] {
            let later = Set(half.map(\.position))
            let opened = histories.filter { later.contains($0.conflict.id) }
            let changed = histories.filter { history in
                !later.contains(history.conflict.id) && history.entries.contains { later.contains($0.position) }
            }
            try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                var commit = Commit(head: snapshot.head)
                commit.head.auditPosition = half.last?.position ?? 0
                commit.audit = Array(half)
                commit.conflicts = opened.map(\.conflict)
                commit.conflictChanges = changed.map { history in
                    ConflictChange(
                        id: history.conflict.id, version: history.conflict.version,
                        status: ConflictStatus(rawValue: history.conflict.status) ?? .open)
                }
                commit.assignments = changed.map { history in
                    ConflictAssignment(id: history.conflict.id, assignee: history.conflict.assignee)
                }
                return (commit, ())
            }
        }
    }

    static var singleConditions: [ConflictQuery] {
        var queries = [ConflictQuery(limit: 7)]
        func add<Element>(_ elements: [Element], _ set: (inout ConflictQuery, Element) -> Void) {
            for element in elements {
                var query = ConflictQuery(limit: 7)
                set(&query, element)
                queries.append(query)
            }
        }
        add(ConflictStatus.allCases) { $0.status = $1 }
        add(ConflictKind.allCases) { $0.kind = $1 }
        add(collections + ["absent"]) { $0.collection = $1 }
        add(records + ["absent"]) { $0.record = $1 }
        add(units) { $0.unit = $1 }
        add(policies) { $0.policy = $1 }
        add(devices + ["absent"]) { $0.device = $1 }
        add(users + ["absent"]) { $0.user = $1 }
        add(["u1", "\u{E9}va", "e\u{301}va", "absent"]) { $0.assignee = .user($1) }
        add([0]) { query, _ in query.assignee = .nobody }
        add(times) { $0.sinceMilliseconds = $1 }
        add(times) { $0.untilMilliseconds = $1 }
        return queries
    }

    static func conditions(_ random: inout SeededGenerator) -> ConflictQuery {
        var query = ConflictQuery(limit: 7)
        if random.below(4) == 0 { query.status = random.pick(ConflictStatus.allCases) }
        if random.below(4) == 0 { query.kind = random.pick(ConflictKind.allCases) }
        if random.below(3) == 0 { query.collection = random.pick(collections) }
        if random.below(4) == 0 { query.record = random.pick(records) }
        if random.below(5) == 0 { query.unit = random.pick(units) }
        if random.below(5) == 0 { query.policy = random.pick(policies) }
        if random.below(4) == 0 { query.device = random.pick(devices) }
        if random.below(4) == 0 { query.user = random.pick(users) }
        if random.below(5) == 0 {
            query.assignee = random.below(2) == 0 ? .nobody : .user(ExactString(random.pick(assignees.suffix(3))))
        }
        if random.below(5) == 0 { query.sinceMilliseconds = random.pick(times) }
        if random.below(5) == 0 { query.untilMilliseconds = random.pick(times) }
        return query
    }

    /// The definition of each condition, written a second time, over all conflicts.
    func selected(_ query: ConflictQuery) -> [ConflictHistory] {
        let selected = histories.filter { history in
            let row = history.conflict
            let sides = history.entries.flatMap(\.sides)
            func holds(_ wanted: ExactString?, _ found: String) -> Bool {
                wanted == nil || wanted == ExactString(found)
            }
            return holds(query.status.map { ExactString($0.rawValue) }, row.status)
                && holds(query.kind.map { ExactString($0.rawValue) }, row.kind)
                && holds(query.collection, row.collection) && holds(query.record, row.record)
                && holds(query.unit, row.unit) && holds(query.policy, row.policy)
                && holds(query.assignee.map { ExactString($0.column) }, row.assignee)
                && (query.device == nil || sides.contains { DeviceID($0.device) == query.device })
                && (query.user == nil || sides.contains { ExactString($0.user) == query.user })
                && row.openedAtMilliseconds >= query.sinceMilliseconds ?? .min
                && row.openedAtMilliseconds < query.untilMilliseconds ?? .max
        }
        return query.order == .oldest ? selected : selected.reversed()
    }

    var conflictCounts: ConflictCounts {
        func counts(_ names: [String]) -> [ConflictCounts.Count] {
            Dictionary(grouping: names.map { ExactString($0) }) { $0 }.sorted { $0.key < $1.key }
                .map { ConflictCounts.Count(name: $0.key.text, count: Int64($0.value.count)) }
        }
        let rows = histories.map(\.conflict)
        var conflictCounts = ConflictCounts()
        conflictCounts.byStatus = counts(rows.map(\.status))
        conflictCounts.byKind = counts(rows.map(\.kind))
        conflictCounts.byCollection = counts(rows.map(\.collection))
        for collection in Self.collections.sorted() {
            for unit in Self.units.sorted() {
                let count = rows.count { ExactString($0.collection) == collection && ExactString($0.unit) == unit }
                if count > 0 {
                    conflictCounts.byUnit.append(.init(collection: collection, unit: unit, count: Int64(count)))
                }
            }
        }
        conflictCounts.byDevice = counts(
            histories.flatMap { Set($0.entries.flatMap(\.sides).map { ExactString($0.device) }).map(\.text) })
        let days: [Int64: String] = [0: "1970-01-01", 1: "1970-01-02", 19_675: "2023-11-14", 20_833: "2027-01-15"]
        conflictCounts.byDay = counts(rows.compactMap { days[$0.openedAtMilliseconds / 86_400_000] })
        return conflictCounts
    }
}
