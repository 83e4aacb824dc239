import MergeCore
import StrictJSON
import SyncWire

extension ReviewResult {
    /// The resolution, the conflict and the record, as they stand after a decision.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 2048)
        writer.beginObject()
        writer.key("resolution")
        if let ending = conflict.ending { ending.write(to: &writer) } else { writer.null() }
        writer.key("conflict")
        conflict.write(to: &writer)
        if let record {
            writer.key("record")
            record.write(to: &writer)
        }
        writer.endObject()
        return writer.bytes
    }
}

extension BulkOutcome {
    /// How many were decided, now or before, and how many were not.
    public var counts: (decided: Int, refused: Int) {
        let decided = entries.count { if case .decided = $0.end { true } else { false } }
        return (decided, entries.count - decided)
    }

    public func encoded(isPreview: Bool) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + 256 * entries.count)
        writer.beginObject()
        if isPreview { writer.member("dryRun", true) }
        writer.member("decided", counts.decided)
        writer.member("refused", counts.refused)
        writer.key("results")
        writer.beginArray()
        for entry in entries {
            writer.beginObject()
            writer.member("conflict", String(entry.conflict.position))
            switch entry.end {
            case .decided(let conflict, let isRepeated, let effect):
                writer.member("outcome", isRepeated ? "repeated" : "decided")
                writer.member("version", conflict.version)
                if let effect, !entry.isCut { effect.write(to: &writer) }
            case .refused(_, let problem):
                writer.member("outcome", "refused")
                writer.key("error")
                problem.write(to: &writer, requestID: nil)
            }
            if entry.isCut { writer.member("omitted", true) }
            writer.endObject()
        }
        writer.endArray()
        writer.writeNext(next)
        writer.endObject()
        return writer.bytes
    }
}

extension ReviewResult.Effect {
    /// `before` and `after`: what shows, each with whether there is anything.
    fileprivate func write(to writer: inout JSONWriter) {
        for (name, value) in [("before", before), ("after", after)] {
            writer.key(name)
            writer.beginObject()
            writer.member("present", value != nil)
            if let value { writer.member("value", value) }
            writer.endObject()
        }
    }
}
