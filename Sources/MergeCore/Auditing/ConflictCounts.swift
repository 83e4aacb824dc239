import Causality

/// How many conflicts there are, by each of the things that people ask for. `/v1/conflicts/summary` answers this.
public struct ConflictCounts: Sendable, Hashable {
    /// A `name` and the `count` of conflicts under it.
    public struct Count: Sendable, Hashable {
        public let name: String
        public let count: Int64

        public init(name: String, count: Int64) {
            self.name = name
            self.count = count
        }

        // By bytes: two spellings of one word are two names.
        public static func == (left: Count, right: Count) -> Bool {
            left.count == right.count && ExactString(left.name) == ExactString(right.name)
        }
    }

    /// The `collection` and the `unit` in which values met, and the `count` of conflicts there.
    public struct UnitCount: Sendable, Hashable {
        public let collection: ExactString
        public let unit: ExactString
        public let count: Int64

        public init(collection: ExactString, unit: ExactString, count: Int64) {
            self.collection = collection
            self.unit = unit
            self.count = count
        }
    }

    /// By status.
    public var byStatus: [Count] = []
    /// By kind.
    public var byKind: [Count] = []
    /// By collection of the record.
    public var byCollection: [Count] = []
    /// By collection and unit.
    public var byUnit: [UnitCount] = []
    /// By device that authored a side. A conflict counts once for each.
    public var byDevice: [Count] = []
    /// By UTC day of opening, as `2026-11-20`.
    public var byDay: [Count] = []

    /// Begins with no counts.
    public init() {}
}
