import MergeCore
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
        let decided = outcomes.count { if case .done = $0.outcome { true } else { false } }
        return (decided, outcomes.count - decided)
    }

    public func encoded(isPreview: Bool) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 256 + 256 * outcomes.count)
        writer.beginObject()
        if isPreview { writer.member("dryRun", true) }
        writer.member("decided", counts.decided)
        writer.member("refused", counts.refused)
        writer.key("results")
        writer.beginArray()
        for entry in outcomes {
            writer.beginObject()
            writer.member("conflict", String(entry.conflict.position))
            switch entry.outcome {
            case .done(let result):
                writer.member("outcome", result.isRepeated ? "repeated" : "decided")
                writer.member("version", result.conflict.row.version)
                if let effect = result.effect { effect.write(to: &writer) }
            case .decidedOtherwise, .changed, .refused, .notFound:
                writer.member("outcome", "refused")
                if let problem = Problem(entry.outcome) {
                    writer.key("error")
                    problem.write(to: &writer, requestID: nil)
                }
            }
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
