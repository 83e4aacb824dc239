import Causality
import MergeCore
import SeededRandom
import Values

/// Every policy in one collection, a group among them.
func mixedRules(deletes: DeletePolicy) -> CollectionRules {
    CollectionRules(
        fields: [
            "title": FieldRule(), "first": FieldRule(merge: .fww), "note": FieldRule(merge: .manual),
            "born": FieldRule(merge: .immutable), "high": FieldRule(type: .integer, merge: .max),
            "low": FieldRule(type: .integer, merge: .min), "count": FieldRule(type: .integer, merge: .counter),
            "tags": FieldRule(type: .set, merge: .set), "lat": FieldRule(), "lng": FieldRule(),
        ],
        groups: ["place": GroupRule(fields: ["lat", "lng"], merge: .manual)], deletes: deletes)
}

/// Devices that edit, delete, and now and then hear from one another. The times of their edits are wildly wrong.
func randomHistory(seed: UInt64, events count: Int) -> History {
    var generator = SeededGenerator(seed: seed)
    let deletes: DeletePolicy = Bool.random(using: &generator) ? .updateWins : .deleteWins
    let isWhole = Int.random(in: 0..<4, using: &generator) == 0
    let whole: MergePolicy = [.lww, .fww, .manual].randomElement(using: &generator) ?? .lww
    let rules = isWhole ? CollectionRules(recordMerge: whole, deletes: deletes) : mixedRules(deletes: deletes)
    let deviceCount = Int.random(in: 2...History.devices.count, using: &generator)
    let isTied = Int.random(in: 0..<4, using: &generator) == 0
    var replicas = [EventSet](repeating: EventSet(), count: deviceCount)
    var events: [HistoryEvent] = []
    while events.count < count {
        let device = Int.random(in: 0..<deviceCount, using: &generator)
        if Int.random(in: 0..<2, using: &generator) == 0 {
            let other = Int.random(in: 0..<deviceCount, using: &generator)
            replicas[device] = replicas[device].union(replicas[other])
            continue
        }
        let isDelete = replicas[device].bits != 0 && Int.random(in: 0..<5, using: &generator) == 0
        events.append(
            HistoryEvent(
                device: device, past: replicas[device],
                action: isDelete ? .delete : .write(randomWrites(rules, using: &generator)),
                milliseconds: isTied ? 7 : Int64.random(in: -1000...1000, using: &generator),
                label: generator.next()))
        replicas[device] = replicas[device].with(events.count - 1)
    }
    return History(rules: rules, events: events)
}

private func randomWrites(_ rules: CollectionRules, using generator: inout SeededGenerator) -> [UnitWrite] {
    if let policy = rules.recordMerge {
        let whole: Value = ["f": randomValue(using: &generator), "g": randomValue(using: &generator)]
        return [UnitWrite(unit: .record, policy: policy, change: .assign(whole))]
    }
    var writes: [UnitWrite] = []
    for name in (rules.fields ?? [:]).keys.sorted() where Int.random(in: 0..<3, using: &generator) == 0 {
        let policy = rules.policy(of: .field(name))
        guard case .field = rules.unit(of: name) else { continue }
        let change: UnitWrite.Change =
            switch policy.family {
            case .register, .other: .assign(randomValue(using: &generator))
            case .extremum: .assign(.integer(.random(in: -3...3, using: &generator)))
            case .counter: .increment(.random(in: -3...3, using: &generator))
            case .set:
                .elements(
                    adding: randomElements(using: &generator), removing: randomElements(using: &generator))
            }
        writes.append(UnitWrite(unit: .field(name), policy: policy, change: change))
    }
    if Int.random(in: 0..<3, using: &generator) == 0 {
        let place: Value = [
            "lat": randomValue(using: &generator), "lng": randomValue(using: &generator),
        ]
        writes.append(
            UnitWrite(unit: .group("place"), policy: rules.policy(of: .group("place")), change: .assign(place)))
    }
    return writes.sorted { $0.unit < $1.unit }
}

private func randomValue(using generator: inout SeededGenerator) -> Value {
    let values: [Value] = ["x", "y", 1, .null]
    return values[Int.random(in: values.indices, using: &generator)]
}

private func randomElements(using generator: inout SeededGenerator) -> [Value] {
    let elements: [Value] = ["x", "y", 1]
    return elements.filter { _ in Bool.random(using: &generator) }
}

extension History {
    /// An order in which the events can arrive: none before one that its author had seen. The choice hangs on the events'
    /// labels, so that it stays what it was when others are dropped.
    func randomOrder(_ salt: UInt64) -> [Int] {
        var order: [Int] = []
        var arrived = EventSet()
        let ranks = events.map { draw($0, salt) }
        while order.count < events.count {
            let ready = events.indices.filter { !arrived.contains($0) && events[$0].past.isSubset(of: arrived) }
            guard let next = ready.min(by: { ranks[$0] < ranks[$1] }) else { break }
            order.append(next)
            arrived = arrived.with(next)
        }
        return order
    }

    /// A set of events that can have arrived somewhere.
    func randomReplica(_ salt: UInt64) -> EventSet {
        events.indices.filter { draw(events[$0], salt) % 4 == 0 }.reduce(EventSet()) {
            $0.union(events[$1].past).with($1)
        }
    }

    private func draw(_ event: HistoryEvent, _ salt: UInt64) -> UInt64 {
        var generator = SeededGenerator(seed: event.label &* 0x9E37_79B9 ^ salt)
        return generator.next()
    }

    /// Every order in which the events can arrive. Only for a handful of events.
    func everyOrder(after arrived: EventSet = EventSet()) -> [[Int]] {
        guard arrived != all else { return [[]] }
        return events.indices.filter { !arrived.contains($0) && events[$0].past.isSubset(of: arrived) }.flatMap {
            next in
            everyOrder(after: arrived.with(next)).map { [next] + $0 }
        }
    }
}
