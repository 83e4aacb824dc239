import Causality
import MergeCore
import SyncWire

/// Reads the records of rows, one after the other in the same memory. Knows what `StateEncoder` writes.
public struct RecordDecoder: Sendable {
    private var scanner = JSONScanner(limits: storedLimits)

    // Of the record being read:
    private var clock = VersionVector()
    private var fields = ObjectValue([])
    /// Where the next field of one value is expected among the fields: both are sorted.
    private var nextField = 0
    private var events: [Event] = []

    public init() {}

    /// - Throws: `damaged` when the row's texts do not fit together.
    public mutating func record(_ row: RecordRow) throws(StoreError) -> StoredRecord {
        guard #available(macOS 26, iOS 26, tvOS 26, watchOS 26, visionOS 26, *) else {
            // Older systems lack the span of a string; everywhere else this branch is compiled away.
            return try record(
                row, clock: Array(row.clock.utf8).span, fields: Array(row.fields.utf8).span,
                state: Array(row.state.utf8).span)
        }
        return try record(row, clock: row.clock.utf8.span, fields: row.fields.utf8.span, state: row.state.utf8.span)
    }

    private mutating func record(
        _ row: RecordRow, clock: Span<UInt8>, fields: Span<UInt8>, state: Span<UInt8>
    ) throws(StoreError) -> StoredRecord {
        let read: StoredRecord?
        do {
            read = try whole(row, clock: clock, fields: fields, state: state)
        } catch {
            throw .damaged("the texts of record \(row.key.collection)/\(row.key.id) are no JSON: \(error)")
        }
        guard let read else {
            throw .damaged("the state of record \(row.key.collection)/\(row.key.id) cannot be read")
        }
        return read
    }

    /// What does not fit is nil, here and below.
    private mutating func whole(
        _ row: RecordRow, clock: Span<UInt8>, fields: Span<UInt8>, state: Span<UInt8>
    ) throws(JSONSyntaxError) -> StoredRecord? {
        scanner.restart()
        guard let vector = try scanner.versionVector(clock) else { return nil }
        self.clock = vector
        scanner.restart()
        guard case .object(let object) = try scanner.value(fields) else { return nil }
        try scanner.end(fields)
        self.fields = object
        nextField = 0
        events.removeAll(keepingCapacity: true)
        scanner.restart()
        return try record(row, state)
    }
}

extension JSONScanner {
    /// `{"device": counter}`; nil when it is none, or names a device twice.
    mutating func versionVector(_ text: Span<UInt8>) throws(JSONSyntaxError) -> VersionVector? {
        var entries: [VersionVector.Entry] = []
        entries.reserveCapacity(4)
        try beginObject(text)
        while let device = try nextMember(text) {
            let counter = try integer(text)
            guard counter > 0 else { return nil }
            entries.append(VersionVector.Entry(device: DeviceID(device), counter: counter))
        }
        try end(text)
        let vector = VersionVector(entries)
        return vector.count == entries.count ? vector : nil
    }
}

extension RecordDecoder {
    /// The members come in the order of their names, so that events are there before units name them.
    private mutating func record(
        _ row: RecordRow, _ text: Span<UInt8>
    ) throws(JSONSyntaxError) -> StoredRecord? {
        var open: [UnitKey: OpenConflict] = [:]
        var units = UnitStates()
        var writes: [Int64] = []
        var deletes: [Int64] = []
        try scanner.beginObject(text)
        while let name = try scanner.nextMember(text) {
            switch name.text {
            case "c":
                guard let read = try openConflicts(text) else { return nil }
                open = read
            case "d": deletes = try integers(text)
            case "e": guard try readEvents(text) else { return nil }
            case "u":
                guard let read = try unitStates(text) else { return nil }
                units = read
            case "w": writes = try integers(text)
            default: _ = try scanner.value(text)
            }
        }
        try scanner.end(text)
        guard let writes = events(writes), let deletes = events(deletes) else { return nil }
        let state = RecordState(
            clock: clock, units: units, deletion: DeletionState(writes: writes, deletes: deletes),
            latestMilliseconds: row.stampMilliseconds)
        return StoredRecord(
            key: row.key, state: state, sequence: row.sequence, isPurged: row.isPurged, openConflicts: open)
    }

    private mutating func integers(_ text: Span<UInt8>) throws(JSONSyntaxError) -> [Int64] {
        var integers: [Int64] = []
        try scanner.beginArray(text)
        while try scanner.nextElement(text) { integers.append(try scanner.integer(text)) }
        return integers
    }

    private mutating func element(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Int64? {
        try scanner.nextElement(text) ? try scanner.optionalInteger(text) : nil
    }

    // MARK: Events

    private mutating func readEvents(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Bool {
        try scanner.beginArray(text)
        while try scanner.nextElement(text) {
            guard let event = try event(text) else { return false }
            events.append(event)
        }
        return true
    }

    private mutating func event(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Event? {
        try scanner.beginArray(text)
        guard let dot = try dot(text), let milliseconds = try element(text), try scanner.nextElement(text) else {
            return nil
        }
        let claimed = try scanner.optionalInteger(text)
        guard try scanner.nextElement(text) else { return nil }
        let user = try scanner.string(text)
        guard try scanner.nextElement(text) else { return nil }
        let operation = try scanner.string(text)
        guard try !scanner.nextElement(text) else { return nil }
        return Event(
            stamp: Stamp(milliseconds: milliseconds, dot: dot),
            provenance: Provenance(operation: OperationID(operation), user: user, claimedMilliseconds: claimed))
    }

    /// Two elements: the device's place in the clock and the counter.
    private mutating func dot(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Dot? {
        guard let device = try element(text), let counter = try element(text) else { return nil }
        return dot(device, counter)
    }

    private func dot(_ device: Int64, _ counter: Int64) -> Dot? {
        guard let index = Int(exactly: device), clock.entries.indices.contains(index) else { return nil }
        return Dot(device: clock.entries[index].device, counter: counter)
    }

    private func event(_ index: Int64?) -> Event? {
        guard let index = index.flatMap({ Int(exactly: $0) }), events.indices.contains(index) else { return nil }
        return events[index]
    }

    private func events(_ indices: [Int64]) -> [Event]? {
        var found: [Event] = []
        found.reserveCapacity(indices.count)
        for index in indices {
            guard let event = event(index) else { return nil }
            found.append(event)
        }
        return found
    }

    // MARK: Units

    private mutating func openConflicts(
        _ text: Span<UInt8>
    ) throws(JSONSyntaxError) -> [UnitKey: OpenConflict]? {
        var open: [UnitKey: OpenConflict] = [:]
        try scanner.beginArray(text)
        while try scanner.nextElement(text) {
            try scanner.beginArray(text)
            guard let unit = try unitKey(text), let id = try element(text), let version = try element(text),
                try !scanner.nextElement(text)
            else { return nil }
            open[unit] = OpenConflict(id: ConflictID(position: id), version: version)
        }
        return open
    }

    /// Two elements: the kind and the name.
    private mutating func unitKey(_ text: Span<UInt8>) throws(JSONSyntaxError) -> UnitKey? {
        guard try scanner.nextElement(text) else { return nil }
        let kind = try scanner.string(text)
        guard try scanner.nextElement(text) else { return nil }
        let name = try scanner.string(text)
        switch kind.text {
        case "f": return .field(name)
        case "g": return .group(name)
        case "r": return .record
        default: return nil
        }
    }

    private mutating func unitStates(_ text: Span<UInt8>) throws(JSONSyntaxError) -> UnitStates? {
        var units = UnitStates()
        units.reserveCapacity(fields.count)
        try scanner.beginArray(text)
        while try scanner.nextElement(text) {
            try scanner.beginArray(text)
            guard let unit = try unitKey(text), try scanner.nextElement(text) else { return nil }
            let kind = try scanner.string(text)
            let state: UnitState? =
                switch kind.text {
                case "r": try register(of: unit, text).map { .register($0) }
                case "x": try extremum(.greatest, text).map { .extremum($0) }
                case "n": try extremum(.smallest, text).map { .extremum($0) }
                case "c": try counter(text).map { .counter($0) }
                case "s": try set(text).map { .set($0) }
                default: nil
                }
            guard let state else { return nil }
            units[unit] = state
        }
        return units
    }

    /// Events, each with its value behind it; one event alone where the fields have the value.
    private mutating func register(of unit: UnitKey, _ text: Span<UInt8>) throws(JSONSyntaxError) -> Register? {
        var candidates: [Register.Candidate] = []
        while try scanner.nextElement(text) {
            guard let event = event(try scanner.integer(text)) else { return nil }
            if try scanner.nextElement(text) {
                candidates.append(Register.Candidate(value: try scanner.value(text), event: event))
            } else {
                guard candidates.isEmpty, case .field(let name) = unit, let value = field(name) else { return nil }
                return Register(Register.Candidate(value: value, event: event))
            }
        }
        return Register(candidates)
    }

    private mutating func field(_ name: ExactString) -> Value? {
        if nextField < fields.count, fields.members[nextField].name == name {
            nextField += 1
            return fields.members[nextField - 1].value
        }
        return fields[name]
    }

    private mutating func extremum(
        _ direction: Extremum.Direction, _ text: Span<UInt8>
    ) throws(JSONSyntaxError) -> Extremum? {
        guard let event = event(try element(text)), try scanner.nextElement(text) else { return nil }
        let value = try scanner.value(text)
        guard try !scanner.nextElement(text) else { return nil }
        return Extremum(direction: direction, value: value, event: event)
    }

    private mutating func counter(_ text: Span<UInt8>) throws(JSONSyntaxError) -> CounterTotals? {
        var totals: [CounterTotals.Total] = []
        while try scanner.nextElement(text) {
            try scanner.beginArray(text)
            guard let dot = try dot(text), let amount = try element(text), try !scanner.nextElement(text) else {
                return nil
            }
            totals.append(CounterTotals.Total(dot: dot, amount: amount))
        }
        return CounterTotals(totals)
    }

    private mutating func set(_ text: Span<UInt8>) throws(JSONSyntaxError) -> ObservedRemoveSet? {
        var elements: [ObservedRemoveSet.Element] = []
        while try scanner.nextElement(text) {
            try scanner.beginArray(text)
            guard try scanner.nextElement(text) else { return nil }
            let value = try scanner.value(text)
            var dots: [Dot] = []
            while let device = try element(text) {
                guard let counter = try element(text), let dot = dot(device, counter) else { return nil }
                dots.append(dot)
            }
            guard !dots.isEmpty else { return nil }
            elements.append(ObservedRemoveSet.Element(value: value, dots: dots))
        }
        return ObservedRemoveSet(elements)
    }
}
