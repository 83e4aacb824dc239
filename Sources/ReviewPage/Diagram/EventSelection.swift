import Causality

/// Which events of a long history are drawn: the sides, what they have last in common, then whatever is nearest to them.
struct EventSelection {
    static let maximumDrawn = 60

    let events: [RecordEvent]
    let omitted: Int

    /// Selects events. O(n log n) for n events, times the sides.
    init(_ history: [RecordEvent], maximum: Int = maximumDrawn) {
        let bound = min(maximum, CausalHistory.maximumEvents)
        // An event that stands here twice would be two dots for one thing.
        var seen: Set<Dot> = []
        let sorted = history.filter { $0.dot.counter >= 1 && seen.insert($0.dot).inserted }.sorted {
            ($0.atMilliseconds, $0.dot.counter, $0.dot.device) < ($1.atMilliseconds, $1.dot.counter, $1.dot.device)
        }
        let sides = sorted.indices.filter { sorted[$0].side != nil }
        var chosen: [Int] = []
        var isChosen = [Bool](repeating: false, count: sorted.count)
        func choose(_ index: Int) {
            guard chosen.count < bound, !isChosen[index] else { return }
            isChosen[index] = true
            chosen.append(index)
        }
        for side in sides { choose(side) }
        for index in Self.latestInCommon(sides.map { sorted[$0] }, sorted) { choose(index) }
        // How many events of the sequence of times lie between an event and a side.
        var distance = [Int](repeating: sorted.count, count: sorted.count)
        var last: Int?
        for index in sorted.indices {
            if sorted[index].side != nil { last = index }
            if let last { distance[index] = index - last }
        }
        last = nil
        for index in sorted.indices.reversed() {
            if sorted[index].side != nil { last = index }
            if let last { distance[index] = min(distance[index], last - index) }
        }
        for index in sorted.indices.sorted(by: { (distance[$0], -$0) < (distance[$1], -$1) }) { choose(index) }
        events = chosen.map { sorted[$0] }
        omitted = sorted.count - chosen.count
    }

    /// The last event of each device that all sides knew.
    private static func latestInCommon(_ sides: [RecordEvent], _ sorted: [RecordEvent]) -> [Int] {
        guard let first = sides.first else { return [] }
        let common = first.clock.entries.map { entry in
            (device: entry.device, counter: sides.reduce(entry.counter) { min($0, $1.clock[entry.device]) })
        }
        let counters = Dictionary(common.map { ($0.device, $0.counter) }, uniquingKeysWith: { first, _ in first })
        var latest: [DeviceID: Int] = [:]
        for (index, event) in sorted.enumerated() {
            guard let bound = counters[event.dot.device], event.dot.counter <= bound else { continue }
            if let known = latest[event.dot.device], sorted[known].dot.counter > event.dot.counter { continue }
            latest[event.dot.device] = index
        }
        return latest.values.sorted(by: >)
    }
}
