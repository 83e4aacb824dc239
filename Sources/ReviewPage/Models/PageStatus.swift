/// Whether a conflict waits for somebody.
public enum PageStatus: String, Sendable, Hashable, CaseIterable {
    case open
    case automatic
    case resolved
    case superseded
}

/// What met what.
public enum PageKind: String, Sendable, Hashable, CaseIterable {
    case writeWrite = "write_write"
    case deleteWrite = "delete_write"
    case stale
}
