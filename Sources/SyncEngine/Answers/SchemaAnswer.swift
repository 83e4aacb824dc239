import Causality
import MergeCore
import StrictJSON
import SyncWire

extension Schema {
    /// The declared schema, in the words of a collections file.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("acceptsUndeclared", acceptsUndeclared)
        writer.key("collections")
        writer.beginObject()
        for (name, rules) in collections.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            rules.write(to: &writer)
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }
}

extension CollectionRules {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("key", key.rawValue)
        writer.member("deletes", deletes.rawValue)
        writer.member("unit", recordMerge == nil ? "field" : "record")
        if let recordMerge { writer.member("merge", recordMerge.rawValue) }
        writer.key("required")
        writer.write(.array(required.map { .string($0) }))
        if let fields {
            writer.key("fields")
            writer.beginObject()
            for (name, rule) in fields.sorted(by: { $0.key < $1.key }) {
                writer.key(name)
                writer.beginObject()
                writer.member("type", rule.type.rawValue)
                writer.member("merge", rule.merge.rawValue)
                writer.member("audit", rule.audit.rawValue)
                writer.endObject()
            }
            writer.endObject()
        }
        writer.key("groups")
        writer.beginObject()
        for (name, group) in groups.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.beginObject()
            writer.key("fields")
            writer.write(.array(group.fields.map { .string($0) }))
            writer.member("merge", group.merge.rawValue)
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
    }
}

extension Limits {
    /// The limits that clients can meet, each with its unit in the name.
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("operationsPerBatch", operationsPerBatch)
        writer.member("bodyBytes", bodyBytes)
        writer.member("fieldsPerOperation", fieldsPerOperation)
        writer.member("unitsPerBatch", unitsPerBatch)
        writer.member("rejectionsPerOperation", rejectionsPerOperation)
        writer.member("rejectionsPerBatch", rejectionsPerBatch)
        writer.member("answerBytes", answerBytes)
        writer.member("recordBytesPerCommit", recordBytesPerCommit)
        writer.member("nestingDepth", nestingDepth)
        writer.member("clockEntries", clockEntries)
        writer.member("nameBytes", nameBytes)
        writer.member("idempotencyKeyCharacters", batchKeyCharacters)
        writer.member("dependenciesPerOperation", dependenciesPerOperation)
        writer.member("valuesPerUnit", valuesPerUnit)
        writer.member("elementsPerSet", elementsPerSet)
        writer.member("recordBytes", recordBytes)
        writer.member("fieldsPerRecord", fieldsPerRecord)
        writer.member("entriesPerConflict", entriesPerConflict)
        writer.member("commentsPerConflict", commentsPerConflict)
        writer.member("changesPerPage", changesPerPage)
        writer.member("entriesPerPage", entriesPerPage)
        writer.member("commentBytes", commentBytes)
        writer.member("waitSeconds", waitSeconds)
        writer.member("requestsPerSecond", requestsPerSecondPerDevice)
        writer.member("bytesPerSecond", bytesPerSecondPerDevice)
        writer.member("pageBytes", pageBytes)
        writer.member("readersPerDevice", readersPerDevice)
        writer.endObject()
    }
}
