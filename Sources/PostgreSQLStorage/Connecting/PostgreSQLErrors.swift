import SyncStorage

/// An error that the server reported for one statement.
struct ServerError: Error {
    let sqlState: String
    let statement: String
    /// The database's own words, in which there may be values. They are for whoever sets a database up.
    let message: String

    /// What the error means to a caller. The text names the state and the statement, never a value.
    ///
    /// Classes: PostgreSQL documentation, appendix A.
    var meaning: StoreError {
        let text = "PostgreSQL reported \(sqlState) (\(statement))"
        switch sqlState {
        case "42501":
            return .cannotOpen("the server's role lacks a right (\(statement)); see 'rejoin migrate --grant-to'")
        case "53100": return .unavailable("\(StoreError.fullDisk) (\(statement))")
        case "55P03": return .unavailable("a lock did not yield in time (\(statement))")
        case "57014": return .unavailable("a statement took too long (\(statement))")
        // Program limits: a value or a message beyond a gigabyte.
        case let state where state.hasPrefix("54"): return .tooLarge(text)
        default: break
        }
        // Constraints, data, syntax and names, damaged data: the same call will fail again.
        let permanent = ["22", "23", "42", "XX001", "XX002"].contains { sqlState.hasPrefix($0) }
        return permanent ? .damaged(text) : .unavailable(text)
    }

    /// Whether a statement would have written a key that is there.
    var isOfKnownKey: Bool { sqlState == "23505" }

    /// Whether a COMMIT that was answered so may have happened all the same. Where it goes on to another node, the connection
    /// to that node (class 08) or the node itself may be lost in between, and what then comes from there has no state of
    /// its own (class XX).
    var leavesCommitOpen: Bool {
        endsSession || sqlState.hasPrefix("XX") || sqlState.hasPrefix("00")
    }

    /// Whether the session is of no use any more: the server is going away, is no primary or no longer one, or has
    /// forgotten what the session prepared.
    var endsSession: Bool {
        ["08", "57P", "25006", "26000"].contains { sqlState.hasPrefix($0) }
    }
}

extension StoreError {
    /// The error with what the database said about it.
    func with(_ report: ServerError?) -> StoreError {
        guard let message = report?.message, !message.isEmpty else { return self }
        let words = "; the database says: \(message)"
        return switch self {
        case .unavailable(let text): .unavailable(text + words)
        case .unsettled(let text): .unsettled(text + words)
        case .damaged(let text): .damaged(text + words)
        case .tooLarge(let text): .tooLarge(text + words)
        case .cannotOpen(let text): .cannotOpen(text + words)
        case .newerSchema: self
        }
    }

    fileprivate static let fullDisk = "the database's disk is full"

    var isFullDisk: Bool {
        switch self {
        case .unavailable(let text): text.hasPrefix(Self.fullDisk)
        case .unsettled, .damaged, .tooLarge, .newerSchema, .cannotOpen: false
        }
    }
}
