import Causality
import MergeCore

/// Where everything is kept. This is the seam between what is decided and the engine that makes it durable.
///
/// Every engine keeps the laws of `StorageConformance`. ``InMemoryStore`` is their plainest statement.
/// <doc:WritingAStorageEngine> says what an engine has to do. A tenant that the store has never seen is one without
/// rows: no method refuses it.
public protocol SyncStore: AdministrationStore {
    /// The data set that is open.
    var identity: StoreIdentity { get }
    /// The life that the data is in, as far as this process knows without asking. What was read says for itself in which
    /// one it was (``FeedCourse``).
    var life: LifeID { get }

    /// Runs one transaction: it locks the tenant, reads what the read set names, calls `decide`, writes what that
    /// returns, and commits durably.
    ///
    /// An engine may leave the operations of the read set unread at first, and expect their ids to be new. Where one is
    /// not, or the decision may depend on it, the engine reads them and calls `decide` again. What counts is the last
    /// call.
    ///
    /// Transactions of one tenant are serial, across all processes on the same data. `decide` is synchronous and pure,
    /// and may run on any thread. When this throws, nothing of the transaction is stored; only `unsettled` leaves that
    /// open.
    /// - Parameters:
    ///   - tenant: whose data is read and written.
    ///   - readSet: the keys of all that is read, known before anything is read.
    ///   - decide: makes the commit, and what is answered beside it, out of what was read. An error that it throws ends
    ///     the transaction, and is thrown here.
    /// - Returns: what `decide` returned beside the commit.
    func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer

    // MARK: The feed

    /// The tenant's head. A tenant without any row has the empty head.
    func head(of tenant: TenantID) async throws(StoreError) -> TenantHead
    /// The tenant's head where this process knows it without asking; nil where it has to be read.
    ///
    /// What is known is certain: it is what ``head(of:)`` would read now, and once `transact` has returned it is what
    /// that committed, or something later. So an engine whose data others may commit to knows no head, ever. O(1), and
    /// waits for nothing.
    func knownHead(of tenant: TenantID) -> TenantHead?
    /// One consistent page of the change feed. A row whose record changes later is in a later page with its newer
    /// state.
    func changes(_ tenant: TenantID, _ query: ChangeQuery) async throws(StoreError) -> ChangePage
    /// A page of the change feed and what has ended of its reader's access, in one visit and of one state.
    func changes(
        _ tenant: TenantID, _ query: ChangeQuery, for reader: AccessQuery
    ) async throws(StoreError) -> ReaderPage
    /// A record's row; nil where the record is not there.
    func record(_ tenant: TenantID, _ key: RecordKey) async throws(StoreError) -> RecordRow?
    /// Records by their keys, and the head, as one state. O(keys), however many records there are.
    func records(_ tenant: TenantID, _ query: RecordsQuery) async throws(StoreError) -> RecordsPage

    // MARK: What was answered

    /// A batch's row; nil where no such batch was committed.
    func batch(_ tenant: TenantID, _ key: BatchKey) async throws(StoreError) -> BatchRow?
    /// A batch with the results of its operations, and the records that it touched as they stand now. All of it is read
    /// as one state; nil where no such batch was committed.
    /// - Parameters:
    ///   - tenant: whose batch it is.
    ///   - key: the batch's name.
    ///   - recordBytes: the bytes of records that are read at most; the first record is always read.
    func recall(
        _ tenant: TenantID, _ key: BatchKey, recordBytes: Int
    ) async throws(StoreError) -> BatchRecall?
    /// The operations of this id, one a device that used it, sorted by device.
    func operations(_ tenant: TenantID, id: OperationID) async throws(StoreError) -> [OperationRow]
    /// The operations that a query selects, the newest first.
    func operations(_ tenant: TenantID, _ query: OperationQuery) async throws(StoreError) -> [OperationRow]

    // MARK: The audit

    /// The conflicts that a query selects, in its order, each with all its entries.
    func conflicts(_ tenant: TenantID, _ query: ConflictQuery) async throws(StoreError) -> [ConflictHistory]
    /// How many conflicts each query selects, at most its limit. O(the limits), however many conflicts there are.
    func conflictCounts(_ tenant: TenantID, _ queries: [ConflictQuery]) async throws(StoreError) -> [Int]
    /// A conflict with all its entries; nil where it is not there.
    func conflict(_ tenant: TenantID, _ id: ConflictID) async throws(StoreError) -> ConflictHistory?
    /// How many conflicts there are, by each of the things that people ask for.
    func conflictCounts(_ tenant: TenantID) async throws(StoreError) -> ConflictCounts
    /// The audit's entries after a position, in order, at most `limit` of them.
    func auditEntries(
        _ tenant: TenantID, after position: Int64, limit: Int
    ) async throws(StoreError) -> [AuditEntryRow]
    /// The lowest position under which sides stand though no entry does; nil where there is none, as the server never
    /// writes such. The verification asks this. It reads all of the tenant's sides.
    func strandedSides(_ tenant: TenantID) async throws(StoreError) -> Int64?
    /// The rows of the index over the audit after an id, in order, at most `limit` of them.
    func conflictIndex(
        _ tenant: TenantID, after id: Int64, limit: Int
    ) async throws(StoreError) -> [ConflictRow]

    // MARK: Tenants and devices

    /// The tenants that have data, sorted by name.
    func tenants() async throws(StoreError) -> [TenantID]
    /// A device's row; nil where it is not registered.
    func device(_ tenant: TenantID, _ device: DeviceID) async throws(StoreError) -> DeviceRow?
    /// Those of the devices that were retired. It is one question for all who wait for a tenant's changes, however
    /// many.
    func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID>
    /// All devices of the tenant, sorted by name.
    func devices(_ tenant: TenantID) async throws(StoreError) -> [DeviceRow]
    /// Inserts the device if it is not there.
    /// - Returns: the row as it is stored.
    func register(_ tenant: TenantID, _ device: DeviceRow) async throws(StoreError) -> DeviceRow
    /// Inserts the device if it is not there and its user has fewer than so many that are not retired. Of several that
    /// are registered at once no more than that come in.
    /// - Returns: the row as it is stored; nil where the user has as many as that.
    func register(
        _ tenant: TenantID, _ device: DeviceRow, atMost count: Int
    ) async throws(StoreError) -> DeviceRow?
    /// Marks the device as retired. Its id stays taken, and a device that was retired before keeps its time.
    /// - Returns: false when there is no such device.
    func retire(_ tenant: TenantID, _ device: DeviceID, atMilliseconds: Int64) async throws(StoreError) -> Bool
    /// Notes how far devices have pulled and when they were seen. Neither is ever lowered, and unknown devices are left
    /// out.
    func acknowledge(_ heartbeats: [DeviceHeartbeat]) async throws(StoreError)

    // MARK: One-time codes

    /// Notes that a code was spent, durably, under the tenant's lock.
    ///
    /// Of any number of calls with one id, on any servers, one is told true. The id counts, whatever it expires at.
    /// Codes that expired long ago are forgotten on the way, the oldest first (see ``OneTimeCode``).
    /// - Returns: whether this was the first time. It is false for a code that is expired by now, which is not noted.
    func spend(
        _ tenant: TenantID, _ code: OneTimeCode, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool

    // MARK: Access

    /// What has ended of somebody's access. O(1), whatever else has ended.
    func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError) -> AccessState
    /// Ends access, durably. Of two revocations of one kind and name the later one stands. Sessions that would have
    /// been over long ago are forgotten on the way, the oldest first.
    func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64) async throws(StoreError)

    /// Compares what a server derives from its secret with what the others derive that serve this data. It is noted
    /// where no server had anything here before, or where `intention` is to adopt it.
    func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError) -> KeyAgreement

    // MARK: Other processes

    /// What commits of other processes on the same data have changed, as it becomes known, until the store closes. It
    /// is asked for once. Notifications may be late, doubled or missing; whoever needs to be sure reads.
    func changeNotifications() -> AsyncStream<ChangeNotification>

    // MARK: Maintenance

    /// Whether the engine answers.
    func ping() async throws(StoreError)
    /// Finishes what is under way. Nothing may be called afterwards.
    func close() async
}

extension SyncStore {
    /// Knows no head: another process may have committed.
    public func knownHead(of tenant: TenantID) -> TenantHead? { nil }

    /// Asks for one device after the other, for engines that can do no better.
    public func retiredDevices(
        _ tenant: TenantID, among devices: Set<DeviceID>
    ) async throws(StoreError) -> Set<DeviceID> {
        var retired: Set<DeviceID> = []
        for device in devices {
            if try await self.device(tenant, device)?.retiredAtMilliseconds != nil { retired.insert(device) }
        }
        return retired
    }

    /// An empty stream: an engine that is one process's own has no other processes to hear of.
    public func changeNotifications() -> AsyncStream<ChangeNotification> { AsyncStream { $0.finish() } }
}

/// What is to be done where the data's servers have another key so far.
public enum KeyIntention: Sendable, Hashable {
    /// Nothing: the key is only compared.
    case compare
    /// The key was changed. From now on it is the one of all.
    case adopt
}

/// How a server's key compares with that of the others.
public enum KeyAgreement: Sendable, Hashable {
    /// No server had a key here before.
    case first
    /// The others have the same key.
    case same
    /// The others have another key.
    case other
}

/// Word of what another process has done.
public enum ChangeNotification: Sendable, Hashable {
    /// The tenant's change feed has reached this place. The collections are those of the records that changed; nil where
    /// that is not known.
    case advanced(TenantID, sequence: Int64, collections: Set<ExactString>? = nil)
    /// Somebody's access to the tenant has ended.
    case accessEnded(TenantID)
    /// Notifications of any tenants may have been missed: the way on which they come was interrupted.
    case missed
}

/// How far a device had pulled when it was seen.
public struct DeviceHeartbeat: Sendable, Hashable {
    /// The device's tenant.
    public let tenant: TenantID
    /// The device.
    public let device: DeviceID
    /// The highest sequence that the device has pulled past.
    public let acknowledgedSequence: Int64
    /// When the device was seen, in server milliseconds.
    public let seenAtMilliseconds: Int64

    public init(tenant: TenantID, device: DeviceID, acknowledgedSequence: Int64, seenAtMilliseconds: Int64) {
        self.tenant = tenant
        self.device = device
        self.acknowledgedSequence = acknowledgedSequence
        self.seenAtMilliseconds = seenAtMilliseconds
    }
}
