import MergeCore
import StrictJSON
import SyncEngine
import SyncWire
import Values

/// Conflicts on a terminal.
enum ConflictTable {
    private static let valueWidth = 36

    /// The table with one line a side. The side that shows is marked.
    static func text(_ views: [ConflictView]) -> String {
        var rows = [["conflict", "status", "record", "unit", "policy", "", "value", "device", "user", "edited"]]
        for view in views {
            for (index, side) in view.sides.enumerated() {
                let head =
                    index == 0
                    ? [
                        "#\(view.row.id)", view.row.status, "\(view.row.collection)/\(view.row.record)", view.row.unit,
                        view.row.policy,
                    ] : ["", "", "", "", ""]
                rows.append(
                    head + [
                        mark(side), shortened(side.row.present ? side.row.value : "(deleted)"), side.row.device,
                        side.row.user, Timestamp(milliseconds: side.row.stampMilliseconds).text,
                    ])
            }
        }
        return aligned(rows.map { $0.map(TerminalText.printable(_:)) })
    }

    static func detail(_ view: ConflictView) -> String {
        var text = "conflict #\(view.row.id), \(view.row.status), version \(view.row.version)\n"
        text += "  \(view.row.kind) on \(view.row.unit) of \(view.row.collection)/\(view.row.record),"
        text += " policy \(view.row.policy)\n"
        text += "  recorded \(Timestamp(milliseconds: view.row.openedAtMilliseconds).text) with batch \(view.batch)\n"
        text += "  clock before \(view.clockBefore), after \(view.clockAfter)\n"
        for side in view.sides {
            text += "\n  \(mark(side)) \(side.row.role) side by \(side.row.user) on \(side.row.device),"
            text += " event \(side.row.counter), operation \(side.row.operation)\n"
            text += "      edited \(Timestamp(milliseconds: side.row.stampMilliseconds).text)"
            if let claimed = side.row.claimedAtMilliseconds, claimed != side.row.stampMilliseconds {
                text += " (the device said \(Timestamp(milliseconds: claimed).text))"
            }
            text += "\n      value  \(side.row.present ? side.row.value : "(deleted)")\n"
        }
        text += ending(of: view)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { TerminalText.printable(String($0)) }
            .joined(separator: "\n")
    }

    private static func ending(of view: ConflictView) -> String {
        var text = ""
        if !view.row.assignee.isEmpty { text += "\n  assigned to \(view.row.assignee)\n" }
        for comment in view.comments {
            text += "\n  \(Timestamp(milliseconds: comment.atMilliseconds).text) \(comment.user): \(comment.text)\n"
        }
        guard let ending = view.ending else { return text }
        text +=
            "\n  \(ending.kind.rawValue) by \(ending.user) on \(Timestamp(milliseconds: ending.atMilliseconds).text)"
        if ending.kind == .resolved {
            let value = ending.value?.canonicalText ?? "(deleted)"
            text += ending.side.map { ", side \($0)" } ?? ", another value"
            text += "\n      value  \(value)"
        }
        if let note = ending.note { text += "\n      note   \(note)" }
        return text + "\n"
    }

    private static func mark(_ side: ConflictView.Side) -> String {
        side.isDropped ? "seen" : side.won ? "shown" : "lost"
    }

    private static func shortened(_ text: String) -> String {
        text.count <= valueWidth ? text : text.prefix(valueWidth - 1) + "…"
    }

    static func aligned(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            var line = cells.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
