import Causality

/// Some events of a record with the order that their clocks give them: happened-before (Lamport 1978), as vectors tell
/// it (Mattern 1989).
///
/// `x` happened before `e` when the context of `e` knows `x`; what follows from two such steps holds as well. Clocks
/// are sent by devices, so even two events that claim to have seen each other are laid out somehow: the later step is
/// ignored.
struct CausalHistory {
    /// The most events: as many as a set of bits in one word can name.
    static let maximumEvents = 64

    /// The events in a causal order: nothing stands before what it had seen. Ties go by time, then by dot.
    let events: [RecordEvent]
    /// For each event the events that happened before it, a bit each.
    let past: [UInt64]

    /// Puts the events in order. O(n³) for at most 64 events.
    init(_ unordered: [RecordEvent]) {
        precondition(unordered.count <= Self.maximumEvents, "a selection is made first")
        let sorted = unordered.sorted {
            ($0.atMilliseconds, $0.dot.counter, $0.dot.device) < ($1.atMilliseconds, $1.dot.counter, $1.dot.device)
        }
        var placed: [Int] = []
        var waiting = Array(sorted.indices)
        while !waiting.isEmpty {
            let ready = waiting.firstIndex { candidate in
                !waiting.contains { $0 != candidate && Self.knows(sorted[candidate], sorted[$0]) }
            }
            placed.append(waiting.remove(at: ready ?? 0))
        }
        events = placed.map { sorted[$0] }
        var past = [UInt64](repeating: 0, count: events.count)
        for (index, event) in events.enumerated() {
            for earlier in 0..<index where Self.knows(event, events[earlier]) {
                past[index] |= past[earlier] | 1 << UInt64(earlier)
            }
        }
        self.past = past
    }

    /// Whether the event's author had seen the other event.
    private static func knows(_ event: RecordEvent, _ other: RecordEvent) -> Bool {
        event.dot != other.dot && event.context.contains(other.dot)
    }

    func happenedBefore(_ left: Int, _ right: Int) -> Bool {
        past[right] & (1 << UInt64(left)) != 0
    }

    /// The arrows between devices that, with each device's own order, say all of happened-before and nothing twice.
    /// They are its transitive reduction, less the steps along a device's line.
    ///
    /// An event of another device gets an arrow when it is in the past, and in the past of nothing else that is.
    var arrows: [Arrow] {
        var arrows: [Arrow] = []
        for (index, event) in events.enumerated() {
            var implied: UInt64 = 0
            for earlier in 0..<index where happenedBefore(earlier, index) { implied |= past[earlier] }
            let news = past[index] & ~implied
            for earlier in 0..<index where news & (1 << UInt64(earlier)) != 0 {
                if events[earlier].dot.device != event.dot.device { arrows.append(Arrow(from: earlier, to: index)) }
            }
        }
        return arrows
    }

    struct Arrow: Sendable, Hashable {
        let from: Int
        let to: Int
    }
}

extension RecordEvent {
    /// What the author had seen: the clock with the author's own entry lowered by one. A device knows its own past.
    var context: VersionVector {
        clock.setting(dot.device, to: dot.counter - 1)
    }
}
