import Causality
import MergeCore
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire
import Values

/// What an ID token has to be for.
struct IDTokenExpectation: Sendable {
    /// Who signed it.
    let issuer: String
    /// For which client.
    let clientID: String
    /// For which attempt to sign in.
    let nonce: String
    /// The tenant that was chosen; nil where there was none to choose.
    let tenant: TenantID?
}

/// What an ID token says of whoever signed in.
enum IDTokenOutcome: Sendable {
    case reviewer(Caller)
    /// The token is not to be believed. The reason is for the operator, and has nothing of the token.
    case refused(reason: String)
    case notReviewer
    /// They review for several tenants, and did not say which one they mean.
    case choice([TenantID])
}

extension TokenVerifier {
    /// Checks an ID token (OpenID Connect Core 1.0 section 3.1.3.7), and finds out as whom it signs in.
    /// - Throws: `overloaded` while the issuer's keys were never to be had; `storage_unavailable`.
    func reviewer(
        idToken: String, expecting expected: IDTokenExpectation, nowMilliseconds now: Int64, limits: WireLimits,
        memberships: (ExactString) async throws(Problem) -> [Membership]
    ) async throws(Problem) -> IDTokenOutcome {
        // Which keys are tried follows from the issuer that the token names, so it is looked at first.
        guard let payload = TokenPayload(of: idToken), payload.issuer == expected.issuer else {
            return .refused(reason: "it is no token of this issuer")
        }
        guard var (claims, requirements) = try await self.claims(idToken, nowMilliseconds: now) else {
            return .refused(reason: "no key of the issuer signed it, or a claim that the settings name is missing")
        }
        // An ID token is for the client, whatever tokens for the API are for.
        requirements.audiences = [expected.clientID]
        guard payload.nonce == expected.nonce else {
            return .refused(reason: "its 'nonce' is not that of this attempt")
        }
        guard payload.isAuthorized(expected.clientID, among: claims.aud?.names.count ?? 0) else {
            return .refused(reason: "its 'azp' is another client")
        }
        guard claims.iat != nil else { return .refused(reason: "it has no 'iat'") }
        // A session is a person's.
        claims.device = nil
        do throws(Problem) {
            guard requirements.isByMembership else {
                let caller = try claims.caller(nowMilliseconds: now, requirements: requirements, limits: limits)
                return caller.roles.contains(.reviewer) ? .reviewer(caller) : .notReviewer
            }
            let user = try claims.member(nowMilliseconds: now, requirements: requirements, limits: limits)
            let found = try await memberships(user).filter {
                requirements.tenants.contains($0.tenant.name) && $0.roles.contains(Caller.Role.reviewer.rawValue)
                    && (expected.tenant == nil || $0.tenant == expected.tenant)
            }
            guard let only = found.first else { return .notReviewer }
            guard found.count == 1 else { return .choice(found.map(\.tenant)) }
            // The session reviews, and needs no other role of the member's.
            let membership = Membership(tenant: only.tenant, roles: [Caller.Role.reviewer.rawValue])
            return .reviewer(
                try claims.caller(
                    nowMilliseconds: now, requirements: requirements, limits: limits, as: membership))
        } catch {
            switch error.code {
            case .unauthenticated: return .refused(reason: "its 'aud', times or names are not valid here")
            case .tokenExpired: return .refused(reason: "it has expired")
            case _: throw error
            }
        }
    }
}

extension TokenPayload {
    /// For which attempt to sign in it is; nil where it does not say.
    fileprivate var nonce: String? { text("nonce") }

    /// Whether the client is whom it was made for. A token for several has to say so (section 3.1.3.7, 4 and 5).
    fileprivate func isAuthorized(_ clientID: String, among audiences: Int) -> Bool {
        guard claims["azp"] != nil else { return audiences <= 1 }
        return text("azp") == clientID
    }

    private func text(_ name: String) -> String? {
        if case .string(let text)? = claims[ExactString(name)] { text.text } else { nil }
    }
}
