import Causality
import MergeCore

/// Where a page of the change feed begins and how long it may be.
public struct ChangeQuery: Sendable, Hashable {
    /// Changes with a higher sequence.
    public var after: Int64
    /// Rows looked at. A filter is applied to these rows, so a page can hold fewer, and `hasMore` alone says whether to go on.
    public var limit: Int
    /// Bytes of the rows in a page, as `RecordRow.pageBytes` counts them. A page ends before the row that would be over it,
    /// and has one row at least.
    public var bytes: Int
    /// Empty: all.
    public var collections: Set<ExactString>

    public init(after: Int64, limit: Int, bytes: Int = .max, collections: Set<ExactString> = []) {
        self.after = after
        self.limit = limit
        self.bytes = bytes
        self.collections = collections
    }
}

public struct ChangePage: Sendable, Hashable {
    /// In the order of their sequence.
    public var rows: [RecordRow]
    /// Where the next page begins: the last row that was looked at, or, where no row is left, the head, beyond which the rows
    /// that a filter or a purge took away need not be looked for again. Never lower than where the page began.
    public var reached: Int64
    public var hasMore: Bool
    /// The tenant's last sequence in the state that was read. Lower than where the page began on a replica that is behind, and
    /// where the data was set back.
    public var head: Int64
    public var purgeFloor: Int64
    /// Whether a copy was read that follows the data, and may be behind it.
    public var isReplica: Bool

    public init(
        rows: [RecordRow], reached: Int64, hasMore: Bool, head: Int64, purgeFloor: Int64, isReplica: Bool = false
    ) {
        self.rows = rows
        self.reached = reached
        self.hasMore = hasMore
        self.head = head
        self.purgeFloor = purgeFloor
        self.isReplica = isReplica
    }
}

/// Gathers a page from rows in the order of their sequence, for engines that read them one by one.
public struct ChangePageBuilder: Sendable {
    private let query: ChangeQuery
    private var page: ChangePage
    private var looked = 0
    private var bytes = 0

    public init(_ query: ChangeQuery, over head: TenantHead) {
        self.query = query
        page = ChangePage(
            rows: [], reached: query.after, hasMore: false, head: head.sequence, purgeFloor: head.purgeFloor)
    }

    /// What is to be done with a row.
    public enum Verdict: Sendable, Hashable {
        /// It belongs to the page: `append` it.
        case wanted
        case filtered
        /// The page ends before it, and there is no need to look at more.
        case beyond
    }

    /// Looks at the next row.
    /// - Parameter bytes: as `RecordRow.pageBytes`; asked for only where the row is not filtered.
    public mutating func look(at sequence: Int64, of collection: ExactString, bytes rowBytes: () -> Int) -> Verdict {
        let isWanted = query.collections.isEmpty || query.collections.contains(collection)
        let size = isWanted ? rowBytes() : 0
        guard !page.hasMore, looked < max(query.limit, 0), !isWanted || page.rows.isEmpty || size <= query.bytes - bytes
        else {
            page.hasMore = true
            return .beyond
        }
        looked += 1
        bytes += size
        page.reached = sequence
        return isWanted ? .wanted : .filtered
    }

    public mutating func append(_ row: RecordRow) { page.rows.append(row) }

    public func finished() -> ChangePage {
        var page = page
        if !page.hasMore { page.reached = max(page.reached, page.head) }
        return page
    }
}

/// Which operations to list; always newest first.
public struct OperationQuery: Sendable, Hashable {
    public enum Selection: Sendable, Hashable {
        case record(RecordKey)
        /// Refused for good, by one device or by any.
        case rejected(DeviceID?)
    }

    public var selection: Selection
    /// Only operations stored before this ordinal; nil: from the newest.
    public var before: Int64?
    public var limit: Int

    public init(_ selection: Selection, before: Int64? = nil, limit: Int) {
        self.selection = selection
        self.before = before
        self.limit = limit
    }
}

/// Which conflicts to list. Every condition that is set must hold.
public struct ConflictQuery: Sendable, Hashable {
    public enum Order: String, Sendable, Hashable, CaseIterable { case newest, oldest }

    public enum Assignee: Sendable, Hashable {
        case nobody
        case user(ExactString)

        /// As it stands in the index.
        public var column: String {
            switch self {
            case .nobody: ""
            case .user(let name): name.text
            }
        }
    }

    public var status: ConflictStatus?
    public var kind: ConflictKind?
    public var collection: ExactString?
    public var record: ExactString?
    public var unit: ExactString?
    public var policy: ExactString?
    /// A device, or a user, that authored one of the sides.
    public var device: DeviceID?
    public var user: ExactString?
    /// Whose task it is.
    public var assignee: Assignee?
    /// Opened at or after, and before, in milliseconds.
    public var sinceMilliseconds: Int64?
    public var untilMilliseconds: Int64?
    public var order = Order.newest
    /// Beyond this conflict in the order; nil: from the beginning.
    public var beyond: ConflictID?
    public var limit: Int

    public init(limit: Int) { self.limit = limit }

    /// Whether it selects anything less than all.
    public var hasCondition: Bool {
        status != nil || kind != nil || collection != nil || record != nil || unit != nil || policy != nil
            || device != nil || user != nil || assignee != nil || sinceMilliseconds != nil || untilMilliseconds != nil
    }
}

/// How many conflicts there are, by each of the things that people ask for: what `/v1/conflicts/summary` answers.
public struct ConflictCounts: Sendable, Hashable {
    public struct Count: Sendable, Hashable {
        public let name: String
        public let count: Int64

        public init(name: String, count: Int64) {
            self.name = name
            self.count = count
        }
    }

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

    public var byStatus: [Count] = []
    public var byKind: [Count] = []
    public var byCollection: [Count] = []
    /// By collection and unit.
    public var byUnit: [UnitCount] = []
    /// By device that authored a side; a conflict counts once for each.
    public var byDevice: [Count] = []
    /// By UTC day of opening, as `2026-11-20`.
    public var byDay: [Count] = []

    public init() {}
}
