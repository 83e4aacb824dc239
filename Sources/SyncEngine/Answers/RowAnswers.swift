import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Values

extension OperationRow {
    /// An operation with its result and its content as it is kept.
    /// - Throws: `damaged` when the stored result cannot be read.
    func write(to writer: inout JSONWriter) throws(StoreError) {
        let result = try OperationResult(stored: result)
        writer.beginObject()
        writer.member("id", id.name)
        writer.member("device", device.name)
        writer.member("user", user)
        writer.member("batch", batch)
        if let record {
            writer.member("collection", record.collection)
            writer.member("record", record.id)
        }
        writer.key("clock")
        writer.raw(canonicalText: clock)
        if let counter { writer.member("counter", counter) }
        result.writeMembers(to: &writer, index: 0)
        if let stampMilliseconds { writer.member("stamp", Timestamp(milliseconds: stampMilliseconds).text) }
        writer.member("recordedAt", Timestamp(milliseconds: recordedAtMilliseconds).text)
        writer.key("content")
        writer.raw(canonicalText: content)
        writer.endObject()
    }
}

extension DeviceRow {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", device.name)
        writer.member("user", user)
        writer.member("registeredAt", Timestamp(milliseconds: registeredAtMilliseconds).text)
        writer.member("lastSeenAt", Timestamp(milliseconds: lastSeenAtMilliseconds).text)
        writer.member("acknowledgedSequence", acknowledgedSequence)
        writer.key("retiredAt")
        if let retiredAtMilliseconds {
            writer.string(Timestamp(milliseconds: retiredAtMilliseconds).text)
        } else {
            writer.null()
        }
        writer.endObject()
    }
}

extension ConflictCounts {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        for (name, counts) in [
            ("status", byStatus), ("kind", byKind), ("collection", byCollection), ("device", byDevice),
            ("day", byDay),
        ] {
            writer.key(name)
            writer.beginArray()
            for count in counts {
                writer.beginObject()
                writer.member("name", count.name)
                writer.member("count", count.count)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.key("unit")
        writer.beginArray()
        for count in byUnit {
            writer.beginObject()
            writer.member("name", "\(count.collection)/\(count.unit)")
            writer.member("collection", count.collection)
            writer.member("unit", count.unit)
            writer.member("count", count.count)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}
