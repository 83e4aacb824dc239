/// What a store throws. Expected outcomes are never errors: a missing row is nil, a refused batch is an answer.
public enum StoreError: Error, Sendable, Hashable {
    /// The engine could not be reached or gave up: a lost connection, a lock or disk that did not yield, a full disk. Nothing
    /// of the attempt is stored. The same call may succeed later.
    case unavailable(String)
    /// The engine was lost while a commit was under way: all of it is stored, or nothing. The caller settles that by asking
    /// again with the same keys, which waits for the lost attempt to end.
    case unsettled(String)
    /// What is stored cannot be read as what it should be. Retrying does not help; nothing was written.
    case damaged(String)
    /// What was to be written or read is more than the engine takes in one piece. Nothing was written; less at once helps.
    case tooLarge(String)
    /// The data was written by a later version of the server.
    case newerSchema(found: Int, supported: Int)
    /// The data cannot be opened where it was said to be.
    case cannotOpen(String)
}
