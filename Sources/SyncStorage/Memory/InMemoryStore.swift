import Causality
import Crypto
import MergeCore

/// A store in memory: the executable specification of the seam, and an engine for tests. It keeps nothing beyond the
/// process.
///
/// Everything is said in the plainest way, by dictionaries and sorting. The store is not meant for many records.
public actor InMemoryStore: SyncStore {
    struct TenantState {
        var head = TenantHead()
        var records: [RecordKey: RecordRow] = [:]
        var operations: [OperationID: [DeviceID: OperationRow]] = [:]
        var batches: [BatchKey: BatchRow] = [:]
        var devices: [DeviceID: DeviceRow] = [:]
        var audit: [AuditEntryRow] = []
        var conflicts: [Int64: ConflictRow] = [:]
        /// When each code that was spent expires.
        var codes: [ExactString: Int64] = [:]
        var accessRevocations: [AccessRevocationName: AccessRevocationRow] = [:]
        var members: [ExactString: MemberRow] = [:]
        var sessions: [ExactString: ReviewSessionRow] = [:]
        var administration: [AdministrationRow] = []
    }

    struct AccessRevocationName: Hashable {
        let kind: AccessRevocationRow.Kind
        let name: ExactString
    }

    public nonisolated let identity: StoreIdentity
    public nonisolated let life: LifeID
    let probe: StoreProbe?
    var states: [TenantID: TenantState] = [:]
    private var keyCheck: [UInt8]?

    /// Begins without any tenant.
    /// - Parameters:
    ///   - identity: the data set's identity.
    ///   - life: the only life that it has.
    ///   - probe: called before each step; what it throws makes that step fail.
    public init(identity: StoreIdentity = .random(), life: LifeID = .random(), probe: StoreProbe? = nil) {
        self.identity = identity
        self.life = life
        self.probe = probe
    }

    func state(of tenant: TenantID) throws(StoreError) -> TenantState {
        try probe?("read")
        return states[tenant] ?? TenantState()
    }

    // MARK: Transactions

    public func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        try probe?("begin")
        var state = states[tenant] ?? TenantState()
        let (commit, answer) = try decide(try snapshot(state, readSet))
        guard !commit.isEmpty else { return answer }
        try state.apply(commit, probe: probe)
        try probe?("commit")
        states[tenant] = state
        return answer
    }

    private func snapshot(_ state: TenantState, _ readSet: StoreReadSet) throws(StoreError) -> StoreSnapshot {
        try probe?("snapshot")
        var merge = Snapshot(
            sequence: state.head.sequence, auditPosition: state.head.auditPosition,
            auditMilliseconds: state.head.auditMilliseconds)
        var decoder = RecordDecoder()
        var omitted: Set<RecordKey> = []
        var allowance = ReadAllowance(bytes: readSet.recordBytes)
        for key in readSet.merge.records.sorted() {
            guard let row = state.records[key] else { continue }
            if allowance.admits(row.byteCount) {
                merge.records[key] = try decoder.record(row)
            } else {
                omitted.insert(key)
            }
        }
        for id in readSet.merge.operations.union(readSet.merge.dependencies) {
            for row in (state.operations[id] ?? [:]).values.sorted(by: { $0.device < $1.device }) {
                merge.operations[id, default: []].append(try row.known())
            }
        }
        if !readSet.merge.dots.isEmpty {
            for row in state.operations.values.flatMap(\.values) {
                guard let record = row.record, let counter = row.counter else { continue }
                let dot = RecordDot(record: record, dot: Dot(device: row.device, counter: counter))
                if readSet.merge.dots.contains(dot) { merge.dots[dot] = try row.known() }
            }
        }
        return StoreSnapshot(
            merge: merge, head: state.head, life: life,
            batches: state.batches.filter { readSet.batches.contains($0.key) },
            devices: state.devices.filter { readSet.devices.contains($0.key) },
            conflicts: try conflicts(state, readSet.conflicts), omitted: omitted)
    }

    private func conflicts(
        _ state: TenantState, _ ids: Set<ConflictID>
    ) throws(StoreError) -> [ConflictID: ConflictHistory] {
        var histories: [ConflictID: ConflictHistory] = [:]
        for id in ids {
            if let row = state.conflicts[id.position] { histories[id] = try state.history(row) }
        }
        return histories
    }

    // MARK: Devices

    public func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow {
        try probe?("register")
        if let there = states[tenant]?.devices[device.device] { return there }
        states[tenant, default: TenantState()].devices[device.device] = device
        return device
    }

    public func register(
        _ tenant: TenantID, _ device: DeviceRow, atMost count: Int
    ) async throws(StoreError) -> DeviceRow? {
        try probe?("count devices of user")
        if let there = states[tenant]?.devices[device.device] { return there }
        let others = (states[tenant]?.devices.values).map(Array.init) ?? []
        guard others.count(where: { $0.user == device.user && $0.retiredAtMilliseconds == nil }) < count else {
            return nil
        }
        return try await register(tenant, device)
    }

    public func retire(
        _ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try probe?("retire")
        guard let there = states[tenant]?.devices[device] else { return false }
        states[tenant]?.devices[device]?.retiredAtMilliseconds = there.retiredAtMilliseconds ?? atMilliseconds
        return true
    }

    public func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError) {
        try probe?("acknowledge")
        for heartbeat in heartbeats {
            guard var row = states[heartbeat.tenant]?.devices[heartbeat.device] else { continue }
            row.acknowledgedSequence = max(row.acknowledgedSequence, heartbeat.acknowledgedSequence)
            row.lastSeenAtMilliseconds = max(row.lastSeenAtMilliseconds, heartbeat.seenAtMilliseconds)
            states[heartbeat.tenant]?.devices[heartbeat.device] = row
        }
    }

    // MARK: One-time codes

    public func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        guard !code.isExpired(atMilliseconds: nowMilliseconds) else { return false }
        try probe?("spend")
        var codes = states[tenant]?.codes ?? [:]
        let isFirst = codes[code.id] == nil
        if isFirst { codes[code.id] = code.expiresAtMilliseconds }
        let horizon = OneTimeCode.horizon(atMilliseconds: nowMilliseconds)
        let forgotten = codes.filter { $0.value < horizon }.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (id, _) in forgotten.prefix(OneTimeCode.forgottenAtOnce) { codes[id] = nil }
        states[tenant, default: TenantState()].codes = codes
        return isFirst
    }

    // MARK: Access

    public func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError)
        -> AccessState
    {
        let state = try state(of: tenant)
        var access = AccessState()
        for row in state.accessRevocations.values {
            access.take(
                row.kind.rawValue, row.name.text, endsBefore: row.endsBeforeMilliseconds, for: query)
        }
        access.take(query.device.flatMap { state.devices[$0] })
        if query.asMember { access.memberRoles = state.members[query.user]?.roles }
        return access
    }

    public func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64)
        async throws(StoreError)
    {
        try probe?("end access")
        states[tenant, default: TenantState()].end(end, nowMilliseconds: nowMilliseconds)
    }

    public func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError)
        -> KeyAgreement
    {
        try probe?("agree on key")
        let agreement: KeyAgreement = keyCheck.map { $0 == check ? .same : .other } ?? .first
        if agreement == .first || intention == .adopt { keyCheck = check }
        return agreement
    }

    // MARK: Maintenance

    public func tenants() async throws(StoreError) -> [TenantID] {
        try probe?("read")
        return states.keys.sorted()
    }

    public func ping() async throws(StoreError) {
        try probe?("ping")
    }

    public func close() async {}
}

extension InMemoryStore.TenantState {
    mutating func end(_ end: AccessRevocation, nowMilliseconds: Int64) {
        typealias AccessRevocationName = InMemoryStore.AccessRevocationName
        var row = AccessRevocationRow(end)
        let name = AccessRevocationName(kind: row.kind, name: row.name)
        var ends = accessRevocations
        if let there = ends[name] {
            row.endsBeforeMilliseconds = max(row.endsBeforeMilliseconds, there.endsBeforeMilliseconds)
            row.expiresAtMilliseconds = max(row.expiresAtMilliseconds, there.expiresAtMilliseconds)
        }
        ends[name] = row
        let horizon = OneTimeCode.horizon(atMilliseconds: nowMilliseconds)
        let forgotten = ends.values.filter { $0.expiresAtMilliseconds < horizon }.sorted {
            ($0.expiresAtMilliseconds, $0.kind.rawValue, $0.name) < (
                $1.expiresAtMilliseconds, $1.kind.rawValue, $1.name
            )
        }
        for row in forgotten.prefix(AccessRevocation.forgottenAtOnce) {
            ends[AccessRevocationName(kind: row.kind, name: row.name)] = nil
        }
        accessRevocations = ends
        sessions = sessions.filter { !end.ends($0.value) }
    }
}

extension InMemoryStore.TenantState {
    mutating func apply(_ commit: Commit, probe: StoreProbe?) throws(StoreError) {
        try probe?("write records")
        for row in commit.records { records[row.key] = row }
        try probe?("write operations")
        for row in commit.operations {
            let there = operations[row.id]?[row.device]
            guard there == nil || there?.outcome == .rejected else {
                throw .damaged("an operation that was accepted before would be overwritten")
            }
            operations[row.id, default: [:]][row.device] = row
        }
        try probe?("write batches")
        for row in commit.batches {
            guard batches.updateValue(row, forKey: row.key) == nil else {
                throw .damaged("an answer that was given before would be overwritten")
            }
        }
        try probe?("write devices")
        for row in commit.devices where devices[row.device] == nil { devices[row.device] = row }
        try probe?("write audit")
        for entry in commit.audit {
            guard entry.position > audit.last?.position ?? 0 else {
                throw .damaged("an audit entry that was written before would be overwritten")
            }
            let isVersion = { (type: String) in AuditEntryRow.EntryType(rawValue: type)?.isVersion ?? true }
            guard
                !isVersion(entry.type)
                    || !audit.contains(where: {
                        $0.conflict == entry.conflict && $0.version == entry.version && isVersion($0.type)
                    })
            else { throw .damaged("a version of a conflict that was written before would be written again") }
            audit.append(entry)
        }
        try probe?("write conflicts")
        for row in commit.conflicts {
            guard conflicts.updateValue(row, forKey: row.id) == nil else {
                throw .damaged("a conflict that was opened before would be overwritten")
            }
        }
        for change in commit.conflictChanges {
            conflicts[change.id]?.version = change.version
            conflicts[change.id]?.status = change.status.rawValue
        }
        for assignment in commit.assignments { conflicts[assignment.id]?.assignee = assignment.assignee }
        try probe?("write head")
        head = commit.head
    }
}

extension StoreIdentity {
    /// A new data set's identity, from the system's random source.
    public static func random() -> StoreIdentity {
        let bytes = { (count: Int) in (0..<count).map { _ in UInt8.random(in: .min ... .max) } }
        let digits = Array("0123456789abcdef")
        let lineage = String(bytes(16).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
        return StoreIdentity(lineage: lineage, redactionKey: bytes(32))
    }
}
