import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

/// Turns audit entries into rows and chains them. Each hash covers the hash before it and every column of the entry and
/// of its sides (the linked timestamps of Haber and Stornetta 1991).
public struct AuditChainWriter: Sendable {
    private let tenant: TenantID
    private let redactor: Redactor
    /// The hash of the entry that was appended last; before that, of the tenant's last entry.
    public private(set) var hash: Digest?
    /// The first entry of each record, whose clocks stand whole.
    private var clocks: [RecordKey: (position: Int64, before: VersionVector)] = [:]
    /// The entries in which long values stand already.
    private var values: [ValueKey: (position: Int64, value: Value)] = [:]

    /// The event and the unit that a value is of.
    private struct ValueKey: Hashable {
        let record: RecordKey
        let unit: UnitKey
        let dot: Dot
    }

    /// A value of this many bytes stands once in a commit. Shorter ones cost less than looking them up.
    static let sharedValueBytes = 256

    /// Begins behind a tenant's last entry.
    /// - Parameters:
    ///   - tenant: the tenant whose audit it is.
    ///   - identity: the data set's, with the key that hashes redacted values.
    ///   - hash: the hash of the tenant's last entry; nil before the first.
    public init(tenant: TenantID, identity: StoreIdentity, after hash: Digest?) {
        self.tenant = tenant
        self.hash = hash
        redactor = Redactor(identity: identity, tenant: tenant)
    }

    /// The entry's row, chained to the row before it. O(size of the entry).
    public mutating func append(_ entry: AuditEntry, rules: CollectionRules) -> AuditEntryRow {
        var row = AuditEntryRow(entry) { [redactor] value, unit in
            redactor.redacted(value, unit: unit, collection: entry.record.collection, rules: rules)
        } placing: { side, unit in
            place(side, unit: unit, of: entry)
        }
        setClocks(of: &row, entry)
        row.hash = row.chainedHash(after: hash, tenant: tenant)
        hash = row.hash
        return row
    }

    /// Writes the clocks of an entry. Many conflicts of one commit meet one record, whose clock can have hundreds of
    /// entries; they say it once.
    private mutating func setClocks(of row: inout AuditEntryRow, _ entry: AuditEntry) {
        guard let whole = clocks[entry.record] else {
            clocks[entry.record] = (entry.position, entry.clockBefore)
            row.clockBefore = entry.clockBefore.canonicalText
            row.clockAfter = entry.clockAfter.canonicalText
            return
        }
        row.clocksFrom = whole.position
        row.clockBefore = entry.clockBefore.entries(above: whole.before).canonicalText
        row.clockAfter = entry.clockAfter.entries(above: whole.before).canonicalText
    }

    /// Finds the entry in which a side's value stands already. A value that a thousand writes of one commit lose
    /// against stands once.
    /// - Returns: the position of that entry; nil where the value is to be written.
    private mutating func place(_ side: ConflictSide, unit: UnitKey, of entry: AuditEntry) -> Int64? {
        guard let value = side.value else { return nil }
        let key = ValueKey(record: entry.record, unit: unit, dot: side.event.dot)
        if let known = values[key], known.position < entry.position, known.value == value { return known.position }
        if value.isLonger(than: Self.sharedValueBytes) { values[key] = (entry.position, value) }
        return nil
    }
}

extension VersionVector {
    /// The entries that are higher here.
    fileprivate func entries(above other: VersionVector) -> VersionVector {
        VersionVector(entries.filter { $0.counter > other[$0.device] })
    }
}

extension Value {
    /// Whether the value's text has more bytes than a bound, told without writing it: O(the bound).
    fileprivate func isLonger(than bytes: Int) -> Bool {
        var left = bytes
        return !fits(&left)
    }

    private func fits(_ left: inout Int) -> Bool {
        switch self {
        case .null, .boolean, .integer, .double: left -= 1
        case .string(let text): left -= text.byteCount + 2
        case .array(let elements):
            left -= 2 + elements.count
            for element in elements where left >= 0 { _ = element.fits(&left) }
        case .object(let object):
            left -= 2
            for member in object.members where left >= 0 {
                left -= member.name.byteCount + 4
                _ = member.value.fits(&left)
            }
        }
        return left >= 0
    }
}

extension AuditEntryRow {
    /// The row without its clocks and its hash.
    /// - Parameters:
    ///   - entry: the entry.
    ///   - redact: the form in which the audit keeps a value of a unit.
    ///   - placing: the position at which the value of a side stands already; nil where it stands here.
    fileprivate init(
        _ entry: AuditEntry, redact: (Value, UnitKey) -> Value, placing: (ConflictSide, UnitKey) -> Int64?
    ) {
        let type: EntryType
        var detail: [(ExactString, Value)] = []
        var sides: [ConflictSide] = []
        var unit = UnitKey.record
        switch entry.content {
        case .opened(let opening):
            type = .opened
            unit = opening.unit
            sides = opening.sides
            detail = [
                ("awaitsDecision", .boolean(opening.awaitsDecision)), ("kind", .string(opening.kind.rawValue)),
                ("policy", .string(opening.policy)), ("unit", .string(opening.unit.name)),
            ]
        case .sidesChanged(let changedUnit, let joined, let dropped):
            type = .sidesChanged
            unit = changedUnit
            sides = joined
            detail = [
                (
                    "dropped",
                    .array(dropped.map { ["device": .string($0.device.name), "counter": .integer($0.counter)] })
                )
            ]
        case .superseded(let event):
            type = .superseded
            detail = [("by", event.author)]
        case .resolved(let resolution):
            type = .resolved
            let value = resolution.value.map { redact($0, resolution.unit) }
            detail = [
                ("by", resolution.event.author), ("present", .boolean(value != nil)), ("value", value ?? .null),
                ("side", resolution.side.map { .integer(Int64($0)) } ?? .null),
                ("note", resolution.note.map { .string($0) } ?? .null),
            ]
        case .commented(let user, let text):
            type = .commented
            detail = [("by", ["user": .string(user)]), ("text", .string(text))]
        case .assigned(let user, let to):
            type = .assigned
            detail = [("by", ["user": .string(user)]), ("to", to.map { .string($0) } ?? .null)]
        }
        self.init(
            position: entry.position, conflict: entry.conflict.position, version: entry.version, type: type.rawValue,
            collection: entry.record.collection.text, record: entry.record.id.text, batch: entry.batch.text,
            device: entry.device.name.text, recordedAtMilliseconds: entry.recordedAtMilliseconds,
            clockBefore: "", clockAfter: "", detail: Value.object(detail).canonicalText,
            sides: sides.map { side in
                if let position = placing(side, unit) { return AuditSideRow(side, valueFrom: position) }
                return AuditSideRow(side, value: side.value.map { redact($0, unit) })
            }, hash: nil)
    }

    /// The hash of the row in its chain: the SHA-256 over the previous hash, then the canonical form of the row. That
    /// is a JSON array of all columns in the order of the schema, the sides last. O(size of the row).
    public func chainedHash(after previous: Digest?, tenant: TenantID) -> Digest {
        var writer = JSONWriter(reservingCapacity: 1024)
        writer.beginArray()
        writer.string(tenant.name)
        for number in [position, conflict, version] { writer.integer(number) }
        for text in [type, collection, record, batch, device] { writer.string(text) }
        writer.integer(recordedAtMilliseconds)
        // Entries of earlier versions have no such reference, and their hashes stay what they are.
        if let clocksFrom { writer.integer(clocksFrom) }
        for text in [clockBefore, clockAfter, detail] { writer.string(text) }
        for side in sides { side.write(to: &writer) }
        writer.endArray()
        var stream = DigestStream()
        stream.update(with: previous.auditColumn)
        stream.update(with: writer.bytes)
        return stream.digest
    }
}

extension Event {
    /// Says who decided, in the detail of an entry.
    fileprivate var author: Value {
        [
            "device": .string(dot.device.name), "counter": .integer(dot.counter),
            "operation": .string(provenance.operation.name), "user": .string(provenance.user),
            "stamp": .integer(stamp.milliseconds),
        ]
    }
}

extension AuditSideRow {
    /// A side whose value stands in an earlier entry.
    fileprivate init(_ side: ConflictSide, valueFrom position: Int64) {
        self.init(side, value: nil)
        present = true
        valueFrom = position
    }

    fileprivate init(_ side: ConflictSide, value: Value?) {
        self.init(
            role: side.role.rawValue, won: side.won, present: value != nil, value: value?.canonicalText ?? "null",
            device: side.event.dot.device.name.text, counter: side.event.dot.counter,
            user: side.event.provenance.user.text, operation: side.event.provenance.operation.name.text,
            stampMilliseconds: side.event.stamp.milliseconds,
            claimedAtMilliseconds: side.event.provenance.claimedMilliseconds)
    }

    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginArray()
        writer.string(role)
        writer.boolean(won)
        writer.boolean(present)
        writer.string(value)
        if let valueFrom { writer.integer(valueFrom) }
        writer.string(device)
        writer.integer(counter)
        writer.string(user)
        writer.string(operation)
        writer.integer(stampMilliseconds)
        if let claimedAtMilliseconds { writer.integer(claimedAtMilliseconds) } else { writer.null() }
        writer.endArray()
    }
}
