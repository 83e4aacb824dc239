extension BulkPage.Choice {
    var words: String {
        switch self {
        case .current: "Keep what shows"
        case .loser: "Take the other side"
        case .incoming: "Take what arrived"
        case .stored: "Take what was there before"
        }
    }

    var explanation: String {
        switch self {
        case .current: "Confirms each record as it is now."
        case .loser: "Brings back what does not show, where exactly one side does not."
        case .incoming: "In each conflict the side whose arrival opened it."
        case .stored: "In each conflict the side that the record held before."
        }
    }
}

extension BulkPage {
    /// What the template `bulk` reads.
    var fragment: Fragment {
        [
            "frame": .frame("Decide many at once", .bulk, session), "message": message.map { .fragment($0.fragment) },
            "count": .text(count), "noun": .text(count == "1" ? "conflict" : "conflicts"),
            "back": .text(Addresses.list(filters)), "chips": .list(FilterForm(filters: filters).chips),
            "status": .text(filters.status.map(Words.statusShort(_:))?.lowercased() ?? "of any status"),
            "action": .text(Addresses.bulk),
            "items": .list(filters.items.map { ["name": .text($0.name), "value": .text($0.value)] }),
            "choices": .list(
                Choice.allCases.map { choice in
                    [
                        "value": .text(choice.rawValue), "words": .text(choice.words),
                        "explanation": .text(choice.explanation),
                        "isChosen": .flag(choice == (preview?.choice ?? .current)),
                    ]
                }), "note": .text(note), "preview": preview.map { .fragment(fragment(of: $0)) },
        ]
    }

    private func fragment(of preview: Preview) -> Fragment {
        let possible = preview.rows.filter { !$0.isImpossible }
        let impossible = preview.rows.count - possible.count
        return [
            "choice": .text(preview.choice.rawValue), "choiceWords": .text(preview.choice.words),
            "possible": .text(CountText.counted(possible.count, "conflict")),
            "changed": .text(CountText.counted(preview.changedRecords, "record")),
            "impossible": impossible > 0 ? .text(CountText.grouped(impossible)) : nil, "isCut": .flag(preview.isCut),
            "shown": .text(CountText.grouped(preview.rows.count)),
            "rows": .list(preview.rows.map { $0.fragment(filters) }),
            "form": possible.isEmpty
                ? nil
                : .fragment([
                    "action": .text(Addresses.bulk(filters)), "csrf": .text(session.csrf),
                    "choice": .text(preview.choice.rawValue), "note": .text(note),
                    "possible": .text(CountText.counted(possible.count, "conflict")),
                    "conflicts": .list(
                        possible.map { ["field": .text("\($0.conflict.id):\($0.conflict.version)")] }),
                ]),
        ]
    }
}

extension BulkPage.Row {
    fileprivate var isImpossible: Bool {
        if case .impossible = effect { return true }
        return false
    }

    fileprivate func fragment(_ filters: ConflictFilters) -> Fragment {
        var fragment = conflict.fragment(filters)
        switch effect {
        case .changes(let shown, let would):
            fragment["shown"] = .fragment(ValueText.brief(shown))
            fragment["would"] = .fragment(ValueText.brief(would))
        case .keeps(let shown):
            fragment["shown"] = .fragment(ValueText.brief(shown))
            fragment["isKept"] = true
        case .impossible(let reason): fragment["reason"] = .name(reason)
        }
        return fragment
    }
}

extension BulkResultPage {
    /// What the template `bulk-result` reads.
    var fragment: Fragment {
        [
            "frame": .frame("Decided \(CountText.counted(decided, "conflict"))", .bulk, session),
            "decided": .text(CountText.counted(decided, "conflict")), "isNone": .flag(decided == 0),
            "back": .text(Addresses.list(filters)), "again": .text(Addresses.bulk(filters)),
            "hasRefusals": .flag(!refusals.isEmpty), "refused": .text(CountText.counted(refusals.count, "conflict")),
            "refusals": .list(
                refusals.map { refusal in
                    var fragment =
                        refusal.head?.fragment(filters) ?? [
                            "id": .text(refusal.conflict),
                            "address": .text(Addresses.conflict(refusal.conflict, filters)),
                        ]
                    fragment["hasHead"] = .flag(refusal.head != nil)
                    fragment["reason"] = .name(refusal.reason)
                    return fragment
                }),
        ]
    }
}
