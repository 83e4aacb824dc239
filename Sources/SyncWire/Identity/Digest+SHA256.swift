import Crypto
import MergeCore
import StrictJSON
import Values

extension MergeCore.Digest {
    /// The SHA-256 of a value's canonical form (FIPS 180-4). The order and the spelling in which the value came do not
    /// matter. O(n).
    public init(of value: Value) {
        self.init(ofCanonicalBytes: value.canonicalBytes)
    }

    /// The SHA-256 of bytes that are already a canonical form. O(n).
    public init(ofCanonicalBytes bytes: [UInt8]) {
        var stream = DigestStream()
        stream.update(with: bytes)
        self = stream.digest
    }

    /// The SHA-256 of bytes, whatever they are. O(n).
    public init(sha256Of bytes: UnsafeRawBufferPointer) {
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes)
        self = hasher.finalize().withUnsafeBytes { Self(read: $0) }
    }

    /// The HMAC-SHA-256 (RFC 2104) of a value's canonical form. O(n).
    public init(of value: Value, authenticatedBy key: SymmetricKey) {
        self = HMAC<SHA256>.authenticationCode(for: value.canonicalBytes, using: key).withUnsafeBytes { Self(read: $0) }
    }

    fileprivate init(read bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == Self.byteCount, "a SHA-256 has 32 bytes")
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        self.init(words: (word(0), word(1), word(2), word(3)))
    }
}

/// Makes the SHA-256 (FIPS 180-4) of bytes that come in parts.
public struct DigestStream: Sendable {
    private var hasher = SHA256()

    /// Begins with no bytes.
    public init() {}

    /// Takes the next bytes. O(n).
    public mutating func update(with bytes: [UInt8]) {
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
    }

    /// The digest of what was taken so far. More may be taken afterwards.
    public var digest: MergeCore.Digest {
        hasher.finalize().withUnsafeBytes { MergeCore.Digest(read: $0) }
    }
}
