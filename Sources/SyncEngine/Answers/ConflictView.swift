import Causality
import MergeCore
import SyncStorage
import SyncWire

/// A conflict as people and programs read it: its entries folded into the sides that stand and how it ended.
public struct ConflictView: Sendable, Hashable {
    public struct Side: Sendable, Hashable {
        public let row: AuditSideRow
        /// Whether this side shows, as of the conflict's version.
        public var won: Bool
        /// A later write had seen this side and replaced it.
        public var isDropped: Bool
    }

    public let row: ConflictRow
    public let batch: String
    public let clockBefore: String
    public let clockAfter: String
    public let sides: [Side]
    /// How it ended, nil while it waits or where a policy decided.
    public let resolution: ObjectValue?

    /// - Throws: `damaged` when an entry's detail cannot be read.
    public init(_ file: ConflictFile) throws(StoreError) {
        row = file.conflict
        batch = file.entries.first?.batch ?? ""
        clockBefore = file.entries.first?.clockBefore ?? "{}"
        clockAfter = file.entries.first?.clockAfter ?? "{}"
        var sides: [Side] = []
        var resolution: ObjectValue?
        for entry in file.entries {
            let detail = try entry.readDetail()
            switch AuditEntryRow.EntryType(rawValue: entry.type) {
            case .opened:
                sides = entry.sides.map { Side(row: $0, won: $0.won, isDropped: false) }
            case .sidesChanged:
                for dot in detail.dots("dropped") {
                    for index in sides.indices where sides[index].isOf(dot) { sides[index].isDropped = true }
                }
                sides += entry.sides.map { Side(row: $0, won: $0.won, isDropped: false) }
                Self.chooseLatest(&sides)
            case .superseded:
                resolution = detail.superseding(atMilliseconds: entry.recordedAtMilliseconds)
            case .resolved, .commented, .assigned: break
            case nil:
                throw .damaged("audit entry \(entry.position) is of an unknown type")
            }
        }
        self.sides = sides
        self.resolution = resolution
    }

    /// Sides only ever join and leave conflicts that show the greatest stamp.
    private static func chooseLatest(_ sides: inout [Side]) {
        let standing = sides.indices.filter { !sides[$0].isDropped }
        let winner = standing.max { sides[$0].stamp < sides[$1].stamp }
        for index in sides.indices { sides[index].won = index == winner }
    }

    // MARK: JSON

    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", String(row.id))
        writer.member("kind", row.kind)
        writer.member("status", row.status)
        writer.member("version", row.version)
        writer.member("collection", row.collection)
        writer.member("record", row.record)
        writer.member("unit", row.unit)
        writer.member("policy", row.policy)
        writer.member("at", Timestamp(milliseconds: row.openedAtMilliseconds).text)
        writer.member("batch", batch)
        writer.key("clockBefore")
        writer.raw(canonicalText: clockBefore)
        writer.key("clockAfter")
        writer.raw(canonicalText: clockAfter)
        writer.key("sides")
        writer.beginArray()
        for side in sides { side.write(to: &writer) }
        writer.endArray()
        writer.key("resolution")
        if let resolution { writer.write(.object(resolution)) } else { writer.null() }
        writer.endObject()
    }

    // MARK: CSV (RFC 4180)

    public static let csvHeader =
        "id,kind,status,version,collection,record,unit,policy,at,role,won,present,dropped,value,device,user,counter,stamp,"
        + "claimedAt,operation\r\n"

    /// One line a side.
    public var csv: String {
        sides.map { side in
            let columns: [String] = [
                String(row.id), row.kind, row.status, String(row.version), row.collection, row.record, row.unit,
                row.policy, Timestamp(milliseconds: row.openedAtMilliseconds).text, side.row.role, String(side.won),
                String(side.row.present), String(side.isDropped), side.row.value, side.row.device, side.row.user,
                String(side.row.counter), Timestamp(milliseconds: side.row.stampMilliseconds).text,
                side.row.claimedAtMilliseconds.map { Timestamp(milliseconds: $0).text } ?? "", side.row.operation,
            ]
            return columns.map(Self.csvField(_:)).joined(separator: ",") + "\r\n"
        }.joined()
    }

    /// Values come from devices. A spreadsheet takes a field that begins with one of `= + - @` for a formula; an apostrophe
    /// in front makes it text.
    private static func csvField(_ text: String) -> String {
        let isFormula = text.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        let isNumber = Int64(text) != nil
        let safe = isFormula && !isNumber ? "'" + text : text
        guard safe.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) else { return safe }
        var quoted = "\""
        for scalar in safe.unicodeScalars {
            if scalar == "\"" { quoted += "\"\"" } else { quoted.unicodeScalars.append(scalar) }
        }
        return quoted + "\""
    }
}

extension ConflictView.Side {
    fileprivate var stamp: Stamp {
        Stamp(
            milliseconds: row.stampMilliseconds, dot: Dot(device: DeviceID(row.device), counter: row.counter))
    }

    fileprivate func isOf(_ dot: Dot) -> Bool {
        DeviceID(row.device) == dot.device && row.counter == dot.counter
    }

    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("role", row.role)
        writer.member("won", won)
        writer.member("present", row.present)
        if isDropped { writer.member("dropped", true) }
        writer.key("value")
        writer.raw(canonicalText: row.value)
        writer.member("device", row.device)
        writer.member("user", row.user)
        writer.member("counter", row.counter)
        writer.member("stamp", Timestamp(milliseconds: row.stampMilliseconds).text)
        if let claimed = row.claimedAtMilliseconds { writer.member("at", Timestamp(milliseconds: claimed).text) }
        writer.member("operation", row.operation)
        writer.endObject()
    }
}

extension AuditEntryRow {
    fileprivate func readDetail() throws(StoreError) -> ObjectValue {
        guard let value = try? Value(json: detail), case .object(let object) = value else {
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

    fileprivate func superseding(atMilliseconds: Int64) -> ObjectValue {
        var members: [Member] = [
            Member(name: "kind", value: "superseded"),
            Member(name: "at", value: .string(Timestamp(milliseconds: atMilliseconds).text)),
        ]
        if case .object(let by)? = self["by"] { members += by.members.filter { $0.name != "stamp" } }
        return ObjectValue(members)
    }
}
