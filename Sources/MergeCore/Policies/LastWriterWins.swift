extension RegisterRule {
    /// `lww`: among concurrent values the greatest stamp shows. A later write replaces what it has seen.
    public static let lastWriterWins = RegisterRule(
        visible: .greatestStamp, losers: .decidedByPolicy, succession: .replaces)
}
