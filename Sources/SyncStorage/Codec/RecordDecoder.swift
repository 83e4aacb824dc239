import Causality
import MergeCore
import StrictJSON
import SyncWire

/// Reads the records of rows, one after the other in the same memory.
public struct RecordDecoder {
    private var decoder: StateDecoder

    /// - Parameter families: those that a state can be of.
    public init(families: MergeFamilies = .builtIn) { decoder = StateDecoder(families: families) }

    /// Reads the record of a row. O(size of the record).
    /// - Throws: `damaged` when the row's texts do not fit together.
    public mutating func record(_ row: RecordRow) throws(StoreError) -> StoredRecord {
        guard #available(macOS 26, iOS 26, tvOS 26, watchOS 26, visionOS 26, *) else {
            // Older systems lack the span of a string; everywhere else this branch is compiled away.
            return try record(
                row, clock: Array(row.clock.utf8).span, fields: Array(row.fields.utf8).span,
                state: Array(row.state.utf8).span)
        }
        return try record(row, clock: row.clock.utf8.span, fields: row.fields.utf8.span, state: row.state.utf8.span)
    }

    private mutating func record(
        _ row: RecordRow, clock: Span<UInt8>, fields: Span<UInt8>, state: Span<UInt8>
    ) throws(StoreError) -> StoredRecord {
        let read: StoredRecord?
        do {
            read = try whole(row, clock: clock, fields: fields, state: state)
        } catch {
            throw .damaged("the texts of record \(row.key.collection)/\(row.key.id) are no JSON: \(error)")
        }
        guard let read else {
            throw .damaged("the state of record \(row.key.collection)/\(row.key.id) cannot be read")
        }
        return read
    }

    /// Reads all three texts. What does not fit is nil, here and below.
    private mutating func whole(
        _ row: RecordRow, clock: Span<UInt8>, fields: Span<UInt8>, state: Span<UInt8>
    ) throws(JSONSyntaxError) -> StoredRecord? {
        decoder.scanner.restart()
        guard let clock = try decoder.scanner.versionVector(clock) else { return nil }
        decoder.scanner.restart()
        guard case .object(let object) = try decoder.scanner.value(fields) else { return nil }
        try decoder.scanner.end(fields)
        return try decoder.record(row, clock: clock, fields: object, state: state)
    }
}

extension JSONScanner {
    /// Reads a clock, `{"device": counter}`; nil when the text is none, or names a device twice.
    mutating func versionVector(_ text: Span<UInt8>) throws(JSONSyntaxError) -> VersionVector? {
        var entries: [VersionVector.Entry] = []
        entries.reserveCapacity(4)
        try beginObject(text)
        while let device = try nextMember(text) {
            let counter = try integer(text)
            guard counter > 0 else { return nil }
            entries.append(VersionVector.Entry(device: DeviceID(device), counter: counter))
        }
        try end(text)
        let vector = VersionVector(entries)
        return vector.count == entries.count ? vector : nil
    }
}
