/// What tells the policies apart that keep a multi-value register. A rule only reads: the register's content never
/// depends on it.
public struct RegisterRule: Sendable, Hashable {
    /// Which of several concurrent values shows: the one with the `greatestStamp` or the one with the `smallestStamp`.
    public enum Visible: Sendable, Hashable { case greatestStamp, smallestStamp }
    /// What becomes of the values that do not show.
    public enum Losers: Sendable, Hashable {
        /// The policy has decided. The conflict is recorded as decided.
        case decidedByPolicy
        /// The values stay beside the visible one until somebody decides.
        case awaitDecision
    }
    /// What a write that has seen a value may do to it: it `replaces` the value, or it `mustEqual` it.
    public enum Succession: Sendable, Hashable { case replaces, mustEqual }

    /// Which of several concurrent values shows.
    public let visible: Visible
    /// What becomes of the values that do not show.
    public let losers: Losers
    /// What a write that has seen a value may do to it.
    public let succession: Succession

    public init(visible: Visible, losers: Losers, succession: Succession) {
        self.visible = visible
        self.losers = losers
        self.succession = succession
    }
}
