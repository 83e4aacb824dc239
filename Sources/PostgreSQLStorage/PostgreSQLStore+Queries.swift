import Causality
import MergeCore
import SyncStorage

extension PostgreSQLStore {
    // MARK: The feed

    public func head(of tenant: TenantID) async throws(StoreError) -> TenantHead {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let results = try reading.askLast(Request(Statements.selectHead) { $0.text(reading.tenant) })
            return try results[0].first { TenantHead($0) } ?? TenantHead()
        }
    }

    public func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let life = try reading.life()
            let results = try reading.askLast(Request.changes(of: reading.tenant, query, in: life))
            return try reading.page(query, results, in: life)
        }
    }

    /// Reads all of it in one round trip.
    public func changes(
        _ tenant: TenantID, _ query: ChangeQuery, for reader: AccessQuery
    ) async throws(StoreError) -> ReaderPage {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let life = try reading.life()
            let changes = Request.changes(of: reading.tenant, query, in: life)
            let results = try reading.askLast(changes + Request.access(of: reading.tenant, reader))
            let access = try AccessState(reader, results.dropFirst(changes.count))
            let page = try reading.page(query, Array(results.prefix(changes.count)), in: life)
            return ReaderPage(page: page, access: access)
        }
    }

    public func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow? {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let results = try reading.askLast(
                Request(Statements.selectRecord) { row in
                    row.text(reading.tenant)
                    row.text(key.collection.text)
                    row.text(key.id.text)
                })
            return try results[0].first { (row: Columns) throws(StoreError) in try RecordRow(row) }
        }
    }

    public func records(_ tenant: TenantID, _ query: RecordsQuery) async throws(StoreError) -> RecordsPage {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let life = try reading.life()
            let end = Request.lifeEnd(of: query.life, place: query.after, in: reading.tenant, current: life)
            let results = try reading.askLast(
                [
                    Request(Statements.selectHead) { $0.text(reading.tenant) },
                    Request.records(of: reading.tenant, query.keys, bytes: query.bytes),
                ] + end)
            var page = RecordsPage(head: try results[0].first { TenantHead($0).sequence } ?? 0)
            let ended = try end.isEmpty ? .open : LifeEnd(results.last)
            if let asked = query.life {
                page.course = try FeedCourse(of: query.after, in: asked, current: life.id, head: page.head) { ended }
            }
            try results[1].forEach { (row: Columns) throws(StoreError) in
                if let there = try row.recordThatFits() {
                    page.rows.append(there)
                } else {
                    page.omitted.append(try row.recordKey())
                }
            }
            if page.head < query.after || ended == .unknownLife { page.isReplica = try reading.isOfReplica() }
            return page
        }
    }

    // MARK: What was answered

    public func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow? {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let results = try reading.askLast(
                Request(Statements.selectBatch) { row in
                    row.text(reading.tenant)
                    row.text(key.device.name.text)
                    row.text(key.key.text)
                })
            return try results[0].first { (row: Columns) throws(StoreError) in try BatchRow(row) }
        }
    }

    public func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall? {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let life = try reading.life().id
            let found = try reading.ask(
                Request(Statements.selectHead) { $0.text(reading.tenant) },
                Request(Statements.selectBatch) { row in
                    row.text(reading.tenant)
                    row.text(key.device.name.text)
                    row.text(key.key.text)
                })
            guard let batch = try found[1].first({ (row: Columns) throws(StoreError) in try BatchRow(row) }) else {
                _ = try reading.askLast()
                return nil
            }
            let operations = reading.operations
            let keys = Set(try batch.readResults().owners.map { IndexKey($0.id) })
            var known: [OperationOwner: KnownOperation] = [:]
            for stored in try operations.operations(at: [operations.places(under: keys)]) {
                let owner = OperationOwner(id: stored.row.id, device: stored.row.device)
                known[owner] = try stored.row.known()
            }
            let sequence = try found[0].first { TenantHead($0).sequence } ?? 0
            var recall = try BatchRecall(batch, at: sequence, in: life) { known[$0] }
            let touched = recall.touched
            // The records come in the order of the keys, as the sub-select of each is looked up after the one before.
            let records = try reading.askLast(Request.records(of: reading.tenant, touched, bytes: recordBytes))
            try records[0].forEach { (row: Columns) throws(StoreError) in
                if let there = try row.recordThatFits() {
                    recall.records.append(there)
                } else {
                    recall.omitted.append(try row.recordKey())
                }
            }
            return recall
        }
    }

    // MARK: Tenants and devices

    public func tenants() async throws(StoreError) -> [TenantID] {
        try await threads.run(probe: probe) { (session: Session) throws(StoreError) in
            try session.exchange([Request(Statements.selectTenants)])[0]
                .all { (row: Columns) throws(StoreError) in TenantID(try row.text(0)) }
        }
    }

    public func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow? {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let results = try reading.askLast(
                Request(Statements.selectDevice) { row in
                    row.text(reading.tenant)
                    row.text(device.name.text)
                })
            return try results[0].first { (row: Columns) throws(StoreError) in try DeviceRow(row) }
        }
    }

    public func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let rows = try reading.askLast(
                Request(Statements.selectDevicesOfReadSet) { row in
                    row.text(reading.tenant)
                    row.texts(devices) { $0.name.text }
                })[0].all { (row: Columns) throws(StoreError) in try DeviceRow(row) }
            return Set(rows.filter { $0.retiredAtMilliseconds != nil }.map(\.device))
        }
    }

    public func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            try reading.askLast(Request(Statements.selectDevices) { $0.text(reading.tenant) })[0]
                .all { (row: Columns) throws(StoreError) in try DeviceRow(row) }
        }
    }

    public func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow {
        try await write(tenant) { name in
            [
                Request(Statements.insertDevices) { row in
                    row.text(name)
                    [device].bind(to: &row)
                },
                Request(Statements.selectDevice) { row in
                    row.text(name)
                    row.text(device.device.name.text)
                },
            ]
        } reading: { (results: [QueryResult]) throws(StoreError) -> DeviceRow in
            let stored = try results[1].first { (row: Columns) throws(StoreError) in try DeviceRow(row) }
            guard let stored else { throw .damaged("a device that was registered is not there") }
            return stored
        }
    }

    public func register(
        _ tenant: TenantID, _ device: DeviceRow, atMost count: Int
    ) async throws(StoreError) -> DeviceRow? {
        try await threads.run(of: tenant, for: .writing, probe: probe) { (session: Session) throws(StoreError) in
            let name = tenant.name.text
            // The lock on the tenant's row lets one count and insert at a time.
            let begin =
                session.begin(Statements.begin, naming: name) + [
                    Request(Statements.insertTenant) { $0.text(name) }, Request(Statements.lockHead) { $0.text(name) },
                ]
            let select = Request(Statements.selectDevice) { row in
                row.text(name)
                row.text(device.device.name.text)
            }
            let found = try session.exchange(
                begin + [
                    select,
                    Request(Statements.countDevicesOfUser) { row in
                        row.text(name)
                        row.text(device.user.text)
                    },
                ]
            ).dropFirst(begin.count)
            let there = try found.first?.first { (row: Columns) throws(StoreError) in try DeviceRow(row) }
            let others = try found.last?.first { $0.integer(0) } ?? 0
            let isNew = there == nil && others < Int64(count)
            let insert = Request(Statements.insertDevices) { row in
                row.text(name)
                [device].bind(to: &row)
            }
            _ = try session.exchange(
                (isNew ? [insert] : []) + [Request(Statements.waitForCommit), Request(Statements.commit)])
            return isNew ? device : there
        }
    }

    public func retire(
        _ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await write(tenant) { name in
            [
                Request(Statements.retireDevice) { row in
                    row.text(name)
                    row.text(device.name.text)
                    row.integer(atMilliseconds)
                },
                Request(Statements.notify) { $0.text(TenantNews.accessEnded(of: tenant)) },
            ]
        } reading: {
            $0[0].changedCount > 0
        }
    }

    /// Writes in one transaction a tenant.
    public func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError) {
        for (tenant, heartbeats) in Dictionary(grouping: heartbeats, by: \.tenant).sorted(by: { $0.key < $1.key }) {
            try await write(tenant) { name in
                [
                    Request(Statements.acknowledge) { row in
                        row.text(name)
                        row.texts(heartbeats) { $0.device.name.text }
                        row.integers(heartbeats) { $0.acknowledgedSequence }
                        row.integers(heartbeats) { $0.seenAtMilliseconds }
                    }
                ]
            } reading: { _ in
            }
        }
    }

    public func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        guard !code.isExpired(atMilliseconds: nowMilliseconds) else { return false }
        return try await write(tenant) { name in
            [
                Request(Statements.insertCode) { row in
                    row.text(name)
                    row.text(code.id.text)
                    row.integer(code.expiresAtMilliseconds)
                },
                Request(Statements.forgetCodes) { row in
                    row.text(name)
                    row.integer(OneTimeCode.horizon(atMilliseconds: nowMilliseconds))
                    row.integer(Int64(OneTimeCode.forgottenAtOnce))
                },
            ]
        } reading: {
            $0[0].changedCount > 0
        }
    }

    /// Runs a transaction under the tenant's lock that needs to read nothing before it writes, in one round trip. The
    /// tenant's row is made where there is none: a tenant begins with its first device.
    func write<Answer: Sendable>(
        _ tenant: TenantID, _ requests: @escaping @Sendable (_ tenant: String) -> [Request],
        reading: @escaping @Sendable ([QueryResult]) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        try await threads.run(of: tenant, for: .writing, probe: probe) { (session: Session) throws(StoreError) in
            let name = tenant.name.text
            let begin =
                session.begin(Statements.begin, naming: name) + [
                    Request(Statements.insertTenant) { $0.text(name) }, Request(Statements.lockHead) { $0.text(name) },
                ]
            let end = [Request(Statements.waitForCommit), Request(Statements.commit)]
            let results = try session.exchange(begin + requests(name) + end)
            return try reading(Array(results.dropFirst(begin.count).dropLast(end.count)))
        }
    }
}

extension Request {
    /// The head, the rows of a page, and where it is not known without asking, how the reader's life ended.
    fileprivate static func changes(of tenant: String, _ query: ChangeQuery, in life: StoredLife) -> [Request] {
        let limit = max(query.limit, 0)
        return [
            Request(Statements.selectHead) { $0.text(tenant) },
            Request(Statements.selectChanges) { row in
                row.text(tenant)
                row.integer(query.after)
                row.integer(Int64(limit) + (limit < .max ? 1 : 0))
                row.integer(Int64(query.bytes))
                row.texts(query.collections.sorted()) { $0.text }
                row.texts(query.only.keys.sorted()) { $0.text }
                let wanted = query.only.flatMap { collection, ids in ids.map { (collection, $0) } }
                row.texts(wanted) { $0.0.text }
                row.texts(wanted) { $0.1.text }
            },
        ] + lifeEnd(of: query.life, place: query.after, in: tenant, current: life)
    }

    /// Records by their keys, in the order of these.
    fileprivate static func records(of tenant: String, _ keys: [RecordKey], bytes: Int) -> Request {
        Request(Statements.selectRecords) { row in
            row.text(tenant)
            row.texts(keys) { $0.collection.text }
            row.texts(keys) { $0.id.text }
            row.integer(Int64(bytes))
        }
    }
}

extension Columns {
    /// The row of `Statements.selectRecords`; nil for one beyond the bytes.
    fileprivate func recordThatFits() throws(StoreError) -> RecordRow? { boolean(12) ? try RecordRow(self) : nil }

    fileprivate func recordKey() throws(StoreError) -> RecordKey {
        RecordKey(collection: ExactString(try text(0)), id: ExactString(try text(1)))
    }
}

extension Reading {
    /// The page. - Parameter results: what `Request.changes` was answered.
    fileprivate func page(
        _ query: ChangeQuery, _ results: [QueryResult], in life: StoredLife
    ) throws(StoreError) -> ChangePage {
        let head = try results[0].first { TenantHead($0) } ?? TenantHead()
        var builder = ChangePageBuilder(query, over: head)
        try results[1].forEach { (row: Columns) throws(StoreError) in
            let verdict = builder.look(
                at: row.integer(2), isWanted: row.boolean(13), bytes: { Int(row.integer(12)) })
            if verdict == .wanted { builder.append(try RecordRow(row)) }
        }
        var page = builder.finished()
        // This is seldom asked: only a copy that is behind and data that was set back are below where somebody has
        // been.
        let ended = try results.count > 2 ? LifeEnd(results[2]) : .open
        if head.sequence < query.after || ended == .unknownLife { page.isReplica = try isOfReplica() }
        guard let asked = query.life else { return page }
        if page.isReplica {
            // It will know, and be where the reader is, in a while.
            page.course = FeedCourse(life: asked, isContinued: true)
            (page.rows, page.reached, page.hasMore) = ([], query.after, false)
        } else {
            page.course = try FeedCourse(of: query.after, in: asked, current: life.id, head: head.sequence) { ended }
        }
        return page
    }
}
