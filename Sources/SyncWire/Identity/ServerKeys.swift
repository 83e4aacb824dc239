import Crypto

/// The keys with which the servers on one data set authenticate what they give out. They are derived from a secret that
/// lies beside the data and never in it, so whoever reads a backup of the data can make none of them.
///
/// HKDF (RFC 5869) makes a key of its own for each purpose. So nothing is ever taken for something else, nor for a
/// token, which the secret itself signs.
public struct ServerKeys: Sendable {
    /// The key that authenticates cursors of the change feed, 32 bytes.
    public let cursor: [UInt8]
    /// The key that authenticates sessions of the review page, 32 bytes.
    public let session: [UInt8]
    /// The key that authenticates attempts to sign in at an identity provider, 32 bytes.
    public let signIn: [UInt8]
    /// Tells servers of another secret apart, 16 bytes. Nothing leads back from it to a key.
    public let check: [UInt8]

    /// Derives the keys.
    /// - Parameter secret: the same at every server on the data.
    public init(secret: [UInt8]) {
        func derived(_ purpose: String, _ count: Int) -> [UInt8] {
            let key = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: secret), info: Array("rejoin \(purpose)".utf8),
                outputByteCount: count)
            return key.withUnsafeBytes { Array($0) }
        }
        cursor = derived("cursor", 32)
        session = derived("review session", 32)
        signIn = derived("provider sign-in", 32)
        check = derived("key check", 16)
    }
}
