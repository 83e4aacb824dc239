import Causality
import MergeCore
import StrictJSON
import Values

/// A record as devices get it, in the answer to a batch and in the pull. The JSON parts are canonical texts, which are sent
/// as they are stored.
public struct WireRecord: WireDocument, Hashable {
    /// The record's collection and id.
    public let key: RecordKey
    /// The place of its last change in the feed.
    public let sequence: Int64
    /// Whether a delete hides it.
    public let isDeleted: Bool
    /// Its clock as canonical JSON.
    public let clock: String
    /// The greatest stamp that was merged into it.
    public let stampMilliseconds: Int64
    /// Empty where the record is deleted and was read from the wire, which does not send them then.
    public let fields: String
    /// The values beside the visible ones that await a decision, as canonical JSON; nil where there are none.
    public let siblings: String?
    /// How many of its conflicts await a decision.
    public let openConflicts: Int64

    public init(
        key: RecordKey, sequence: Int64, isDeleted: Bool, clock: String, stampMilliseconds: Int64, fields: String,
        siblings: String?, openConflicts: Int64
    ) {
        self.key = key
        self.sequence = sequence
        self.isDeleted = isDeleted
        self.clock = clock
        self.stampMilliseconds = stampMilliseconds
        self.fields = fields
        self.siblings = siblings
        self.openConflicts = openConflicts
    }

    /// About how many bytes the record takes in an answer.
    public var byteCount: Int {
        let shown = isDeleted ? 0 : fields.utf8.count + (siblings?.utf8.count ?? 0)
        return 160 + key.collection.byteCount + key.id.byteCount + clock.utf8.count + shown
    }

    /// Writes the record as an object. A deleted record is written without its fields.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeMembers(to: &writer)
        writer.endObject()
    }

    func writeMembers(to writer: inout JSONWriter) {
        writer.member("collection", key.collection)
        writer.member("id", key.id)
        writer.member("sequence", sequence)
        writer.member("deleted", isDeleted)
        writer.key("clock")
        writer.raw(canonicalText: clock)
        writer.timeMember("stamp", milliseconds: stampMilliseconds)
        if !isDeleted {
            writer.key("fields")
            writer.raw(canonicalText: fields)
            if let siblings {
                writer.key("siblings")
                writer.raw(canonicalText: siblings)
            }
        }
        writer.member("openConflicts", openConflicts)
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        key = RecordKey(collection: try members.text("collection"), id: try members.text("id"))
        sequence = try members.integer("sequence")
        isDeleted = try members.boolean("deleted")
        clock = try members.canonicalText("clock")
        stampMilliseconds = try members.time("stamp")
        fields = isDeleted ? "{}" : try members.canonicalText("fields")
        siblings = members.value("siblings")?.canonicalText
        openConflicts = try members.integer("openConflicts")
    }

    // MARK: For who reads it

    /// The clock, read. O(n).
    /// - Throws: where the text is none.
    public func versionVector() throws(WireError) -> VersionVector {
        guard let value = try? Value(json: clock), let vector = VersionVector(json: value) else {
            throw WireError("'clock' is no clock.", at: .root.appending(name: "clock"))
        }
        return vector
    }

    /// The fields, read. O(n).
    /// - Throws: where the text is no object.
    public func fieldValues() throws(WireError) -> ObjectValue {
        guard case .object(let object)? = try? Value(json: fields, limits: JSONLimits(maximumDepth: 128)) else {
            throw WireError("'fields' is no object.", at: .root.appending(name: "fields"))
        }
        return object
    }
}

/// A record with, for each unit, the events behind what it holds.
public struct RecordAnswer: WireDocument, Hashable {
    /// A `unit` and the events (`dots`) whose values it holds.
    public struct UnitDots: Sendable, Hashable {
        public let unit: ExactString
        public let dots: [Dot]

        public init(unit: ExactString, dots: [Dot]) {
            self.unit = unit
            self.dots = dots
        }
    }

    /// The record as the feed has it.
    public let record: WireRecord
    /// In the order of the units' bytes.
    public let dots: [UnitDots]

    public init(record: WireRecord, dots: [UnitDots]) {
        self.record = record
        self.dots = dots
    }

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        record.writeMembers(to: &writer)
        writer.key("dots")
        writer.beginObject()
        for unit in dots {
            writer.key(unit.unit)
            writer.beginArray()
            for dot in unit.dots {
                writer.beginObject()
                writer.member("device", dot.device.name)
                writer.member("counter", dot.counter)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        record = try WireRecord(reading: members)
        let units = try members.members("dots")
        var dots: [UnitDots] = []
        for unit in units.names {
            let of = try units.elements(unit) { dot throws(WireError) in
                Dot(device: DeviceID(try dot.text("device")), counter: try dot.integer("counter"))
            }
            dots.append(UnitDots(unit: unit, dots: of))
        }
        self.dots = dots
    }
}
