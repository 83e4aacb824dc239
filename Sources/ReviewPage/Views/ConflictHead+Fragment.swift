extension ConflictHead {
    /// What the list, the bulk page and the conflict's own page all show of it.
    func fragment(_ filters: ConflictFilters?) -> Fragment {
        var fragment: Fragment = [
            "id": .text(id), "version": .number(version), "address": .text(Addresses.conflict(id, filters)),
            "collection": .name(collection), "record": .name(record), "kind": .text(Words.kind(kind)),
            "policy": .name(Words.policy(policy)), "status": .text(Words.status(status)),
            "statusName": .text(status.rawValue), "openedAt": .time(openedAtMilliseconds),
            "isRecordUnit": .flag(unit == Words.recordUnit), "unit": .name(unit),
        ]
        if let assignee { fragment["assignee"] = .name(assignee) }
        return fragment
    }

    /// `trips/alps · total`, for titles.
    var flatName: String {
        Naming.flat(collection) + "/" + Naming.flat(record) + " · "
            + (unit == Words.recordUnit ? "whole record" : Naming.flat(unit))
    }
}

extension SideStanding {
    var words: String {
        switch self {
        case .shows: "shows"
        case .beside: "does not show"
        case .dropped: "seen and replaced"
        }
    }

    var name: String {
        switch self {
        case .shows: "shows"
        case .beside: "beside"
        case .dropped: "dropped"
        }
    }
}
