/// Where the pages are.
enum Addresses {
    static let list = "/review"
    static let bulk = "/review/bulk"
    static let summary = "/review/summary"
    static let signIn = "/review/sign-in"
    static let signOut = "/review/sign-out"
    static let sessions = "/review/sessions"
    static let endSessions = "/review/sessions/end"

    static func list(_ filters: ConflictFilters) -> String {
        QueryText.address(list, filters.items)
    }

    static func bulk(_ filters: ConflictFilters) -> String {
        QueryText.address(bulk, filters.items)
    }

    /// A conflict's page. The filters go along, so that the page knows its neighbours and the way back.
    static func conflict(_ id: String, _ filters: ConflictFilters? = nil, action: String = "") -> String {
        QueryText.address("/review/conflicts/" + QueryText.encoded(id) + action, filters?.items ?? [])
    }
}
