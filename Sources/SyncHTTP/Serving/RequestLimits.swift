import SyncEngine
import SyncWire

/// The bounds of one request. Over a limit it is refused before its body is read, or as it is read.
///
/// Apart from `TransportLimits`, which are an operator's business: of these, clients are told those that they can meet.
public struct RequestLimits: Sendable, Hashable {
    /// Bytes of a request's body. Bounds memory per request. Compressed bodies are refused, so that these are all.
    public var bodyBytes = 8 * 1024 * 1024
    /// Bytes of the body of a decision: a value as large as any, and the clock of its record.
    public var decisionBytes = 2 * 1024 * 1024
    /// Bytes of the body of a query: as many ids as it may name, each as long as a name may be, fit twice.
    public var queryBodyBytes = 256 * 1024
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

    public init() {}

    /// All limits that a client can meet, those of the engine among them, each with its unit in the name.
    func told(beside engine: EngineLimits) -> [SessionAnswer.Limit] {
        let (wire, merge) = (engine.wire, engine.merge)
        return [
            .init("operationsPerBatch", wire.operationsPerBatch), .init("bodyBytes", bodyBytes),
            .init("fieldsPerOperation", wire.fieldsPerOperation), .init("unitsPerBatch", wire.unitsPerBatch),
            .init("rejectionsPerOperation", merge.rejectionsPerOperation),
            .init("rejectionsPerBatch", merge.rejectionsPerBatch), .init("answerBytes", engine.answerBytes),
            .init("recordBytesPerCommit", engine.recordBytesPerCommit), .init("nestingDepth", wire.nestingDepth),
            .init("clockEntries", merge.clockEntries), .init("nameBytes", wire.nameBytes),
            .init("idempotencyKeyCharacters", wire.batchKeyCharacters),
            .init("dependenciesPerOperation", wire.dependenciesPerOperation),
            .init("valuesPerUnit", merge.valuesPerUnit), .init("elementsPerSet", merge.elementsPerSet),
            .init("recordBytes", merge.recordBytes), .init("fieldsPerRecord", merge.fieldsPerRecord),
            .init("entriesPerConflict", merge.entriesPerConflict),
            .init("commentsPerConflict", engine.commentsPerConflict),
            .init("changesPerPage", engine.changesPerPage), .init("entriesPerPage", engine.entriesPerPage),
            .init("commentBytes", wire.commentBytes), .init("waitSeconds", engine.waitSeconds),
            .init("requestsPerSecond", engine.requestsPerSecondPerDevice),
            .init("bytesPerSecond", engine.bytesPerSecondPerDevice), .init("pageBytes", engine.pageBytes),
            .init("readersPerDevice", engine.readersPerDevice), .init("recordsPerQuery", wire.recordsPerQuery),
            .init("queryBodyBytes", queryBodyBytes),
        ]
    }
}
