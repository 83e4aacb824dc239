import MergeCore
import Values

// The CSV of a conflict (RFC 4180).

extension WireConflict {
    /// The first line of the CSV, with its line break: the names of the columns that `writeCSV(to:)` fills.
    public static let csvHeader =
        "id,kind,status,version,collection,record,unit,policy,at,role,won,present,dropped,value,device,user,counter,stamp,"
        + "claimedAt,operation,assignee,ended,endedBy,endedAt,chosen\r\n"

    /// Writes one line a side.
    public func writeCSV(to bytes: inout [UInt8]) {
        for (number, side) in sides.enumerated() {
            let columns: [String] = [
                id.text, kind, status, String(version), collection, record, unit, policy,
                Timestamp(milliseconds: openedAtMilliseconds).text, side.role, String(side.won),
                String(side.present), String(side.isDropped), side.value, side.device, side.user,
                String(side.counter), Timestamp(milliseconds: side.stampMilliseconds).text,
                side.claimedAtMilliseconds.map { Timestamp(milliseconds: $0).text } ?? "", side.operation,
                assignee ?? "", ending?.kind.rawValue ?? "", ending?.user.text ?? "",
                ending.map { Timestamp(milliseconds: $0.atMilliseconds).text } ?? "",
                ending?.kind == .resolved ? String(ending?.side == number) : "",
            ]
            for (index, column) in columns.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.writeCSVField(column, to: &bytes)
            }
            bytes.append(contentsOf: "\r\n".utf8)
        }
    }

    /// Writes one field. Values come from devices, and a spreadsheet takes a field that begins with one of `= + - @`
    /// for a formula. An apostrophe in front makes it text. A number is no formula, even where it is negative.
    private static func writeCSVField(_ text: String, to bytes: inout [UInt8]) {
        let field = text.utf8
        let isFormula = field.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        let isQuoted = field.contains { "\",\r\n".utf8.contains($0) }
        if isQuoted { bytes.append(UInt8(ascii: "\"")) }
        if isFormula, !isNumber(text) { bytes.append(UInt8(ascii: "'")) }
        if isQuoted {
            for byte in field {
                if byte == UInt8(ascii: "\"") { bytes.append(byte) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        } else {
            bytes.append(contentsOf: field)
        }
    }

    /// Whether a text is a number as JSON writes it (RFC 8259 section 6).
    private static func isNumber(_ text: String) -> Bool {
        var rest = Substring(text).utf8
        func digits() -> Bool {
            let count = rest.prefix { (0x30...0x39).contains($0) }.count
            rest = rest.dropFirst(count)
            return count > 0
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        guard digits() else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() else { return false }
        }
        if let exponent = rest.first, "eE".utf8.contains(exponent) {
            rest = rest.dropFirst()
            if let sign = rest.first, "+-".utf8.contains(sign) { rest = rest.dropFirst() }
            guard digits() else { return false }
        }
        return rest.isEmpty
    }
}
