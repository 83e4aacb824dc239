import Causality
import MergeCore

/// Operations of one batch that were stored together, as one row.
///
/// What an operation was and what came of it is read seldom, and is written for every operation. So it has no row of
/// its own: the operations of a batch stand one after the other in as few rows as ``maximumBytes`` allows, and what they
/// have in common stands once. An ``OperationEntry`` for each says by what it is found. The form is that of
/// `init(_:)`; its first byte is the number of the form.
public struct OperationGroup: Sendable, Hashable {
    /// The ordinal of the first of the operations. The row is found by it.
    public let first: Int64
    /// The operations, in the order of their ordinals.
    public let content: [UInt8]

    /// A group of several operations has no more bytes than this, because whoever reads one operation reads its whole
    /// group. A larger operation has a group to itself.
    public static let maximumBytes = 32 * 1024

    /// Takes what a row has.
    public init(first: Int64, content: [UInt8]) {
        self.first = first
        self.content = content
    }

    fileprivate static let form: UInt8 = 1
}

/// What is read of an operation.
public enum OperationParts: Sendable, Hashable {
    /// Everything.
    case all
    /// What a decision needs of it. Its content is left empty: of a thousand operations it may be a gigabyte.
    case known
}

/// What an operation has beside its texts, a bit each.
private struct Parts: OptionSet {
    let rawValue: UInt8
    static let record = Parts(rawValue: 1)
    /// The collection is that of the operation before.
    static let sameCollection = Parts(rawValue: 2)
    static let counter = Parts(rawValue: 4)
    static let fingerprint = Parts(rawValue: 8)
    static let stamp = Parts(rawValue: 16)
}

// MARK: Writing

extension [OperationRow] {
    /// The rows in groups. O(size of the rows).
    ///
    /// The rows may come in any order. Operations whose ordinals follow one another share a group where they came in
    /// one batch.
    public var groups: [OperationGroup] {
        var groups: [OperationGroup] = []
        var writer = GroupWriter()
        for row in sorted(by: { $0.ordinal < $1.ordinal }) {
            if !writer.takes(row), let group = writer.finished() { groups.append(group) }
            writer.append(row)
        }
        if let group = writer.finished() { groups.append(group) }
        return groups
    }
}

private struct GroupWriter {
    private var first: OperationRow?
    private var collection: ExactString?
    private var bytes = ByteWriter()

    /// Whether a row belongs to the group that is being written.
    func takes(_ row: OperationRow) -> Bool {
        guard let first else { return true }
        return bytes.bytes.count + row.groupBytes <= OperationGroup.maximumBytes && row.device == first.device
            && row.user == first.user && row.batch == first.batch
            && row.recordedAtMilliseconds == first.recordedAtMilliseconds
    }

    mutating func append(_ row: OperationRow) {
        if first == nil { begin(with: row) }
        bytes.integer(row.ordinal &- (first?.ordinal ?? 0))
        var parts: Parts = []
        if let record = row.record {
            parts.insert(.record)
            if record.collection == collection { parts.insert(.sameCollection) }
        }
        if row.counter != nil { parts.insert(.counter) }
        if row.fingerprint != nil { parts.insert(.fingerprint) }
        if row.stampMilliseconds != nil { parts.insert(.stamp) }
        bytes.byte(parts.rawValue)
        bytes.text(row.id.name.text)
        if let record = row.record {
            if !parts.contains(.sameCollection) { bytes.text(record.collection.text) }
            bytes.text(record.id.text)
            collection = record.collection
        }
        if let counter = row.counter { bytes.integer(counter) }
        bytes.text(row.clock)
        if let fingerprint = row.fingerprint { bytes.raw(fingerprint.bytes) }
        bytes.text(row.outcome.rawValue)
        bytes.text(row.result)
        bytes.text(row.content)
        if let stamp = row.stampMilliseconds { bytes.integer(stamp &- row.recordedAtMilliseconds) }
    }

    private mutating func begin(with row: OperationRow) {
        first = row
        bytes = ByteWriter(reservingCapacity: 1024)
        bytes.byte(OperationGroup.form)
        bytes.text(row.device.name.text)
        bytes.text(row.user.text)
        bytes.text(row.batch.text)
        bytes.integer(row.recordedAtMilliseconds)
    }

    /// The group, after which the next one can begin; nil where nothing was written.
    mutating func finished() -> OperationGroup? {
        guard let first else { return nil }
        defer { self = GroupWriter() }
        return OperationGroup(first: first.ordinal, content: bytes.bytes)
    }
}

extension OperationRow {
    /// At most how many bytes the operation adds to its group: its texts, the digest, and the numbers with their lengths.
    fileprivate var groupBytes: Int {
        id.name.byteCount + (record?.collection.byteCount ?? 0) + (record?.id.byteCount ?? 0) + clock.utf8.count
            + result.utf8.count + content.utf8.count + 160
    }
}

// MARK: Reading

extension OperationGroup {
    /// The rows, in the order of their ordinals. O(size of the group).
    /// - Parameters:
    ///   - ordinals: of the operations that are wanted; nil for all.
    ///   - parts: what of them is wanted.
    /// - Throws: `damaged` where the content cannot be read.
    public func operations(
        _ ordinals: Set<Int64>? = nil, _ parts: OperationParts = .all
    ) throws(StoreError) -> [OperationRow] {
        let wanted = parts
        var reader = ByteReader(content)
        guard try reader.byte() == Self.form else { throw .damaged("stored operations have an unknown form") }
        let device = DeviceID(try reader.text())
        let user = ExactString(try reader.text())
        let batch = ExactString(try reader.text())
        let recordedAt = try reader.integer()
        var collection: ExactString = ""
        var rows: [OperationRow] = []
        while !reader.isAtEnd {
            let ordinal = first &+ (try reader.integer())
            let parts = Parts(rawValue: try reader.byte())
            let id = OperationID(try reader.text())
            var record: RecordKey?
            if parts.contains(.record) {
                if !parts.contains(.sameCollection) { collection = ExactString(try reader.text()) }
                record = RecordKey(collection: collection, id: ExactString(try reader.text()))
            }
            let counter = parts.contains(.counter) ? try reader.integer() : nil
            let clock = try reader.text()
            let fingerprint = parts.contains(.fingerprint) ? Digest(bytes: try reader.raw(Digest.byteCount)) : nil
            guard let outcome = OutcomeKind(rawValue: try reader.text()) else {
                throw .damaged("a stored operation has an unknown outcome")
            }
            let result = try reader.text()
            let content = wanted == .all ? try reader.text() : try reader.skippedText()
            let stamp = parts.contains(.stamp) ? recordedAt &+ (try reader.integer()) : nil
            guard ordinals?.contains(ordinal) ?? true else { continue }
            rows.append(
                OperationRow(
                    id: id, device: device, ordinal: ordinal, user: user, batch: batch, record: record,
                    counter: counter, clock: clock, fingerprint: fingerprint, outcome: outcome, result: result,
                    content: content, stampMilliseconds: stamp, recordedAtMilliseconds: recordedAt))
        }
        return rows
    }
}
