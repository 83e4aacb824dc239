import Causality
import MergeCore
import StrictJSON

extension DecisionRequest {
    /// The body as a reviewer's client sends it.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if let version { writer.member("version", version) }
        switch choice {
        case .value(let value): writer.member("value", value)
        case .side(let number): writer.member("choose", number)
        case .role(.stored): writer.member("choose", "stored")
        case .role(.incoming): writer.member("choose", "incoming")
        case .winner: writer.member("choose", "winner")
        case .loser: writer.member("choose", "loser")
        case .current: writer.member("choose", "current")
        }
        if let seen {
            writer.key("clock")
            seen.write(to: &writer)
        }
        if deletedRecord == .isRestored { writer.member("restore", true) }
        if let note { writer.member("note", note) }
        if let conflicts {
            writer.key("conflicts")
            writer.beginArray()
            for (conflict, version) in conflicts {
                writer.beginObject()
                writer.member("id", conflict.text)
                writer.member("version", version)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.bytes
    }
}

extension CommentRequest {
    public init(text: ExactString) { self.text = text }

    /// The body as a reviewer's client sends it. O(its size).
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("text", text)
        writer.endObject()
        return writer.bytes
    }
}

extension AssignmentRequest {
    /// - Parameter assignee: nil for nobody.
    public init(assignee: ExactString?) { self.assignee = assignee }

    /// The body as a reviewer's client sends it. O(its size).
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.optionalMember("user", assignee)
        writer.endObject()
        return writer.bytes
    }
}
