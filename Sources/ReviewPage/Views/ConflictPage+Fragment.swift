import Causality

extension ConflictPage {
    /// Read by the template `conflict`.
    var fragment: Fragment {
        var fragment: Fragment = [
            "frame": .frame("Conflict \(Naming.flat(conflict.id)): \(conflict.flatName)", .conflict, session),
            "message": message.map { .fragment($0.fragment) }, "conflict": .fragment(conflict.fragment(nil)),
            "reason": .sentence(ConflictReason(self).sentence), "position": .text(position),
            "address": .text(Addresses.conflict(conflict.id, neighbours.filters)),
            "list": .text(Addresses.list(neighbours.filters)),
            "previous": neighbours.previous.map { .text(Addresses.conflict($0, neighbours.filters)) },
            "next": neighbours.next.map { .text(Addresses.conflict($0, neighbours.filters)) },
            "isMany": .flag(sides.count > 3), "now": .fragment(recordNow),
            "comments": .list(comments.map(\.fragment)), "hasComments": .flag(!comments.isEmpty),
            "commentCount": .text(CountText.counted(comments.count, "comment")),
            "commentAction": .text(Addresses.conflict(conflict.id, neighbours.filters, action: "/comment")),
            "csrf": .text(session.csrf), "assignment": .fragment(assignment), "technical": .fragment(technical),
            "resolution": resolution.map { .fragment($0.fragment) },
            "diagram": DiagramFragment(history: history).fragment.map { .fragment($0) },
        ]
        let comparison = SideComparison(sides.map(\.value), reference: reference)
        fragment["sides"] = .list(sides.indices.map { side($0, comparison) })
        fragment["decision"] = isDecidable ? .fragment(decisionForm) : nil
        if case .closed(let reason) = decision.offer { fragment["closed"] = .name(reason) }
        fragment["history"] =
            history.events.isEmpty ? nil : .fragment(HistoryTable(history: history, sides: sides.count).fragment)
        return fragment
    }

    private var isDecidable: Bool {
        if case .possible = decision.offer { return true }
        return false
    }

    /// The side that the others are compared with.
    private var reference: Int {
        sides.firstIndex { $0.standing == .shows } ?? sides.firstIndex { $0.standing == .beside } ?? 0
    }

    private func side(_ number: Int, _ comparison: SideComparison) -> Fragment {
        let side = sides[number]
        var fragment: Fragment = [
            "number": .number(number), "letter": .text(Words.letter(number)),
            "color": .number(number % SideColors.count), "standing": .text(side.standing.words),
            "standingName": .text(side.standing.name), "user": .name(side.user), "device": .name(side.device),
            "stamp": .time(side.stampMilliseconds), "counter": .number(side.counter),
            "operation": .name(side.operation), "isDropped": .flag(side.standing == .dropped),
            "isReference": .flag(number == reference && comparison.isReferencePlain),
            "isDelete": .flag(side.value == nil),
        ]
        if let claimed = side.claimedAtMilliseconds, claimed != side.stampMilliseconds {
            fragment["claimed"] = .time(claimed)
        }
        // Beside a delete there is nothing that fields could be the same in.
        let isCompared = sides.count { $0.value != nil } > 1
        let cells = comparison.fields.map { field -> (isEqual: Bool, Fragment) in
            let cell = field.cells[number]
            return (
                !field.differs && field.name != nil && isCompared,
                [
                    "name": field.name.map { .name($0) }, "value": .fragment(cell.value),
                    "differs": .flag(field.differs),
                    "isMissing": .flag(!cell.isNamed),
                ]
            )
        }
        if side.value != nil {
            fragment["fields"] = .list(cells.filter { !$0.isEqual }.map(\.1))
            let equal = cells.filter(\.isEqual).map(\.1)
            if !equal.isEmpty {
                fragment["equal"] = .fragment([
                    "count": .text(CountText.counted(equal.count, "field")), "fields": .list(equal),
                ])
            }
        }
        if isDecidable {
            fragment["choice"] = .fragment([
                "number": .number(number), "letter": .text(Words.letter(number)),
                "wasChosen": .flag(decision.chosen == String(number)), "isDropped": .flag(side.standing == .dropped),
                "verb": .text(side.value == nil ? "Delete, as" : side.standing == .dropped ? "Bring back" : "Choose"),
                "key": number < 9 ? .number(number + 1) : nil,
            ])
        }
        return fragment
    }

    private var recordNow: Fragment {
        // Where the record is the unit, all of it is what shows, or what a deleted one would show.
        let isWhole = conflict.unit == Words.recordUnit
        let value = record.value ?? (isWhole ? record.whole : nil)
        return [
            "isDeleted": .flag(record.life == .deleted), "isPurged": .flag(record.life == .purged),
            "value": .fragment(ValueText(value).fragment()),
            "whole": isWhole ? nil : record.whole.map { .fragment(ValueText($0).fragment()) },
            "showing": showing.map {
                .fragment(["letter": .text(Words.letter($0)), "color": .number($0 % SideColors.count)])
            },
        ]
    }

    /// The side whose value the record has now. Where there is one, the value need not be shown twice.
    private var showing: Int? {
        guard let value = record.value, record.life != .purged else { return nil }
        let text = ExactString(JSONText.compact(value))
        return sides.firstIndex { side in
            side.standing == .shows && side.value.map { ExactString(JSONText.compact($0)) == text } ?? false
        }
    }

    private var decisionForm: Fragment {
        [
            "action": .text(Addresses.conflict(conflict.id, neighbours.filters, action: "/decide")),
            "csrf": .text(session.csrf), "version": .number(conflict.version), "clock": .text(record.clockText),
            "note": .text(decision.note),
            "valueText": .text(decision.valueText ?? record.value.map(JSONText.pretty(_:)) ?? "null"),
            "isValueOpen": .flag(decision.chosen == "value"), "isCurrentChosen": .flag(decision.chosen == "current"),
            "canRestore": .flag(record.life == .deleted), "restores": .flag(decision.restores),
        ]
    }

    private var assignment: Fragment {
        [
            "action": .text(Addresses.conflict(conflict.id, neighbours.filters, action: "/assign")),
            "csrf": .text(session.csrf), "current": .text(conflict.assignee ?? ""),
            "assignee": conflict.assignee.map { .name($0) }, "me": .text(session.user),
            "isMine": .flag(conflict.assignee.map { $0.utf8.elementsEqual(session.user.utf8) } ?? false),
        ]
    }

    private var technical: Fragment {
        [
            "batch": .name(batch), "policy": .name(conflict.policy), "version": .number(conflict.version),
            "before": .list(Self.entries(clockBefore)), "after": .list(Self.entries(clockAfter)),
            "now": .list(Self.entries(record.clock)),
        ]
    }

    static func entries(_ clock: VersionVector) -> [Fragment] {
        clock.entries.map { ["device": .name($0.device.name.text), "counter": .number($0.counter)] }
    }
}

extension ConflictPage.Comment {
    fileprivate var fragment: Fragment {
        ["user": .name(user), "at": .time(atMilliseconds), "content": .fragment(MarkedText(text).fragment)]
    }
}

extension ConflictPage.Resolution {
    fileprivate var fragment: Fragment {
        var fragment: Fragment = ["user": .name(user), "at": .time(atMilliseconds)]
        if !note.isEmpty { fragment["note"] = .fragment(MarkedText(note).fragment) }
        switch ending {
        case .decided(let value):
            fragment["isDecided"] = true
            fragment["value"] = .fragment(ValueText(value).fragment())
        case .superseded(let device): fragment["device"] = .name(device)
        }
        return fragment
    }
}
