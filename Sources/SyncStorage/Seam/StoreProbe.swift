/// Is called with a statement's name before each step of an engine that reads or writes. What it throws makes that step
/// fail.
///
/// So fault injection reaches every statement of a commit, and tests see which statements a commit used.
public typealias StoreProbe = @Sendable (_ statement: String) throws(StoreError) -> Void
