import SyncStorage

/// The tables in which both engines keep the audit, by their names.
public enum AuditTable: String, Sendable, CaseIterable {
    /// The entries, without their sides.
    case entries = "audit_entries"
    /// The sides of entries.
    case sides = "audit_sides"
    /// The index over the conflicts.
    case index = "conflicts"
    /// The tenants' heads, as far as they are about the audit.
    case heads = "tenants"

    /// The columns that name a row, beside the tenant.
    public var key: [String] {
        switch self {
        case .entries: ["position"]
        case .sides: ["position", "ordinal"]
        case .index: ["id"]
        case .heads: []
        }
    }

    /// Whether a column says something of the audit. Of the heads' columns only some do.
    public func isOfAudit(column: String) -> Bool {
        self != .heads || column == "tenant" || column.hasPrefix("audit_")
    }
}

/// One stored value of the audit, with its place.
public struct AuditCell: Sendable {
    /// The table that the value is in.
    public let table: AuditTable
    /// The values of the row's key, in the order of `table.key`.
    public let row: [Int64]
    /// The name of the column.
    public let column: String
    /// The value as it is stored.
    public let value: StoredValue

    public init(table: AuditTable, row: [Int64], column: String, value: StoredValue) {
        self.table = table
        self.row = row
        self.column = column
        self.value = value
    }

    /// Whether a verification found that this value became another one, and where it is.
    ///
    /// A row that was given another number is missed at the old one, or out of place at the new one, whichever comes first.
    public func isFound(_ fault: AuditFault?, changedTo value: StoredValue) -> Bool {
        var places = row.prefix(1).map { $0 }
        if case .integer(let number) = value, column == table.key.first { places.append(number) }
        switch (table, fault) {
        case (.entries, .altered(let position)?), (.entries, .missing(let position)?),
            (.sides, .altered(let position)?):
            return places.contains(position)
        case (.index, .indexMismatch(let conflict)?): return places.contains(conflict)
        // If the head has another hash or time, the last entry is not the one that it names. If its position is lower,
        // there are entries behind the last one. If it is higher, the next entry is missing.
        case (.heads, .headMismatch?), (.heads, .missing?): return true
        case (.entries, _), (.sides, _), (.index, _), (.heads, _): return false
        }
    }
}

/// A value as a database stores it.
public enum StoredValue: Sendable, Hashable {
    /// No value.
    case null
    /// A truth value.
    case boolean(Bool)
    /// A number.
    case integer(Int64)
    /// A text, in UTF-8 or not: a database may let it pass.
    case text([UInt8])
    /// Bytes that are no text.
    case bytes([UInt8])

    /// Which bytes of a value are changed: `everyByte`, or the `firstMiddleAndLast`.
    public enum Extent: Sendable {
        case everyByte, firstMiddleAndLast

        fileprivate func offsets(_ count: Int) -> [Int] {
            guard count > 0 else { return [] }
            switch self {
            case .everyByte: return Array(0..<count)
            case .firstMiddleAndLast: return Set([0, count / 2, count - 1]).sorted()
            }
        }
    }

    /// The values that this one may become by a change of one byte, each several times, and by a byte more or less; of
    /// numbers also the neighbours and the negative. The value itself is not among them.
    public func changes(_ extent: Extent) -> [StoredValue] {
        let changes: [StoredValue]
        switch self {
        case .null: changes = [.integer(0), .integer(1), .integer(-1)]
        case .boolean(let truth): changes = [.boolean(!truth)]
        case .integer(let number):
            let bytes = extent.offsets(8).flatMap { offset in
                [0x01, 0x80, 0xFF].map { number ^ (Int64($0) << Int64(8 * offset)) }
            }
            changes = (bytes + [number &+ 1, number &- 1, 0 &- number]).map { .integer($0) } + [.null]
        case .text(let bytes):
            // The edits give the next letter, the other case, a byte that UTF-8 does not have, and an end that C does
            // not see.
            changes =
                Self.edits(of: bytes, extent, [0x01, 0x20, 0x80 | 0x40]).map { .text($0) }
                + [.text(bytes + [UInt8(ascii: " ")]), .text(bytes + [0])]
        case .bytes(let bytes):
            changes = Self.edits(of: bytes, extent, [0x01, 0x80, 0xFF]).map { .bytes($0) } + [.bytes(bytes + [0])]
        }
        return Set(changes).filter { $0 != self }.map { $0 }
    }

    private static func edits(of bytes: [UInt8], _ extent: Extent, _ masks: [UInt8]) -> [[UInt8]] {
        var edits = extent.offsets(bytes.count).flatMap { offset in
            masks.map { mask in
                var edited = bytes
                edited[offset] ^= mask
                return edited
            }
        }
        if !bytes.isEmpty { edits.append(bytes.dropLast()) }
        return edits
    }
}
