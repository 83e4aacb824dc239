/// The filters of a list: as a form, and those that are set as chips to take away.
struct FilterForm {
    let filters: ConflictFilters

    /// What the template `filters` reads.
    var fragment: Fragment {
        [
            "action": .text(Addresses.list), "status": .text(filters.status?.rawValue ?? "all"),
            "kinds": .list(
                PageKind.allCases.map { option($0.rawValue, Words.kind($0), isChosen: filters.kind == $0) }),
            "policies": .list(Words.policies.map { ["value": .text($0), "label": .text(Words.policy($0))] }),
            "assignees": .list([
                option("", "anybody or nobody", isChosen: filters.assignee == .anybody),
                option("me", "me", isChosen: filters.assignee == .me),
                option("nobody", "nobody", isChosen: filters.assignee == .nobody),
                option("named", "the one named here", isChosen: assigned != nil),
            ]),
            "assigned": .text(assigned ?? ""),
            "orders": .list([
                option("newest", "newest first", isChosen: filters.order == .newest),
                option("oldest", "oldest first", isChosen: filters.order == .oldest),
            ]),
            "collection": .text(filters.collection ?? ""), "record": .text(filters.record ?? ""),
            "unit": .text(filters.unit ?? ""), "policy": .text(filters.policy ?? ""),
            "device": .text(filters.device ?? ""), "user": .text(filters.user ?? ""),
            "since": .text(filters.since ?? ""), "until": .text(filters.until ?? ""),
        ]
    }

    /// The filters that are set, each with the address of the list without it.
    var chips: [Fragment] {
        var chips: [Fragment] = []
        func add(_ label: String, _ value: String?, _ remove: (inout ConflictFilters) -> Void) {
            guard let value else { return }
            var rest = filters
            remove(&rest)
            chips.append([
                "label": .text(label), "value": .name(value), "address": .text(Addresses.list(rest)),
            ])
        }
        add("kind", filters.kind.map(Words.kind(_:))) { $0.kind = nil }
        add("collection", filters.collection) { $0.collection = nil }
        add("record", filters.record) { $0.record = nil }
        add("field", filters.unit) { $0.unit = nil }
        add("policy", filters.policy) { $0.policy = nil }
        add("device", filters.device) { $0.device = nil }
        add("user", filters.user) { $0.user = nil }
        add("assigned to", assigneeWords) { $0.assignee = .anybody }
        add("since", filters.since) { $0.since = nil }
        add("until", filters.until) { $0.until = nil }
        add("order", filters.order == .oldest ? "oldest first" : nil) { $0.order = .newest }
        return chips
    }

    private var assigned: String? {
        if case .user(let name) = filters.assignee { return name }
        return nil
    }

    private var assigneeWords: String? {
        switch filters.assignee {
        case .anybody: nil
        case .nobody: "nobody"
        case .me: "me"
        case .user(let name): name
        }
    }

    private func option(_ value: String, _ label: String, isChosen: Bool) -> Fragment {
        ["value": .text(value), "label": .text(label), "isChosen": .flag(isChosen)]
    }
}
