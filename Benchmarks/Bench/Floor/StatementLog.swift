import Foundation

/// A statement as a database got it: its text, and the values of its parameters as text.
struct CapturedStatement {
    let name: String
    let sql: String
    /// The values in order; nil for NULL.
    let parameters: [String?]
}

/// Reads what PostgreSQL logs with `log_statement = all`: the very statements of the server, in their order.
///
///     2026-11-21 13:00:00.000 UTC [17] rejoin user@name LOG:  execute write head: UPDATE tenants
///     <tab>SET …
///     2026-11-21 13:00:00.000 UTC [17] rejoin user@name DETAIL:  parameters: $1 = 'x', $2 = NULL
enum StatementLog {
    /// - Returns: the statements of the prepared kind, by the process that executed them, in the order of the log.
    static func statements(in log: String) throws -> [(process: Int, statement: CapturedStatement)] {
        var found: [(Int, CapturedStatement)] = []
        for entry in entries(log) {
            if let execution = entry.text.wholeMatch(of: /(?s)LOG:  execute ([^:]+): (.*)/) {
                found.append(
                    (
                        entry.process,
                        CapturedStatement(name: String(execution.1), sql: String(execution.2), parameters: [])
                    ))
            } else if let detail = entry.text.wholeMatch(of: /(?s)DETAIL:  [Pp]arameters: (.*)/), let last = found.last,
                last.0 == entry.process
            {
                found[found.count - 1].1 = CapturedStatement(
                    name: last.1.name, sql: last.1.sql, parameters: try parameters(Array(detail.1.utf8)))
            }
        }
        return found
    }

    /// What stands between one head of a line and the next. A line that belongs to the one before begins with a tab.
    private static func entries(_ log: String) -> [(process: Int, text: String)] {
        var entries: [(Int, String)] = []
        for line in log.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("\t") {
                if !entries.isEmpty { entries[entries.count - 1].1 += "\n" + line.dropFirst() }
            } else if let head = line.prefixMatch(
                of: /[-0-9]+ [:.0-9]+ \w+ \[(\d+)\] .*?(?=(?:LOG|DETAIL|ERROR|HINT):  )/),
                let process = Int(head.1)
            {
                entries.append((process, String(line[head.range.upperBound...])))
            } else {
                entries.append((0, String(line)))
            }
        }
        return entries
    }

    /// `$1 = 'a''b', $2 = NULL`
    private static func parameters(_ bytes: [UInt8]) throws -> [String?] {
        var values: [String?] = []
        var index = 0
        let quote = UInt8(ascii: "'")
        while index < bytes.count {
            guard let equals = bytes[index...].firstIndex(of: UInt8(ascii: "=")) else { break }
            index = equals + 2
            guard index < bytes.count, bytes[index] == quote else {
                values.append(nil)
                index = (bytes[index...].firstIndex(of: UInt8(ascii: ",")) ?? bytes.count) + 2
                continue
            }
            var value: [UInt8] = []
            index += 1
            while index < bytes.count {
                if bytes[index] == quote {
                    guard index + 1 < bytes.count, bytes[index + 1] == quote else { break }
                    index += 1
                }
                value.append(bytes[index])
                index += 1
            }
            guard index < bytes.count else { throw BenchError("a logged parameter has no end") }
            values.append(String(decoding: value, as: UTF8.self))
            index += 3
        }
        return values
    }
}

/// An array in PostgreSQL's text form (`array_out`): `{a,"b \"c\"",NULL}`.
enum ArrayText {
    static func elements(_ text: String) throws -> [String?] {
        var bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "{"), bytes.popLast() == UInt8(ascii: "}") else {
            throw BenchError("no array: \(text.prefix(80))")
        }
        var elements: [String?] = []
        var index = 1
        while index < bytes.count {
            var value: [UInt8] = []
            if bytes[index] == UInt8(ascii: "\"") {
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    if bytes[index] == UInt8(ascii: "\\") { index += 1 }
                    value.append(bytes[index])
                    index += 1
                }
                index += 1
                elements.append(String(decoding: value, as: UTF8.self))
            } else {
                while index < bytes.count, bytes[index] != UInt8(ascii: ",") {
                    value.append(bytes[index])
                    index += 1
                }
                let text = String(decoding: value, as: UTF8.self)
                elements.append(text == "NULL" ? nil : text)
            }
            index += 1
        }
        return elements
    }
}
