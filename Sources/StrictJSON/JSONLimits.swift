/// What a JSON text from outside may cost.
///
/// The length of the text is bounded before it comes here, by the limit on request bodies; time is linear in it, and so is
/// memory (under 30 bytes for each byte of text in the worst case, an array of one-element arrays).
public struct JSONLimits: Sendable, Hashable {
    /// Levels of arrays and objects inside one another; a number or a string alone has 0. The parser recurses, so this
    /// bounds its stack: it is held between 1 and 512.
    public let maximumDepth: Int
    /// Faults kept for one branch, that is for one pair of first and second step of the pointer (`/operations/3`). One
    /// refuses the operation already; the others are a courtesy to its author, and a hostile text has millions.
    public let maximumIssuesPerBranch: Int
    /// Faults kept for the whole text; with more of them it is refused as a whole. Above the operations of a batch times
    /// `maximumIssuesPerBranch`, so that one operation cannot spoil its siblings.
    public let maximumIssues: Int

    public init(maximumDepth: Int = 32, maximumIssuesPerBranch: Int = 8, maximumIssues: Int = 10_000) {
        self.maximumDepth = min(max(maximumDepth, 1), 512)
        self.maximumIssuesPerBranch = max(maximumIssuesPerBranch, 1)
        self.maximumIssues = max(maximumIssues, 1)
    }

    public static let standard = JSONLimits()
}
