extension SummaryPage {
    /// What the template `summary` reads.
    var fragment: Fragment {
        let total = days.reduce(0) { $0 + $1.count }
        return [
            "frame": .frame("Summary", .summary, session), "total": .text(CountText.counted(total, "conflict")),
            "dayCount": .text(CountText.counted(days.count, "day")), "days": .fragment(dayChart),
            "charts": .list(
                [
                    chart("status", "By status", "Status", statuses.map(statusBar(_:))),
                    chart("kind", "By kind", "Kind", kinds.map(kindBar(_:))),
                    chart("collection", "By collection", "Collection", collections.map(collectionBar(_:))),
                    chart("field", "By field", "Collection and field", units.map(unitBar(_:))),
                    chart("device", "By device", "Device", devices.map(deviceBar(_:))),
                ]),
        ]
    }

    private struct Bar {
        let label: Sentence
        let count: Int
        let filters: ConflictFilters
    }

    private func statusBar(_ entry: StatusCount) -> Bar {
        Bar(
            label: "\(words: Words.statusShort(entry.status))", count: entry.count,
            filters: ConflictFilters(status: entry.status))
    }

    private func kindBar(_ entry: KindCount) -> Bar {
        Bar(
            label: "\(words: Words.kind(entry.kind))", count: entry.count,
            filters: ConflictFilters(status: nil, kind: entry.kind))
    }

    private func collectionBar(_ entry: Count) -> Bar {
        Bar(
            label: "\(name: entry.name)", count: entry.count,
            filters: ConflictFilters(status: nil, collection: entry.name))
    }

    private func unitBar(_ entry: UnitCount) -> Bar {
        Bar(
            label: "\(name: entry.collection) · \(unit: entry.unit)", count: entry.count,
            filters: ConflictFilters(status: nil, collection: entry.collection, unit: entry.unit))
    }

    private func deviceBar(_ entry: Count) -> Bar {
        Bar(
            label: "\(name: entry.name)", count: entry.count,
            filters: ConflictFilters(status: nil, device: entry.name))
    }

    private func chart(_ id: String, _ title: String, _ column: String, _ bars: [Bar]) -> Fragment {
        let greatest = max(1, bars.map(\.count).max() ?? 1)
        return [
            "id": .text(id), "title": .text(title), "column": .text(column), "hasBars": .flag(!bars.isEmpty),
            "bars": .list(
                bars.map { bar in
                    [
                        "label": .sentence(bar.label), "count": .text(CountText.grouped(bar.count)),
                        "address": .text(Addresses.list(bar.filters)),
                        "width": .number(Self.scaled(bar.count, to: 1000, of: greatest)),
                    ]
                }),
        ]
    }

    // MARK: Days

    private static let dayWidth = 38
    private static let chartHeight = 120

    private var dayChart: Fragment {
        let greatest = max(1, days.map(\.count).max() ?? 1)
        return [
            "width": .number(max(1, days.count) * Self.dayWidth), "height": .number(Self.chartHeight + 22),
            "base": .number(Self.chartHeight), "greatest": .text(CountText.grouped(greatest)),
            "days": .list(
                days.enumerated().map { index, day in
                    let height = Self.scaled(day.count, to: Self.chartHeight - 18, of: greatest)
                    // A day is filtered by both its ends, so that no calendar is needed here.
                    let filters = ConflictFilters(
                        status: nil, since: day.name + "T00:00:00Z", until: day.name + "T23:59:59.999Z")
                    return [
                        "name": .text(Naming.flat(day.name)), "count": .text(CountText.grouped(day.count)),
                        "words": .text(CountText.counted(day.count, "conflict")),
                        "address": .text(Addresses.list(filters)), "x": .number(index * Self.dayWidth + 3),
                        "y": .number(Self.chartHeight - height), "barWidth": .number(Self.dayWidth - 6),
                        "barHeight": .number(height), "middle": .number(index * Self.dayWidth + Self.dayWidth / 2),
                        "countY": .number(Self.chartHeight - height - 5), "labelY": .number(Self.chartHeight + 16),
                        "hasAny": .flag(day.count > 0),
                        "label": index % 7 == (days.count - 1) % 7
                            ? .text(Naming.flat(String(day.name.suffix(5)))) : nil,
                    ]
                }),
        ]
    }

    /// The length of a bar. A count that is not zero gets at least a sliver.
    private static func scaled(_ count: Int, to length: Int, of greatest: Int) -> Int {
        guard count > 0 else { return 0 }
        return max(2, min(length, Int(Double(count) / Double(greatest) * Double(length))))
    }
}
