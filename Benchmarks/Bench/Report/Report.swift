import Foundation
import Synchronization

/// The rows, and how they are printed.
final class Report: Sendable {
    private struct Line {
        let section: String
        let cells: [String]
    }

    private static let head = [
        "", "floor/s", "server/s", "ratio", "floor p50", "p50", "p90", "p99", "max ms", "floor: db", "client", "server",
        "db", "driver", "µs/op", "MB", "others",
    ]

    private let lines = Mutex<[Line]>([])
    private let verdicts = Mutex<[String]>([])

    /// What a row is held to.
    struct Target {
        let ratio: Double
    }

    /// - Parameters:
    ///   - name: what was measured.
    ///   - operations: in each request.
    func add(_ section: String, _ name: String, _ comparison: Comparison, operations: Int, target: Target? = nil) {
        let (floor, server) = (comparison.floor, comparison.server)
        if let target {
            let (reached, tail) = (comparison.ratio, server.milliseconds(at: 99) / server.milliseconds(at: 50))
            let verdict = String(
                format: "%@, %@: ratio %.2f, wanted %.2f: %@; p99 is %.1f times p50, wanted less than 10: %@",
                String(section.prefix { $0 != ":" }), name, reached, target.ratio,
                reached >= target.ratio ? "reached" : "NOT REACHED", tail, tail < 10 ? "reached" : "NOT REACHED")
            verdicts.withLock { $0.append(verdict) }
        }
        func whole(_ number: Double) -> String { String(format: "%.0f", number) }
        let cells =
            [name, whole(floor.rate), whole(server.rate), String(format: "%.2f", comparison.ratio)]
            + [String(format: "%.2f", floor.milliseconds(at: 50))]
            + [50, 90, 99, 100].map { String(format: "%.2f", server.milliseconds(at: $0)) }
            + [\CPUTime.database, \.driver].map { whole(floor.microseconds($0)) }
            + [\CPUTime.server, \.database, \.driver].map { whole(server.microseconds($0)) }
            + [
                String(format: "%.1f", server.microseconds(\.server) / Double(max(1, operations))),
                whole(comparison.residentMegabytes), String(format: "%.0f %%", comparison.othersShare * 100),
            ]
        lines.withLock { $0.append(Line(section: section, cells: cells)) }
        print(Self.table([Self.head, cells]))
        fflush(nil)
    }

    var isEmpty: Bool { lines.withLock { $0.isEmpty } }

    /// The whole table, a heading a section.
    var text: String {
        let lines = lines.withLock { $0 }
        let rows = Self.table([Self.head] + lines.map(\.cells)).split(separator: "\n").map(String.init)
        var text = rows[0]
        var section = ""
        for (line, row) in zip(lines, rows.dropFirst()) {
            if line.section != section {
                section = line.section
                text += "\n\n\(section)"
            }
            text += "\n\(row)"
        }
        return ([text, ""] + verdicts.withLock { $0 }).joined(separator: "\n")
    }

    private static func table(_ rows: [[String]]) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
