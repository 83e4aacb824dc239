import Causality
import MergeCore
import StrictJSON
import Values

extension WireConflict {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id.text)
        writer.member("kind", kind)
        writer.member("status", status)
        writer.member("version", version)
        writer.member("collection", collection)
        writer.member("record", record)
        writer.member("unit", unit)
        writer.member("policy", policy)
        writer.timeMember("at", milliseconds: openedAtMilliseconds)
        writer.member("batch", batch)
        writer.key("clockBefore")
        writer.raw(canonicalText: clockBefore)
        writer.key("clockAfter")
        writer.raw(canonicalText: clockAfter)
        writer.documents("sides", sides)
        writer.key("assignee")
        if let assignee { writer.string(assignee) } else { writer.null() }
        writer.documents("comments", comments)
        writer.key("resolution")
        if let ending { ending.write(to: &writer) } else { writer.null() }
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(
            id: try members.conflictID("id"), kind: try members.text("kind").text,
            status: try members.text("status").text, version: try members.integer("version"),
            collection: try members.text("collection").text, record: try members.text("record").text,
            unit: try members.text("unit").text, policy: try members.text("policy").text,
            openedAtMilliseconds: try members.time("at"), batch: try members.text("batch").text,
            clockBefore: try members.canonicalText("clockBefore"), clockAfter: try members.canonicalText("clockAfter"),
            sides: try members.documents("sides"), assignee: try members.optionalText("assignee")?.text,
            comments: try members.documents("comments"),
            ending: try members.optionalMembers("resolution").map { ending throws(WireError) in
                try Ending(reading: ending)
            })
    }
}

extension WireConflict.Side: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("role", role)
        writer.member("won", won)
        writer.member("present", present)
        if isDropped { writer.member("dropped", true) }
        writer.key("value")
        writer.raw(canonicalText: value)
        writer.member("device", device)
        writer.member("user", user)
        writer.member("counter", counter)
        writer.timeMember("stamp", milliseconds: stampMilliseconds)
        if let claimedAtMilliseconds { writer.timeMember("at", milliseconds: claimedAtMilliseconds) }
        writer.member("operation", operation)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(
            role: try members.text("role").text, won: try members.boolean("won"),
            present: try members.boolean("present"), isDropped: try members.optionalBoolean("dropped") ?? false,
            value: try members.canonicalText("value"), device: try members.text("device").text,
            user: try members.text("user").text, counter: try members.integer("counter"),
            stampMilliseconds: try members.time("stamp"), claimedAtMilliseconds: try members.optionalTime("at"),
            operation: try members.text("operation").text)
    }
}

extension WireConflict.Comment: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("user", user)
        writer.timeMember("at", milliseconds: atMilliseconds)
        writer.member("text", text)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(
            user: try members.text("user"), text: try members.text("text"), atMilliseconds: try members.time("at"))
    }
}

extension WireConflict.Ending: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("kind", kind.rawValue)
        writer.timeMember("at", milliseconds: atMilliseconds)
        writer.member("user", user)
        writer.member("device", device)
        writer.member("counter", counter)
        writer.member("operation", operation)
        if kind == .resolved {
            writer.key("side")
            if let side { writer.integer(Int64(side)) } else { writer.null() }
            writer.member("present", value != nil)
            writer.member("value", value ?? .null)
            writer.optionalMember("note", note)
        }
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        let isPresent = try members.optionalBoolean("present") ?? false
        self.init(
            kind: try members.choice("kind"), atMilliseconds: try members.time("at"),
            device: try members.text("device"), counter: try members.integer("counter"),
            operation: try members.text("operation"), user: try members.text("user"),
            side: try members.optionalInteger("side").map { Int($0) }, value: isPresent ? members.value("value") : nil,
            note: try members.optionalText("note"))
    }
}

/// A page of conflicts.
public struct ConflictsPage: WireDocument, Hashable {
    /// The conflicts that the query selects, in its order.
    public let conflicts: [WireConflict]
    /// Where the next page begins; nil after the last.
    public let next: String?

    public init(conflicts: [WireConflict], next: String?) {
        self.conflicts = conflicts
        self.next = next
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.documents("conflicts", conflicts)
        writer.writeNext(next)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        conflicts = try members.documents("conflicts")
        next = try members.optionalText("next")?.text
    }
}
