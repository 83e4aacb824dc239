import Causality
import MergeCore
import StrictJSON
import SyncWire
import Values

// The lines of an exported audit. Each kind has one text for what it says, and is read only from that text: what was read is
// written again, and has to be the same bytes. So there is no byte in a line that could be changed without being noticed or
// without meaning: no white space, no other order of names, no other spelling of a number or an escape, no name too many.

/// The first line of an exported audit. It says whose audit it is, of which data set, and when it was told.
public struct AuditExportHeader: Sendable, Hashable {
    static let format: ExactString = "rejoin-audit"
    /// The version of the format that is written and read here.
    static let version: Int64 = 1

    /// The tenant whose audit it is.
    public let tenant: TenantID
    /// The lineage of the data set, as in `StoreIdentity`.
    public let lineage: ExactString
    /// When it was exported, in server milliseconds.
    public let exportedAtMilliseconds: Int64

    public init(tenant: TenantID, lineage: ExactString, exportedAtMilliseconds: Int64) {
        self.tenant = tenant
        self.lineage = lineage
        self.exportedAtMilliseconds = exportedAtMilliseconds
    }
}

/// The last line. It says where the chain ends, and has the SHA-256 of all lines before this one, which binds the first
/// line to the others.
struct AuditExportEnd: Sendable, Hashable {
    let head: AuditHead
    let digest: Digest
}

/// One line that was read.
enum AuditExportLine: Sendable {
    case header(AuditExportHeader)
    /// The first line of a version that is not known here.
    case otherVersion(Int64)
    case entry(AuditEntryRow)
    case end(AuditExportEnd)

    /// Reads a line.
    /// - Parameter bytes: the line without its end.
    /// - Returns: nil for a line that no export writes.
    init?(_ bytes: [UInt8]) {
        guard let object = try? JSONParser().parse(bytes).storedObject else { return nil }
        if object["format"] != nil {
            guard object["format"]?.storedText == AuditExportHeader.format,
                let version = object["version"]?.storedInteger
            else { return nil }
            guard version == AuditExportHeader.version else {
                self = .otherVersion(version)
                return
            }
            guard let header = AuditExportHeader(object) else { return nil }
            self = .header(header)
        } else if object["head"] != nil {
            guard let end = AuditExportEnd(object) else { return nil }
            self = .end(end)
        } else {
            guard let entry = AuditEntryRow(object) else { return nil }
            self = .entry(entry)
        }
        var writer = JSONWriter(reservingCapacity: bytes.count)
        write(to: &writer)
        // Exports of earlier versions have U+2028 and its like as they are.
        if writer.bytes == bytes { return }
        writer.endLine()
        guard writer.bytes.dropLast() == bytes[...] else { return nil }
    }

    private func write(to writer: inout JSONWriter) {
        switch self {
        case .header(let header): writer.write(header)
        case .otherVersion: break
        case .entry(let entry): writer.write(entry)
        case .end(let end): writer.write(end)
        }
    }
}

extension JSONWriter {
    mutating func write(_ header: AuditExportHeader) {
        beginObject()
        member("format", AuditExportHeader.format)
        member("version", AuditExportHeader.version)
        member("tenant", header.tenant.name)
        member("lineage", header.lineage)
        member("exportedAtMilliseconds", header.exportedAtMilliseconds)
        endObject()
    }

    /// Writes every column as it is stored, in the order of the schema, which is the order under the hash. Texts stand
    /// as they are, JSON in them too.
    mutating func write(_ entry: AuditEntryRow) {
        beginObject()
        member("position", entry.position)
        member("conflict", entry.conflict)
        member("version", entry.version)
        member("type", entry.type)
        member("collection", entry.collection)
        member("record", entry.record)
        member("batch", entry.batch)
        member("device", entry.device)
        member("recordedAtMilliseconds", entry.recordedAtMilliseconds)
        member("clockBefore", entry.clockBefore)
        member("clockAfter", entry.clockAfter)
        if let position = entry.clocksFrom { member("clocksFrom", position) }
        member("detail", entry.detail)
        key("sides")
        beginArray()
        for side in entry.sides { write(side) }
        endArray()
        member("hash", entry.hash.storedText)
        endObject()
    }

    private mutating func write(_ side: AuditSideRow) {
        beginObject()
        member("role", side.role)
        member("won", side.won)
        member("present", side.present)
        member("value", side.value)
        if let position = side.valueFrom { member("valueFrom", position) }
        member("device", side.device)
        member("counter", side.counter)
        member("user", side.user)
        member("operation", side.operation)
        member("stampMilliseconds", side.stampMilliseconds)
        key("claimedAtMilliseconds")
        if let claimed = side.claimedAtMilliseconds { integer(claimed) } else { null() }
        endObject()
    }

    mutating func write(_ end: AuditExportEnd) {
        beginObject()
        key("head")
        beginObject()
        member("position", end.head.position)
        member("recordedAtMilliseconds", end.head.recordedAtMilliseconds)
        member("hash", end.head.hash.storedText)
        endObject()
        member("digest", end.digest.hex)
        endObject()
    }
}

extension ObjectValue {
    /// The member `hash`, which is empty where there is no hash.
    /// - Returns: nil where it is missing or cannot be read.
    fileprivate var auditHash: Digest?? {
        guard let text = self["hash"]?.storedText?.text else { return nil }
        return text.isEmpty ? .some(nil) : Digest(hex: text).map { .some($0) }
    }
}

extension AuditExportHeader {
    fileprivate init?(_ object: ObjectValue) {
        guard let tenant = object["tenant"]?.storedText, let lineage = object["lineage"]?.storedText,
            let milliseconds = object["exportedAtMilliseconds"]?.storedInteger
        else { return nil }
        self.init(tenant: TenantID(tenant), lineage: lineage, exportedAtMilliseconds: milliseconds)
    }
}

extension AuditExportEnd {
    fileprivate init?(_ object: ObjectValue) {
        guard let head = object["head"]?.storedObject, let position = head["position"]?.storedInteger,
            let milliseconds = head["recordedAtMilliseconds"]?.storedInteger,
            let hash = head.auditHash,
            let digest = (object["digest"]?.storedText).flatMap({ Digest(hex: $0.text) })
        else { return nil }
        self.init(
            head: AuditHead(position: position, hash: hash, recordedAtMilliseconds: milliseconds), digest: digest)
    }
}

extension AuditEntryRow {
    fileprivate init?(_ object: ObjectValue) {
        guard let position = object["position"]?.storedInteger, let conflict = object["conflict"]?.storedInteger,
            let version = object["version"]?.storedInteger, let type = object["type"]?.storedText,
            let collection = object["collection"]?.storedText, let record = object["record"]?.storedText,
            let batch = object["batch"]?.storedText, let device = object["device"]?.storedText,
            let recordedAt = object["recordedAtMilliseconds"]?.storedInteger,
            let clockBefore = object["clockBefore"]?.storedText, let clockAfter = object["clockAfter"]?.storedText,
            object["clocksFrom"] == nil || object["clocksFrom"]?.storedInteger != nil,
            let detail = object["detail"]?.storedText, let sides = object["sides"]?.storedArray,
            let hash = object.auditHash
        else { return nil }
        let rows = sides.compactMap { $0.storedObject.flatMap(AuditSideRow.init(_:)) }
        guard rows.count == sides.count else { return nil }
        self.init(
            position: position, conflict: conflict, version: version, type: type.text, collection: collection.text,
            record: record.text, batch: batch.text, device: device.text, recordedAtMilliseconds: recordedAt,
            clockBefore: clockBefore.text, clockAfter: clockAfter.text,
            clocksFrom: object["clocksFrom"]?.storedInteger, detail: detail.text, sides: rows, hash: hash)
    }
}

extension AuditSideRow {
    fileprivate init?(_ object: ObjectValue) {
        guard let role = object["role"]?.storedText, case .boolean(let won)? = object["won"],
            case .boolean(let present)? = object["present"], let value = object["value"]?.storedText,
            object["valueFrom"] == nil || object["valueFrom"]?.storedInteger != nil,
            let device = object["device"]?.storedText, let counter = object["counter"]?.storedInteger,
            let user = object["user"]?.storedText, let operation = object["operation"]?.storedText,
            let stamp = object["stampMilliseconds"]?.storedInteger, let claimed = object["claimedAtMilliseconds"],
            claimed == .null || claimed.storedInteger != nil
        else { return nil }
        self.init(
            role: role.text, won: won, present: present, value: value.text,
            valueFrom: object["valueFrom"]?.storedInteger, device: device.text, counter: counter, user: user.text,
            operation: operation.text, stampMilliseconds: stamp,
            claimedAtMilliseconds: claimed.storedInteger)
    }
}
