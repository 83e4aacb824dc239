import Causality
import JWTKit
import MergeCore
import StrictJSON
import SyncWire
import Values

/// A key with which signatures of tokens are verified, and the one algorithm that it is for. A token cannot choose
/// another one.
struct VerificationKey: Sendable {
    /// The name by which tokens ask for it.
    let id: String?
    let algorithm: String
    /// The library's collection, which holds this key alone.
    let signer: JWTKeyCollection
}

/// The keys of one source, as they were read.
struct VerificationKeys: Sendable {
    var keys: [VerificationKey] = []
    /// Which keys of a set cannot be used, and why, for the operator.
    var findings: [String] = []
    /// Whether tokens ask for keys by name.
    enum Naming: Sendable {
        /// The one key has no name, and what a token calls it means nothing.
        case never
        /// One key has no name, and is for tokens that name none of the others.
        case sometimes
        case always
    }

    var naming = Naming.never

    /// The keys that may have signed a token.
    /// - Returns: nothing for the name of a key that is not here, for another algorithm than the key's, and where a
    ///   token names none of several.
    func candidates(id: String?, algorithm: String) -> [VerificationKey] {
        let named = id.map { id in keys.filter { $0.id == id } } ?? []
        let meant =
            switch naming {
            case .never: keys
            case .sometimes: named.isEmpty ? keys.filter { $0.id == nil } : named
            case .always: id == nil && keys.count == 1 ? keys : named
            }
        return meant.filter { $0.algorithm == algorithm }
    }

    func has(id: String) -> Bool {
        switch naming {
        case .never: true
        case .sometimes, .always: keys.contains { $0.id == id }
        }
    }
}

extension VerificationKeys {
    /// The least bytes of an RSA key's modulus (RFC 7518 section 3.3).
    private static let leastModulusBytes = 256

    /// Secrets, for HS256.
    /// - Throws: `secretTooShort` (RFC 7518 section 3.2).
    static func secrets(
        _ secrets: [NamedSecret], naming: Naming
    ) async throws(TokenVerifier.KeyError) -> VerificationKeys {
        var read = VerificationKeys(naming: naming)
        for secret in secrets {
            guard secret.bytes.count >= 32 else { throw .secretTooShort(bytes: secret.bytes.count) }
            let signer = JWTKeyCollection()
            await signer.add(hmac: HMACKey(from: secret.bytes), digestAlgorithm: .sha256)
            read.keys.append(VerificationKey(id: secret.id, algorithm: "HS256", signer: signer))
        }
        return read
    }

    /// A public key. The PEM says of which kind it is, and each kind fixes the algorithm.
    static func publicKey(
        _ pem: String, for algorithms: Set<String>? = nil
    ) async throws(TokenVerifier.KeyError) -> VerificationKeys {
        let signer = JWTKeyCollection()
        let algorithm: String
        if let key = try? Insecure.RSA.PublicKey(pem: pem) {
            guard let modulus = try? key.getKeyPrimitives().modulus, modulus.count >= leastModulusBytes else {
                throw .unreadable("an RSA key has at least \(leastModulusBytes * 8) bits")
            }
            await signer.add(rsa: key, digestAlgorithm: .sha256)
            algorithm = "RS256"
        } else if let key = try? ES256PublicKey(pem: pem) {
            await signer.add(ecdsa: key)
            algorithm = "ES256"
        } else if let key = try? EdDSA.PublicKey(pem: pem) {
            await signer.add(eddsa: key)
            algorithm = "EdDSA"
        } else {
            throw .unreadable("the PEM holds no RSA, P-256 or Ed25519 public key")
        }
        guard algorithms?.contains(algorithm) ?? true else {
            throw .unreadable("the PEM is a key for \(algorithm), which is not among the algorithms that are allowed")
        }
        return VerificationKeys(keys: [VerificationKey(id: nil, algorithm: algorithm, signer: signer)])
    }

    /// A JSON Web Key Set. One key that cannot be used takes nothing from the others.
    /// - Parameter algorithms: those that a key may be for; nil for all. A key that names none is for the only one of
    ///   them that fits its type.
    static func keySet(
        _ json: String, for algorithms: Set<String>? = nil
    ) async throws(TokenVerifier.KeyError) -> VerificationKeys {
        guard let value = try? Value(json: json), case .object(let set) = value, case .array(let members)? = set["keys"]
        else { throw .unreadable("the key set is no JWKS: it is an object with an array 'keys'") }
        var read = VerificationKeys(naming: .always)
        for (index, member) in members.enumerated() {
            switch await key(member, algorithms) {
            case .success(let key): read.keys.append(key)
            case .failure(let reason): read.findings.append("key \(index + 1) is not used: \(reason.text)")
            }
        }
        return read
    }

    private struct Unusable: Error {
        let text: String
    }

    private static func key(_ member: Value, _ allowed: Set<String>?) async -> Result<VerificationKey, Unusable> {
        guard case .object(let object) = member else { return .failure(Unusable(text: "it is no object")) }
        func text(_ name: String) -> String? {
            if case .string(let text)? = object[.init(name)] { text.text } else { nil }
        }
        // RFC 7517 sections 4.2 and 4.3: a key that is for something else verifies nothing.
        if let use = object["use"], use != "sig" { return .failure(Unusable(text: "its 'use' is not 'sig'")) }
        if let operations = object["key_ops"] {
            guard case .array(let names) = operations, names.contains("verify") else {
                return .failure(Unusable(text: "its 'key_ops' have no 'verify'"))
            }
        }
        guard let type = text("kty"), let standard = standardAlgorithm(type: type, curve: text("crv")) else {
            return .failure(Unusable(text: "it is no RSA, EC or Ed25519 key"))
        }
        let fitting = type == "RSA" ? rsaAlgorithms.intersection(allowed ?? []) : []
        let assumed = fitting.count == 1 ? fitting.first ?? standard : standard
        let algorithm = object["alg"] == nil ? assumed : text("alg") ?? ""
        guard algorithm == standard || type == "RSA" && rsaAlgorithms.contains(algorithm) else {
            return .failure(Unusable(text: "its 'alg' is not one for its type"))
        }
        guard allowed?.contains(algorithm) ?? true else {
            return .failure(Unusable(text: "'\(algorithm)' is not among the algorithms that are allowed"))
        }
        if type == "RSA" {
            let modulus = text("n").flatMap(Base64URL.decode(_:))?.drop { $0 == 0 }
            guard let modulus, modulus.count >= leastModulusBytes else {
                return .failure(Unusable(text: "an RSA key has at least \(leastModulusBytes * 8) bits"))
            }
        }
        // Its public part alone is taken over: whoever puts a private key here has one that signs nothing.
        var members: [(ExactString, Value)] = [("alg", .string(.init(algorithm))), ("kid", "key")]
        for name in ["kty", "crv", "x", "y", "n", "e"] {
            if let value = object[.init(name)] { members.append((.init(name), value)) }
        }
        let signer = JWTKeyCollection()
        do {
            try await signer.add(jwk: JWK(json: Value.object(members).canonicalText))
            // A key is only looked at closely when it is made.
            _ = try await signer.getKey(alg: algorithm)
        } catch {
            return .failure(Unusable(text: "its numbers make no key"))
        }
        return .success(VerificationKey(id: text("kid"), algorithm: algorithm, signer: signer))
    }

    private static let rsaAlgorithms: Set = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]

    /// The algorithms that keys of a set can be for. None of them has a secret.
    static let knownAlgorithms = rsaAlgorithms.union(["ES256", "ES384", "ES512", "EdDSA"])

    /// What a key is for that names no `alg`.
    private static func standardAlgorithm(type: String, curve: String?) -> String? {
        switch (type, curve) {
        case ("RSA", _): "RS256"
        case ("EC", "P-256"): "ES256"
        case ("EC", "P-384"): "ES384"
        case ("EC", "P-521"): "ES512"
        case ("OKP", "Ed25519"): "EdDSA"
        case (_, _): nil
        }
    }
}
