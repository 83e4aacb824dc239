import Causality
import MergeCore
import StrictJSON
import SyncWire

extension RecordRow {
    /// Makes the row of a record: the state for the next merge, beside what pulls send without looking inside. O(size
    /// of the record).
    public init(_ record: StoredRecord, rules: CollectionRules, changedAtMilliseconds: Int64) {
        var writer = JSONWriter(reservingCapacity: 1024)
        self.init(record, rules: rules, changedAtMilliseconds: changedAtMilliseconds, using: &writer)
    }

    /// Makes the row of a record. O(size of the record).
    /// - Parameters:
    ///   - record: the record.
    ///   - rules: the rules of its collection.
    ///   - changedAtMilliseconds: server time.
    ///   - writer: an empty one, which is empty again afterwards. One for many rows needs its memory once.
    public init(
        _ record: StoredRecord, rules: CollectionRules, changedAtMilliseconds: Int64, using writer: inout JSONWriter
    ) {
        let siblings = record.state.siblings(rules)
        record.state.clock.write(to: &writer)
        let clock = writer.takeText()
        let fields = record.state.visibleFields(rules)
        writer.write(.object(fields))
        let fieldsText = writer.takeText()
        var encoder = StateEncoder(record, fields: fields)
        encoder.write(to: &writer)
        self.init(
            key: record.key, sequence: record.sequence, isDeleted: record.state.isDeleted(rules.deletes),
            isPurged: record.isPurged, clock: clock, stampMilliseconds: record.state.latestMilliseconds,
            fields: fieldsText, siblings: siblings.isEmpty ? nil : siblings.canonicalText, state: writer.takeText(),
            openConflicts: Int64(record.openConflicts.count), changedAtMilliseconds: changedAtMilliseconds)
    }

    /// The record as merges need it. O(size of the record).
    /// - Throws: `damaged` when the texts do not fit together.
    public func decoded() throws(StoreError) -> StoredRecord {
        var decoder = RecordDecoder()
        return try decoder.record(self)
    }
}

extension [ExactString: [Sibling]] {
    /// `{"unit": [{"device": …, "stamp": …, "value": …}]}`
    fileprivate var canonicalText: String {
        var writer = JSONWriter()
        writer.beginObject()
        for (unit, siblings) in sorted(by: { $0.key < $1.key }) {
            writer.key(unit)
            writer.beginArray()
            for sibling in siblings {
                writer.beginObject()
                writer.member("device", sibling.event.dot.device.name)
                writer.key("stamp")
                writer.timestamp(milliseconds: sibling.event.stamp.milliseconds)
                writer.member("value", sibling.value)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.text
    }
}
