extension MergePolicy {
    /// `immutable`: the first value stays. A write that has seen it may only repeat it; of values written concurrently the
    /// smallest stamp shows.
    ///
    /// Source: a write-once register; of several first writes the register of `fww` decides. Rule P7 of docs/semantics.md.
    public static let immutable = MergePolicy(
        "immutable",
        .register(RegisterRule(visible: .smallestStamp, losers: .decidedByPolicy, succession: .mustEqual)))
}
