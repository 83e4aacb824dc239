import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// Reads states, one after the other in the same memory. Knows what `StateEncoder` writes.
struct StateDecoder {
    private let families: MergeFamilies
    var scanner = JSONScanner(limits: storedLimits)

    // Of the record being read:
    private var clock = VersionVector()
    private var fields = ObjectValue([])
    private var events: [Event] = []
    /// Where the next field of one value is expected among the fields: both are sorted.
    private var nextField = 0

    // Of the unit that its family reads:
    /// The text, as a family cannot hand on a span of it. Empty but while the text is read.
    private var bytes = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private var unit = UnitKey.record
    /// Whether the scanner stands at an element that was announced and not read.
    private var isAtElement = false
    /// Whether the innermost list was read to its end.
    private var hasEnded = false
    /// The fault of a text that was no JSON.
    private var fault: JSONSyntaxError?

    init(families: MergeFamilies) { self.families = families }

    /// - Parameters:
    ///   - clock: the record's.
    ///   - fields: what the record shows.
    /// - Returns: nil where the texts do not fit together, here and below.
    mutating func record(
        _ row: RecordRow, clock: VersionVector, fields: ObjectValue, state: Span<UInt8>
    ) throws(JSONSyntaxError) -> StoredRecord? {
        self.clock = clock
        self.fields = fields
        nextField = 0
        events.removeAll(keepingCapacity: true)
        fault = nil
        scanner.restart()
        return try state.withUnsafeBufferPointer { bytes throws(JSONSyntaxError) in
            self.bytes = bytes
            defer { self.bytes = UnsafeBufferPointer(start: nil, count: 0) }
            return try record(row, state)
        }
    }
}

extension StateDecoder {
    /// The members come in the order of their names, so that events are there before units name them.
    private mutating func record(_ row: RecordRow, _ text: Span<UInt8>) throws(JSONSyntaxError) -> StoredRecord? {
        var open: [UnitKey: OpenConflict] = [:]
        var units = UnitStates()
        var writes: [Int64] = []
        var deletes: [Int64] = []
        var shown: Event?
        try scanner.beginObject(text)
        while let name = try scanner.nextMember(text) {
            switch name.text {
            case "c":
                guard let read = try openConflicts(text) else { return nil }
                open = read
            case "d": deletes = try integers(text)
            case "e": guard try readEvents(text) else { return nil }
            case "s":
                guard let event = event(try scanner.integer(text)) else { return nil }
                shown = event
            case "u":
                guard let read = try unitStates(text) else { return nil }
                units = read
            case "w": writes = try integers(text)
            default: _ = try scanner.value(text)
            }
        }
        try scanner.end(text)
        if let shown { units.addFields(fields, of: shown) }
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
            guard let event = try wholeEvent(text) else { return false }
            events.append(event)
        }
        return true
    }

    private mutating func wholeEvent(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Event? {
        try scanner.beginArray(text)
        guard let dot = try optionalDot(text), let milliseconds = try element(text), try scanner.nextElement(text)
        else {
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

    /// Reads two elements: the device's place in the clock and the counter.
    private mutating func optionalDot(_ text: Span<UInt8>) throws(JSONSyntaxError) -> Dot? {
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

    /// Reads two elements: the kind and the name.
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
            guard let state = try unitState(of: unit, kind: kind) else { return nil }
            units[unit] = state
        }
        return units
    }

    private mutating func unitState(
        of unit: UnitKey, kind: ExactString
    ) throws(JSONSyntaxError) -> UnitState? {
        self.unit = unit
        isAtElement = false
        hasEnded = false
        do {
            let state = try families.state(ofKind: kind.text, from: &self)
            try endList()
            return state
        } catch {
            if let fault { throw fault }
            return nil
        }
    }

    /// The value that the record shows in a field.
    private mutating func field(_ name: ExactString) -> Value? {
        if nextField < fields.count, fields.members[nextField].name == name {
            nextField += 1
            return fields.members[nextField - 1].value
        }
        return fields[name]
    }
}

extension StateDecoder: UnitStateReader {
    mutating func hasNext() throws(UnreadableState) -> Bool {
        guard !isAtElement else { return true }
        guard !hasEnded else { return false }
        let bytes = bytes
        do {
            isAtElement = try scanner.nextElement(bytes.span)
        } catch {
            throw unreadable(error)
        }
        hasEnded = !isAtElement
        return isAtElement
    }

    private mutating func takeElement() throws(UnreadableState) {
        guard try hasNext() else { throw UnreadableState() }
        isAtElement = false
    }

    mutating func event() throws(UnreadableState) -> Event {
        let index = try integer()
        guard let event = event(index) else { throw UnreadableState() }
        return event
    }

    mutating func value() throws(UnreadableState) -> Value {
        try takeElement()
        let bytes = bytes
        do {
            return try scanner.value(bytes.span)
        } catch {
            throw unreadable(error)
        }
    }

    mutating func integer() throws(UnreadableState) -> Int64 {
        try takeElement()
        let bytes = bytes
        do {
            return try scanner.integer(bytes.span)
        } catch {
            throw unreadable(error)
        }
    }

    mutating func dot() throws(UnreadableState) -> Dot {
        let device = try integer()
        let counter = try integer()
        guard let dot = dot(device, counter) else { throw UnreadableState() }
        return dot
    }

    mutating func beginList() throws(UnreadableState) {
        try takeElement()
        let bytes = bytes
        do {
            try scanner.beginArray(bytes.span)
        } catch {
            throw unreadable(error)
        }
    }

    mutating func endList() throws(UnreadableState) {
        guard try !hasNext() else { throw UnreadableState() }
        // The list has ended, and the list around it goes on.
        hasEnded = false
    }

    mutating func shownValue() throws(UnreadableState) -> Value {
        guard case .field(let name) = unit, let value = field(name) else { throw UnreadableState() }
        return value
    }

    private mutating func unreadable(_ fault: JSONSyntaxError) -> UnreadableState {
        self.fault = fault
        return UnreadableState()
    }
}

extension UnitStates {
    /// Adds the fields that are no units yet, each with the value that the record shows. O(n) where there are no units.
    fileprivate mutating func addFields(_ fields: ObjectValue, of event: Event) {
        let isEmpty = isEmpty
        for member in fields.members where isEmpty || self[.field(member.name)] == nil {
            self[.field(member.name)] = .register(Register(Register.Candidate(value: member.value, event: event)))
        }
    }
}
