/// What a JSON text from outside may cost.
///
/// The limit on request bodies bounds the length of the text before it comes here. Time is linear in the length, and so
/// is memory: under 30 bytes for each byte of text in the worst case, which is an array of one-element arrays.
public struct JSONLimits: Sendable, Hashable {
    /// The levels of arrays and objects inside one another; a number or a string alone has 0. The parser recurses, so
    /// this bounds its stack. It is held between 1 and 512.
    public let maximumDepth: Int
    /// The issues kept for one branch, that is, for one pair of first and second step of the pointer (`/operations/3`).
    /// One issue already refuses the operation. The others are a courtesy to its author, and a hostile text has
    /// millions.
    public let maximumIssuesPerBranch: Int
    /// The issues kept for the whole text. A text with more of them is refused as a whole. The number is above the
    /// operations of a batch times `maximumIssuesPerBranch`, so that one operation cannot spoil its siblings.
    public let maximumIssues: Int

    /// Takes the limits, and holds each within what is possible.
    public init(maximumDepth: Int = 32, maximumIssuesPerBranch: Int = 8, maximumIssues: Int = 10_000) {
        self.maximumDepth = min(max(maximumDepth, 1), 512)
        self.maximumIssuesPerBranch = max(maximumIssuesPerBranch, 1)
        self.maximumIssues = max(maximumIssues, 1)
    }

    /// The limits of a request: 32 levels, 8 issues a branch, 10,000 issues.
    public static let standard = JSONLimits()
}
