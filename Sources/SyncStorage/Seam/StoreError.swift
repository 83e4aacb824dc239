/// What a store throws. An expected outcome is never an error: a missing row is nil, and a refused batch is an answer.
public enum StoreError: Error, Sendable, Hashable {
    /// The engine could not be reached or gave up: the connection was lost, a lock or disk did not yield, or the disk
    /// is full. Nothing of the attempt is stored. The same call may succeed later.
    case unavailable(String)
    /// The engine was lost while a commit was under way. All of it is stored, or nothing. The caller settles that by
    /// asking again with the same keys, which waits for the lost attempt to end.
    case unsettled(String)
    /// What is stored cannot be read as what it should be, or a row would be overwritten that never is. Retrying does
    /// not help; nothing was written.
    case damaged(String)
    /// What was to be written or read is more than the engine takes in one piece. Nothing was written; less at once
    /// helps.
    case tooLarge(String)
    /// A later version of the server wrote the data.
    case newerSchema(found: Int, supported: Int)
    /// The data cannot be opened where it was said to be.
    case cannotOpen(String)
}
