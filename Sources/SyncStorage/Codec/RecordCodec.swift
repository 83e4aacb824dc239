import Causality
import MergeCore
import SyncWire

extension RecordRow {
    /// A record as it is written: the state for the next merge, beside what pulls send without looking inside.
    public init(_ record: StoredRecord, rules: CollectionRules, changedAtMilliseconds: Int64) {
        var writer = JSONWriter(reservingCapacity: 1024)
        self.init(record, rules: rules, changedAtMilliseconds: changedAtMilliseconds, using: &writer)
    }

    /// - Parameter writer: empty, and empty again afterwards. One for many rows needs its memory once.
    public init(
        _ record: StoredRecord, rules: CollectionRules, changedAtMilliseconds: Int64, using writer: inout JSONWriter
    ) {
        let siblings = record.state.siblings(rules)
        record.state.clock.write(to: &writer)
        let clock = writer.takeText()
        let fields = record.state.visibleFields(rules)
        writer.write(.object(fields))
        let fieldsText = writer.takeText()
        var encoder = StateEncoder(record, fields: fields)
        encoder.write(to: &writer)
        self.init(
            key: record.key, sequence: record.sequence, isDeleted: record.state.isDeleted(rules.deletes),
            isPurged: record.isPurged, clock: clock, stampMilliseconds: record.state.latestMilliseconds,
            fields: fieldsText, siblings: siblings.isEmpty ? nil : siblings.canonicalText, state: writer.takeText(),
            openConflicts: Int64(record.openConflicts.count), changedAtMilliseconds: changedAtMilliseconds)
    }

    /// The record as merges need it. O(size of the record).
    /// - Throws: `damaged` when the texts do not fit together.
    public func decoded() throws(StoreError) -> StoredRecord {
        var decoder = RecordDecoder()
        return try decoder.record(self)
    }
}

extension [ExactString: [Sibling]] {
    /// `{"unit": [{"device": …, "stamp": …, "value": …}]}`
    fileprivate var canonicalText: String {
        var writer = JSONWriter()
        writer.beginObject()
        for (unit, siblings) in sorted(by: { $0.key < $1.key }) {
            writer.key(unit)
            writer.beginArray()
            for sibling in siblings {
                writer.beginObject()
                writer.member("device", sibling.event.dot.device.name)
                writer.key("stamp")
                writer.timestamp(milliseconds: sibling.event.stamp.milliseconds)
                writer.member("value", sibling.value)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return writer.text
    }
}

/// Writes a state as
/// `{"c": open conflicts, "d": deletes, "e": events, "u": units, "w": writes}`.
///
/// Each event stands once, in `e`, as `[device, counter, stamp, claimed, user, operation]`; a device is its index in the
/// record's clock, and everything else names events by their index. A field with one value leaves the value to the `fields`
/// column, which has it already: that is nearly every field of nearly every record.
private struct StateEncoder {
    private let record: StoredRecord
    private let fields: ObjectValue
    private var events: [Event] = []
    /// Made once there are so many events that looking through them takes longer.
    private var indexOfEvent: [Dot: Int] = [:]
    /// Of the events, in the order in which units, writes and deletes name them.
    private var indices: [Int] = []
    private var position = 0
    /// Where the next field of one value is expected among the fields: both are sorted.
    private var nextField = 0

    init(_ record: StoredRecord, fields: ObjectValue) {
        self.record = record
        self.fields = fields
    }

    /// The members stand in the order of their names, so the events are collected before what names them is written.
    mutating func write(to writer: inout JSONWriter) {
        let state = record.state
        indices.reserveCapacity(state.units.count + state.deletion.writes.count + state.deletion.deletes.count)
        for (_, unit) in state.units { collect(unit) }
        for event in state.deletion.writes { collect(event) }
        for event in state.deletion.deletes { collect(event) }
        writer.beginObject()
        writer.key("c")
        writeOpenConflicts(to: &writer)
        writer.key("d")
        writer.beginArray()
        for index in indices.suffix(state.deletion.deletes.count) { writer.integer(index) }
        writer.endArray()
        writer.key("e")
        writer.beginArray()
        for event in events { write(event, to: &writer) }
        writer.endArray()
        writer.key("u")
        writer.beginArray()
        for (unit, state) in state.units { write(unit, state, to: &writer) }
        writer.endArray()
        writer.key("w")
        writer.beginArray()
        for _ in state.deletion.writes { writeIndex(to: &writer) }
        writer.endArray()
        writer.endObject()
    }

    // MARK: Events

    private mutating func collect(_ unit: UnitState) {
        switch unit {
        case .register(let register):
            if let only = register.only {
                collect(only.event)
            } else {
                for candidate in register.candidates { collect(candidate.event) }
            }
        case .extremum(let extremum): collect(extremum.event)
        case .counter, .set: break
        }
    }

    private mutating func collect(_ event: Event) {
        indices.append(index(of: event))
    }

    private mutating func index(of event: Event) -> Int {
        if let last = events.last, last.isCopy(of: event) { return events.count - 1 }
        if indexOfEvent.isEmpty {
            if let index = events.firstIndex(where: { $0.isCopy(of: event) || $0.dot == event.dot }) { return index }
            if events.count == 8 {
                for (index, event) in events.enumerated() { indexOfEvent[event.dot] = index }
            }
        } else if let index = indexOfEvent[event.dot] {
            return index
        }
        if !indexOfEvent.isEmpty { indexOfEvent[event.dot] = events.count }
        events.append(event)
        return events.count - 1
    }

    private func write(_ event: Event, to writer: inout JSONWriter) {
        let stamp = event.stamp
        let provenance = event.provenance
        writer.beginArray()
        writeDevice(stamp.dot.device, to: &writer)
        writer.integer(stamp.dot.counter)
        writer.integer(stamp.milliseconds)
        if let claimed = provenance.claimedMilliseconds { writer.integer(claimed) } else { writer.null() }
        writer.string(provenance.user)
        writer.string(provenance.operation.name)
        writer.endArray()
    }

    private func writeDevice(_ device: DeviceID, to writer: inout JSONWriter) {
        // Every event of a state is within its clock.
        writer.integer(record.state.clock.index(of: device) ?? -1)
    }

    private mutating func writeIndex(to writer: inout JSONWriter) {
        writer.integer(indices[position])
        position += 1
    }

    // MARK: Units

    private func writeOpenConflicts(to writer: inout JSONWriter) {
        writer.beginArray()
        if !record.openConflicts.isEmpty {
            for (unit, conflict) in record.openConflicts.sorted(by: { $0.key < $1.key }) {
                writer.beginArray()
                unit.write(to: &writer)
                writer.integer(conflict.id.position)
                writer.integer(conflict.version)
                writer.endArray()
            }
        }
        writer.endArray()
    }

    /// What the fields show under a name.
    private mutating func shown(_ name: ExactString) -> Value? {
        if nextField < fields.count, fields.members[nextField].name == name {
            nextField += 1
            return fields.members[nextField - 1].value
        }
        return fields[name]
    }

    private mutating func write(_ unit: UnitKey, _ state: UnitState, to writer: inout JSONWriter) {
        writer.beginArray()
        unit.write(to: &writer)
        switch state {
        case .register(let register):
            writer.string("r")
            if case .field(let name) = unit, let only = register.only, shown(name) == only.value {
                writeIndex(to: &writer)
            } else {
                for candidate in register.candidates {
                    writeIndex(to: &writer)
                    writer.write(candidate.value)
                }
            }
        case .extremum(let extremum):
            writer.string(extremum.direction == .greatest ? "x" : "n")
            writeIndex(to: &writer)
            writer.write(extremum.value)
        case .counter(let totals):
            writer.string("c")
            for total in totals.totals {
                writer.beginArray()
                writeDevice(total.dot.device, to: &writer)
                writer.integer(total.dot.counter)
                writer.integer(total.amount)
                writer.endArray()
            }
        case .set(let set):
            writer.string("s")
            for element in set.elements {
                writer.beginArray()
                writer.write(element.value)
                for dot in element.dots {
                    writeDevice(dot.device, to: &writer)
                    writer.integer(dot.counter)
                }
                writer.endArray()
            }
        }
        writer.endArray()
    }
}

extension UnitKey {
    /// As two elements of an array.
    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .field(let name):
            writer.string("f")
            writer.string(name)
        case .group(let name):
            writer.string("g")
            writer.string(name)
        case .record:
            writer.string("r")
            writer.string("")
        }
    }
}
