import Causality

/// The registry of families. It says of which family a stored state can be, and in which order the families stand.
public struct MergeFamilies: Sendable {
    /// The families of Rejoin. A family is known once it stands here. The order decides rule S7 of docs/semantics.md,
    /// so a new family stands last.
    public static let builtIn = MergeFamilies([
        Register.self, Extremum.self, CounterTotals.self, ObservedRemoveSet.self,
    ])

    private let families: [any MergeFamily.Type]
    /// There are few, so looking through them is quickest.
    private let kinds: [(name: String, family: any MergeFamily.Type)]

    /// Takes families in their order. No two have a kind of the same name.
    public init(_ families: [any MergeFamily.Type]) {
        self.families = families
        kinds = families.flatMap { family in family.kinds.map { ($0, family) } }
    }

    /// These families and others beside them.
    public func and(_ others: any MergeFamily.Type...) -> MergeFamilies { MergeFamilies(families + others) }

    /// Reads a stored state.
    /// - Parameters:
    ///   - kind: the ``MergeFamily/kind`` of the state that was written.
    ///   - reader: stands before the state's first element.
    /// - Throws: ``UnreadableState`` where no family has such a kind, or the family cannot read what is there.
    public func state(
        ofKind kind: String, from reader: inout some UnitStateReader
    ) throws(UnreadableState) -> UnitState {
        // Nearly every unit is a register.
        if kind == Register.kind { return .register(try Register(kind: kind, from: &reader)) }
        for entry in kinds where entry.name == kind {
            return try Self.read(entry.family, kind: kind, from: &reader)
        }
        throw UnreadableState()
    }

    private static func read<Family: MergeFamily>(
        _ family: Family.Type, kind: String, from reader: inout some UnitStateReader
    ) throws(UnreadableState) -> UnitState {
        try Family(kind: kind, from: &reader).unitState
    }

    /// Whether states of the first kind stay where one of the second was joined with them (rule S7). Kinds of other
    /// families stand above those of Rejoin, by their names.
    static func outranks(_ kind: String, _ other: String) -> Bool {
        let rank = builtIn.rank(of: kind)
        let otherRank = builtIn.rank(of: other)
        return rank == otherRank ? ExactString(kind) > ExactString(other) : rank > otherRank
    }

    private func rank(of kind: String) -> Int { kinds.firstIndex { $0.name == kind } ?? kinds.count }

    /// Whether an object with a member of this name is a change for a family and no plain value.
    static func isMarker(_ name: ExactString) -> Bool {
        guard name.text.utf8.first == UInt8(ascii: "$") else { return false }
        return builtIn.families.contains { $0.markers.contains(name) }
    }
}
