import Causality
import StrictJSON

/// How many conflicts there are, by what reviewers look for.
public struct ConflictCountsAnswer: WireDocument, Hashable {
    /// How many conflicts (`count`, from 1) have one `name`: of a status, kind, collection, device or day.
    public struct Count: Sendable, Hashable {
        public let name: String
        public let count: Int64

        public init(name: String, count: Int64) {
            self.name = name
            self.count = count
        }
    }

    /// How many conflicts (`count`, from 1) there are in one `unit` of a `collection`.
    public struct UnitCount: Sendable, Hashable {
        public let collection: ExactString
        public let unit: ExactString
        public let count: Int64

        public init(collection: ExactString, unit: ExactString, count: Int64) {
            self.collection = collection
            self.unit = unit
            self.count = count
        }
    }

    /// By the name of a `ConflictStatus`.
    public var byStatus: [Count] = []
    /// By the name of a `ConflictKind`.
    public var byKind: [Count] = []
    /// By the record's collection.
    public var byCollection: [Count] = []
    /// By collection and unit.
    public var byUnit: [UnitCount] = []
    /// By device that authored a side; a conflict counts once for each.
    public var byDevice: [Count] = []
    /// By UTC day of opening, as `2026-11-20`.
    public var byDay: [Count] = []

    /// An answer that counts nothing yet.
    public init() {}

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
        byStatus = try members.documents("status")
        byKind = try members.documents("kind")
        byCollection = try members.documents("collection")
        byDevice = try members.documents("device")
        byDay = try members.documents("day")
        byUnit = try members.documents("unit")
    }
}

extension ConflictCountsAnswer.Count: WireDocument {
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

extension ConflictCountsAnswer.UnitCount: WireDocument {
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
