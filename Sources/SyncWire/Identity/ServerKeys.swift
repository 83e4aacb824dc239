import Crypto

/// What the servers on one data set authenticate what they give out with. Derived from a secret that lies beside the data and
/// never in it: whoever reads a backup of the data can make none of it.
///
/// HKDF (RFC 5869) makes a key of its own for each purpose, so that nothing is ever taken for something else, nor for a token,
/// which the secret itself signs.
public struct ServerKeys: Sendable {
    public let cursor: [UInt8]
    public let session: [UInt8]
    /// Tells servers of another secret apart. Nothing leads back from it to a key.
    public let check: [UInt8]

    public init(secret: [UInt8]) {
        func derived(_ purpose: String, _ count: Int) -> [UInt8] {
            let key = HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: secret), info: Array("rejoin \(purpose)".utf8),
                outputByteCount: count)
            return key.withUnsafeBytes { Array($0) }
        }
        cursor = derived("cursor", 32)
        session = derived("review session", 32)
        check = derived("key check", 16)
    }
}
