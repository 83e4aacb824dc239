/// How many conflicts there are, counted in several ways.
public struct SummaryPage: Sendable, Hashable {
    /// One bar.
    public struct Count: Sendable, Hashable {
        public let name: String
        public let count: Int

        public init(_ name: String, _ count: Int) {
            self.name = name
            self.count = count
        }
    }

    public struct UnitCount: Sendable, Hashable {
        public let collection: String
        public let unit: String
        public let count: Int

        public init(collection: String, unit: String, count: Int) {
            self.collection = collection
            self.unit = unit
            self.count = count
        }
    }

    public struct StatusCount: Sendable, Hashable {
        public let status: PageStatus
        public let count: Int

        public init(status: PageStatus, count: Int) {
            self.status = status
            self.count = count
        }
    }

    public struct KindCount: Sendable, Hashable {
        public let kind: PageKind
        public let count: Int

        public init(kind: PageKind, count: Int) {
            self.kind = kind
            self.count = count
        }
    }

    public let session: ReviewSession
    /// The last 30 days, the oldest first, those without a conflict as well. They are named `2026-05-31`.
    public let days: [Count]
    public let statuses: [StatusCount]
    public let kinds: [KindCount]
    /// The collections with the most conflicts first. The caller cuts the tail.
    public let collections: [Count]
    public let units: [UnitCount]
    public let devices: [Count]

    public init(
        session: ReviewSession, days: [Count], statuses: [StatusCount], kinds: [KindCount], collections: [Count],
        units: [UnitCount], devices: [Count]
    ) {
        self.session = session
        self.days = days
        self.statuses = statuses
        self.kinds = kinds
        self.collections = collections
        self.units = units
        self.devices = devices
    }
}
