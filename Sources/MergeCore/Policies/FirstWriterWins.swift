extension RegisterRule {
    /// `fww`: among concurrent values the smallest stamp shows. A later write replaces what it has seen.
    public static let firstWriterWins = RegisterRule(
        visible: .smallestStamp, losers: .decidedByPolicy, succession: .replaces)
}
