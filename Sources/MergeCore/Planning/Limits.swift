/// The bound of every quantity that comes from outside, in one place. Over a limit a request is refused before work is done.
public struct Limits: Sendable, Hashable {
    /// Operations in one batch. Bounds how long one transaction holds up its tenant's commit queue.
    public var operationsPerBatch = 1_000
    /// Bytes of a request's body. Bounds memory per request. Compressed bodies are refused, so that these are all.
    public var bodyBytes = 8 * 1024 * 1024
    /// Bytes of the body of a decision: a value as large as any, and the clock of its record.
    public var decisionBytes = 2 * 1024 * 1024
    /// Bytes of any other body: a comment of `commentBytes`, every byte of it escaped, fits.
    public var smallBodyBytes = 64 * 1024
    /// Bytes of a form, and of the one by which somebody signs in, who is nobody yet.
    public var formBytes = 64 * 1024
    public var signInBytes = 4 * 1024
    /// Fields of a form. A form that decides many conflicts names one in each.
    public var formFields = 1_024
    /// Bytes of a query, and parameters in it: as many collections as a device may ask for at once.
    public var queryBytes = 32 * 1024
    public var queryParameters = 512
    /// Fields that one operation names.
    public var fieldsPerOperation = 256
    /// Fields that the operations of one batch name together. Bounds merging, conflicts and their audit, which multiply by it.
    public var unitsPerBatch = 20_000
    /// Reasons that are given for refusing one operation, and all operations of a batch together. One reason refuses already;
    /// the others are a courtesy, and a hostile batch has hundreds of thousands. Beyond the second each operation gets one.
    public var rejectionsPerOperation = 16
    public var rejectionsPerBatch = 1_000
    /// Bytes of the records in the answer to one batch. Those that do not fit are named, to be pulled.
    public var answerBytes = 8 * 1024 * 1024
    /// Bytes of the stored records that one commit reads, all of its operations together; a single record is always read.
    public var recordBytesPerCommit = 8 * 1024 * 1024
    /// Bytes of values that the audit takes of one batch. Above the bytes of any record, so that one operation always fits.
    public var auditBytesPerBatch = 16 * 1024 * 1024
    /// Depth of nested arrays and objects in a body. Bounds the parser's recursion.
    public var nestingDepth = 32
    /// Devices in one record's clock. Bounds the cost of every comparison on the record.
    public var clockEntries = 512
    /// Highest counter of a clock entry, 2⁵³ − 1: what every JSON implementation can carry (RFC 8259 section 6).
    public var counter: Int64 = 9_007_199_254_740_991
    /// Bytes of a device, collection, record, field, operation and user name. Bounds index keys.
    public var nameBytes = 128
    /// Characters of an `Idempotency-Key`.
    public var batchKeyCharacters = 255
    /// Operations that one operation depends on.
    public var dependenciesPerOperation = 64
    /// Values of one unit that are kept beside one another. Beyond it the farthest from showing lives on in the audit only.
    public var valuesPerUnit = 64
    /// Elements of one `set` field.
    public var elementsPerSet = 10_000
    /// Bytes of one record, the state for the next merge included. Bounds what every write of the record reads and writes. A
    /// row takes at most twice that.
    public var recordBytes = 1024 * 1024
    /// Fields of one record. Bounds what every pull of the record has to look at.
    public var fieldsPerRecord = 1_000
    /// Entries that change the sides of one conflict that waits. Bounds what reading a conflict costs; beyond it the conflict
    /// goes on in a new one.
    public var entriesPerConflict: Int64 = 1_000
    /// Comments and assignments of one conflict, together.
    public var commentsPerConflict = 200
    /// Changes in one page of the feed.
    public var changesPerPage = 5_000
    /// Bytes of a page: what is in memory for one answer, whatever the rows hold. The page says that there is more.
    public var pageBytes = 4 * 1024 * 1024
    /// Entries in one page of conflicts, operations or history.
    public var entriesPerPage = 500
    /// Bytes of a reviewer's comment or note.
    public var commentBytes = 8_192
    /// Seconds for which an empty answer may be held.
    public var waitSeconds = 60
    /// Batches that may wait in one tenant's commit queue before new ones are turned away.
    public var commitQueueDepth = 256
    /// Batches, and operations in them, that leave a commit queue in one transaction.
    public var batchesPerCommit = 64
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

    public init() {}
}
