/// The templates, by the names under which they call each other.
enum Template: String, CaseIterable {
    case pageTop = "page-top"
    case pageBottom = "page-bottom"
    case message
    case list
    case filters
    case row
    case conflict
    case side
    case field
    case diagram
    case history
    case bulk
    case bulkResult = "bulk-result"
    case summary
    case signIn = "sign-in"
    case sessions
    case notice
    case front
    case runs
    case name
    case text
    case value
    case sentence
    case time

    /// The template without its last line feed, which would be a space behind every name.
    var text: String {
        let isEnded = bytes.last == UInt8(ascii: "\n")
        return String(decoding: isEnded ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    private var bytes: [UInt8] {
        switch self {
        case .pageTop: PackageResources.page_top_mustache
        case .pageBottom: PackageResources.page_bottom_mustache
        case .message: PackageResources.message_mustache
        case .list: PackageResources.list_mustache
        case .filters: PackageResources.filters_mustache
        case .row: PackageResources.row_mustache
        case .conflict: PackageResources.conflict_mustache
        case .side: PackageResources.side_mustache
        case .field: PackageResources.field_mustache
        case .diagram: PackageResources.diagram_mustache
        case .history: PackageResources.history_mustache
        case .bulk: PackageResources.bulk_mustache
        case .bulkResult: PackageResources.bulk_result_mustache
        case .summary: PackageResources.summary_mustache
        case .signIn: PackageResources.sign_in_mustache
        case .sessions: PackageResources.sessions_mustache
        case .notice: PackageResources.notice_mustache
        case .front: PackageResources.front_mustache
        case .runs: PackageResources.runs_mustache
        case .name: PackageResources.name_mustache
        case .text: PackageResources.text_mustache
        case .value: PackageResources.value_mustache
        case .sentence: PackageResources.sentence_mustache
        case .time: PackageResources.time_mustache
        }
    }
}
