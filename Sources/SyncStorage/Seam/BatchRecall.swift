import Causality
import MergeCore

/// A batch that was committed, with all that its answer is made of. All of it was read as one state.
public struct BatchRecall: Sendable, Hashable {
    /// The batch's row.
    public let batch: BatchRow
    /// What the operations came to, in the order of the batch.
    public let outcomes: [OperationOutcome]
    /// The tenant's last sequence number.
    public let sequence: Int64
    /// The life of the data as it was read.
    public var life: LifeID
    /// The records that the batch touched, as they stand now, in the order in which it names them first.
    public var records: [RecordRow] = []
    /// Records that were touched and are there, but were not read: together they are more than was asked for.
    public var omitted: [RecordKey] = []

    /// Reads the results of a batch. The records are added by the engine.
    /// - Parameters:
    ///   - batch: the batch's row.
    ///   - sequence: the tenant's last sequence number.
    ///   - life: the life of the data as it was read.
    ///   - known: finds the operation of an owner.
    /// - Throws: `damaged` when an operation is not there, or the results cannot be read.
    public init(
        _ batch: BatchRow, at sequence: Int64, in life: LifeID,
        known: (OperationOwner) throws(StoreError) -> KnownOperation?
    ) throws(StoreError) {
        self.batch = batch
        self.sequence = sequence
        self.life = life
        outcomes = try batch.readResults().outcomes(known)
    }

    /// The records that the batch touched, in the order in which it names them first.
    public var touched: [RecordKey] { outcomes.touchedRecords }
}

/// A sum of bytes that may be read. It says whether the next row is still within it; the first one always is.
public struct ReadAllowance: Sendable {
    private var left: Int
    private var isUntouched = true

    /// Begins with all of the bytes left.
    public init(bytes: Int) { left = max(bytes, 0) }

    /// Whether a row of this size is read. If it is, it is counted.
    public mutating func admits(_ byteCount: Int) -> Bool {
        guard isUntouched || byteCount <= left else { return false }
        isUntouched = false
        left -= min(byteCount, left)
        return true
    }
}

extension RecordRow {
    /// The bytes of the row's texts, which are nearly all of the row.
    public var byteCount: Int {
        clock.utf8.count + fields.utf8.count + state.utf8.count + (siblings?.utf8.count ?? 0)
    }
}

extension [OperationOutcome] {
    /// The records that operations name, each once, in the order in which they are named first.
    public var touchedRecords: [RecordKey] {
        var seen: Set<RecordKey> = []
        return compactMap(\.record).filter { seen.insert($0).inserted }
    }
}
