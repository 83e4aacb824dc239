/// The identity provider at which reviewers sign in: the code flow of OpenID Connect (Core 1.0 section 3.1) with PKCE (RFC 7636).
///
/// Whoever makes the server asks the provider. What is here knows no client, and no secret of it.
public struct ProviderSignIn: Sendable {
    /// Why there is nothing to go on with, in words for the operator. They hold nothing of a token, a code or a secret.
    public enum Failure: Error, Sendable, Hashable {
        /// The provider does not take the code: it was used, is too old, or is none of its own.
        case refused(reason: String)
        /// The provider cannot be asked, or what it answers cannot be used.
        case unavailable(reason: String)
    }

    /// Where the provider answers, as its own document says (OpenID Connect Discovery 1.0 section 3).
    public struct Endpoints: Sendable, Hashable {
        /// To where the browser is sent.
        public let authorization: String
        /// Where a code is exchanged for tokens.
        public let token: String
        /// Whether each answer to the browser names the issuer (RFC 9207 section 3).
        public let namesIssuer: Bool
        /// Whether a secret goes in the form, because the provider takes it in no header.
        public let takesSecretInForm: Bool

        public init(authorization: String, token: String, namesIssuer: Bool, takesSecretInForm: Bool) {
            self.authorization = authorization
            self.token = token
            self.namesIssuer = namesIssuer
            self.takesSecretInForm = takesSecretInForm
        }
    }

    /// What is sent to the token endpoint (RFC 6749 section 4.1.3, RFC 7636 section 4.5), but for who the client is.
    public struct Exchange: Sendable, Hashable {
        /// The fields of the form.
        public let fields: [FormField]
    }

    /// The issuer, which is one of those whose tokens are taken.
    public let issuer: String
    /// Who this server is at the provider. Its tokens have to be for that.
    public let clientID: String
    /// What is asked for, `openid` among it.
    public let scopes: [String]
    /// Where browsers find this server: scheme, host and port. No request's own word for it is taken.
    public let address: String
    let discover: @Sendable () async -> Result<Endpoints, Failure>
    let exchange: @Sendable (Exchange, Endpoints) async -> Result<String, Failure>

    /// - Parameters:
    ///   - issuer: the issuer's name.
    ///   - clientID: who this server is at the provider.
    ///   - scopes: what is asked for.
    ///   - address: where browsers find this server, without a path.
    ///   - discover: reads where the provider answers.
    ///   - exchange: sends the form as the client, and returns the answer's body where it is a success.
    public init(
        issuer: String, clientID: String, scopes: [String], address: String,
        discover: @escaping @Sendable () async -> Result<Endpoints, Failure>,
        exchange: @escaping @Sendable (Exchange, Endpoints) async -> Result<String, Failure>
    ) {
        self.issuer = issuer
        self.clientID = clientID
        self.scopes = scopes
        self.address = address
        self.discover = discover
        self.exchange = exchange
    }

    static let path = "/review/provider"
    static let callbackPath = "/review/provider/callback"

    /// Where the provider sends the browser back to.
    public var callbackAddress: String { address + Self.callbackPath }
    /// Whether browsers come over TLS.
    var isSecure: Bool { address.hasPrefix("https:") }

    /// Where an attempt begins.
    /// - Parameter path: where to go on afterwards.
    func beginning(to path: String?, tenant: String? = nil) -> String {
        let fields =
            (path.map { [FormField("to", $0)] } ?? []) + (tenant.map { [FormField("tenant", $0)] } ?? [])
        return address + Self.path + (fields.isEmpty ? "" : "?" + FormField.text(fields))
    }

    /// Where the browser is sent for an attempt (OpenID Connect Core 1.0 section 3.1.2.1, RFC 7636 section 4.3).
    func authorizationAddress(_ attempt: SignInAttempt, at endpoints: Endpoints) -> String {
        let query = FormField.text([
            FormField("response_type", "code"), FormField("client_id", clientID),
            FormField("redirect_uri", callbackAddress), FormField("scope", scopes.joined(separator: " ")),
            FormField("state", attempt.state), FormField("nonce", attempt.nonce),
            FormField("code_challenge", attempt.challenge), FormField("code_challenge_method", "S256"),
        ])
        // The endpoint may have a query of its own (RFC 6749 section 3.1).
        return endpoints.authorization + (endpoints.authorization.contains("?") ? "&" : "?") + query
    }

    func exchange(of code: String, _ attempt: SignInAttempt) -> Exchange {
        Exchange(fields: [
            FormField("grant_type", "authorization_code"), FormField("code", code),
            FormField("redirect_uri", callbackAddress), FormField("code_verifier", attempt.verifier),
        ])
    }
}

/// A field of a form, or a parameter of a query (`application/x-www-form-urlencoded`).
public struct FormField: Sendable, Hashable {
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// The fields as they are sent.
    public static func text(_ fields: [FormField]) -> String {
        fields.map { encoded($0.name) + "=" + encoded($0.value) }.joined(separator: "&")
    }

    /// A text in which all but the unreserved characters of RFC 3986 are percent-encoded.
    public static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
