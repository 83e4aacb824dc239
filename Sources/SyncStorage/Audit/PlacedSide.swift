/// A side of an audit entry with its place, as engines store it in a table of its own.
public struct PlacedSide: Sendable, Hashable {
    /// The position of its entry.
    public let position: Int64
    /// Its place among the entry's sides, from 0.
    public let ordinal: Int64
    /// The conflict of its entry.
    public let conflict: Int64
    /// The columns of the side itself.
    public let side: AuditSideRow

    public init(position: Int64, ordinal: Int64, conflict: Int64, side: AuditSideRow) {
        self.position = position
        self.ordinal = ordinal
        self.conflict = conflict
        self.side = side
    }
}

extension [AuditEntryRow] {
    /// All sides, each with its place.
    public var placedSides: [PlacedSide] {
        flatMap { entry in
            entry.sides.enumerated().map { ordinal, side in
                PlacedSide(position: entry.position, ordinal: Int64(ordinal), conflict: entry.conflict, side: side)
            }
        }
    }

    /// The entries in the order of positions, with their sides in the order of places.
    ///
    /// The hash covers neither a side's ordinal nor its conflict. So a side that stands under another conflict than its
    /// entry, or after a gap, is given back with a role that no side has. Then the hash does not fit.
    /// - Parameter sides: the sides of these entries, in the order of positions and ordinals.
    public func with(_ sides: [PlacedSide]) -> [AuditEntryRow] {
        var entries = self
        var next = sides.startIndex
        for index in entries.indices {
            while next < sides.endIndex, sides[next].position <= entries[index].position {
                let placed = sides[next]
                next += 1
                guard placed.position == entries[index].position else { continue }
                var side = placed.side
                let isInPlace =
                    placed.conflict == entries[index].conflict && placed.ordinal == entries[index].sides.count
                if !isInPlace { side.role += " out of place" }
                entries[index].sides.append(side)
            }
        }
        return entries
    }
}
