import MergeCore

/// The bounds of what is read from the wire. Over a limit a batch is refused, or the operation that is over it, before anything
/// is decided.
public struct WireLimits: Sendable, Hashable {
    /// Of what is decided; some of it is looked at when it is read already.
    public var merge = Limits()
    /// Operations in one batch. Bounds how long one transaction holds up its tenant's commit queue.
    public var operationsPerBatch = 1_000
    /// Fields that one operation names.
    public var fieldsPerOperation = 256
    /// Fields that the operations of one batch name together. Bounds merging, conflicts and their audit, which multiply by it.
    public var unitsPerBatch = 20_000
    /// Depth of nested arrays and objects in a body. Bounds the parser's recursion.
    public var nestingDepth = 32
    /// Bytes of a device, collection, record, field, operation and user name. Bounds index keys.
    public var nameBytes = 128
    /// Characters of an `Idempotency-Key`.
    public var batchKeyCharacters = 255
    /// Operations that one operation depends on.
    public var dependenciesPerOperation = 64
    /// Bytes of a reviewer's comment or note.
    public var commentBytes = 8_192
    /// Conflicts that one decision names.
    public var conflictsPerDecision = 500
    /// Records that one query names, and collections. Bounds look-ups by key, and what a held poll keeps in memory.
    public var recordsPerQuery = 1_000
    /// Bytes of a cursor in a body: more than any has.
    public var cursorBytes = 256

    /// The limits of a server that is told no others.
    public init() {}
}
