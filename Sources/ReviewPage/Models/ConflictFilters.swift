/// Which conflicts a list shows, as the query of its address says it. The store is asked with a `ConflictQuery`.
public struct ConflictFilters: Sendable, Hashable {
    public enum Assignee: Sendable, Hashable {
        case anybody
        case nobody
        case me
        case user(String)
    }

    public enum Order: String, Sendable, Hashable, CaseIterable {
        case newest
        case oldest
    }

    /// How the conflicts stand; nil for all.
    public var status: PageStatus?
    public var kind: PageKind?
    public var collection: String?
    public var record: String?
    public var unit: String?
    public var policy: String?
    public var device: String?
    public var user: String?
    public var assignee: Assignee
    /// The times as they were given: a date or a time of RFC 3339.
    public var since: String?
    public var until: String?
    public var order: Order

    public init(
        status: PageStatus? = .open, kind: PageKind? = nil, collection: String? = nil, record: String? = nil,
        unit: String? = nil, policy: String? = nil, device: String? = nil, user: String? = nil,
        assignee: Assignee = .anybody, since: String? = nil, until: String? = nil, order: Order = .newest
    ) {
        self.status = status
        self.kind = kind
        self.collection = collection
        self.record = record
        self.unit = unit
        self.policy = policy
        self.device = device
        self.user = user
        self.assignee = assignee
        self.since = since
        self.until = until
        self.order = order
    }

    /// The items of a query that are filters.
    public static let names: Set = [
        "status", "kind", "collection", "record", "unit", "policy", "device", "user", "assignee", "assigned", "since",
        "until", "order",
    ]

    /// Reads a query.
    ///
    /// An empty value is a form's field that was left empty, and says nothing. What is not understood is left out as
    /// well, so that the page shows more than was asked for and not an error. Without `status` the open conflicts are
    /// shown.
    ///
    /// - Parameter value: gives the decoded value of a query item, nil where there is none.
    public init(reading value: (_ name: String) -> String?) {
        func text(_ name: String) -> String? { value(name).flatMap { $0.isEmpty ? nil : $0 } }
        let status = text("status")
        self.init(
            status: status == "all" ? nil : status.flatMap(PageStatus.init(rawValue:)) ?? .open,
            kind: text("kind").flatMap(PageKind.init(rawValue:)), collection: text("collection"),
            record: text("record"), unit: text("unit"), policy: text("policy"), device: text("device"),
            user: text("user"), since: text("since"), until: text("until"),
            order: text("order").flatMap(Order.init(rawValue:)) ?? .newest)
        switch (text("assignee"), text("assigned")) {
        case ("nobody", _): assignee = .nobody
        case ("me", _): assignee = .me
        case ("named", let name?): assignee = .user(name)
        default: assignee = .anybody
        }
    }

    /// The query that says the same, item by item, in a fixed order. What is at its default is left out.
    public var items: [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        if status != .open { items.append(("status", status?.rawValue ?? "all")) }
        let plain: [(String, String?)] = [
            ("kind", kind?.rawValue), ("collection", collection), ("record", record), ("unit", unit),
            ("policy", policy), ("device", device), ("user", user),
        ]
        for (name, value) in plain { if let value { items.append((name, value)) } }
        switch assignee {
        case .anybody: break
        case .nobody: items.append(("assignee", "nobody"))
        case .me: items.append(("assignee", "me"))
        case .user(let name): items += [("assignee", "named"), ("assigned", name)]
        }
        if let since { items.append(("since", since)) }
        if let until { items.append(("until", until)) }
        if order != .newest { items.append(("order", order.rawValue)) }
        return items
    }
}
