extension MergePolicy {
    /// `manual`: the greatest stamp shows, the others stand beside it as siblings until a reviewer, or a write that has
    /// seen them, decides.
    ///
    /// Source: the multi-value register (Shapiro et al. 2011, section 3.2.2) and the siblings of Dynamo (DeCandia et al. 2007).
    /// Rule P6 of docs/semantics.md.
    public static let manual = MergePolicy(
        "manual", .register(RegisterRule(visible: .greatestStamp, losers: .awaitDecision, succession: .replaces)))
}
