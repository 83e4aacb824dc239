import Logging
import StrictJSON
import SyncWire
import Values

/// Signing in at the provider, as one server does it.
struct ProviderFlow: Sendable {
    /// Longer ones are nothing that a provider gives out, and would be sent on.
    static let maximumCodeBytes = 4 * 1024

    let provider: ProviderSignIn
    let attempts: SignInAttempts
    let document: ProviderDocument
    let gate = ExchangeGate()
    let logger: Logger

    init(_ provider: ProviderSignIn, _ serverKeys: ServerKeys, logger: Logger) async {
        self.provider = provider
        self.logger = logger
        attempts = await SignInAttempts(serverKeys, isSecure: provider.isSecure)
        document = ProviderDocument(provider)
    }

    /// Why an attempt comes to nothing.
    enum End: Error, Sendable, Hashable {
        /// There is no such attempt, or not any more.
        case over
        /// The provider says that it did not sign anybody in.
        case declined
        case away
        case busy
    }

    func endpoints(nowMilliseconds now: Int64) async throws(End) -> ProviderSignIn.Endpoints {
        switch await document.endpoints(nowMilliseconds: now) {
        case .success(let endpoints): return endpoints
        case .failure(let failure): throw end(failure)
        }
    }

    /// What the provider sent the browser back with (RFC 6749 section 4.1.2).
    struct Return: Sendable {
        let state: String?
        let code: String?
        let error: String?
        let issuer: String?

        /// Parameters that are not known are passed over: providers add some of their own.
        init(_ query: QueryParameters) throws(Problem) {
            state = try query.one("state")
            code = try query.one("code")
            error = try query.one("error")
            issuer = try query.one("iss")
        }
    }

    /// The ID token that the code of an attempt stands for.
    /// - Parameter address: from where the browser comes.
    func idToken(
        _ back: Return, of attempt: SignInAttempt, from address: IPAddress?, nowMilliseconds now: Int64
    ) async throws(End) -> String {
        let endpoints = try await endpoints(nowMilliseconds: now)
        // Of several providers another one may have answered (RFC 9207 section 2.4).
        guard back.issuer == provider.issuer || back.issuer == nil && !endpoints.namesIssuer else {
            note("the answer names another issuer")
            throw .over
        }
        if let error = back.error {
            note("it answers '\(Self.knownErrors.contains(error) ? error : "another error")'")
            throw .declined
        }
        guard let code = back.code, !code.isEmpty, code.utf8.count <= Self.maximumCodeBytes else { throw .over }
        switch gate.enter(attempt, from: address, nowMilliseconds: now) {
        case .spent?: throw .over
        case .busy?: throw .busy
        case nil: break
        }
        defer { gate.leave() }
        switch await provider.exchange(provider.exchange(of: code, attempt), endpoints) {
        case .failure(let failure): throw end(failure)
        case .success(let text):
            guard case .object(let answer)? = try? Value(json: text), case .string(let token)? = answer["id_token"]
            else {
                note("the token endpoint's answer has no ID token")
                throw .away
            }
            // What else is in the answer is for nobody, and goes with it.
            return token.text
        }
    }

    private func end(_ failure: ProviderSignIn.Failure) -> End {
        switch failure {
        case .refused(let reason):
            note(reason)
            return .over
        case .unavailable(let reason):
            note(reason)
            return .away
        }
    }

    /// Tells the operator why somebody was not signed in.
    func note(_ reason: String) {
        logger.notice(
            "nobody was signed in by the provider", metadata: ["issuer": "\(provider.issuer)", "reason": "\(reason)"])
    }

    /// RFC 6749 section 4.1.2.1 and OpenID Connect Core 1.0 section 3.1.2.6. Any other text is whoever's made the address.
    private static let knownErrors: Set = [
        "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
        "server_error", "temporarily_unavailable", "interaction_required", "login_required",
        "account_selection_required", "consent_required", "request_not_supported", "registration_not_supported",
    ]
}
