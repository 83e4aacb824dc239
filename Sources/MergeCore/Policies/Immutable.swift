extension RegisterRule {
    /// `immutable`: the first value stays. A write that has seen it may only repeat it; of values written concurrently the
    /// smallest stamp shows.
    public static let immutable = RegisterRule(
        visible: .smallestStamp, losers: .decidedByPolicy, succession: .mustEqual)
}
