import Causality
import Testing

@testable import ReviewPage

@Suite("the space–time diagram")
struct DiagramTests {
    private static let devices: [DeviceID] = ["a", "b", "c"]

    private struct Growing {
        var events: [RecordEvent] = []
        /// What each device knows.
        var known: [VersionVector] = [[:], [:], [:]]
        var counts = [0, 0, 0]
    }

    /// All histories of three devices with up to three events each and six in all. Before each event its device learns
    /// nothing, or all that one other device knows.
    private static let histories: [[RecordEvent]] = {
        var done: [[RecordEvent]] = []
        func grow(_ state: Growing) {
            if !state.events.isEmpty { done.append(state.events) }
            guard state.events.count < 6 else { return }
            for device in 0..<3 where state.counts[device] < 3 {
                for other in 0..<3 {
                    if other != device, state.known[device].includes(state.known[other]) { continue }
                    var next = state
                    next.known[device] = state.known[device].union(state.known[other])
                    next.counts[device] += 1
                    next.known[device] = next.known[device].setting(devices[device], to: Int64(next.counts[device]))
                    next.events.append(
                        RecordEvent(
                            dot: Dot(device: devices[device], counter: Int64(next.counts[device])),
                            clock: next.known[device], user: "u", operation: "o", kind: .update, outcome: .applied,
                            atMilliseconds: Int64(state.events.count % 2)))
                    grow(next)
                }
            }
        }
        grow(Growing())
        return done
    }()

    /// Happened-before by its definition: what the context knows.
    private static func before(_ left: RecordEvent, _ right: RecordEvent) -> Bool {
        guard left.dot != right.dot else { return false }
        return left.dot.device == right.dot.device
            ? left.dot.counter < right.dot.counter : left.dot.counter <= right.clock[left.dot.device]
    }

    /// A relation over at most 8 events: for each, the set of those that it leads to.
    private struct Relation: Equatable {
        var rows = [UInt8](repeating: 0, count: 8)

        init(_ count: Int, where holds: (Int, Int) -> Bool) {
            for left in 0..<count {
                for right in 0..<count where holds(left, right) { rows[left] |= 1 << UInt8(right) }
            }
        }

        func toggling(_ left: Int, _ right: Int) -> Relation {
            var copy = self
            copy.rows[left] ^= 1 << UInt8(right)
            return copy
        }

        var closure: Relation {
            var closed = self
            for middle in rows.indices {
                for left in rows.indices where closed.rows[left] & (1 << UInt8(middle)) != 0 {
                    closed.rows[left] |= closed.rows[middle]
                }
            }
            return closed
        }
    }

    @Test("arrows and lines together say what the clocks say, and no arrow can be spared")
    func reduction() {
        #expect(Self.histories.count > 1000)
        for history in Self.histories {
            let ordered = CausalHistory(history.reversed())
            let events = ordered.events
            let expected = Relation(events.count) { Self.before(events[$0], events[$1]) }
            let arrows = Set(ordered.arrows.map { [$0.from, $0.to] })
            let drawn = Relation(events.count) { left, right in
                let isLine =
                    events[left].dot.device == events[right].dot.device
                    && events[left].dot.counter < events[right].dot.counter
                return isLine || arrows.contains([left, right])
            }
            guard drawn.closure == expected else {
                Issue.record("\(events.map(\.clock)): \(arrows)")
                return
            }
            for arrow in ordered.arrows where drawn.toggling(arrow.from, arrow.to).closure == expected {
                Issue.record("\(events.map(\.clock)): \(arrow) is implied")
                return
            }
        }
    }

    @Test("nothing stands left of what it had seen, and no two events share a column")
    func order() {
        for history in Self.histories {
            let ordered = CausalHistory(history.reversed())
            for right in ordered.events.indices {
                for left in ordered.events.indices where left >= right {
                    if Self.before(ordered.events[left], ordered.events[right]) {
                        Issue.record("\(ordered.events.map(\.dot))")
                        return
                    }
                }
            }
            let layout = DiagramLayout(ordered)
            #expect(Set(layout.marks.map(\.x)).count == history.count)
            #expect(layout.arrows.allSatisfy { $0.fromX < $0.toX && $0.fromY != $0.toY })
        }
    }

    @Test("the order of arrival changes nothing")
    func determinism() {
        for history in Self.histories.suffix(50) {
            #expect(CausalHistory(history).events == CausalHistory(history.reversed()).events)
        }
    }

    @Test("a band ends where its side's knowledge ends")
    func bands() {
        let layout = DiagramLayout(CausalHistory(Samples.events))
        for band in layout.bands {
            let side = Samples.events.first { $0.side == band.side }
            let inside = layout.marks.filter { abs($0.y - band.y) < 20 && $0.x <= band.x + band.width }
            for mark in inside { #expect(side?.clock.contains(mark.event.dot) == true, "\(mark.event.dot)") }
        }
        #expect(layout.bands.count == 5)
    }

    @Test("clocks that claim the impossible are laid out all the same")
    func forged() {
        let left = RecordEvent(
            dot: Dot(device: "a", counter: 1), clock: ["a": 1, "b": 1], user: "u", operation: "o", kind: .update,
            outcome: .applied, atMilliseconds: 0, side: 0)
        let right = RecordEvent(
            dot: Dot(device: "b", counter: 1), clock: ["a": 1, "b": 1], user: "u", operation: "o", kind: .update,
            outcome: .applied, atMilliseconds: 0, side: 1)
        let layout = DiagramLayout(CausalHistory([right, left, right].uniqued()))
        #expect(layout.marks.count == 2)
        #expect(layout.arrows.allSatisfy { $0.fromX < $0.toX })
        #expect(DiagramWords([left, right]).sentences.first?.flat.contains("cannot be") == true)
    }

    @Test(
        "of a long history the sides, what they have in common and their neighbours are drawn, and the rest is counted")
    func selection() {
        let long = (1...500).map { number in
            RecordEvent(
                dot: Dot(device: "a", counter: Int64(number)), clock: ["a": Int64(number)], user: "u", operation: "o",
                kind: .update, outcome: .applied, atMilliseconds: Int64(number), side: number == 400 ? 0 : nil)
        }
        let apart = RecordEvent(
            dot: Dot(device: "b", counter: 1), clock: ["a": 20, "b": 1], user: "u", operation: "o", kind: .update,
            outcome: .conflicted, atMilliseconds: 401, side: 1)
        let selection = EventSelection(long + [apart] + long)
        #expect(selection.events.count == 60)
        #expect(selection.omitted == 441)
        let dots = Set(selection.events.map(\.dot))
        for counter in [20, 400, 395, 405] as [Int64] { #expect(dots.contains(Dot(device: "a", counter: counter))) }
        #expect(dots.contains(apart.dot))
        #expect(EventSelection(long, maximum: 10).events.count == 10)
        #expect(EventSelection([]).events.isEmpty)
    }

    @Test("many sides are drawn as far as there is room")
    func manySides() {
        let sides = (0..<80).map { number in
            RecordEvent(
                dot: Dot(device: DeviceID("d\(number)"), counter: 1), clock: [DeviceID("d\(number)"): 1], user: "u",
                operation: "o", kind: .create, outcome: .conflicted, atMilliseconds: 0, side: number)
        }
        let fragment = DiagramFragment(history: ConflictPage.History(events: sides)).fragment
        #expect(fragment != nil)
        #expect(EventSelection(sides).omitted == 20)
    }

    @Test("the words under the diagram come from the clocks")
    func words() {
        let sentences = DiagramWords(Samples.events).sentences.map(\.flat)
        #expect(
            sentences == [
                "A (event 3 on ana-ipad) and B (event 3 on ben-mac) happened concurrently: A had not seen B, as its clock has "
                    + "ben-mac at 1, and B had not seen A, as its clock has ana-ipad at 2."
            ])
    }
}

extension [RecordEvent] {
    fileprivate func uniqued() -> [RecordEvent] {
        var seen: Set<Dot> = []
        return filter { seen.insert($0.dot).inserted }
    }
}
