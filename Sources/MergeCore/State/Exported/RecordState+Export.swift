import Causality
import Values

extension RecordState {
    /// The state as bytes that hold all of it, for whoever keeps it somewhere else too: in another remote, in a file. Equal states have
    /// equal bytes. O(n log n) in its events.
    ///
    /// The bytes are `RJS`, the version of the form, the length of what follows, the state, and a checksum. What this version writes, every later
    /// one reads.
    public func exportState() -> [UInt8] {
        var writer = StateExporter(clock: clock)
        var units = ExportedBytes()
        units.count(self.units.count)
        for (unit, state) in self.units {
            units.unit(unit)
            units.text(state.kind)
            state.encode(into: &writer)
            writer.output.byte(ExportedElement.end.rawValue)
            units.raw(writer.output.bytes)
            writer.output = ExportedBytes()
        }
        var deletion = ExportedBytes()
        for events in [self.deletion.writes, self.deletion.deletes] {
            deletion.count(events.count)
            for event in events { deletion.count(writer.index(of: event)) }
        }
        var body = ExportedBytes()
        body.integer(latestMilliseconds)
        body.count(clock.count)
        for entry in clock.entries {
            body.text(entry.device.name.text)
            body.integer(entry.counter)
        }
        body.count(writer.events.count)
        for event in writer.events { body.event(event, clock) }
        body.raw(units.bytes)
        body.raw(deletion.bytes)
        var whole = ExportedBytes()
        whole.raw(ExportedForm.name)
        whole.byte(ExportedForm.version)
        whole.fixed(UInt32(truncatingIfNeeded: body.bytes.count))
        whole.raw(body.bytes)
        whole.fixed(Checksum(of: whole.bytes).value)
        return whole.bytes
    }
}

/// What the bytes of a state begin with.
enum ExportedForm {
    static let name = Array("RJS".utf8)
    static let version: UInt8 = 1
    /// The name, the version and the length.
    static let headCount = 8
    static let checksumCount = 4
    /// How deep a value may be nested: deeper than any that the server takes.
    static let depth = 128
}

/// What stands before each element of a unit's state.
enum ExportedElement: UInt8 {
    case end, event, value, integer, dot, beginList, endList
}

/// What stands before each value.
enum ExportedValue: UInt8 {
    case null, no, yes, integer, double, string, array, object
}

/// Takes the states of units. Each event stands once, before them all, and they name it by its place.
private struct StateExporter: UnitStateWriter {
    let clock: VersionVector
    var output = ExportedBytes()
    private(set) var events: [Event] = []
    private var indices: [Dot: Int] = [:]

    init(clock: VersionVector) { self.clock = clock }

    mutating func index(of event: Event) -> Int {
        if let index = indices[event.dot] { return index }
        indices[event.dot] = events.count
        events.append(event)
        return events.count - 1
    }

    mutating func event(_ event: Event) {
        output.byte(ExportedElement.event.rawValue)
        output.count(index(of: event))
    }

    mutating func value(_ value: Value) {
        output.byte(ExportedElement.value.rawValue)
        output.value(value)
    }

    mutating func integer(_ integer: Int64) {
        output.byte(ExportedElement.integer.rawValue)
        output.integer(integer)
    }

    mutating func dot(_ dot: Dot) {
        output.byte(ExportedElement.dot.rawValue)
        output.dot(dot, clock)
    }

    mutating func beginList() { output.byte(ExportedElement.beginList.rawValue) }
    mutating func endList() { output.byte(ExportedElement.endList.rawValue) }

    /// Nothing stands beside these bytes, so every value is written.
    func isShown(_ value: Value) -> Bool { false }
}

extension ExportedBytes {
    fileprivate mutating func dot(_ dot: Dot, _ clock: VersionVector) {
        // Every event of a state is within its clock.
        count(clock.index(of: dot.device) ?? clock.count)
        integer(dot.counter)
    }

    fileprivate mutating func event(_ event: Event, _ clock: VersionVector) {
        dot(event.dot, clock)
        integer(event.stamp.milliseconds)
        byte(event.provenance.claimedMilliseconds == nil ? 0 : 1)
        if let claimed = event.provenance.claimedMilliseconds { integer(claimed) }
        text(event.provenance.user.text)
        text(event.provenance.operation.name.text)
    }

    fileprivate mutating func unit(_ unit: UnitKey) {
        switch unit {
        case .field(let name):
            byte(0)
            text(name.text)
        case .group(let name):
            byte(1)
            text(name.text)
        case .record: byte(2)
        }
    }

    fileprivate mutating func value(_ value: Value) {
        let begin = { (output: inout ExportedBytes, kind: ExportedValue) in output.byte(kind.rawValue) }
        switch value {
        case .null: begin(&self, .null)
        case .boolean(let flag): begin(&self, flag ? .yes : .no)
        case .integer(let number):
            begin(&self, .integer)
            integer(number)
        case .double(let number):
            begin(&self, .double)
            fixed(number.bitPattern)
        case .string(let text):
            begin(&self, .string)
            self.text(text.text)
        case .array(let elements):
            begin(&self, .array)
            count(elements.count)
            for element in elements { self.value(element) }
        case .object(let object):
            begin(&self, .object)
            count(object.count)
            for member in object.members {
                text(member.name.text)
                self.value(member.value)
            }
        }
    }
}
