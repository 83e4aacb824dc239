extension MergePolicy {
    /// `fww`: among concurrent values the smallest stamp shows. A later write replaces what it has seen.
    ///
    /// Source: the register of `lww`, read from its other end. Rule P2 of docs/semantics.md.
    public static let fww = MergePolicy(
        "fww", .register(RegisterRule(visible: .smallestStamp, losers: .decidedByPolicy, succession: .replaces)))
}
