import Causality

/// In which collections a tenant's last changes were, for those who are told of changes and mind some collections only.
///
/// It is bounded: of changes that are longer ago, or of more collections than a hint would name, it is not known where
/// they were. Whoever asks for those is told of all.
struct TouchedCollections: Sendable {
    /// Who is told of changes at all asks again within a few of them.
    private static let keptCount = 64
    /// More names than this are not worth telling.
    static let namedCount = 32

    /// By version, the oldest first; nil where it is not known.
    private var kept: [(version: UInt64, collections: Set<ExactString>?)] = []

    /// Notes where the change was that a version stands for.
    mutating func note(_ collections: Set<ExactString>?, at version: UInt64) {
        if kept.count == Self.keptCount { kept.removeFirst() }
        kept.append((version, collections.flatMap { $0.count <= Self.namedCount ? $0 : nil }))
    }

    /// Where the changes were behind one version and up to another; nil where that is not known. O(their number).
    func all(after version: UInt64, through last: UInt64) -> Set<ExactString>? {
        guard last > version else { return [] }
        guard let first = kept.first, first.version <= version + 1 else { return nil }
        var all: Set<ExactString> = []
        for change in kept where change.version > version && change.version <= last {
            guard let collections = change.collections else { return nil }
            all.formUnion(collections)
        }
        return all.count <= Self.namedCount ? all : nil
    }
}
