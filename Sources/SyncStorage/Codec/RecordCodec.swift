import Causality
import MergeCore
import SyncWire

extension RecordRow {
    /// A record as it is written: the state for the next merge, beside what pulls send without looking inside.
    public init(_ record: StoredRecord, rules: CollectionRules, changedAtMilliseconds: Int64) {
        let fields = record.state.visibleFields(rules)
        let siblings = record.state.siblings(rules)
        self.init(
            key: record.key, sequence: record.sequence, isDeleted: record.state.isDeleted(rules.deletes),
            isPurged: record.isPurged, clock: record.state.clock.canonicalText,
            stampMilliseconds: record.state.latestMilliseconds, fields: Value.object(fields).canonicalText,
            siblings: siblings.isEmpty ? nil : siblings.canonicalText,
            state: StateEncoder(record, fields: fields).text,
            openConflicts: Int64(record.openConflicts.count), changedAtMilliseconds: changedAtMilliseconds)
    }

    /// The record as merges need it. O(size of the record).
    /// - Throws: `damaged` when the texts do not fit together.
    public func decoded() throws(StoreError) -> StoredRecord {
        try StateDecoder(self).record()
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
                writer.member("stamp", Timestamp(milliseconds: sibling.event.stamp.milliseconds).text)
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
    private var indexOfEvent: [Dot: Int] = [:]

    init(_ record: StoredRecord, fields: ObjectValue) {
        self.record = record
        self.fields = fields
    }

    var text: String {
        var copy = self
        return copy.encode()
    }

    private mutating func encode() -> String {
        let units = record.state.units.sorted { $0.key < $1.key }.map { encode($0.key, $0.value) }
        let writes = record.state.life.writes.map { index(of: $0) }
        let deletes = record.state.life.deletes.map { index(of: $0) }
        let open: [Value] = record.openConflicts.sorted { $0.key < $1.key }.map { unit, conflict in
            .array(unit.encoded + [.integer(conflict.id.position), .integer(conflict.version)])
        }
        return Value.object([
            ("c", .array(open)), ("d", .array(deletes)), ("e", .array(events.map(encode(_:)))), ("u", .array(units)),
            ("w", .array(writes)),
        ]).canonicalText
    }

    private func device(_ device: DeviceID) -> Value {
        // Every event of a state is within its clock.
        .integer(Int64(record.state.clock.index(of: device) ?? -1))
    }

    private func encode(_ event: Event) -> Value {
        .array([
            device(event.dot.device), .integer(event.dot.counter), .integer(event.stamp.milliseconds),
            event.provenance.claimedMilliseconds.map { .integer($0) } ?? .null, .string(event.provenance.user),
            .string(event.provenance.operation.name),
        ])
    }

    private mutating func index(of event: Event) -> Value {
        if let index = indexOfEvent[event.dot] { return .integer(Int64(index)) }
        indexOfEvent[event.dot] = events.count
        events.append(event)
        return .integer(Int64(events.count - 1))
    }

    private mutating func encode(_ unit: UnitKey, _ state: UnitState) -> Value {
        var parts = unit.encoded
        switch state {
        case .register(let register):
            parts.append("r")
            if case .field(let name) = unit, register.candidates.count == 1, let only = register.candidates.first,
                fields[name] == only.value
            {
                parts.append(index(of: only.event))
            } else {
                for candidate in register.candidates { parts += [index(of: candidate.event), candidate.value] }
            }
        case .extremum(let extremum):
            parts += [extremum.direction == .greatest ? "x" : "n", index(of: extremum.event), extremum.value]
        case .counter(let totals):
            parts.append("c")
            for total in totals.totals {
                parts.append(
                    .array([device(total.dot.device), .integer(total.dot.counter), .integer(total.amount)]))
            }
        case .set(let set):
            parts.append("s")
            for element in set.elements {
                let dots = element.dots.flatMap { [device($0.device), .integer($0.counter)] }
                parts.append(.array([element.value] + dots))
            }
        }
        return .array(parts)
    }
}

extension UnitKey {
    fileprivate var encoded: [Value] {
        switch self {
        case .field(let name): ["f", .string(name)]
        case .group(let name): ["g", .string(name)]
        case .record: ["r", ""]
        }
    }

    fileprivate init?(encoded: ArraySlice<Value>) {
        guard encoded.count == 2, let kind = encoded.first?.storedText, let name = encoded.last?.storedText else {
            return nil
        }
        switch kind.text {
        case "f": self = .field(name)
        case "g": self = .group(name)
        case "r": self = .record
        default: return nil
        }
    }
}

private struct StateDecoder {
    private let row: RecordRow
    private let clock: VersionVector
    private let fields: ObjectValue
    private let parts: ObjectValue
    private let events: [Event]

    init(_ row: RecordRow) throws(StoreError) {
        self.row = row
        clock = try VersionVector(stored: row.clock)
        guard let fields = try Value.stored(row.fields, as: "fields").storedObject,
            let parts = try Value.stored(row.state, as: "state").storedObject
        else { throw Self.damaged(row) }
        self.fields = fields
        self.parts = parts
        var events: [Event] = []
        for encoded in parts["e"]?.storedArray ?? [] {
            guard let event = Self.event(encoded, clock: clock) else { throw Self.damaged(row) }
            events.append(event)
        }
        self.events = events
    }

    private static func damaged(_ row: RecordRow) -> StoreError {
        .damaged("the state of record \(row.key.collection)/\(row.key.id) cannot be read")
    }

    func record() throws(StoreError) -> StoredRecord {
        var units = UnitStates()
        var open: [UnitKey: OpenConflict] = [:]
        for encoded in parts["u"]?.storedArray ?? [] {
            guard let (unit, state) = unit(encoded) else { throw Self.damaged(row) }
            units[unit] = state
        }
        for encoded in parts["c"]?.storedArray ?? [] {
            guard let elements = encoded.storedArray, elements.count == 4, let unit = UnitKey(encoded: elements[..<2]),
                let id = elements[2].storedInteger, let version = elements[3].storedInteger
            else { throw Self.damaged(row) }
            open[unit] = OpenConflict(id: ConflictID(position: id), version: version)
        }
        guard let writes = eventList("w"), let deletes = eventList("d") else { throw Self.damaged(row) }
        let state = RecordState(
            clock: clock, units: units, life: Life(writes: writes, deletes: deletes),
            latestMilliseconds: row.stampMilliseconds)
        return StoredRecord(
            key: row.key, state: state, sequence: row.sequence, isPurged: row.isPurged, openConflicts: open)
    }

    private static func dot(_ device: Value, _ counter: Value, clock: VersionVector) -> Dot? {
        guard let index = device.storedInteger, let counter = counter.storedInteger,
            clock.entries.indices.contains(Int(index))
        else { return nil }
        return Dot(device: clock.entries[Int(index)].device, counter: counter)
    }

    private static func event(_ encoded: Value, clock: VersionVector) -> Event? {
        guard let parts = encoded.storedArray, parts.count == 6, let dot = dot(parts[0], parts[1], clock: clock),
            let milliseconds = parts[2].storedInteger, let user = parts[4].storedText,
            let operation = parts[5].storedText
        else { return nil }
        return Event(
            stamp: Stamp(milliseconds: milliseconds, dot: dot),
            provenance: Provenance(
                operation: OperationID(operation), user: user, claimedMilliseconds: parts[3].storedInteger))
    }

    private func event(_ index: Value) -> Event? {
        guard let index = index.storedInteger, events.indices.contains(Int(index)) else { return nil }
        return events[Int(index)]
    }

    private func eventList(_ name: ExactString) -> [Event]? {
        let indices = parts[name]?.storedArray ?? []
        let found = indices.compactMap { event($0) }
        return found.count == indices.count ? found : nil
    }

    private func unit(_ encoded: Value) -> (UnitKey, UnitState)? {
        guard let parts = encoded.storedArray, parts.count >= 3, let unit = UnitKey(encoded: parts[..<2]),
            let kind = parts[2].storedText
        else { return nil }
        let rest = parts[3...]
        let state: UnitState? =
            switch kind.text {
            case "r": register(rest, of: unit).map { .register($0) }
            case "x": extremum(rest, .greatest).map { .extremum($0) }
            case "n": extremum(rest, .smallest).map { .extremum($0) }
            case "c": counter(rest).map { .counter($0) }
            case "s": set(rest).map { .set($0) }
            default: nil
            }
        return state.map { (unit, $0) }
    }

    private func register(_ parts: ArraySlice<Value>, of unit: UnitKey) -> Register? {
        if parts.count == 1, case .field(let name) = unit {
            guard let event = event(parts[parts.startIndex]), let value = fields[name] else { return nil }
            return Register([Register.Candidate(value: value, event: event)])
        }
        var candidates: [Register.Candidate] = []
        guard parts.count.isMultiple(of: 2) else { return nil }
        for index in stride(from: parts.startIndex, to: parts.endIndex, by: 2) {
            guard let event = event(parts[index]) else { return nil }
            candidates.append(Register.Candidate(value: parts[index + 1], event: event))
        }
        return Register(candidates)
    }

    private func extremum(_ parts: ArraySlice<Value>, _ direction: Extremum.Direction) -> Extremum? {
        guard parts.count == 2, let first = parts.first, let value = parts.last, let event = event(first) else {
            return nil
        }
        return Extremum(direction: direction, value: value, event: event)
    }

    private func counter(_ parts: ArraySlice<Value>) -> CounterTotals? {
        var totals: [CounterTotals.Total] = []
        for part in parts {
            guard let triple = part.storedArray, triple.count == 3,
                let dot = Self.dot(triple[0], triple[1], clock: clock), let amount = triple[2].storedInteger
            else { return nil }
            totals.append(CounterTotals.Total(dot: dot, amount: amount))
        }
        return CounterTotals(totals)
    }

    private func set(_ parts: ArraySlice<Value>) -> ObservedRemoveSet? {
        var elements: [ObservedRemoveSet.Element] = []
        for part in parts {
            guard let encoded = part.storedArray, encoded.count >= 3, !encoded.count.isMultiple(of: 2) else {
                return nil
            }
            var dots: [Dot] = []
            for index in stride(from: 1, to: encoded.count, by: 2) {
                guard let dot = Self.dot(encoded[index], encoded[index + 1], clock: clock) else { return nil }
                dots.append(dot)
            }
            elements.append(ObservedRemoveSet.Element(value: encoded[0], dots: dots))
        }
        return ObservedRemoveSet(elements)
    }
}
