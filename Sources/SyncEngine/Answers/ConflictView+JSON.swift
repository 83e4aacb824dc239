import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Values

// The JSON of a conflict, as the audit's routes send it.

extension ConflictView {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", String(row.id))
        writer.member("kind", row.kind)
        writer.member("status", row.status)
        writer.member("version", row.version)
        writer.member("collection", row.collection)
        writer.member("record", row.record)
        writer.member("unit", row.unit)
        writer.member("policy", row.policy)
        writer.member("at", Timestamp(milliseconds: row.openedAtMilliseconds).text)
        writer.member("batch", batch)
        writer.key("clockBefore")
        writer.raw(canonicalText: clockBefore)
        writer.key("clockAfter")
        writer.raw(canonicalText: clockAfter)
        writer.key("sides")
        writer.beginArray()
        for side in sides { side.write(to: &writer) }
        writer.endArray()
        writer.key("assignee")
        if row.assignee.isEmpty { writer.null() } else { writer.string(row.assignee) }
        writer.key("comments")
        writer.beginArray()
        for comment in comments { comment.write(to: &writer) }
        writer.endArray()
        writer.key("resolution")
        if let ending { ending.write(to: &writer) } else { writer.null() }
        writer.endObject()
    }

    /// The whole as a document of its own.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 2048)
        write(to: &writer)
        return writer.bytes
    }
}

extension ConflictView.Side {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("role", row.role)
        writer.member("won", won)
        writer.member("present", row.present)
        if isDropped { writer.member("dropped", true) }
        writer.key("value")
        writer.raw(canonicalText: row.value)
        writer.member("device", row.device)
        writer.member("user", row.user)
        writer.member("counter", row.counter)
        writer.member("stamp", Timestamp(milliseconds: row.stampMilliseconds).text)
        if let claimed = row.claimedAtMilliseconds { writer.member("at", Timestamp(milliseconds: claimed).text) }
        writer.member("operation", row.operation)
        writer.endObject()
    }
}

extension ConflictView.Comment {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("user", user)
        writer.member("at", Timestamp(milliseconds: atMilliseconds).text)
        writer.member("text", text)
        writer.endObject()
    }
}

extension ConflictView.Ending {
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("kind", kind.rawValue)
        writer.member("at", Timestamp(milliseconds: atMilliseconds).text)
        writer.member("user", user)
        writer.member("device", device)
        writer.member("counter", counter)
        writer.member("operation", operation)
        if kind == .resolved {
            writer.key("side")
            if let side { writer.integer(Int64(side)) } else { writer.null() }
            writer.member("present", value != nil)
            writer.key("value")
            writer.write(value ?? .null)
            writer.key("note")
            if let note { writer.string(note) } else { writer.null() }
        }
        writer.endObject()
    }
}
