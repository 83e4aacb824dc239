extension ListPage {
    /// What the template `list` reads.
    var fragment: Fragment {
        let heading = heading
        return [
            "frame": .frame(heading, .list, session), "message": message.map { .fragment($0.fragment) },
            "heading": .text(heading), "hint": .text(hint), "tabs": .list(tabs),
            "filters": .fragment(FilterForm(filters: filters).fragment),
            "chips": .list(FilterForm(filters: filters).chips),
            "hasChips": .flag(!FilterForm(filters: filters).chips.isEmpty),
            "position": .text(position), "rows": .list(rows.map { $0.fragment(filters) }),
            "hasRows": .flag(!rows.isEmpty), "empty": rows.isEmpty ? .fragment(empty) : nil,
            "first": isFirstPage ? nil : .text(Addresses.list(filters)),
            "next": nextPage.map { .text(QueryText.address(Addresses.list, filters.items + [("page", $0)])) },
            "bulk": rows.isEmpty || filters.status == .superseded || filters.status == .resolved
                ? nil : .text(Addresses.bulk(filters)),
        ]
    }

    private func count(_ status: PageStatus?) -> String {
        switch status {
        case .open?: counts.open
        case .automatic?: counts.automatic
        case .resolved?: counts.resolved
        case .superseded?: counts.superseded
        case nil: counts.all
        }
    }

    private var heading: String {
        let number = count(filters.status)
        let noun = number == "1" ? "conflict" : "conflicts"
        switch filters.status {
        case .open?: return "\(number) \(noun) \(number == "1" ? "waits" : "wait") for a decision"
        case .automatic?: return "\(number) \(noun) that a policy decided"
        case .resolved?: return "\(number) \(noun) resolved"
        case .superseded?: return "\(number) \(noun) superseded by later edits"
        case nil: return "\(number) \(noun) in all"
        }
    }

    private var hint: String {
        switch filters.status {
        case .open?: "Each shows the latest edit until somebody decides."
        case .automatic?: "A rule of the collection chose what shows. The other side can still be brought back."
        case .resolved?: "A reviewer decided these."
        case .superseded?: "Somebody edited the record later, having seen every side."
        case nil: "Whatever its state."
        }
    }

    private var tabs: [Fragment] {
        let statuses: [PageStatus?] = [.open, .automatic, .resolved, .superseded, nil]
        return statuses.map { status in
            var filters = filters
            filters.status = status
            return [
                "label": .text(status.map(Words.statusShort(_:)) ?? "All"),
                "title": .text(status.map(Words.status(_:)) ?? "every conflict"), "count": .text(count(status)),
                "address": .text(Addresses.list(filters)), "isCurrent": .flag(status == self.filters.status),
            ]
        }
    }

    private var empty: Fragment {
        if !isFirstPage {
            return ["title": "Nothing further.", "words": "The list ended just before this page."]
        }
        if !FilterForm(filters: filters).chips.isEmpty {
            return [
                "title": "Nothing fits these filters.", "words": "Remove one above, or look at everything.",
                "address": .text(Addresses.list(ConflictFilters(status: filters.status))), "link": "Remove all filters",
            ]
        }
        switch filters.status {
        case .open?:
            return [
                "title": "All quiet.",
                "words":
                    "Nothing waits for a decision. When two people change the same thing apart from each other, it appears here by itself.",
            ]
        case .automatic?, .resolved?, .superseded?, nil:
            return ["title": "Nothing here yet.", "words": "Conflicts appear here by themselves when there are any."]
        }
    }
}

extension ListPage.Row {
    fileprivate func fragment(_ filters: ConflictFilters) -> Fragment {
        var fragment = conflict.fragment(filters)
        fragment["sides"] = .list(
            sides.prefix(Allowance.briefs).enumerated().map { number, side in
                [
                    "letter": .text(Words.letter(number)), "color": .number(number % SideColors.count),
                    "value": .fragment(ValueText.brief(side.value)),
                    "isDelete": .flag(side.value == nil && conflict.kind == .deleteWrite), "device": .name(side.device),
                    "user": .name(side.user), "standing": .text(side.standing.words),
                    "standingName": .text(side.standing.name),
                ]
            })
        if omittedSides + max(0, sides.count - Allowance.briefs) > 0 {
            fragment["omittedSides"] = .text(
                CountText.counted(omittedSides + max(0, sides.count - Allowance.briefs), "further side"))
        }
        if comments > 0 { fragment["comments"] = .text(CountText.counted(comments, "comment")) }
        return fragment
    }
}

/// The colours of sides. The style sheet has so many; further sides begin anew, and letters tell all of them apart.
enum SideColors {
    static let count = 6
}
