/// The rule of a unit, by the name it has in a collections file and in the audit.
public enum MergePolicy: String, Sendable, Hashable, CaseIterable {
    case lww, fww, max, min, counter, set, manual, immutable

    /// How the policy keeps its state. Policies of one family can be exchanged for one another without touching what is
    /// stored.
    public enum Family: Sendable, Hashable {
        /// A multi-value register; the rule says which of its values shows and which writes it refuses.
        case register(RegisterRule)
        /// One best value; a write never takes it back.
        case extremum(Extremum.Direction)
        case counter
        case set
    }

    public var family: Family {
        switch self {
        case .lww: .register(.lastWriterWins)
        case .fww: .register(.firstWriterWins)
        case .manual: .register(.manual)
        case .immutable: .register(.immutable)
        case .max: .extremum(.greatest)
        case .min: .extremum(.smallest)
        case .counter: .counter
        case .set: .set
        }
    }

    /// The register's rule, nil for the policies that absorb every concurrent write.
    public var registerRule: RegisterRule? {
        if case .register(let rule) = family { rule } else { nil }
    }
}

/// Who prevails when a delete and a write have not seen each other.
public enum DeletePolicy: String, Sendable, Hashable, CaseIterable {
    case updateWins = "update-wins"
    case deleteWins = "delete-wins"
}
