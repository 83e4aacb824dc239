import Causality
import MergeCore
import Values

/// A set of events of one history, by their places in it.
struct EventSet: Hashable, Sendable {
    var bits: UInt64 = 0

    static func upTo(_ count: Int) -> EventSet { EventSet(bits: (1 << UInt64(count)) - 1) }

    func contains(_ index: Int) -> Bool { bits & (1 << UInt64(index)) != 0 }
    func with(_ index: Int) -> EventSet { EventSet(bits: bits | (1 << UInt64(index))) }
    func without(_ index: Int) -> EventSet { EventSet(bits: bits & ~(1 << UInt64(index))) }
    func union(_ other: EventSet) -> EventSet { EventSet(bits: bits | other.bits) }
    func isSubset(of other: EventSet) -> Bool { bits & ~other.bits == 0 }
    var indices: [Int] { (0..<64).filter(contains) }
}

/// One event of a history, with every event that its author had seen.
struct HistoryEvent: Sendable {
    enum Action: Sendable {
        case write([UnitWrite])
        case delete
    }

    let device: Int
    /// Causally closed; holds the device's own earlier events.
    var past: EventSet
    var action: Action
    /// The stamp's time. As wrong as can be: it has nothing to do with the past.
    var milliseconds: Int64
    /// Tells the event from others, whatever its place.
    var label: UInt64 = 0
}

/// What several devices did to one record. Events stand in an order in which they can have happened.
struct History: Sendable {
    static let devices: [DeviceID] = ["a", "b", "c", "d", "e"]

    let rules: CollectionRules
    var events: [HistoryEvent]

    var all: EventSet { .upTo(events.count) }

    func dot(_ index: Int) -> Dot {
        let event = events[index]
        let earlier = event.past.indices.filter { events[$0].device == event.device }
        return Dot(device: Self.devices[event.device], counter: Int64(earlier.count) + 1)
    }

    /// A set of events as a clock would name it.
    func clock(of set: EventSet) -> VersionVector {
        VersionVector(set.indices.map(dot).map { VersionVector.Entry(device: $0.device, counter: $0.counter) })
    }

    func write(_ index: Int) -> RecordWrite {
        let event = events[index]
        let stamp = Stamp(milliseconds: event.milliseconds, dot: dot(index))
        let provenance = Provenance(operation: OperationID("o\(index)"), user: "u", claimedMilliseconds: nil)
        let writes: [UnitWrite] = if case .write(let writes) = event.action { writes } else { [] }
        return RecordWrite(
            kind: event.isDelete ? .delete : .update, event: Event(stamp: stamp, provenance: provenance),
            context: clock(of: event.past), writes: writes)
    }

    /// The history as if one event had never happened. Later events of its device move up.
    func dropping(_ index: Int) -> History {
        var shorter = self
        shorter.events.remove(at: index)
        for position in shorter.events.indices {
            let past = shorter.events[position].past
            let below = past.bits & ((1 << UInt64(index)) - 1)
            let above = (past.bits >> UInt64(index + 1)) << UInt64(index)
            shorter.events[position].past = EventSet(bits: below | above)
        }
        return shorter
    }
}

extension HistoryEvent {
    var isDelete: Bool { if case .delete = action { true } else { false } }

    func change(of unit: UnitKey) -> UnitWrite.Change? {
        guard case .write(let writes) = action else { return nil }
        return writes.first { $0.unit == unit }?.change
    }
}

extension History: CustomStringConvertible {
    var description: String {
        let lines = events.indices.map { index in
            let event = events[index]
            let what =
                switch event.action {
                case .delete: "delete"
                case .write(let writes): writes.map { "\($0.unit.name) = \(text($0.value))" }.joined(separator: "; ")
                }
            return "  \(index). \(dot(index)) at \(event.milliseconds) saw \(clock(of: event.past)): \(what)"
        }
        return "deletes: \(rules.deletes.rawValue)\n" + lines.joined(separator: "\n")
    }
}

/// A value as JSON would show it, for failure messages.
private func text(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .boolean(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .double(let number): "\(number)"
    case .string(let string): "\"\(string)\""
    case .array(let elements): "[" + elements.map(text).joined(separator: ", ") + "]"
    case .object(let object):
        "{" + object.members.map { "\($0.name): \(text($0.value))" }.joined(separator: ", ") + "}"
    }
}
