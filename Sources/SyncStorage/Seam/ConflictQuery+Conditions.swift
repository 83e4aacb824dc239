extension ConflictQuery {
    /// A condition along which an index runs: `device`, `user`, `record`, `assignee`, `unit`, `status`, `collection`,
    /// `kind` or `policy`.
    ///
    /// A collection goes along with a record and with a unit, and is then no condition of its own.
    public enum Condition: Sendable, Hashable, CaseIterable {
        case device, user, record, assignee, unit, status, collection, kind, policy
    }

    /// The conditions that are set, sorted by how much each is likely to narrow.
    ///
    /// A policy decides most conflicts, they are between two writes, and most are nobody's task. These three narrow
    /// least.
    public var conditions: [Condition] {
        var narrow: [Condition] = []
        var wide: [Condition] = []
        if device != nil { narrow.append(.device) }
        if user != nil { narrow.append(.user) }
        if record != nil { narrow.append(.record) }
        switch assignee {
        case nil: break
        case .user: narrow.append(.assignee)
        case .nobody: wide.append(.assignee)
        }
        if unit != nil { narrow.append(.unit) }
        if let status { if status == .automatic { wide.append(.status) } else { narrow.append(.status) } }
        if collection != nil, record == nil, unit == nil { narrow.append(.collection) }
        if let kind { if kind == .writeWrite { wide.append(.kind) } else { narrow.append(.kind) } }
        if policy != nil { narrow.append(.policy) }
        return narrow + wide.reversed()
    }

    /// How far engines count to find out which of several conditions narrows most. So a list reads at most about as
    /// many rows in vain, unless each of its conditions has more.
    public static let probeLimit = 2_000

    /// The query with one of its conditions alone, as an engine counts it to find out how much the condition narrows.
    public func probe(_ condition: Condition) -> ConflictQuery {
        var probe = ConflictQuery(limit: Self.probeLimit)
        probe.sinceMilliseconds = sinceMilliseconds
        probe.untilMilliseconds = untilMilliseconds
        switch condition {
        case .device: probe.device = device
        case .user: probe.user = user
        case .record: (probe.record, probe.collection) = (record, collection)
        case .assignee: probe.assignee = assignee
        case .unit: (probe.unit, probe.collection) = (unit, collection)
        case .status: probe.status = status
        case .collection: probe.collection = collection
        case .kind: probe.kind = kind
        case .policy: probe.policy = policy
        }
        return probe
    }

    /// The queries that an engine has to count before it knows the narrowest condition; none where there is no choice.
    public var probes: [ConflictQuery] {
        let conditions = conditions
        return conditions.count > 1 ? conditions.map { probe($0) } : []
    }

    /// The condition to search by, the first of equals; nil where none is set.
    /// - Parameter counts: the counts of the probes.
    public func narrowest(_ counts: [ConflictQuery: Int]) -> Condition? {
        conditions.enumerated().min { left, right in
            let (few, many) = (counts[probe(left.element)] ?? 0, counts[probe(right.element)] ?? 0)
            return few == many ? left.offset < right.offset : few < many
        }?.element
    }
}
