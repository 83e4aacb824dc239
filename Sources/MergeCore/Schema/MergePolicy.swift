import Causality

/// The rule of a unit: a family, and what a policy has to say within it.
///
/// Each policy stands in a file of its family's folder, with its rule and its source. Policies of one family can be
/// exchanged for one another without touching what is stored.
public struct MergePolicy: Sendable {
    /// Which state a policy keeps, and what tells it from the family's other policies.
    public enum Family: Sendable, Hashable {
        /// A multi-value register. The rule says which of its values shows and which writes it refuses.
        case register(RegisterRule)
        /// One best value, which a write never takes back.
        case extremum(Extremum.Direction)
        /// A total for each device.
        case counter
        /// Elements with the events that added them.
        case set
        /// A family that has no case of `UnitState` to itself.
        case other(OtherFamily)

        /// The family's own type, for questions that are not about one state.
        public var type: any MergeFamily.Type {
            switch self {
            case .register: Register.self
            case .extremum: Extremum.self
            case .counter: CounterTotals.self
            case .set: ObservedRemoveSet.self
            case .other(let family): family.type
            }
        }
    }

    /// A family that has no case of ``UnitState`` to itself, compared by its type.
    public struct OtherFamily: Sendable {
        /// The family's own type.
        public let type: any MergeFamily.Type
    }

    // A policy is copied with every write of every field. A `StaticString` has no reference count, which a `String` may
    // have.
    private let name: StaticString
    /// The state that the policy keeps, and its own rule within the family.
    public let family: Family

    /// Makes a policy.
    /// - Parameters:
    ///   - name: the name, as in a collections file and in the audit.
    ///   - family: the state that it keeps.
    public init(_ name: StaticString, _ family: Family) {
        self.name = name
        self.family = family
    }

    /// Makes a policy of a family that has no case of ``UnitState`` to itself.
    public init(_ name: StaticString, of family: any MergeFamily.Type) {
        self.init(name, .other(OtherFamily(type: family)))
    }

    /// The register's rule; nil for the policies that absorb every concurrent write.
    public var registerRule: RegisterRule? {
        if case .register(let rule) = family { rule } else { nil }
    }
}

extension MergePolicy: RawRepresentable, CaseIterable {
    /// The policies that a collections file can name. A new policy is known once it stands here.
    public static let allCases: [MergePolicy] = [.lww, .fww, .max, .min, .counter, .set, .manual, .immutable]

    /// The name, as in a collections file and in the audit.
    public var rawValue: String { name.description }

    /// Finds a policy by its name.
    /// - Returns: nil where no policy of `allCases` has the name.
    public init?(rawValue: String) {
        guard let policy = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = policy
    }
}

extension MergePolicy: Hashable {
    public static func == (left: MergePolicy, right: MergePolicy) -> Bool {
        left.family == right.family && left.rawValue == right.rawValue
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension MergePolicy: CustomStringConvertible {
    public var description: String { rawValue }
}

extension MergePolicy.OtherFamily: Hashable {
    public static func == (left: Self, right: Self) -> Bool { left.type == right.type }

    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(type)) }
}
