import Causality
import MergeCore
import ReviewPage
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire
import Values

// These extensions put what the engine answers into the words of the pages.

extension PageValue {
    init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .boolean(let flag): self = .bool(flag)
        case .integer, .double: self = .number(value.canonicalText)
        case .string(let text): self = .string(text.text)
        case .array(let elements): self = .array(elements.map(PageValue.init(_:)))
        case .object(let object): self = .object(object.members.map { .init($0.name.text, PageValue($0.value)) })
        }
    }
}

extension PageStatus {
    init(_ status: ConflictStatus) {
        self =
            switch status {
            case .automatic: .automatic
            case .open: .open
            case .resolved: .resolved
            case .superseded: .superseded
            }
    }
}

extension ConflictFilters {
    /// The first filter that says something and cannot be read; nil when all can.
    /// - Parameter value: gives the decoded value of a query item, nil where there is none.
    static func unread(in value: (_ name: String) -> String?) -> String? {
        func isRead(_ name: String, _ reads: (String) -> Bool) -> Bool {
            guard let text = value(name), !text.isEmpty else { return true }
            return reads(text)
        }
        let checks: [(name: String, isRead: Bool)] = [
            ("status", isRead("status") { $0 == "all" || PageStatus(rawValue: $0) != nil }),
            ("kind", isRead("kind") { PageKind(rawValue: $0) != nil }),
            ("order", isRead("order") { Order(rawValue: $0) != nil }),
            ("assignee", isRead("assignee") { ["me", "nobody", "named"].contains($0) }),
            ("assigned", value("assignee") != "named" || value("assigned")?.isEmpty == false),
            ("since", isRead("since") { time($0) != nil }), ("until", isRead("until") { time($0) != nil }),
        ]
        return checks.first { !$0.isRead }?.name
    }

    /// The same conditions as a query. A filter that cannot be read sets none.
    func query(me: ExactString, limit: Int) -> ConflictQuery {
        var query = ConflictQuery(limit: limit)
        query.status = status.flatMap { ConflictStatus(rawValue: $0.rawValue) }
        query.kind = kind.flatMap { ConflictKind(rawValue: $0.rawValue) }
        query.collection = collection.map { ExactString($0) }
        query.record = record.map { ExactString($0) }
        query.unit = unit.map { ExactString($0) }
        query.policy = policy.map { ExactString($0) }
        query.device = device.map { DeviceID($0) }
        query.user = user.map { ExactString($0) }
        switch assignee {
        case .anybody: break
        case .nobody: query.assignee = .nobody
        case .me: query.assignee = .user(me)
        case .user(let name): query.assignee = .user(ExactString(name))
        }
        query.sinceMilliseconds = since.flatMap(Self.time(_:))
        query.untilMilliseconds = until.flatMap(Self.time(_:))
        query.order = order == .newest ? .newest : .oldest
        return query
    }

    /// A time of RFC 3339, or the beginning of a day in UTC.
    private static func time(_ text: String) -> Int64? {
        (Timestamp(text) ?? Timestamp(text + "T00:00:00Z"))?.milliseconds
    }
}

extension ConflictHead {
    init(_ view: ConflictView) { self.init(view.row) }

    /// Takes a conflict's row.
    /// - Parameter version: the version that was looked at, where it is another than the row's.
    init(_ row: ConflictRow, version: Int64? = nil) {
        self.init(
            id: String(row.id), version: version ?? row.version,
            kind: PageKind(rawValue: row.kind) ?? .writeWrite,
            status: PageStatus(rawValue: row.status) ?? .automatic, collection: row.collection,
            record: row.record, unit: row.unit, policy: row.policy,
            openedAtMilliseconds: row.openedAtMilliseconds,
            assignee: row.assignee.isEmpty ? nil : row.assignee)
    }
}

extension ConflictView {
    /// Whether a side shows as of the conflict's version: a decision for a side makes that one show.
    func standing(ofSide number: Int) -> SideStanding {
        if ending?.kind == .resolved {
            return ending?.side == number ? .shows : sides[number].isDropped ? .dropped : .beside
        }
        return sides[number].isDropped ? .dropped : sides[number].won ? .shows : .beside
    }
}

extension ConflictView.Side {
    /// The value as the page shows it.
    /// - Throws: `damaged` when the stored value cannot be read.
    func pageValue() throws(StoreError) -> PageValue? {
        row.present ? PageValue(try Value.stored(row.value, as: "a side's value")) : nil
    }
}

extension ListPage.Row {
    init(_ view: ConflictView) throws(StoreError) {
        var sides: [ListPage.SideBrief] = []
        for (number, side) in view.sides.prefix(Self.sidesShown).enumerated() {
            sides.append(
                ListPage.SideBrief(
                    value: try side.pageValue(), device: side.row.device, user: side.row.user,
                    standing: view.standing(ofSide: number)))
        }
        self.init(
            conflict: ConflictHead(view), sides: sides, omittedSides: view.sides.count - sides.count,
            comments: view.comments.count)
    }
}

extension ListPage.Counts {
    /// Writes counts as texts.
    /// - Parameter bound: what counting stopped at.
    init(_ counts: [ConflictStatus: Int], bound: Int) {
        func text(_ count: Int) -> String { count >= bound ? "\(bound - 1)+" : String(count) }
        let all = counts.values.contains { $0 >= bound } ? bound : counts.values.reduce(0, +)
        self.init(
            open: text(counts[.open] ?? 0), automatic: text(counts[.automatic] ?? 0),
            resolved: text(counts[.resolved] ?? 0), superseded: text(counts[.superseded] ?? 0), all: text(all))
    }

    /// What the tab of the filters says.
    func text(of status: PageStatus?) -> String {
        switch status {
        case nil: all
        case .open: open
        case .automatic: automatic
        case .resolved: resolved
        case .superseded: superseded
        }
    }
}

extension RecordEvent {
    /// Takes an event.
    /// - Parameter sides: which side of the conflict an event is.
    init(_ event: RecordedEvent, sides: [Dot: Int]) {
        self.init(
            dot: event.dot, clock: event.clock, user: event.user.text, operation: event.operation.name.text,
            kind: Kind(rawValue: event.kind.rawValue) ?? .update,
            outcome: Outcome(rawValue: event.outcome.rawValue) ?? .applied, atMilliseconds: event.atMilliseconds,
            side: sides[event.dot])
    }
}

/// What a reviewer had entered in a decision's form.
struct EnteredDecision: Sendable {
    var chosen: String?
    var valueText: String?
    var note = ""
    var restores = false
}

extension ConflictPage {
    init(
        _ detail: ConflictDetail, session: ReviewSession, filters: ConflictFilters, entered: EnteredDecision,
        message: PageMessage?
    ) throws(StoreError) {
        let view = detail.conflict
        var sides: [Side] = []
        for (number, side) in view.sides.enumerated() {
            sides.append(
                Side(
                    value: try side.pageValue(), standing: view.standing(ofSide: number), device: side.row.device,
                    user: side.row.user, counter: side.row.counter, operation: side.row.operation,
                    stampMilliseconds: side.row.stampMilliseconds,
                    claimedAtMilliseconds: side.row.claimedAtMilliseconds))
        }
        let dots = Dictionary(
            view.sides.enumerated().map { number, side in
                (Dot(device: DeviceID(side.row.device), counter: side.row.counter), number)
            }, uniquingKeysWith: { first, _ in first })
        self.init(
            session: session, conflict: ConflictHead(view), batch: view.batch,
            clockBefore: try VersionVector(stored: view.clockBefore),
            clockAfter: try VersionVector(stored: view.clockAfter), sides: sides, record: RecordNow(detail.record),
            decision: Decision(
                offer: Self.offer(detail), chosen: entered.chosen, valueText: entered.valueText, note: entered.note,
                restores: entered.restores),
            resolution: view.ending.map(Resolution.init(_:)),
            comments: view.comments.map {
                Comment(user: $0.user.text, atMilliseconds: $0.atMilliseconds, text: $0.text.text)
            },
            history: History(events: detail.events.map { RecordEvent($0, sides: dots) }, omitted: detail.omittedEvents),
            neighbours: Neighbours(
                previous: detail.previous.map { String($0.position) }, next: detail.next.map { String($0.position) },
                filters: filters), position: detail.position, message: message)
    }

    private static func offer(_ detail: ConflictDetail) -> Decision.Offer {
        guard detail.conflict.ending == nil else {
            return .closed(reason: "This conflict has ended; there is nothing left to decide.")
        }
        guard let record = detail.record, !record.isPurged else {
            return .closed(reason: "Nothing is left of the record, so there is nothing left to decide.")
        }
        guard record.isDeclared else {
            return .closed(
                reason: "The collection is not declared any more. Its conflicts can be decided once it is again.")
        }
        return .possible
    }
}

extension ConflictDetail {
    /// How many events of the record were not read. A device's events are counted without gaps, so its entry in the record's
    /// clock says how many there are.
    fileprivate var omittedEvents: Int {
        guard isCut, let clock = record?.clock else { return 0 }
        return max(0, Int(clock.entries.reduce(0) { $0 + $1.counter }) - events.count)
    }
}

extension ConflictPage.RecordNow {
    init(_ record: ReviewedRecord?) {
        let clock = record?.clock ?? VersionVector()
        self.init(
            life: record.map { $0.isPurged ? .purged : $0.isDeleted ? .deleted : .alive } ?? .purged,
            value: record?.shown.map(PageValue.init(_:)), whole: record.map { PageValue(.object($0.fields)) },
            clock: clock, clockText: clock.canonicalText)
    }
}

extension ConflictPage.Resolution {
    init(_ ending: ConflictView.Ending) {
        self.init(
            ending: ending.kind == .resolved
                ? .decided(value: ending.value.map(PageValue.init(_:))) : .superseded(device: ending.device.text),
            user: ending.user.text, atMilliseconds: ending.atMilliseconds, note: ending.note?.text ?? "")
    }
}

extension VersionVector {
    fileprivate init(stored text: String) throws(StoreError) {
        guard let clock = VersionVector(json: try Values.Value.stored(text, as: "a clock")) else {
            throw .damaged("a clock cannot be read")
        }
        self = clock
    }
}
