/// Called with a statement's name before each step of an engine that reads or writes. Throwing makes that step fail.
///
/// This is how fault injection reaches every statement of a commit, and how tests see which statements a commit used.
public typealias StoreProbe = @Sendable (_ statement: String) throws(StoreError) -> Void
