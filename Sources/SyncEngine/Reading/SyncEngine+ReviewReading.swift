import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

/// A record as a reviewer sees it beside a conflict. Redacted fields are hashed, as in the audit. Where the collection
/// is not declared any more nobody knows which those are, so all fields are hashed.
public struct ReviewedRecord: Sendable {
    /// Whether the record's collection is declared.
    public let isDeclared: Bool
    /// Whether a delete hides the record.
    public let isDeleted: Bool
    /// Whether only a marker is left of the record.
    public let isPurged: Bool
    /// The record's clock.
    public let clock: VersionVector
    /// All fields; for a deleted record, those that it would show.
    public let fields: ObjectValue
    /// What the conflict's unit shows; nil where it shows nothing.
    public let shown: Value?
}

/// An operation in a record's history, as far as a picture of the history needs it. The core's `Event` is what merges
/// keep of one.
public struct RecordedEvent: Sendable {
    /// The event that the operation became.
    public let dot: Dot
    /// The operation's clock as it was sent.
    public let clock: VersionVector
    /// The user on whose behalf it was sent.
    public let user: ExactString
    /// The operation's id.
    public let operation: OperationID
    /// What it asked for.
    public let kind: OperationKind
    /// What the server did with it.
    public let outcome: OutcomeKind
    /// The corrected time of the edit.
    public let atMilliseconds: Int64
}

/// A conflict with everything around it that a reviewer looks at: its record, the record's events, its neighbours.
public struct ConflictDetail: Sendable {
    /// The conflict itself.
    public let conflict: ConflictView
    /// The record; nil where nothing is left of it.
    public let record: ReviewedRecord?
    /// The record's events, the newest first.
    public let events: [RecordedEvent]
    /// Whether the record has more events than those.
    public let isCut: Bool
    /// The conflict before this one in the list that it was opened from.
    public let previous: ConflictID?
    /// The conflict after this one in that list.
    public let next: ConflictID?
    /// Where the tenant's data and audit stood when all this was read.
    public let position: String
}

extension SyncEngine {
    /// How many events of a record are read for a picture of its history.
    private static let eventsRead = 300

    /// A page of conflicts with how many there are under each status, each counted up to a bound.
    /// - Throws: `cursor_invalid`, `storage_unavailable`.
    public func conflictListing(
        _ caller: Caller, _ query: ConflictQuery, page: String?, countingTo bound: Int
    ) async throws(Problem) -> (
        views: [ConflictView], next: String?, counts: [ConflictStatus: Int], position: String
    ) {
        // The position is read first, so that what changes in between is told of as a change.
        let position = try await position(caller)
        let (views, next) = try await conflictPage(caller, query, page: page)
        var queries: [ConflictQuery] = []
        for status in ConflictStatus.allCases {
            var counted = query
            counted.status = status
            counted.beyond = nil
            counted.limit = bound
            queries.append(counted)
        }
        let asked = queries
        let counts = try await reading { () throws(StoreError) in
            try await store.conflictCounts(caller.tenant, asked)
        }
        return (views, next, Dictionary(uniqueKeysWithValues: zip(ConflictStatus.allCases, counts)), position)
    }

    /// A conflict with its record, the record's history and its neighbours.
    /// - Parameters:
    ///   - caller: who asks.
    ///   - id: the conflict.
    ///   - list: the list in which its neighbours are looked for.
    /// - Throws: `not_found`, `storage_unavailable`.
    public func conflictDetail(
        _ caller: Caller, _ id: ConflictID, in list: ConflictQuery
    ) async throws(Problem) -> ConflictDetail {
        try await admit(caller)
        let position = try await position(caller)
        let detail = try await reading { () throws(StoreError) -> ConflictDetail? in
            guard let file = try await store.conflict(caller.tenant, id) else { return nil }
            let view = try ConflictView(file)
            let (events, isCut) = try await events(around: view, caller.tenant)
            return ConflictDetail(
                conflict: view, record: try await reviewed(view, caller.tenant), events: events, isCut: isCut,
                previous: try await neighbour(of: id, in: list.reversed, caller.tenant),
                next: try await neighbour(of: id, in: list, caller.tenant), position: position)
        }
        guard let detail else { throw .notFound }
        return detail
    }

    /// The record of a conflict as it stands now; nil where nothing is left of it.
    /// - Throws: `not_found` where there is no such conflict.
    public func reviewedRecord(_ caller: Caller, _ id: ConflictID) async throws(Problem) -> ReviewedRecord? {
        let view = try await conflictView(caller, id)
        return try await reading { () throws(StoreError) in try await reviewed(view, caller.tenant) }
    }

    /// Where the tenant's data and audit stand. It is another text after any change of either.
    public func position(_ caller: Caller) async throws(Problem) -> String {
        let head = try await reading { () throws(StoreError) in try await store.head(of: caller.tenant) }
        return head.position
    }

    /// Where data and audit stand. The answer is held back while that is where the caller knows them to stand and the
    /// caller is willing to wait.
    /// - Throws: `rate_limited` and `overloaded` where too many wait already; `token_expired`, `storage_unavailable`.
    public func position(
        _ caller: Caller, otherThan known: String, waitSeconds: Int
    ) async throws(Problem) -> String {
        guard waitSeconds > 0 else { return try await position(caller) }
        let seat = try seats.take(caller.tenant, RequestOwner(caller))
        defer { withExtendedLifetime(seat) {} }
        let subscription = notifier.subscribe(caller.tenant, device: nil)
        defer { subscription.end() }
        let deadline = clock.uptime() + .seconds(waitSeconds)
        var version = subscription.version
        var position = try await position(caller)
        while position == known {
            let left = min(deadline - clock.uptime(), validity(of: caller))
            guard left > .zero else { break }
            switch await subscription.wait(after: version, for: nil, atMost: left) {
            case .changed(let round, _):
                try checkToken(of: caller)
                position = try await round.head.value { () throws(Problem) in
                    try await reading { () throws(StoreError) in try await store.head(of: caller.tenant) }
                }.position
                version = round.version
            // Some changes have no place in the feed, such as a comment on another server. They are seen when the time
            // is over.
            case .timedOut: return try await self.position(caller)
            case .stopped: return position
            }
        }
        return position
    }

    // MARK: Parts

    private func reviewed(
        _ view: ConflictView, _ tenant: TenantID
    ) async throws(StoreError) -> ReviewedRecord? {
        guard let row = try await store.record(tenant, view.record) else { return nil }
        let record = try row.decoded()
        let redactor = Redactor(identity: store.identity, tenant: tenant)
        guard let rules = schema.rules(for: view.record.collection) else {
            return try reviewedUndeclared(row, record.state, view, redactor)
        }
        let unit = rules.unit(named: ExactString(view.row.unit))
        return ReviewedRecord(
            isDeclared: true, isDeleted: row.isDeleted, isPurged: row.isPurged, clock: record.state.clock,
            fields: redactor.redacted(
                record.state.visibleFields(rules), collection: view.record.collection, rules: rules),
            shown: record.state.shown(unit, rules).map {
                redactor.redacted($0, unit: unit, collection: view.record.collection, rules: rules)
            })
    }

    /// A record whose rules are not known any more, as it was written last.
    private func reviewedUndeclared(
        _ row: RecordRow, _ state: RecordState, _ view: ConflictView, _ redactor: Redactor
    ) throws(StoreError) -> ReviewedRecord {
        let stored = try Value.stored(row.fields, as: "a record's fields").storedObject ?? ObjectValue([])
        let hidden = CollectionRules(
            fields: Dictionary(
                stored.members.map { ($0.name, FieldRule(audit: .redacted)) }, uniquingKeysWith: { first, _ in first }))
        let fields = redactor.redacted(stored, collection: view.record.collection, rules: hidden)
        let name = ExactString(view.row.unit)
        var shown: Value?
        if name == UnitKey.record.name {
            shown = .object(fields)
        } else if let group = state.units[.group(name)]?.visible(by: .lww) {
            let names = Set(UnitKey.group(name).fields(of: group).map(\.0))
            shown = .object(ObjectValue(fields.members.filter { names.contains($0.name) }))
        } else {
            shown = fields[name]
        }
        return ReviewedRecord(
            isDeclared: false, isDeleted: row.isDeleted, isPurged: row.isPurged, clock: state.clock, fields: fields,
            shown: row.isDeleted ? nil : shown)
    }

    /// The newest events of the conflict's record. If its sides are older than those, the newest up to a little after
    /// the sides.
    private func events(
        around view: ConflictView, _ tenant: TenantID
    ) async throws(StoreError) -> (events: [RecordedEvent], isCut: Bool) {
        var page = try await operations(of: view.record, before: nil, tenant)
        let sides = Set(view.sides.map { OperationID($0.row.operation) })
        if page.hasMore, !sides.isSubset(of: page.rows.map(\.id)) {
            var last: Int64 = 0
            for side in view.sides {
                for row in try await store.operations(tenant, id: OperationID(side.row.operation))
                where row.record == view.record { last = max(last, row.ordinal) }
            }
            page = try await operations(of: view.record, before: last + 1, tenant)
        }
        var events: [RecordedEvent] = []
        for row in page.rows {
            if let event = try RecordedEvent(row) { events.append(event) }
        }
        return (events, page.hasMore)
    }

    private func operations(
        of record: RecordKey, before ordinal: Int64?, _ tenant: TenantID
    ) async throws(StoreError) -> BoundedRows<OperationRow> {
        try await operationRows(tenant, OperationQuery(.record(record), before: ordinal, limit: Self.eventsRead))
    }

    private func neighbour(
        of id: ConflictID, in list: ConflictQuery, _ tenant: TenantID
    ) async throws(StoreError) -> ConflictID? {
        var query = list
        query.beyond = id
        query.limit = 1
        return try await store.conflicts(tenant, query).first.map { ConflictID(position: $0.conflict.id) }
    }
}

extension ConflictQuery {
    fileprivate var reversed: ConflictQuery {
        var query = self
        query.order = order == .newest ? .oldest : .newest
        return query
    }
}

extension TenantHead {
    fileprivate var position: String { "\(sequence).\(auditPosition)" }
}

extension RecordedEvent {
    /// Takes an operation's row.
    /// - Returns: nil for an operation that became no event.
    fileprivate init?(_ row: OperationRow) throws(StoreError) {
        guard let counter = row.counter else { return nil }
        let content = try Value.stored(row.content, as: "operation content").storedObject
        guard let kind = content?["kind"]?.storedText.flatMap({ OperationKind(rawValue: $0.text) }),
            let clock = VersionVector(json: try Value.stored(row.clock, as: "operation clock"))
        else { throw .damaged("operation \(row.ordinal) has no readable kind or clock") }
        self.init(
            dot: Dot(device: row.device, counter: counter), clock: clock, user: row.user, operation: row.id,
            kind: kind, outcome: row.outcome, atMilliseconds: row.stampMilliseconds ?? row.recordedAtMilliseconds)
    }
}
