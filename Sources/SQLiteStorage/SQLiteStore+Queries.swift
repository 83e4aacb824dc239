import Causality
import MergeCore
import SyncStorage

extension SQLiteStore {
    // MARK: The feed

    public func head(of tenant: TenantID) async throws(StoreError) -> TenantHead {
        let moment = knownHeads?.moment
        let head = try await read(tenant, .fewRows) { (connection: Connection) throws(StoreError) in
            try connection.head(of: tenant)
        }
        note(head, of: tenant, since: moment)
        return head
    }

    public func knownHead(of tenant: TenantID) -> TenantHead? { knownHeads?.head(of: tenant) }

    private func note(_ head: TenantHead, of tenant: TenantID, since moment: KnownHeads.Moment?) {
        if let moment { knownHeads?.note(head, of: tenant, since: moment) }
    }

    public func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage {
        let moment = knownHeads?.moment
        let (page, head) = try await read(tenant, extent(of: query, tenant)) {
            [storedLife] (connection: Connection) throws(StoreError) in
            try connection.changes(of: tenant, query, in: storedLife)
        }
        note(head, of: tenant, since: moment)
        return page
    }

    public func changes(
        _ tenant: TenantID, _ query: ChangeQuery, for reader: AccessQuery
    ) async throws(StoreError) -> ReaderPage {
        let moment = knownHeads?.moment
        let (page, head) = try await read(tenant, extent(of: query, tenant)) {
            [storedLife] (connection: Connection) throws(StoreError) in
            let access = try connection.access(of: tenant, reader)
            let (page, head) = try connection.changes(of: tenant, query, in: storedLife)
            return (ReaderPage(page: page, access: access), head)
        }
        note(head, of: tenant, since: moment)
        return page
    }

    /// The rows of a page that begins near the head are those that were written last.
    private func extent(of query: ChangeQuery, _ tenant: TenantID) -> Readers.Extent {
        guard query.after >= 0, let head = knownHeads?.head(of: tenant) else { return .manyRows }
        return head.sequence - query.after <= Readers.fewRows ? .fewRows : .manyRows
    }

    public func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow? {
        try await read(tenant, .fewRows) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectRecord).record(tenant.name.text, key)
        }
    }

    public func records(_ tenant: TenantID, _ query: RecordsQuery) async throws(StoreError) -> RecordsPage {
        let extent: Readers.Extent = query.keys.count <= Readers.fewRows ? .fewRows : .manyRows
        return try await read(tenant, extent) { [storedLife] (connection: Connection) throws(StoreError) in
            let head = try connection.head(of: tenant)
            var page = RecordsPage(head: head.sequence)
            page.course = try connection.course(
                of: query.after, in: query.life, tenant.name.text, over: head, current: storedLife)
            let records = try connection.prepare(Statements.selectRecord)
            var allowance = ReadAllowance(bytes: query.bytes)
            for key in query.keys {
                guard let row = try records.record(tenant.name.text, key) else { continue }
                if allowance.admits(row.byteCount) { page.rows.append(row) } else { page.omitted.append(key) }
            }
            return page
        }
    }

    // MARK: What was answered

    public func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow? {
        try await read(tenant, .fewRows) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectBatch).batch(tenant.name.text, key)
        }
    }

    public func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall? {
        try await read { [life] (connection: Connection) throws(StoreError) in
            let name = tenant.name.text
            guard let batch = try connection.prepare(Statements.selectBatch).batch(name, key) else { return nil }
            var known: [OperationOwner: KnownOperation] = [:]
            for key in Set(try batch.readResults().owners.map { IndexKey($0.id) }) {
                for stored in try connection.operations(of: name, under: key) {
                    let owner = OperationOwner(id: stored.row.id, device: stored.row.device)
                    known[owner] = try stored.row.known()
                }
            }
            let sequence = try connection.head(of: tenant).sequence
            var recall = try BatchRecall(batch, at: sequence, in: life) { known[$0] }
            let records = try connection.prepare(Statements.selectRecord)
            var allowance = ReadAllowance(bytes: recordBytes)
            for record in recall.touched {
                guard let row = try records.record(name, record) else { continue }
                if allowance.admits(row.byteCount) { recall.records.append(row) } else { recall.omitted.append(record) }
            }
            return recall
        }
    }

    // MARK: Tenants and devices

    public func tenants() async throws(StoreError) -> [TenantID] {
        try await read { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectTenants).all(
                { _ in }, { (row: Columns) throws(StoreError) in TenantID(try row.text(0)) })
        }
    }

    public func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow? {
        try await read(tenant, .fewRows) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectDevice).device(tenant.name.text, device)
        }
    }

    public func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            let statement = try connection.prepare(Statements.selectDevice)
            var retired: Set<DeviceID> = []
            for device in devices {
                if try statement.device(tenant.name.text, device)?.retiredAtMilliseconds != nil {
                    retired.insert(device)
                }
            }
            return retired
        }
    }

    public func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectDevices).all(
                { $0.text(tenant.name.text) }, { (row: Columns) throws(StoreError) in try DeviceRow(row) })
        }
    }

    public func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow {
        guard let row = try await register(tenant, device, atMost: .max) else {
            throw .damaged("a device that was registered is not there")
        }
        return row
    }

    public func register(
        _ tenant: TenantID, _ device: DeviceRow, atMost count: Int
    ) async throws(StoreError) -> DeviceRow? {
        try await write(tenant) { (connection: Connection) throws(StoreError) in
            let select = try connection.prepare(Statements.selectDevice)
            if let there = try select.device(tenant.name.text, device.device) { return (there, .nothingWritten) }
            if count < .max {
                let others = try connection.prepare(Statements.countDevicesOfUser).first(
                    { row in
                        row.text(tenant.name.text)
                        row.text(device.user.text)
                    }, { $0.integer(0) })
                guard others ?? 0 < Int64(count) else { return (nil, .nothingWritten) }
            }
            try connection.prepare(Statements.insertTenant).execute { $0.text(tenant.name.text) }
            try connection.prepare(Statements.insertDevice).execute { row in
                row.text(tenant.name.text)
                device.bind(to: &row)
            }
            return (device, .commit)
        }
    }

    public func retire(
        _ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await write(tenant) { (connection: Connection) throws(StoreError) in
            let changed = try connection.prepare(Statements.retireDevice).execute { row in
                row.text(tenant.name.text)
                row.text(device.name.text)
                row.integer(atMilliseconds)
            }
            return (changed > 0, changed > 0 ? .commit : .nothingWritten)
        }
    }

    public func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        guard !code.isExpired(atMilliseconds: nowMilliseconds) else { return false }
        return try await write(tenant) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.insertTenant).execute { $0.text(tenant.name.text) }
            let inserted = try connection.prepare(Statements.insertCode).execute { row in
                row.text(tenant.name.text)
                row.text(code.id.text)
                row.integer(code.expiresAtMilliseconds)
            }
            let forgotten = try connection.prepare(Statements.forgetCodes).execute { row in
                row.text(tenant.name.text)
                row.integer(OneTimeCode.horizon(atMilliseconds: nowMilliseconds))
                row.integer(Int64(OneTimeCode.forgottenAtOnce))
            }
            return (inserted > 0, inserted + forgotten > 0 ? .commit : .nothingWritten)
        }
    }

    public func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError) {
        guard !heartbeats.isEmpty else { return }
        try await write(nil) { (connection: Connection) throws(StoreError) in
            let statement = try connection.prepare(Statements.acknowledge)
            for heartbeat in heartbeats {
                try statement.execute { row in
                    row.text(heartbeat.tenant.name.text)
                    row.text(heartbeat.device.name.text)
                    row.integer(heartbeat.acknowledgedSequence)
                    row.integer(heartbeat.seenAtMilliseconds)
                }
            }
            return ((), .commit)
        }
    }
}

extension Connection {
    /// A page of the feed, and the head under which it was read.
    fileprivate func changes(
        of tenant: TenantID, _ query: ChangeQuery, in life: StoredLife
    ) throws(StoreError) -> (page: ChangePage, head: TenantHead) {
        let limit = max(query.limit, 0)
        let head = try head(of: tenant)
        var builder = ChangePageBuilder(query, over: head)
        try prepare(Statements.selectChanges).visit(
            { row in
                row.text(tenant.name.text)
                row.integer(query.after)
                row.integer(Int64(limit) + (limit < .max ? 1 : 0))
            },
            { (row: Columns) throws(StoreError) in
                let isWanted = try query.wants(ExactString(try row.text(0))) { () throws(StoreError) in
                    ExactString(try row.text(1))
                }
                let verdict = builder.look(
                    at: row.integer(2), isWanted: isWanted, bytes: { RecordRow.pageBytes(of: row) })
                switch verdict {
                case .wanted: builder.append(try RecordRow(row))
                case .filtered: break
                // Stepping ends here: what is beyond the page is never read.
                case .beyond: return .stop
                }
                return .goOn
            })
        var page = builder.finished()
        page.course = try course(of: query.after, in: query.life, tenant.name.text, over: head, current: life)
        return (page, head)
    }
}
