import MergeCore
import SyncWire

/// The bounds of queues, pages and budgets. Over a limit a caller is told to come back, or gets less at once.
public struct EngineLimits: Sendable, Hashable {
    /// Of what is read from the wire.
    public var wire = WireLimits()
    /// Bytes of the records in the answer to one batch. Those that do not fit are named, to be pulled.
    public var answerBytes = 8 * 1024 * 1024
    /// Bytes of the stored records that one commit reads, all of its operations together; a single record is always read.
    public var recordBytesPerCommit = 8 * 1024 * 1024
    /// Comments and assignments of one conflict, together.
    public var commentsPerConflict = 200
    /// Changes in one page of the feed.
    public var changesPerPage = 5_000
    /// Bytes of a page: what is in memory for one answer, whatever the rows hold. The page says that there is more.
    public var pageBytes = 4 * 1024 * 1024
    /// Entries in one page of conflicts, operations or history.
    public var entriesPerPage = 500
    /// Seconds for which an empty answer may be held.
    public var waitSeconds = 60
    /// Batches that may wait in one tenant's commit queue before new ones are turned away.
    public var commitQueueDepth = 256
    /// Batches that leave a commit queue in one transaction.
    public var batchesPerCommit = 64
    /// Operations of the batches that leave a commit queue in one transaction, where it is more than one batch.
    public var operationsPerCommit = 4_000
    /// Bytes of the batches that may wait in one tenant's commit queue: four of the largest, which take several times that in
    /// memory.
    public var commitQueueBytes = 32 * 1024 * 1024
    /// Bytes of the batches that leave a commit queue in one transaction, where it is more than one batch.
    public var bytesPerCommit = 16 * 1024 * 1024
    /// Requests per second of one device, or of one user without a device, averaged over ten seconds.
    public var requestsPerSecondPerDevice = 50
    /// Bytes per second that the batches of one device may cost, averaged over ten seconds: of their bodies, of the rows that
    /// they write and of their answers. A request is one request however much work it is; this bounds the work.
    public var bytesPerSecondPerDevice = 4 * 1024 * 1024
    /// Devices and users whose requests are counted at one time. Bounds the memory for it.
    public var requestAccounts = 200_000
    /// Long polls and streams that one device, or one user without a device, has open. Each holds a connection.
    public var readersPerDevice = 16
    /// Long polls and streams of one tenant on one server.
    public var readersPerTenant = 2_000

    /// Devices that one user registers, those that were retired not among them. Each takes an entry in the clocks of what it
    /// edits. Devices that tokens name are not bounded.
    public var devicesPerUser = 20

    /// The limits of a server that is told no others.
    public init() {}

    /// Of what is decided.
    public var merge: Limits {
        get { wire.merge }
        set { wire.merge = newValue }
    }
}
