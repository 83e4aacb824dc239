extension RegisterRule {
    /// `manual`: the greatest stamp shows, the others stand beside it as siblings until a reviewer, or a write that has
    /// seen them, decides.
    public static let manual = RegisterRule(visible: .greatestStamp, losers: .awaitDecision, succession: .replaces)
}
