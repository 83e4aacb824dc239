extension MergePolicy {
    /// `max`: the greatest value that was ever written shows.
    ///
    /// Source: the join semilattice of a total order (Shapiro et al. 2011, section 2.2; `lmax` of Conway et al. 2012). Rule P3
    /// of docs/semantics.md.
    public static let max = MergePolicy("max", .extremum(.greatest))

    /// `min`: the smallest value that was ever written shows.
    ///
    /// Source: that of `max`, the other way round.
    public static let min = MergePolicy("min", .extremum(.smallest))
}
