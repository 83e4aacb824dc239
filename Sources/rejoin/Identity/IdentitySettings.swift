import Causality
import Foundation
import Logging
import SyncEngine
import SyncHTTP
import SyncWire
import Yams

/// `auth` of the settings file: whose tokens are taken, and what they are taken for. Everything that has no meaning there
/// is refused, so that a typing error does not open a door.
struct IdentitySettings: Sendable {
    /// Where the keys of an issuer are.
    enum Keys: Sendable, Hashable {
        /// Where the issuer's own document says (OpenID Connect Discovery section 4).
        case discovery
        case address(KeyAddress)
        /// A key set, or a public key in PEM.
        case file(String)
    }

    /// One of the issuers.
    struct Issuer: Sendable {
        let name: String
        let audiences: [String]
        let keys: Keys
        let algorithms: Set<String>?
        let leewaySeconds: Int
        let claims: ClaimPlaces
        let tenants: TenantRange
    }

    /// More are a mistake, and each costs requests to somebody.
    private static let maximumIssuers = 32

    let issuers: [Issuer]
    /// Whether tokens of the server's own key are taken too.
    let takesOwnTokens: Bool
    /// Where reviewers sign in, beside by links; nil where by links alone.
    let signIn: SignIn?

    init(_ node: Node?) throws(YAMLReadingError) {
        let members = try YAMLMembers(node, at: "auth", allowing: ["issuers", "own-tokens", "sign-in"])
        takesOwnTokens = try members.truth("own-tokens") ?? false
        var issuers: [Issuer] = []
        for (index, node) in try members.elements("issuers").enumerated() {
            issuers.append(try Issuer(node, at: "auth.issuers.\(index + 1)"))
        }
        guard !issuers.isEmpty, issuers.count <= Self.maximumIssuers else {
            throw YAMLReadingError("auth.issuers", "this is a list of 1 to \(Self.maximumIssuers) issuers")
        }
        self.issuers = issuers
        signIn = try members.node("sign-in").map { node throws(YAMLReadingError) in try SignIn(node, among: issuers) }
        try Self.check(issuers)
    }

    /// Checks that no two issuers come to speak for one tenant without anybody having meant it.
    private static func check(_ issuers: [Issuer]) throws(YAMLReadingError) {
        for (index, issuer) in issuers.enumerated() {
            for (other, earlier) in issuers.prefix(index).enumerated() {
                let place = "auth.issuers.\(index + 1)"
                guard issuer.name != earlier.name else {
                    throw YAMLReadingError(place, "'\(issuer.name)' is there twice; one issuer has several audiences")
                }
                guard !issuer.withoutKeys.meetsByAccident(earlier.withoutKeys) else {
                    throw YAMLReadingError(
                        place,
                        "its tokens and those of issuer \(other + 1) can name the same tenant; give 'tenants' (a list of names, "
                            + "or 'any' where that is meant), or 'tenant' with a text of its own, as in 'shop:{sub}'")
                }
            }
        }
    }

    /// Reads the keys and makes the verifier, without the server's own key.
    /// - Parameters:
    ///   - place: where the settings are.
    ///   - logger: is told of keys that cannot be had.
    func verifier(from place: SettingSource, logger: Logger) async throws(CommandFailure) -> TokenVerifier {
        do {
            return try await TokenVerifier(issuers.map { $0.reading(ProviderKeys.source(of: $0)) }, logger: logger)
        } catch {
            throw .cannotStart("auth, \(place.text): \(error.message)")
        }
    }
}

extension IdentitySettings.Issuer {
    private static let names = [
        "issuer", "audience", "keys", "algorithms", "leeway", "tenant", "members", "tenants", "user", "device", "roles",
    ]

    init(_ node: Node, at place: String) throws(YAMLReadingError) {
        let members = try YAMLMembers(node, at: place, allowing: Self.names)
        name = try members.needed("issuer", "what 'iss' of its tokens is")
        audiences = try members.textOrList("audience")
        guard !audiences.isEmpty, !audiences.contains("") else {
            // A provider signs tokens for many: without it, one for another service would be good here.
            throw YAMLReadingError(place, "'audience' is missing: what 'aud' of a token for this server names")
        }
        keys = try Self.keys(members, issuer: name)
        algorithms = try Self.algorithms(members)
        leewaySeconds =
            try members.integer("leeway", in: 0...3600) ?? TokenRequirements.standardLeewaySeconds
        let tenant = try Self.tenant(members)
        var claims = ClaimPlaces(
            tenant: tenant, user: try members.claimText("user") ?? .subject, device: try members.claimPath("device"))
        claims.roles = try Self.roles(members)
        self.claims = claims
        tenants = try Self.tenants(members, tenant)
    }

    private static func tenant(_ members: YAMLMembers) throws(YAMLReadingError) -> ClaimPlaces.TenantRule {
        switch (try members.claimText("tenant"), try members.truth("members") ?? false) {
        case (let tenant?, false): return .claimed(tenant)
        case (nil, true):
            guard !members.has("roles") else {
                throw YAMLReadingError(
                    "\(members.place).roles", "what a member may do is said by 'rejoin member add', and by no claim")
            }
            return .membership
        case (nil, false):
            throw YAMLReadingError(
                members.place,
                "'tenant' is missing: the claim that names it, or a template ('user:{sub}'); or 'members: true', where "
                    + "the server keeps who belongs to which tenant")
        case (_?, true):
            throw YAMLReadingError(members.place, "this has either 'tenant' or 'members'")
        }
    }

    private static func keys(
        _ members: YAMLMembers, issuer: String
    ) throws(YAMLReadingError) -> IdentitySettings.Keys {
        let place = "\(members.place).keys"
        guard let node = members.node("keys"), node.scalar?.string != "discovery" else {
            guard KeyAddress(issuer) != nil else {
                throw YAMLReadingError(
                    place, "'\(issuer)' is no https address, so its keys cannot be discovered; give 'url' or 'file'")
            }
            return .discovery
        }
        let keys = try YAMLMembers(node, at: place, allowing: ["url", "file"])
        switch (try keys.text("url"), try keys.text("file")) {
        case (let url?, nil):
            guard let address = KeyAddress(url) else {
                throw YAMLReadingError(
                    "\(place).url", "'\(url)' is no https address (http is for this machine's own alone)")
            }
            return .address(address)
        case (nil, let file?): return .file(file)
        case (_, _): throw YAMLReadingError(place, "this is 'discovery', or has either 'url' or 'file'")
        }
    }

    private static func algorithms(_ members: YAMLMembers) throws(YAMLReadingError) -> Set<String>? {
        guard members.has("algorithms") else { return nil }
        let names = try members.textOrList("algorithms")
        for name in names where !TokenIssuer.knownAlgorithms.contains(name) {
            // An algorithm with a secret is none of these: who verifies with it could sign as well.
            let known = TokenIssuer.knownAlgorithms.sorted().joined(separator: ", ")
            throw YAMLReadingError("\(members.place).algorithms", "'\(name)' is none of \(known)")
        }
        guard !names.isEmpty else { throw YAMLReadingError("\(members.place).algorithms", "the list is empty") }
        return Set(names)
    }

    private static func roles(_ members: YAMLMembers) throws(YAMLReadingError) -> ClaimPlaces.RoleRule {
        guard let node = members.node("roles") else { return .none }
        let place = "\(members.place).roles"
        let roles = try YAMLMembers(node, at: place, allowing: ["claim", "names"])
        guard let path = try roles.claimPath("claim") else {
            throw YAMLReadingError(place, "'claim' is missing: the claim in which the provider names roles")
        }
        var meanings: [String: Set<Caller.Role>] = [:]
        for (name, node) in try roles.members("names") {
            let texts = try node.sequence == nil ? [node.scalar?.string ?? ""] : YAMLMembers.texts(node, at: place)
            var meant: Set<Caller.Role> = []
            for text in texts {
                guard let role = Caller.Role(rawValue: text) else {
                    let known = Caller.Role.allCases.map(\.rawValue).joined(separator: ", ")
                    throw YAMLReadingError("\(place).names.\(name)", "'\(text)' is none of \(known)")
                }
                meant.insert(role)
            }
            meanings[name] = meant
        }
        guard !meanings.isEmpty else {
            throw YAMLReadingError(place, "'names' is missing: what each of the provider's names means here")
        }
        return .mapped(ClaimPlaces.Roles(path, meanings: meanings))
    }

    private static func tenants(
        _ members: YAMLMembers, _ tenant: ClaimPlaces.TenantRule
    ) throws(YAMLReadingError) -> TenantRange {
        guard let node = members.node("tenants") else { return .asClaimed }
        let place = "\(members.place).tenants"
        if node.scalar?.string == "any" { return .anyOnPurpose }
        guard node.sequence != nil else { throw YAMLReadingError(place, "this is a list of names, or 'any'") }
        var names: Set<ExactString> = []
        for text in try YAMLMembers.texts(node, at: place) {
            let name = ExactString(text)
            if let issue = NameRule.issue(in: name, limits: WireLimits()) { throw YAMLReadingError(place, issue) }
            guard tenant.canBe(name) else {
                throw YAMLReadingError(place, "'\(text)' is nothing that 'tenant' comes to")
            }
            names.insert(name)
        }
        guard !names.isEmpty else { throw YAMLReadingError(place, "the list is empty: no token would be taken") }
        return .named(names)
    }

    func reading(_ source: KeySource) -> TokenIssuer {
        var requirements = TokenRequirements(issuer: name, leewaySeconds: leewaySeconds)
        requirements.audiences = audiences
        requirements.tenants = tenants
        requirements.isByMembership = claims.tenant == .membership
        return TokenIssuer(requirements, claims: claims, algorithms: algorithms, keys: source)
    }

    fileprivate var withoutKeys: TokenIssuer {
        reading(KeySource(place: "nowhere") { .failure(KeySource.Unreadable("nothing is read")) })
    }
}
