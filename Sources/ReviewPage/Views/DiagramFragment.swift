import Causality

/// The space–time diagram as its template draws it.
struct DiagramFragment {
    let history: ConflictPage.History

    /// What the template `diagram` reads; nil where there is nothing to draw.
    var fragment: Fragment? {
        let selection = EventSelection(history.events)
        guard !selection.events.isEmpty else { return nil }
        let ordered = CausalHistory(selection.events)
        let layout = DiagramLayout(ordered)
        let words = DiagramWords(ordered.events)
        let omitted = selection.omitted + history.omitted
        let sides = ordered.events.compactMap(\.side).sorted()
        return [
            "width": .number(layout.width), "height": .number(layout.height),
            "description": .text(
                "\(CountText.counted(layout.lines.count, "device")), \(CountText.counted(layout.marks.count, "event")). "
                    + words.sentences.map(\.flat).joined(separator: " ")),
            "lines": .list(layout.lines.map { line(of: $0, layout) }),
            "bands": .list(
                layout.bands.map { band in
                    [
                        "color": .number(band.side % SideColors.count), "x": .number(band.x), "y": .number(band.y),
                        "width": .number(band.width), "height": .number(DiagramLayout.bandHeight),
                    ]
                }), "arrows": .list(layout.arrows.map { ["path": .text(path($0, layout))] }),
            "marks": .list(layout.marks.map(mark(of:))), "words": .list(words.sentences.map(\.fragment)),
            "hasSides": .flag(!sides.isEmpty),
            "legend": .list(
                sides.prefix(DiagramLayout.maximumBands).map { side in
                    ["letter": .text(Words.letter(side)), "color": .number(side % SideColors.count)]
                }),
            "omitted": omitted > 0
                ? .text("\(CountText.counted(omitted, "event")) of this record, farther from the sides, not drawn.")
                : nil,
        ]
    }

    private func line(of line: DiagramLayout.Line, _ layout: DiagramLayout) -> Fragment {
        let name = line.device.name.text
        let label = line.device.isReserved ? String(name.dropFirst(DeviceID.reviewerPrefix.count)) : name
        let flat = Naming.flat(label)
        let isLong = flat.unicodeScalars.count > 17
        return [
            "label": .text(isLong ? flat.prefix(scalars: 16) + "…" : flat), "full": .text(Naming.flat(name)),
            "isReviewer": .flag(line.device.isReserved), "y": .number(line.y), "labelY": .number(line.y + 4),
            "noteY": .number(line.y + 18), "start": .number(DiagramLayout.labelWidth - 6),
            "end": .number(layout.width - 10),
        ]
    }

    /// The path of an arrow. It ends before the dot that it points to. It crosses the lines in between close to the
    /// column that it comes from, where no other dot stands, and only then turns to its end.
    private func path(_ arrow: DiagramLayout.Arrow, _ layout: DiagramLayout) -> String {
        let gap = 15
        let downwards = arrow.toY > arrow.fromY ? 1 : -1
        let isNeighbour = abs(arrow.toY - arrow.fromY) <= DiagramLayout.rowHeight
        let turnX = isNeighbour ? arrow.fromX : arrow.fromX + layout.columnWidth * 2 / 5
        let turnY = isNeighbour ? arrow.fromY : arrow.toY - downwards * DiagramLayout.rowHeight * 3 / 5
        let restX = arrow.toX - turnX
        let restY = arrow.toY - turnY
        let span = max(1, max(abs(restX), abs(restY)))
        let end = "\(arrow.toX - restX * gap / span) \(arrow.toY - restY * gap / span)"
        guard !isNeighbour else { return "M\(arrow.fromX) \(arrow.fromY)L\(end)" }
        let beforeX = turnX - (turnX - arrow.fromX) / 4
        let beforeY = turnY - (turnY - arrow.fromY) / 4
        let after = "\(turnX + restX / 6) \(turnY + restY / 6)"
        return "M\(arrow.fromX) \(arrow.fromY)L\(beforeX) \(beforeY)Q\(turnX) \(turnY) \(after)L\(end)"
    }

    private func mark(of mark: DiagramLayout.Mark) -> Fragment {
        let event = mark.event
        var fragment: Fragment = [
            "x": .number(mark.x), "y": .number(mark.y), "left": .number(mark.x - 12), "top": .number(mark.y - 12),
            "letterY": .number(mark.y + 5), "counterY": .number(mark.y + 29), "counter": .number(event.dot.counter),
            "title": .text(title(of: event)), "isDelete": .flag(event.kind == .delete),
            "crossLeft": .number(mark.x - 5), "crossRight": .number(mark.x + 5), "crossTop": .number(mark.y - 5),
            "crossBottom": .number(mark.y + 5),
        ]
        if let side = event.side {
            fragment["side"] = .fragment([
                "letter": .text(Words.letter(side)), "color": .number(side % SideColors.count),
                "left": .number(mark.x - 12), "top": .number(mark.y - 12), "x": .number(mark.x),
                "letterY": .number(mark.y + 5),
            ])
        }
        return fragment
    }

    private func title(of event: RecordEvent) -> String {
        let side = event.side.map { "Side \(Words.letter($0)): " } ?? ""
        return side
            + "event \(event.dot.counter) on \(Naming.flat(event.dot.device.name.text)), \(Words.event(event.kind)) by "
            + "\(Naming.flat(event.user)), \(TimeText(milliseconds: event.atMilliseconds).human), \(event.outcome.rawValue)"
    }
}
