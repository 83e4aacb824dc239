import Causality

/// Where everything stands in the space–time diagram, in units of the drawing.
///
/// Devices are lines from left to right, in the order of their first events. Every event has a column of its own, so
/// that no arrow points backwards and no two dots meet.
struct DiagramLayout {
    struct Line {
        let device: DeviceID
        let y: Int
    }

    struct Mark {
        let event: RecordEvent
        let x: Int
        let y: Int
    }

    struct Arrow {
        let fromX: Int
        let fromY: Int
        let toX: Int
        let toY: Int
    }

    /// What a side's author had seen of one device: the line up to there, in the side's colour.
    struct Band {
        let side: Int
        let x: Int
        let y: Int
        let width: Int
    }

    /// The width over which few events are spread. Many stand closely and scroll.
    static let comfortableWidth = 900
    static let columnWidths = 56...118
    static let rowHeight = 62
    static let labelWidth = 150
    static let topMargin = 34
    static let bandHeight = 7
    /// How many pasts are drawn on one line; more could not be told apart.
    static let maximumBands = 4

    let columnWidth: Int
    let width: Int
    let height: Int
    let lines: [Line]
    let marks: [Mark]
    let arrows: [Arrow]
    let bands: [Band]

    init(_ history: CausalHistory) {
        let columnWidth = min(
            max(Self.comfortableWidth / max(1, history.events.count), Self.columnWidths.lowerBound),
            Self.columnWidths.upperBound)
        var devices: [DeviceID] = []
        var rows: [DeviceID: Int] = [:]
        for event in history.events where rows[event.dot.device] == nil {
            rows[event.dot.device] = devices.count
            devices.append(event.dot.device)
        }
        func y(_ device: DeviceID) -> Int { Self.topMargin + (rows[device] ?? 0) * Self.rowHeight }
        func x(_ column: Int) -> Int { Self.labelWidth + columnWidth / 2 + column * columnWidth }
        let marks = history.events.enumerated().map { column, event in
            Mark(event: event, x: x(column), y: y(event.dot.device))
        }
        lines = devices.map { Line(device: $0, y: y($0)) }
        arrows = history.arrows.map { arrow in
            Arrow(
                fromX: marks[arrow.from].x, fromY: marks[arrow.from].y, toX: marks[arrow.to].x, toY: marks[arrow.to].y)
        }
        bands = Self.bands(history, marks)
        self.columnWidth = columnWidth
        self.marks = marks
        width = Self.labelWidth + max(1, history.events.count) * columnWidth + 16
        height = Self.topMargin + max(0, devices.count - 1) * Self.rowHeight + 44
    }

    private static func bands(_ history: CausalHistory, _ marks: [Mark]) -> [Band] {
        let sides = history.events.indices.filter { history.events[$0].side != nil }
            .sorted { (history.events[$0].side ?? 0) < (history.events[$1].side ?? 0) }.prefix(maximumBands)
        var bands: [Band] = []
        for (place, side) in sides.enumerated() {
            var ends: [Int: Int] = [:]
            for earlier in 0..<side where history.happenedBefore(earlier, side) {
                ends[marks[earlier].y] = max(ends[marks[earlier].y] ?? 0, marks[earlier].x)
            }
            ends[marks[side].y] = marks[side].x
            let offset = (2 * place - (sides.count - 1)) * bandHeight / 2 - bandHeight / 2
            for (y, end) in ends.sorted(by: { $0.key < $1.key }) {
                bands.append(
                    Band(
                        side: history.events[side].side ?? 0, x: labelWidth, y: y + offset,
                        width: end - labelWidth + 12))
            }
        }
        return bands
    }
}
