import Causality

/// Somebody whose tokens are taken.
public struct TokenIssuer: Sendable {
    /// The algorithms that an issuer's keys can be for. None of them has a secret: who verifies with one could sign too.
    public static let knownAlgorithms = VerificationKeys.knownAlgorithms

    /// What its tokens have to say. `issuer` and an audience are among that.
    public let requirements: TokenRequirements
    /// Where they say whom they speak for.
    public let claims: ClaimPlaces
    /// The algorithms that its keys may be for; nil for all that are known. None of them has a secret.
    public let algorithms: Set<String>?
    /// Where its keys are.
    public let keys: KeySource

    public init(
        _ requirements: TokenRequirements, claims: ClaimPlaces, algorithms: Set<String>? = nil, keys: KeySource
    ) {
        self.requirements = requirements
        self.claims = claims
        self.algorithms = algorithms
        self.keys = keys
    }

    /// Whether this one's tokens and another's can speak for one tenant without anybody having said so.
    ///
    /// Tenants that are listed were meant. What templates can come to was not, and what stands in a claim alone can come
    /// to anything.
    public func meetsByAccident(_ other: TokenIssuer) -> Bool {
        switch (requirements.tenants, other.requirements.tenants) {
        case (.anyOnPurpose, _), (_, .anyOnPurpose), (.named, .named): false
        case (.named(let names), .asClaimed): names.contains(where: other.claims.tenant.canBe)
        case (.asClaimed, .named(let names)): names.contains(where: claims.tenant.canBe)
        case (.asClaimed, .asClaimed): claims.tenant.canMeet(other.claims.tenant)
        }
    }
}

/// For which tenants an issuer may speak.
public enum TenantRange: Sendable, Hashable {
    /// Those that its claims come to.
    case asClaimed
    /// Those alone.
    case named(Set<ExactString>)
    /// Any, beside other issuers, because the operator says so.
    case anyOnPurpose

    func contains(_ tenant: ExactString) -> Bool {
        switch self {
        case .asClaimed, .anyOnPurpose: true
        case .named(let names): names.contains(tenant)
        }
    }
}
