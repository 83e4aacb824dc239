import Causality
import Values

/// How large units are, in bytes of their JSON. A record's limit is measured in this (rule L1).
///
/// The weight is kept up with every change, so that it costs what the change names. Every value counts once, though a
/// row has some of them twice: what shows of several values stands in the fields and in the state. So a row takes at
/// most twice its weight.
public struct UnitWeight: Sendable, Hashable {
    /// The bytes of names, of values, and of the elements of sets with their events. Operations put them in and can
    /// take them out again.
    public var values = 0
    /// The bytes that counters remember of each device. Operations cannot take them out again.
    public var counters = 0
    /// The bytes of the events that wrote the values.
    public var events = 0
    /// How many fields there are.
    public var fields = 0

    /// Weighs nothing.
    public init() {}

    /// All bytes together.
    public var bytes: Int { values + counters + events }

    /// Adds a value that a unit holds. O(n) in its size.
    public mutating func add(_ value: Value) { values += value.weight }

    /// Adds an event behind a value.
    public mutating func add(_ event: Event) { events += event.weight }

    static func += (left: inout UnitWeight, right: UnitWeight) {
        left.values += right.values
        left.counters += right.counters
        left.events += right.events
        left.fields += right.fields
    }

    static func -= (left: inout UnitWeight, right: UnitWeight) {
        left.values -= right.values
        left.counters -= right.counters
        left.events -= right.events
        left.fields -= right.fields
    }
}

/// What those parts of a state weigh that are no values.
enum WeightOf {
    /// A comma between two members or elements.
    static let comma = 1
    /// What stands beside a unit's name: brackets, kind and indices.
    static let unit = 24
    /// A device's place in the clock (3 digits at most) and its counter (16 at most), with brackets and commas.
    static let dot = 24
    /// A device's total in a counter: a dot and an `Int64`.
    static let total = 48
    /// Device, counter, stamp and claimed time of an event.
    static let event = 64
    /// The counter and punctuation of a clock's entry.
    static let clockEntry = 20
}

extension Event {
    /// The bytes that the event takes. O(1).
    var weight: Int {
        WeightOf.event + dot.device.name.byteCount + provenance.user.byteCount + provenance.operation.name.byteCount
    }
}

extension RecordState {
    /// What the record weighs, in bytes: its units, its clock, and the events that decide whether it is deleted.
    /// O(devices), because the units keep their own weight.
    public var weight: Int {
        units.weight.bytes + clock.weight + deletion.weight
    }
}

extension VersionVector {
    fileprivate var weight: Int {
        entries.reduce(2) { $0 + $1.device.name.byteCount + WeightOf.clockEntry }
    }
}

extension DeletionState {
    fileprivate var weight: Int {
        writes.reduce(0) { $0 + $1.weight } + deletes.reduce(0) { $0 + $1.weight }
    }
}
