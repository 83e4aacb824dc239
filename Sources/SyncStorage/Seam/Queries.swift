import Causality
import MergeCore

/// Where a page of the change feed begins and how long it may be.
public struct ChangeQuery: Sendable, Hashable {
    /// The page has changes with a higher sequence than this.
    public var after: Int64
    /// The life of the data in which the reader was told that place; nil where nobody asks whether the feed goes on from there.
    public var life: LifeID?
    /// How many rows are looked at. A filter is applied to these rows, so a page can hold fewer, and `hasMore` alone
    /// says whether to go on.
    public var limit: Int
    /// The bytes of the rows in a page, as ``RecordRow/pageBytes`` counts them. A page ends before the row that would
    /// be over it, and has at least one row.
    public var bytes: Int
    /// The collections whose records are wanted; empty for all.
    public var collections: Set<ExactString>
    /// Of the collections that are named here, only the records with these ids are wanted.
    public var only: [ExactString: Set<ExactString>]

    /// Asks for what comes after a place.
    /// - Parameters:
    ///   - after: the page has changes with a higher sequence than this.
    ///   - life: the life of the data in which the reader was told that place; nil where nobody asks whether the feed goes on from
    ///     there.
    ///   - limit: how many rows are looked at.
    ///   - bytes: the bytes of the rows in a page.
    ///   - collections: the collections whose records are wanted; empty for all.
    ///   - only: of these collections, only the records with these ids.
    public init(
        after: Int64, in life: LifeID? = nil, limit: Int, bytes: Int = .max, collections: Set<ExactString> = [],
        only: [ExactString: Set<ExactString>] = [:]
    ) {
        self.after = after
        self.life = life
        self.limit = limit
        self.bytes = bytes
        self.collections = collections
        self.only = only
    }

    /// Whether a record is wanted.
    /// - Parameters:
    ///   - collection: the record's collection.
    ///   - id: gives its id. It is asked only where the collection does not decide.
    public func wants<Failure: Error>(
        _ collection: ExactString, id: () throws(Failure) -> ExactString
    ) throws(Failure) -> Bool {
        guard collections.isEmpty || collections.contains(collection) else { return false }
        guard !only.isEmpty, let ids = only[collection] else { return true }
        return ids.contains(try id())
    }
}

/// One page of the change feed, read as one state.
public struct ChangePage: Sendable, Hashable {
    /// The records in the order of their sequence.
    public var rows: [RecordRow]
    /// Where the next page begins. It is the last row that was looked at; where no row is left, it is the head, because
    /// the rows that a filter or a purge took away need not be looked for again. It is never lower than where the page
    /// began.
    public var reached: Int64
    /// Whether there are rows beyond the page.
    public var hasMore: Bool
    /// The tenant's last sequence in the state that was read. It is lower than where the page began on a replica that
    /// is behind, and where the data was set back.
    public var head: Int64
    /// A cursor below this may have missed a record that was purged.
    public var purgeFloor: Int64
    /// Whether the page was read from a copy that follows the data, and may be behind it.
    public var isReplica: Bool
    /// Whether the feed goes on from where the reader was; nil where nobody asked. A copy that is behind its reader goes on
    /// from there some time.
    public var course: FeedCourse?

    public init(
        rows: [RecordRow], reached: Int64, hasMore: Bool, head: Int64, purgeFloor: Int64, isReplica: Bool = false,
        course: FeedCourse? = nil
    ) {
        self.course = course
        self.rows = rows
        self.reached = reached
        self.hasMore = hasMore
        self.head = head
        self.purgeFloor = purgeFloor
        self.isReplica = isReplica
    }
}

/// A page of the change feed, and what has ended of its reader's access in the state that was read.
public struct ReaderPage: Sendable, Hashable {
    /// The page.
    public var page: ChangePage
    /// What has ended of the reader's access.
    public var access: AccessState

    public init(page: ChangePage, access: AccessState) {
        self.page = page
        self.access = access
    }
}

/// Gathers a page from rows in the order of their sequence, for engines that read them one by one.
public struct ChangePageBuilder: Sendable {
    private let query: ChangeQuery
    private var page: ChangePage
    private var looked = 0
    private var bytes = 0

    /// Begins a page.
    /// - Parameters:
    ///   - query: where the page begins and how long it may be.
    ///   - head: the tenant's head, in the state that is read.
    public init(_ query: ChangeQuery, over head: TenantHead) {
        self.query = query
        page = ChangePage(
            rows: [], reached: query.after, hasMore: false, head: head.sequence, purgeFloor: head.purgeFloor)
    }

    /// What is to be done with a row.
    public enum Verdict: Sendable, Hashable {
        /// The row belongs to the page, and is given to ``append(_:)``.
        case wanted
        /// The row is of a record that is not wanted.
        case filtered
        /// The page ends before the row, and there is no need to look at more.
        case beyond
    }

    /// Looks at the next row.
    /// - Parameters:
    ///   - sequence: its place in the feed.
    ///   - isWanted: whether its record is wanted, as ``ChangeQuery/wants(_:id:)`` says.
    ///   - rowBytes: gives what ``RecordRow/pageBytes`` of the row is. It is asked only where the row is not filtered.
    public mutating func look(at sequence: Int64, isWanted: Bool, bytes rowBytes: () -> Int) -> Verdict {
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

    /// Adds a row that is wanted.
    public mutating func append(_ row: RecordRow) { page.rows.append(row) }

    /// The page, when there are no more rows or the page has ended.
    public func finished() -> ChangePage {
        var page = page
        if !page.hasMore { page.reached = max(page.reached, page.head) }
        return page
    }
}

/// Which operations to list. The newest come first.
public struct OperationQuery: Sendable, Hashable {
    /// Which operations are wanted.
    public enum Selection: Sendable, Hashable {
        /// Those of one record.
        case record(RecordKey)
        /// Those that were refused for good, of one device or of any.
        case rejected(DeviceID?)
    }

    /// Which operations are wanted.
    public var selection: Selection
    /// The list has only operations that were stored before this ordinal; nil where it begins at the newest.
    public var before: Int64?
    /// How many operations the list has at most.
    public var limit: Int

    /// Takes what is wanted.
    /// - Parameters:
    ///   - selection: which operations are wanted.
    ///   - before: the ordinal before which the list begins; nil where it begins at the newest.
    ///   - limit: how many operations the list has at most.
    public init(_ selection: Selection, before: Int64? = nil, limit: Int) {
        self.selection = selection
        self.before = before
        self.limit = limit
    }
}

/// Which conflicts to list. Every condition that is set must hold.
public struct ConflictQuery: Sendable, Hashable {
    /// Which conflicts come first: the `newest` or the `oldest`.
    public enum Order: String, Sendable, Hashable, CaseIterable { case newest, oldest }

    /// Whose task a conflict is: of `nobody`, or of a `user`.
    public enum Assignee: Sendable, Hashable {
        case nobody
        case user(ExactString)

        /// The name as it stands in the index.
        public var column: String {
            switch self {
            case .nobody: ""
            case .user(let name): name.text
            }
        }
    }

    /// How the conflict stands.
    public var status: ConflictStatus?
    /// What met what.
    public var kind: ConflictKind?
    /// The collection of its record.
    public var collection: ExactString?
    /// The id of its record.
    public var record: ExactString?
    /// The name of the unit in which values met.
    public var unit: ExactString?
    /// The name of the policy.
    public var policy: ExactString?
    /// A device that authored one of the sides.
    public var device: DeviceID?
    /// A user on whose behalf one of the sides was sent.
    public var user: ExactString?
    /// Whose task the conflict is.
    public var assignee: Assignee?
    /// The conflict was opened at this time or later.
    public var sinceMilliseconds: Int64?
    /// The conflict was opened before this time.
    public var untilMilliseconds: Int64?
    /// Which conflicts come first.
    public var order = Order.newest
    /// The list begins beyond this conflict in the order; nil where it begins with the first.
    public var beyond: ConflictID?
    /// How many conflicts the list has at most.
    public var limit: Int

    /// Selects all conflicts.
    public init(limit: Int) { self.limit = limit }

    /// Whether the query selects anything less than all.
    public var hasCondition: Bool {
        status != nil || kind != nil || collection != nil || record != nil || unit != nil || policy != nil
            || device != nil || user != nil || assignee != nil || sinceMilliseconds != nil || untilMilliseconds != nil
    }
}
