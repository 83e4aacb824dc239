import Causality

extension ConflictPage {
    /// What the template `conflict` reads.
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
            "comments": .list(commentFragments), "hasComments": .flag(!comments.isEmpty),
            "commentCount": .text(CountText.counted(comments.count, "comment")),
            "commentAction": .text(Addresses.conflict(conflict.id, neighbours.filters, action: "/comment")),
            "csrf": .text(session.csrf), "assignment": .fragment(assignment), "technical": .fragment(technical),
            "resolution": resolution.map { .fragment($0.fragment(rest("/resolution"))) },
            "diagram": DiagramFragment(history: history).fragment.map { .fragment($0) },
        ]
        let numbers = shownSides
        let comparison = SideComparison(
            numbers.map { sides[$0].value }, reference: numbers.firstIndex(of: reference) ?? 0,
            rests: numbers.map { rest("/sides/\($0)") })
        fragment["sides"] = .list(zip(numbers, numbers.indices).map { side($0, at: $1, comparison) })
        if numbers.count < sides.count {
            fragment["omittedSides"] = .text(CountText.counted(sides.count - numbers.count, "further side"))
        }
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

    /// The address of all of something that the page shows the beginning of.
    private func rest(_ part: String) -> Rest {
        Rest(address: Addresses.conflict(conflict.id, action: part))
    }

    /// The numbers of the sides that the page shows. Where there are very many, these are those that stand, and the
    /// latest of the others.
    private var shownSides: [Int] {
        guard sides.count > Allowance.sides else { return Array(sides.indices) }
        let standing = sides.indices.filter { sides[$0].standing != .dropped }
        let replaced = sides.indices.filter { sides[$0].standing == .dropped }
        let first = standing.filter { $0 == reference } + standing.reversed().filter { $0 != reference }
        return (first + replaced.reversed()).prefix(Allowance.sides).sorted()
    }

    private var commentFragments: [Fragment] {
        let allowance = Allowance(values: comments.count)
        return comments.enumerated().map { number, comment in
            comment.fragment(within: allowance, rest("/comments/\(number)"))
        }
    }

    /// One side.
    /// - Parameters:
    ///   - number: the side's number.
    ///   - place: its place among the sides that are compared.
    ///   - comparison: the sides next to each other.
    private func side(_ number: Int, at place: Int, _ comparison: SideComparison) -> Fragment {
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
        // A delete has no fields that those of the other side could equal.
        let isCompared = sides.count { $0.value != nil } > 1
        let cells = comparison.fields.map { field -> (isEqual: Bool, Fragment) in
            let cell = field.cells[place]
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
            if comparison.omittedFields > 0 {
                fragment["omittedFields"] = .fragment([
                    "count": .text(CountText.counted(comparison.omittedFields, "further field")),
                    "address": rest("/sides/\(number)").address.map { .text($0) },
                ])
            }
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
        // All of the record is the value where the record is the unit: what it shows, or would show if it were not
        // deleted.
        let isWhole = conflict.unit == Words.recordUnit
        let value = record.value ?? (isWhole ? record.whole : nil)
        return [
            "isDeleted": .flag(record.life == .deleted), "isPurged": .flag(record.life == .purged),
            "value": .fragment(ValueText(value).fragment(rest: rest(isWhole ? "/record" : "/now"))),
            "whole": isWhole ? nil : record.whole.map { .fragment(ValueText($0).fragment(rest: rest("/record"))) },
            "showing": showing.map {
                .fragment(["letter": .text(Words.letter($0)), "color": .number($0 % SideColors.count)])
            },
        ]
    }

    /// The side whose value the record has now. Where there is one, the value need not be shown twice.
    private var showing: Int? {
        guard let value = record.value, record.life != .purged else { return nil }
        return sides.firstIndex { side in
            side.standing == .shows && side.value != nil && PageValue.areSame(side.value, value)
        }
    }

    private var decisionForm: Fragment {
        var fragment: Fragment = [
            "action": .text(Addresses.conflict(conflict.id, neighbours.filters, action: "/decide")),
            "csrf": .text(session.csrf), "version": .number(conflict.version), "clock": .text(record.clockText),
            "note": .text(decision.note), "isValueOpen": .flag(decision.chosen == "value"),
            "isCurrentChosen": .flag(decision.chosen == "current"), "canRestore": .flag(record.life == .deleted),
            "restores": .flag(decision.restores),
        ]
        let editable = record.value.map { JSONText.pretty($0, upTo: Allowance.editableBytes) }
        if let entered = decision.valueText {
            fragment["valueText"] = .text(entered)
        } else if editable?.isWhole ?? true {
            fragment["valueText"] = .text(editable?.text ?? "null")
        } else {
            // A part of the text would be set as the whole. An empty text is no JSON, and decides nothing.
            fragment["valueText"] = ""
            fragment["isTooLong"] = .fragment(["address": rest("/now").address.map { .text($0) }])
        }
        return fragment
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

    static func entries(_ clock: VersionVector, upTo count: Int = .max) -> [Fragment] {
        clock.entries.prefix(count).map { ["device": .name($0.device.name.text), "counter": .number($0.counter)] }
    }
}

extension ConflictPage.Comment {
    fileprivate func fragment(within allowance: Allowance, _ rest: Rest) -> Fragment {
        [
            "user": .name(user), "at": .time(atMilliseconds),
            "content": .fragment(MarkedText(text).fragment(within: allowance.perValue, rest: rest)),
        ]
    }
}

extension ConflictPage.Resolution {
    fileprivate func fragment(_ rest: Rest) -> Fragment {
        var fragment: Fragment = ["user": .name(user), "at": .time(atMilliseconds)]
        if !note.isEmpty { fragment["note"] = .fragment(MarkedText(note).fragment()) }
        switch ending {
        case .decided(let value):
            fragment["isDecided"] = true
            fragment["value"] = .fragment(ValueText(value).fragment(rest: rest))
        case .superseded(let device): fragment["device"] = .name(device)
        }
        return fragment
    }
}
