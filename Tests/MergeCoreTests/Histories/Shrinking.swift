import Testing

/// A shortest history that still fails: events are dropped one by one as long as the failure stays.
func shrunk(_ history: History, while failure: (History) -> String?) -> (history: History, failure: String?) {
    var smallest = history
    var message = failure(history)
    var index = smallest.events.count - 1
    while index >= 0 {
        let shorter = smallest.dropping(index)
        if let stillFails = failure(shorter) {
            smallest = shorter
            message = stillFails
            index = smallest.events.count
        }
        index -= 1
    }
    return (smallest, message)
}

/// Runs random histories through a law and reports the first that breaks it, with its seed and as short as it gets.
/// - Returns: whether all of them keep it.
@discardableResult
func expectLaw(
    seeds: Range<UInt64>, events: ClosedRange<Int>, sourceLocation: SourceLocation = #_sourceLocation,
    _ failure: (History, UInt64) -> String?
) -> Bool {
    for seed in seeds {
        let count = events.lowerBound + Int(seed % UInt64(events.count))
        let history = randomHistory(seed: seed, events: count)
        guard failure(history, seed) != nil else { continue }
        let (smallest, message) = shrunk(history) { failure($0, seed) }
        Issue.record("seed \(seed): \(message ?? "")\n\(smallest)", sourceLocation: sourceLocation)
        return false
    }
    return true
}

/// The same for a law of histories that devices can have sent, which not every random one is.
/// - Parameter floor: so many of them have to be.
func expectLawOfSent(
    seeds: Range<UInt64>, events: ClosedRange<Int>, atLeast floor: Int,
    sourceLocation: SourceLocation = #_sourceLocation, _ failure: (History, UInt64) -> String?
) {
    var coverage = Coverage()
    let holds = expectLaw(seeds: seeds, events: events, sourceLocation: sourceLocation) { history, seed in
        let sent = history.sendable()
        guard coverage.includes(sent != nil), let sent else { return nil }
        return failure(sent, seed)
    }
    if holds { coverage.expect(atLeast: floor, sourceLocation: sourceLocation) }
}
