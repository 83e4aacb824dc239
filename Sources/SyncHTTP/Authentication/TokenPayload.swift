import JWTKit
import MergeCore
import StrictJSON
import SyncWire
import Values

/// The claims of a token as they stand there, before anything is verified and after.
///
/// One parser reads them, the strict one, and what it read is what counts. So no claim that is there twice means one
/// thing where the issuer is looked up and another one where the tenant is.
struct TokenPayload {
    let claims: ObjectValue

    /// - Returns: nil for a token whose claims cannot be read.
    init?(of token: String) {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64URL.decode(String(Substring(parts[1]))),
            let text = String(validating: bytes, as: UTF8.self), case .object(let claims)? = try? Value(json: text)
        else { return nil }
        self.claims = claims
    }

    /// Who says that they signed it; nil where it does not say. Nothing follows from it but whose keys are tried.
    var issuer: String? {
        if case .string(let name)? = claims["iss"] { name.text } else { nil }
    }
}

/// What the library is told to decode: nothing. The claims are read from the bytes whose signature it checks.
struct SignedBytes: JWTPayload {
    init(from decoder: any Decoder) throws {}
    func encode(to encoder: any Encoder) throws {}
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}

extension TokenClaims {
    /// Reads claims where an issuer has them.
    /// - Returns: nil for claims that are missing or of another form.
    init?(_ payload: TokenPayload, at places: ClaimPlaces) {
        let claims = payload.claims
        let claimed: String? =
            switch places.tenant {
            case .claimed(let text): text.text(in: claims)
            case .membership: ""
            }
        guard let user = places.user.text(in: claims), let tenant = claimed else { return nil }
        do throws(ClaimPlaces.Unreadable) {
            guard let end = try Self.number("exp", in: claims) else { return nil }
            self.init(
                user: user, tenant: tenant, device: nil, roles: [],
                issuedAtSeconds: try Self.number("iat", in: claims), expiresAtSeconds: end)
            roles = try places.roleNames(in: claims)
            device = try Self.name(places.device?.value(in: claims))
            use = try Self.text(Self.member("use", in: claims))
            jti = try Self.text(Self.member("jti", in: claims))
            iss = try Self.text(Self.member("iss", in: claims))
            nbf = try Self.number("nbf", in: claims)
            aud = try Self.audience(Self.member("aud", in: claims))
        } catch {
            return nil
        }
    }

    /// `null` is as if it were missing.
    private static func member(_ name: String, in claims: ObjectValue) -> Value? {
        ClaimPath(known: name).value(in: claims)
    }

    private static func text(_ value: Value?) throws(ClaimPlaces.Unreadable) -> String? {
        switch value {
        case nil: nil
        case .string(let text)?: text.text
        case _?: throw ClaimPlaces.Unreadable()
        }
    }

    /// A text, or a whole number.
    private static func name(_ value: Value?) throws(ClaimPlaces.Unreadable) -> String? {
        if case .integer(let number)? = value { String(number) } else { try text(value) }
    }

    private static func number(_ name: String, in claims: ObjectValue) throws(ClaimPlaces.Unreadable) -> Double? {
        switch member(name, in: claims) {
        case nil: nil
        case .integer(let number)?: Double(number)
        case .double(let number)?: number
        case _?: throw ClaimPlaces.Unreadable()
        }
    }

    private static func audience(_ value: Value?) throws(ClaimPlaces.Unreadable) -> Audience? {
        switch value {
        case nil: return nil
        case .string(let name)?: return Audience([name.text])
        case .array(let values)?:
            var names: [String] = []
            for value in values {
                guard let name = try text(value) else { throw ClaimPlaces.Unreadable() }
                names.append(name)
            }
            return Audience(names)
        case _?: throw ClaimPlaces.Unreadable()
        }
    }
}
