import Foundation

/// What operations cost, as a table in Markdown that is understood without this source.
struct CostTable {
    /// The contenders' names: one, or the one that is worked on and the one before it.
    let contenders: [String]
    private var rows: [[String]] = []

    static let legend = """
        Each figure is of one operation; of one request where the row says so. Processor time is in microseconds: of the server's
        process, and of all processes of PostgreSQL. `written` is what PostgreSQL put into its log (WAL), or on SQLite what the
        server's process wrote to the disk; `grown` is by how much the database's files grew. Ids of records, operations and
        batches are random UUIDs (version 4) where nothing else is said; records have five short fields. `others`: the share of
        the machine's processors that went to processes which have no part in the measurement. Beside `compared with` is this row
        divided by the one that is named: its rate, and the processor time of server and PostgreSQL together.
        """

    init(contenders: [String]) { self.contenders = contenders }

    private var head: [String] {
        [
            "", "per second", "p50 ms", "p99 ms", "CPU server µs", "CPU PostgreSQL µs", "written B", "grown B",
            "others",
            "compared with", "rate", "CPU",
        ] + (contenders.count > 1 ? ["compared with", "rate", "CPU", "written"] : [])
    }

    /// Adds the rows of a section.
    mutating func add(_ section: String, _ loads: [CostLoad], _ costs: [[Cost]]) {
        rows.append(["**\(section)**"] + Array(repeating: "", count: head.count - 1))
        for (load, own) in zip(loads, costs) {
            let yardstick = loads.firstIndex { $0.name == load.yardstick?.row }.map { costs[$0] }
            for (index, cost) in own.enumerated() {
                var row = [index == 0 ? load.name : "… \(contenders[index])"] + Self.cells(cost)
                if let yardstick, let title = load.yardstick?.title {
                    let other = yardstick[min(index, yardstick.count - 1)]
                    row += [title, Self.ratio(cost, other), Self.ratio(cost.cpu, other.cpu)]
                } else {
                    row += ["", "", ""]
                }
                if own.count > 1, index == 0 {
                    row += [
                        contenders[1], Self.ratio(cost, own[1]), Self.ratio(cost.cpu, own[1].cpu),
                        Self.ratio(cost.written, own[1].written),
                    ]
                }
                rows.append(row + Array(repeating: "", count: head.count - row.count))
            }
        }
    }

    private static func cells(_ cost: Cost) -> [String] {
        [whole(cost.rate)] + [50, 99].map { String(format: "%.1f", cost.side.milliseconds(at: $0)) }
            + [cost.server, cost.database].map { $0 == 0 ? "–" : String(format: $0 < 10 ? "%.1f" : "%.0f", $0) }
            + [whole(cost.written), whole(cost.grown), whole(cost.side.othersShare * 100) + " %"]
    }

    private static func whole(_ number: Double) -> String { String(format: "%.0f", number) }

    /// The median ratio of rates of the same round.
    private static func ratio(_ cost: Cost, _ other: Cost) -> String {
        String(format: "%.2f", zip(cost.rates, other.rates).map { $0 / $1 }.median)
    }

    /// Nothing where both are too small to be compared.
    private static func ratio(_ number: Double, _ other: Double) -> String {
        other < 1 ? "–" : String(format: "%.2f", number / other)
    }

    var text: String {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            "| "
                + zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: " | ")
                + " |"
        }
        let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|"
        return ([line(head), rule] + rows.map(line)).joined(separator: "\n") + "\n\n" + Self.legend
    }
}
