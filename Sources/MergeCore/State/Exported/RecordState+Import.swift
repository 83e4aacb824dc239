import Causality
import Values

/// Why bytes are no state that can be read. Nothing of them counts then; whoever kept them asks for them again.
public enum StateImportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes are something else: they do not begin as a state does. What was decrypted with a wrong key looks so.
    case noState
    /// A later version wrote the state, in a form that this one does not know.
    case laterVersion(UInt8)
    /// Bytes are missing at the end.
    case cutOff(count: Int, expected: Int)
    /// A byte is not what was written. The offset is that of the byte at which it showed: the end, where the checksum is wrong.
    case damaged(offset: Int)

    public var description: String {
        switch self {
        case .noState: "these bytes are no state of a record"
        case .laterVersion(let version): "the state was written in form \(version), by a later version"
        case .cutOff(let count, let expected): "the state was cut off: \(count) bytes of \(expected)"
        case .damaged(let offset): "the state is damaged, which shows at byte \(offset)"
        }
    }
}

extension RecordState {
    /// Reads a state that ``exportState()`` wrote, in this or an earlier version. O(n).
    ///
    /// Join it with what is here before anything is kept: ``join(_:)`` makes the order in which states arrive irrelevant.
    /// - Parameters:
    ///   - bytes: exactly what was written.
    ///   - families: the kinds of states that a unit may have, those of the app's own among them.
    /// - Throws: ``StateImportError``.
    public static func importState(
        _ bytes: [UInt8], families: MergeFamilies = .builtIn
    ) throws(StateImportError) -> RecordState {
        guard bytes.starts(with: ExportedForm.name), bytes.count > ExportedForm.name.count else { throw .noState }
        let version = bytes[ExportedForm.name.count]
        guard version <= ExportedForm.version else { throw .laterVersion(version) }
        guard version == ExportedForm.version else { throw .damaged(offset: ExportedForm.name.count) }
        guard bytes.count >= ExportedForm.headCount else {
            throw .cutOff(count: bytes.count, expected: ExportedForm.headCount)
        }
        var head = ImportedBytes(bytes[(ExportedForm.name.count + 1)..<ExportedForm.headCount])
        let bodyEnd = ExportedForm.headCount + Int(try head.fixed(UInt32.self))
        let end = bodyEnd + ExportedForm.checksumCount
        guard bytes.count >= end else { throw .cutOff(count: bytes.count, expected: end) }
        guard bytes.count == end else { throw .damaged(offset: end) }
        var sum = ImportedBytes(bytes[bodyEnd...])
        guard try sum.fixed() == Checksum(of: bytes[..<bodyEnd]).value else { throw .damaged(offset: bodyEnd) }
        var reader = StateImporter(bytes[ExportedForm.headCount..<bodyEnd])
        return try reader.state(families)
    }
}

/// Reads the states of units. Knows what `StateExporter` writes.
private struct StateImporter {
    private var input: ImportedBytes
    private var clock = VersionVector()
    private var events: [Event] = []
    /// Why a family could not go on.
    private var fault: StateImportError?

    init(_ bytes: ArraySlice<UInt8>) { input = ImportedBytes(bytes) }

    mutating func state(_ families: MergeFamilies) throws(StateImportError) -> RecordState {
        let latest = try input.integer()
        try readClock()
        var dots: Set<Dot> = []
        for _ in 0..<(try input.count()) {
            let event = try wholeEvent()
            // Two events of one name would be one event to every merge.
            guard dots.insert(event.dot).inserted else { throw input.damaged }
            events.append(event)
        }
        let count = try input.count()
        var units = UnitStates()
        units.reserveCapacity(count)
        for _ in 0..<count {
            let unit = try unit()
            guard units[unit] == nil else { throw input.damaged }
            let kind = try input.text()
            do {
                units[unit] = try families.state(ofKind: kind, from: &self)
                guard try !hasNext() else { throw UnreadableState() }
            } catch {
                throw fault ?? input.damaged
            }
            _ = try input.byte()
        }
        let writes = try namedEvents()
        let deletes = try namedEvents()
        guard input.left == 0 else { throw input.damaged }
        return RecordState(
            clock: clock, units: units, deletion: DeletionState(writes: writes, deletes: deletes),
            latestMilliseconds: latest)
    }

    private mutating func readClock() throws(StateImportError) {
        var entries: [VersionVector.Entry] = []
        for _ in 0..<(try input.count()) {
            let device = DeviceID(ExactString(try input.text()))
            entries.append(VersionVector.Entry(device: device, counter: try input.integer()))
        }
        clock = VersionVector(entries)
        // Places in the clock have to be those that were written.
        guard clock.entries == entries else { throw input.damaged }
    }

    private mutating func namedDot() throws(StateImportError) -> Dot {
        let index = try input.index(below: clock.count)
        let dot = Dot(device: clock.entries[index].device, counter: try input.integer())
        guard dot.counter > 0, clock.contains(dot) else { throw input.damaged }
        return dot
    }

    private mutating func wholeEvent() throws(StateImportError) -> Event {
        let dot = try namedDot()
        let milliseconds = try input.integer()
        let claimed: Int64? =
            switch try input.byte() {
            case 0: nil
            case 1: try input.integer()
            case _: throw input.damaged
            }
        let user = ExactString(try input.text())
        let operation = OperationID(ExactString(try input.text()))
        return Event(
            stamp: Stamp(milliseconds: milliseconds, dot: dot),
            provenance: Provenance(operation: operation, user: user, claimedMilliseconds: claimed))
    }

    private mutating func namedEvent() throws(StateImportError) -> Event {
        let index = try input.index(below: events.count)
        return events[index]
    }

    private mutating func namedEvents() throws(StateImportError) -> [Event] {
        var named: [Event] = []
        for _ in 0..<(try input.count()) { named.append(try namedEvent()) }
        return named
    }

    private mutating func unit() throws(StateImportError) -> UnitKey {
        switch try input.byte() {
        case 0: .field(ExactString(try input.text()))
        case 1: .group(ExactString(try input.text()))
        case 2: .record
        case _: throw input.damaged
        }
    }

    private mutating func wholeValue(depth: Int = 0) throws(StateImportError) -> Value {
        guard depth <= ExportedForm.depth, let kind = ExportedValue(rawValue: try input.byte()) else {
            throw input.damaged
        }
        switch kind {
        case .null: return .null
        case .no: return .boolean(false)
        case .yes: return .boolean(true)
        case .integer: return .integer(try input.integer())
        case .double:
            let number = Double(bitPattern: try input.fixed())
            // Another value of the same number would not be equal to it.
            guard let value = Value.number(number), case .double = value else { throw input.damaged }
            return value
        case .string: return .string(ExactString(try input.text()))
        case .array:
            var elements: [Value] = []
            for _ in 0..<(try input.count()) { elements.append(try wholeValue(depth: depth + 1)) }
            return .array(elements)
        case .object:
            var members: [ObjectValue.Member] = []
            for _ in 0..<(try input.count()) {
                let name = ExactString(try input.text())
                members.append(ObjectValue.Member(name: name, value: try wholeValue(depth: depth + 1)))
            }
            let object = ObjectValue(members)
            guard object.count == members.count else { throw input.damaged }
            return .object(object)
        }
    }
}

extension StateImporter: UnitStateReader {
    /// Notes why it does not go on, which a family cannot say.
    private mutating func reading<Part>(
        _ read: (inout StateImporter) throws(StateImportError) -> Part
    ) throws(UnreadableState) -> Part {
        do {
            return try read(&self)
        } catch {
            fault = fault ?? error
            throw UnreadableState()
        }
    }

    private mutating func take(_ element: ExportedElement) throws(StateImportError) {
        guard try input.peek() == element.rawValue else { throw input.damaged }
        _ = try input.byte()
    }

    mutating func hasNext() throws(UnreadableState) -> Bool {
        try reading { reader throws(StateImportError) in
            let next = try reader.input.peek()
            return next != ExportedElement.end.rawValue && next != ExportedElement.endList.rawValue
        }
    }

    mutating func event() throws(UnreadableState) -> Event {
        try reading { reader throws(StateImportError) in
            try reader.take(.event)
            return try reader.namedEvent()
        }
    }

    mutating func value() throws(UnreadableState) -> Value {
        try reading { reader throws(StateImportError) in
            try reader.take(.value)
            return try reader.wholeValue()
        }
    }

    mutating func integer() throws(UnreadableState) -> Int64 {
        try reading { reader throws(StateImportError) in
            try reader.take(.integer)
            return try reader.input.integer()
        }
    }

    mutating func dot() throws(UnreadableState) -> Dot {
        try reading { reader throws(StateImportError) in
            try reader.take(.dot)
            return try reader.namedDot()
        }
    }

    mutating func beginList() throws(UnreadableState) {
        try reading { reader throws(StateImportError) in try reader.take(.beginList) }
    }

    mutating func endList() throws(UnreadableState) {
        try reading { reader throws(StateImportError) in try reader.take(.endList) }
    }

    /// Nothing stands beside these bytes.
    mutating func shownValue() throws(UnreadableState) -> Value { throw UnreadableState() }
}
