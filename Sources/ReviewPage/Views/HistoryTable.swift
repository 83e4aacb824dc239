import Causality

/// The record's operations as a table, the latest first.
struct HistoryTable {
    let history: ConflictPage.History
    let sides: Int

    /// What the template `history` reads. O(n log n).
    var fragment: Fragment {
        let events = history.events.sorted {
            ($0.atMilliseconds, $0.dot.counter, $0.dot.device) > ($1.atMilliseconds, $1.dot.counter, $1.dot.device)
        }
        return [
            "count": .text(CountText.counted(events.count, "operation")),
            "omitted": history.omitted > 0 ? .text(CountText.counted(history.omitted, "further operation")) : nil,
            "events": .list(
                events.map { event in
                    [
                        "at": .time(event.atMilliseconds), "device": .name(event.dot.device.name.text),
                        "counter": .number(event.dot.counter), "user": .name(event.user),
                        "kind": .text(Words.event(event.kind)), "outcome": .text(event.outcome.rawValue),
                        "operation": .name(event.operation),
                        "seen": .list(ConflictPage.entries(event.context, upTo: Allowance.clockEntries)),
                        "unseen": event.context.count > Allowance.clockEntries
                            ? .number(event.context.count - Allowance.clockEntries) : nil,
                        "side": event.side.map { .fragment(side($0)) },
                    ]
                }),
        ]
    }

    private func side(_ number: Int) -> Fragment {
        ["letter": .text(Words.letter(number)), "color": .number(number % SideColors.count)]
    }
}
