import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// Writes a state as `{"c": open conflicts, "d": deletes, "e": events, "s": event, "u": units, "w": writes}`.
///
/// Where all units are fields, and some have one value each, of one event and shown, those are left out: `s` is that
/// event, and every field of the `fields` column that is not among the units is one of them. A record that one operation
/// wrote has no other units. `c` and `d` may be left out then where they are empty.
///
/// Each event stands once, in `e`, as `[device, counter, stamp, claimed, user, operation]`. A device is its index in
/// the record's clock, and everything else names events by their index. A field with one value leaves the value to the
/// `fields` column, which has it already: that is nearly every field of nearly every record.
struct StateEncoder {
    private let record: StoredRecord
    private let fields: ObjectValue
    private var writer = JSONWriter()
    private var events: [Event] = []
    /// The indices of events, kept once there are so many that looking through them takes longer.
    private var indexOfEvent: [Dot: Int] = [:]
    /// The indices of the events, in the order in which units, writes and deletes name them.
    private var indices: [Int] = []
    private var position = 0
    /// Where the next field of one value is expected among the fields. Both are sorted.
    private var nextField = 0
    /// The unit whose state is being written.
    private var unit = UnitKey.record
    /// For each unit the index of its event where it is a field with one value that is shown, else -1; in the order of the
    /// units.
    private var shownBy: [Int] = []
    /// The event whose fields are left out.
    private var common = -1

    init(_ record: StoredRecord, fields: ObjectValue) {
        self.record = record
        self.fields = fields
    }

    mutating func write(to writer: inout JSONWriter) {
        // Swapping leaves the writer with one holder, so that its memory is not copied.
        swap(&self.writer, &writer)
        write()
        swap(&self.writer, &writer)
    }

    /// Writes the members in the order of their names. So the events are collected before what names them is written.
    private mutating func write() {
        let state = record.state
        indices.reserveCapacity(state.units.count + state.deletion.writes.count + state.deletion.deletes.count)
        collectUnits(state.units)
        for event in state.deletion.writes { collect(event) }
        for event in state.deletion.deletes { collect(event) }
        writer.beginObject()
        if common < 0 || !record.openConflicts.isEmpty {
            writer.key("c")
            writeOpenConflicts()
        }
        if common < 0 || !state.deletion.deletes.isEmpty {
            writer.key("d")
            writer.beginArray()
            for index in indices.suffix(state.deletion.deletes.count) { writer.integer(index) }
            writer.endArray()
        }
        writer.key("e")
        writer.beginArray()
        for event in events { write(event) }
        writer.endArray()
        if common >= 0 { writer.member("s", Int64(common)) }
        writer.key("u")
        writer.beginArray()
        for (place, (unit, state)) in state.units.enumerated() {
            if common >= 0, shownBy[place] == common { position += 1 } else { write(unit, state) }
        }
        writer.endArray()
        writer.key("w")
        writer.beginArray()
        for _ in state.deletion.writes { writeIndex() }
        writer.endArray()
        writer.endObject()
    }

    /// Collects the events of the units, and finds the one that most fields show.
    private mutating func collectUnits(_ units: UnitStates) {
        shownBy.reserveCapacity(units.count)
        var isOfFields = true
        for (unit, state) in units {
            let start = indices.count
            state.visitEvents { collect($0) }
            self.unit = unit
            if case .field = unit {} else { isOfFields = false }
            if case .register(let register) = state, let only = register.only, isShown(only.value) {
                shownBy.append(indices[start])
            } else {
                shownBy.append(-1)
            }
        }
        nextField = 0
        guard isOfFields else { return }
        var counts = [Int](repeating: 0, count: events.count)
        for index in shownBy where index >= 0 { counts[index] += 1 }
        if let most = counts.max(), most > 0 { common = counts.firstIndex(of: most) ?? -1 }
    }

    // MARK: Events

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

    private mutating func write(_ event: Event) {
        let stamp = event.stamp
        let provenance = event.provenance
        writer.beginArray()
        writeDevice(stamp.dot.device)
        writer.integer(stamp.dot.counter)
        writer.integer(stamp.milliseconds)
        if let claimed = provenance.claimedMilliseconds { writer.integer(claimed) } else { writer.null() }
        writer.string(provenance.user)
        writer.string(provenance.operation.name)
        writer.endArray()
    }

    private mutating func writeDevice(_ device: DeviceID) {
        // Every event of a state is within its clock.
        writer.integer(record.state.clock.index(of: device) ?? -1)
    }

    private mutating func writeIndex() {
        writer.integer(indices[position])
        position += 1
    }

    // MARK: Units

    private mutating func writeOpenConflicts() {
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

    private mutating func write(_ unit: UnitKey, _ state: UnitState) {
        self.unit = unit
        writer.beginArray()
        unit.write(to: &writer)
        writer.string(state.kind)
        state.encode(into: &self)
        writer.endArray()
    }
}

extension StateEncoder: UnitStateWriter {
    /// Writes the event's index. The events were collected in this order.
    mutating func event(_ event: Event) { writeIndex() }

    mutating func value(_ value: Value) { writer.write(value) }
    mutating func integer(_ integer: Int64) { writer.integer(integer) }

    mutating func dot(_ dot: Dot) {
        writeDevice(dot.device)
        writer.integer(dot.counter)
    }

    mutating func beginList() { writer.beginArray() }
    mutating func endList() { writer.endArray() }

    mutating func isShown(_ value: Value) -> Bool {
        guard case .field(let name) = unit else { return false }
        guard nextField < fields.count, fields.members[nextField].name == name else { return fields[name] == value }
        nextField += 1
        return fields.members[nextField - 1].value == value
    }
}

extension UnitKey {
    /// Writes the unit as two elements of an array.
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
