import Causality
import MergeCore
import SyncStorage
import SyncWire
import Values

/// A conflict as people and programs read it. Its entries are folded into the sides that stand, what was said about it
/// and how it ended.
///
/// Decisions are made on the shorter `RecordedConflict` of `MergeCore`, which has its own `Side` and `Ending`.
public struct ConflictView: Sendable, Hashable {
    /// One of the values that met.
    public struct Side: Sendable, Hashable {
        /// The side's columns in the audit.
        public let row: AuditSideRow
        /// Whether the merge lets this side show.
        public var won: Bool
        /// Whether a later write had seen this side and replaced it.
        public var isDropped: Bool
    }

    /// What somebody wrote about the conflict, as the wire has it.
    public typealias Comment = WireConflict.Comment
    /// How the conflict ended, as the wire has it.
    public typealias Ending = WireConflict.Ending

    /// Which `user` made the conflict somebody's task, and when (`atMilliseconds`). The `assignee` is nil where it
    /// became nobody's.
    public struct Assignment: Sendable, Hashable {
        public let user: ExactString
        public let assignee: ExactString?
        public let atMilliseconds: Int64
    }

    /// The conflict's columns in the index over the audit.
    public let row: ConflictRow
    /// The key of the batch that opened it.
    public let batch: String
    /// The record's clock before that batch's operation, as canonical JSON.
    public let clockBefore: String
    /// The record's clock after it, as canonical JSON.
    public let clockAfter: String
    /// The sides in the order in which they joined. A side's place is its number.
    public let sides: [Side]
    /// The comments, the oldest first.
    public let comments: [Comment]
    /// The assignments, the oldest first.
    public let assignments: [Assignment]
    /// How the conflict ended; nil while it waits, or where a policy decided.
    public let ending: Ending?

    /// Folds the entries of a conflict. O(n) in its entries and sides.
    /// - Throws: `damaged` when an entry's detail cannot be read.
    public init(_ history: ConflictHistory) throws(StoreError) {
        row = history.conflict
        batch = history.entries.first?.batch ?? ""
        clockBefore = history.entries.first?.clockBefore ?? "{}"
        clockAfter = history.entries.first?.clockAfter ?? "{}"
        var sides = StandingSides()
        var comments: [Comment] = []
        var assignments: [Assignment] = []
        var ending: Ending?
        for entry in history.entries {
            let detail = try entry.readDetail()
            switch AuditEntryRow.EntryType(rawValue: entry.type) {
            case .opened: sides.open(with: entry.sides)
            case .sidesChanged: sides.change(joined: entry.sides, dropped: detail.dots("dropped"))
            case .superseded: ending = try detail.ending(.superseded, of: entry)
            case .resolved: ending = try detail.ending(.resolved, of: entry)
            case .commented:
                comments.append(
                    Comment(
                        user: try detail.author(of: entry), text: detail["text"]?.storedText ?? "",
                        atMilliseconds: entry.recordedAtMilliseconds))
            case .assigned:
                assignments.append(
                    Assignment(
                        user: try detail.author(of: entry), assignee: detail["to"]?.storedText,
                        atMilliseconds: entry.recordedAtMilliseconds))
            case nil:
                throw .damaged("audit entry \(entry.position) is of an unknown type")
            }
        }
        self.sides = sides.folded()
        self.comments = comments
        self.assignments = assignments
        self.ending = ending
    }

    /// The conflict's name.
    public var id: ConflictID { ConflictID(position: row.id) }
    /// The record that it is about.
    public var record: RecordKey { row.recordKey }

    /// The conflict as decisions are made on it.
    /// - Throws: `damaged` when a value, a role or the kind cannot be read.
    func recorded() throws(StoreError) -> RecordedConflict {
        guard let kind = ConflictKind(rawValue: row.kind) else {
            throw .damaged("conflict \(row.id) has no known kind")
        }
        var recorded: [RecordedConflict.Side] = []
        for side in sides {
            guard let role = ConflictSide.Role(rawValue: side.row.role) else {
                throw .damaged("a side of conflict \(row.id) has no known role")
            }
            recorded.append(
                RecordedConflict.Side(
                    role: role, won: side.won, isDropped: side.isDropped,
                    value: side.row.present ? try Value.stored(side.row.value, as: "a side's value") : nil,
                    dot: Dot(device: DeviceID(side.row.device), counter: side.row.counter)))
        }
        return RecordedConflict(
            id: id, record: record, kind: kind, unit: ExactString(row.unit), version: row.version, sides: recorded,
            ending: ending.map { $0.kind == .resolved ? .resolved(side: $0.side, value: $0.value) : .superseded })
    }
}

extension AuditEntryRow {
    fileprivate func readDetail() throws(StoreError) -> ObjectValue {
        guard let object = try Value.stored(detail, as: "audit detail").storedObject else {
            throw .damaged("audit entry \(position) has no readable detail")
        }
        return object
    }
}

extension ObjectValue {
    fileprivate func dots(_ name: ExactString) -> [Dot] {
        guard case .array(let elements)? = self[name] else { return [] }
        return elements.compactMap { element in
            guard case .object(let object) = element, case .string(let device)? = object["device"],
                case .integer(let counter)? = object["counter"]
            else { return nil }
            return Dot(device: DeviceID(device), counter: counter)
        }
    }

    fileprivate func author(of entry: AuditEntryRow) throws(StoreError) -> ExactString {
        guard let user = self["by"]?.storedObject?["user"]?.storedText else {
            throw .damaged("audit entry \(entry.position) names nobody")
        }
        return user
    }

    fileprivate func ending(
        _ kind: ConflictStatus, of entry: AuditEntryRow
    ) throws(StoreError) -> ConflictView.Ending {
        guard let by = self["by"]?.storedObject, let device = by["device"]?.storedText,
            case .integer(let counter)? = by["counter"], let operation = by["operation"]?.storedText
        else { throw .damaged("audit entry \(entry.position) names no event") }
        var side: Int?
        if case .integer(let number)? = self["side"] { side = Int(number) }
        return ConflictView.Ending(
            kind: kind, atMilliseconds: entry.recordedAtMilliseconds, device: device, counter: counter,
            operation: operation, user: try author(of: entry), side: side,
            value: self["present"] == .boolean(true) ? self["value"] : nil, note: self["note"]?.storedText)
    }
}
