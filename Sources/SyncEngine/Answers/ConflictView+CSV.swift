import MergeCore
import SyncStorage

// The CSV of a conflict (RFC 4180).

extension ConflictView {
    public static let csvHeader =
        "id,kind,status,version,collection,record,unit,policy,at,role,won,present,dropped,value,device,user,counter,stamp,"
        + "claimedAt,operation,assignee,ended,endedBy,endedAt,chosen\r\n"

    /// One line a side.
    public var csv: String {
        sides.enumerated().map { number, side in
            let columns: [String] = [
                String(row.id), row.kind, row.status, String(row.version), row.collection, row.record, row.unit,
                row.policy, Timestamp(milliseconds: row.openedAtMilliseconds).text, side.row.role, String(side.won),
                String(side.row.present), String(side.isDropped), side.row.value, side.row.device, side.row.user,
                String(side.row.counter), Timestamp(milliseconds: side.row.stampMilliseconds).text,
                side.row.claimedAtMilliseconds.map { Timestamp(milliseconds: $0).text } ?? "", side.row.operation,
                row.assignee, ending?.kind.rawValue ?? "", ending?.user.text ?? "",
                ending.map { Timestamp(milliseconds: $0.atMilliseconds).text } ?? "",
                ending?.kind == .resolved ? String(ending?.side == number) : "",
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
