import Causality
import SyncStorage

/// The sides of one conflict as its entries add up. O(1) for each side that joins and each that is dropped. Which side
/// shows is told once, at the end.
struct StandingSides {
    private var sides: [ConflictView.Side] = []
    /// Where the sides of an event stand that were not dropped. An event has one value, so there is one, unless an
    /// audit was written otherwise.
    private var standing: [Dot: [Int]] = [:]
    private var hasChanged = false

    mutating func open(with rows: [AuditSideRow]) {
        sides = []
        standing = [:]
        join(rows)
    }

    mutating func change(joined rows: [AuditSideRow], dropped dots: [Dot]) {
        hasChanged = true
        for dot in dots {
            for index in standing.removeValue(forKey: dot) ?? [] { sides[index].isDropped = true }
        }
        join(rows)
    }

    private mutating func join(_ rows: [AuditSideRow]) {
        for row in rows {
            standing[row.dot, default: []].append(sides.count)
            sides.append(ConflictView.Side(row: row, won: row.won, isDropped: false))
        }
    }

    /// The sides, and which of them shows. Sides join and leave only those conflicts that show the greatest stamp. Of
    /// others the entry that opened them says which side shows.
    func folded() -> [ConflictView.Side] {
        guard hasChanged else { return sides }
        var folded = sides
        var winner: (stamp: Stamp, index: Int)?
        for index in folded.indices {
            folded[index].won = false
            guard !folded[index].isDropped else { continue }
            let stamp = folded[index].row.stamp
            if winner.map({ $0.stamp < stamp }) ?? true { winner = (stamp, index) }
        }
        if let winner { folded[winner.index].won = true }
        return folded
    }
}

extension AuditSideRow {
    fileprivate var dot: Dot { Dot(device: DeviceID(device), counter: counter) }
    fileprivate var stamp: Stamp { Stamp(milliseconds: stampMilliseconds, dot: dot) }
}
