import Causality
import MergeCore
import StrictJSON
import SyncWire

// What many conflicts of one commit share stands once, in the first of their entries. Readers get each conflict whole: an engine
// reads the entries that are referred to, and fills in.
extension ConflictHistory {
    /// The positions of the entries of other conflicts at which clocks or values of this one stand.
    public var references: Set<Int64> {
        var positions = Set(entries.lazy.flatMap(\.sides).compactMap(\.valueFrom))
        if let position = entries.first?.clocksFrom { positions.insert(position) }
        for entry in entries { positions.remove(entry.position) }
        return positions
    }

    /// The conflict with the clocks of its opening and the values of all sides in their places.
    ///
    /// What cannot be found stays as it is; the verification of the audit tells why.
    /// - Parameter others: the entries at ``references``.
    /// - Throws: `damaged` where a clock cannot be read.
    public func filledIn(from others: [Int64: AuditEntryRow]) throws(StoreError) -> ConflictHistory {
        guard entries.first?.clocksFrom != nil || entries.contains(where: { $0.sides.contains { $0.valueFrom != nil } })
        else { return self }
        var known = others
        for entry in entries { known[entry.position] = entry }
        var filled = entries
        if let first = filled.first, let position = first.clocksFrom, let whole = known[position] {
            let base = try VersionVector(stored: whole.clockBefore)
            filled[0].clockBefore = base.union(try VersionVector(stored: first.clockBefore)).canonicalText
            filled[0].clockAfter = base.union(try VersionVector(stored: first.clockAfter)).canonicalText
            filled[0].clocksFrom = nil
        }
        for index in filled.indices {
            for place in filled[index].sides.indices {
                let side = filled[index].sides[place]
                guard let position = side.valueFrom,
                    let value = known[position]?.sides.first(where: { $0.isOfEvent(of: side) })?.value
                else { continue }
                filled[index].sides[place].value = value
                filled[index].sides[place].valueFrom = nil
            }
        }
        return ConflictHistory(conflict: conflict, entries: filled)
    }
}

extension AuditSideRow {
    fileprivate func isOfEvent(of other: AuditSideRow) -> Bool {
        counter == other.counter && ExactString(device) == ExactString(other.device)
    }
}

extension [ConflictHistory] {
    /// All positions that the conflicts refer to, in order.
    public var references: [Int64] {
        reduce(into: Set<Int64>()) { $0.formUnion($1.references) }.sorted()
    }

    /// The conflicts with the clocks of their openings and the values of all sides in their places.
    /// - Parameter entries: the entries at `references`, with their sides.
    /// - Throws: `damaged` where a clock cannot be read.
    public func filledIn(from entries: [AuditEntryRow]) throws(StoreError) -> [ConflictHistory] {
        let byPosition = Dictionary(entries.map { ($0.position, $0) }) { first, _ in first }
        var histories: [ConflictHistory] = []
        histories.reserveCapacity(count)
        for history in self { histories.append(try history.filledIn(from: byPosition)) }
        return histories
    }
}
