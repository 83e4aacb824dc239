/// What distinguishes the policies that keep a multi-value register. The register's content never depends on it: the rule
/// only reads.
public struct RegisterRule: Sendable, Hashable {
    /// Which of several concurrent values shows.
    public enum Visible: Sendable, Hashable { case greatestStamp, smallestStamp }
    /// What becomes of the values that do not show.
    public enum Losers: Sendable, Hashable {
        /// The policy has decided; the conflict is recorded as decided.
        case decidedByPolicy
        /// They stay beside the visible value until somebody decides.
        case awaitDecision
    }
    /// What a write that has seen a value may do to it.
    public enum Succession: Sendable, Hashable { case replaces, mustEqual }

    public let visible: Visible
    public let losers: Losers
    public let succession: Succession

    public init(visible: Visible, losers: Losers, succession: Succession) {
        self.visible = visible
        self.losers = losers
        self.succession = succession
    }
}
