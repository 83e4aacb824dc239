extension MergePolicy {
    /// `lww`: among concurrent values the greatest stamp shows. A later write replaces what it has seen.
    ///
    /// Source: the last-writer-wins register (Johnson and Thomas 1975, RFC 677; Shapiro et al. 2011, section 3.2.1), here only
    /// among the concurrent values of a multi-value register. Rule P1 of docs/semantics.md.
    public static let lww = MergePolicy("lww", .register(.lastWriterWins))
}

extension RegisterRule {
    /// That of `lww`. A register whose unit is declared under another family by now, or no longer, is read by it (rule S7).
    static let lastWriterWins = RegisterRule(
        visible: .greatestStamp, losers: .decidedByPolicy, succession: .replaces)
}
