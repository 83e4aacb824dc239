/// The bounds of what a decision takes into a record, a conflict and the audit. Over a limit an operation is rejected.
///
/// The limits stand with those who keep them: of what is read from the wire in `SyncWire`, of queues, pages and budgets in
/// `SyncEngine`, of requests and connections in `SyncHTTP`.
public struct Limits: Sendable, Hashable {
    /// Reasons that are given for refusing one operation, and all operations of a batch together. One reason refuses already;
    /// the others are a courtesy, and a hostile batch has hundreds of thousands. Beyond the second each operation gets one.
    public var rejectionsPerOperation = 16
    /// Reasons that are given for refusing all operations of a batch together. A hostile batch has hundreds of
    /// thousands. Beyond this each operation gets one.
    public var rejectionsPerBatch = 1_000
    /// Bytes of values that the audit takes of one batch. Above the bytes of any record, so that one operation always fits.
    public var auditBytesPerBatch = 16 * 1024 * 1024
    /// Devices in one record's clock. Bounds the cost of every comparison on the record.
    public var clockEntries = 512
    /// Highest counter of a clock entry, 2⁵³ − 1: what every JSON implementation can carry (RFC 8259 section 6).
    public var counter: Int64 = 9_007_199_254_740_991
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

    /// The limits of a server. Tests set smaller ones.
    public init() {}
}
