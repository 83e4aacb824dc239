import Causality
import MergeCore
import StrictJSON

extension ConflictCounts: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.documents("status", byStatus)
        writer.documents("kind", byKind)
        writer.documents("collection", byCollection)
        writer.documents("device", byDevice)
        writer.documents("day", byDay)
        writer.documents("unit", byUnit)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        self.init()
        byStatus = try members.documents("status")
        byKind = try members.documents("kind")
        byCollection = try members.documents("collection")
        byDevice = try members.documents("device")
        byDay = try members.documents("day")
        byUnit = try members.documents("unit")
    }
}

extension ConflictCounts.Count: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", name)
        writer.member("count", count)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(name: try members.text("name").text, count: try members.integer("count"))
    }
}

extension ConflictCounts.UnitCount: WireDocument {
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", "\(collection)/\(unit)")
        writer.member("collection", collection)
        writer.member("unit", unit)
        writer.member("count", count)
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(
            collection: try members.text("collection"), unit: try members.text("unit"),
            count: try members.integer("count"))
    }
}
