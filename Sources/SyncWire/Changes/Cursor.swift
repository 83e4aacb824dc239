import Crypto
import MergeCore

/// A position in one tenant's change feed, opaque to clients.
///
/// A cursor carries the data set's lineage and is authenticated for its tenant (HMAC-SHA-256, RFC 2104). So a cursor of
/// another tenant, one of another lineage of the data and one that was made up are told apart from a good one.
public struct Cursor: Sendable, Hashable {
    /// Why a text is no cursor that can be used.
    public enum ReadingError: Error, Sendable, Hashable {
        /// The text is no cursor of this tenant.
        case invalid
        /// The cursor is of another lineage of the data.
        case otherLineage
    }

    /// The place in the feed. All changes up to it have been seen.
    public let sequence: Int64
    /// The life of the data in which the place was told, as the server numbers them; 0 in cursors of a time without lives.
    public let life: Int64

    /// Takes a place in the feed.
    public init(sequence: Int64, life: Int64) {
        self.sequence = sequence
        self.life = life
    }

    /// Makes and reads the texts of one tenant's cursors.
    public struct Codec: Sendable {
        let lineage: [UInt8]
        private(set) var tenant: String
        let key: SymmetricKey
        /// The key of cursors of the first version; nil where there are none.
        let formerKey: SymmetricKey?

        /// Takes what the cursors of one tenant are made with.
        /// - Parameters:
        ///   - lineage: the data set's id. Cursors carry the first 16 bytes of its digest.
        ///   - tenant: the tenant's name.
        ///   - key: the key of the servers on the data, 32 bytes.
        ///   - formerKey: the key that lay in the data, where the data was made so long ago; empty otherwise.
        public init(lineage: String, tenant: String, key: [UInt8], formerKey: [UInt8] = []) {
            self.lineage = Array(SHA256.hash(data: Array(lineage.utf8)).prefix(16))
            self.tenant = tenant
            self.key = SymmetricKey(data: key)
            self.formerKey = formerKey.isEmpty ? nil : SymmetricKey(data: formerKey)
        }

        /// The codec of another tenant's cursors on the same data.
        public func of(tenant: String) -> Codec {
            var codec = self
            codec.tenant = tenant
            return codec
        }

        /// - Returns: nil for a version that is not read here.
        fileprivate func code(of content: [UInt8]) -> [UInt8]? {
            let key: SymmetricKey? =
                switch content.first {
                case Cursor.version, Cursor.lifelessVersion: key
                case Cursor.formerVersion: formerKey
                case _: nil
                }
            guard let key else { return nil }
            return Array(
                HMAC<SHA256>.authenticationCode(for: content + Array(tenant.utf8), using: key).prefix(16))
        }
    }

    fileprivate static let version: UInt8 = 3
    /// A cursor of this version names no life.
    fileprivate static let lifelessVersion: UInt8 = 2
    /// A cursor of this version names no life, and was authenticated with a key that lay in the data.
    fileprivate static let formerVersion: UInt8 = 1
    private static let lifelessCount = 1 + 16 + 8
    private static let contentCount = lifelessCount + 8
    private static let codeCount = 16

    /// The cursor as clients keep it: base 64 with the URL-safe alphabet, 66 characters.
    public func text(_ codec: Codec) -> String {
        var content = [Self.version] + codec.lineage
        for number in [sequence, life] {
            for shift in stride(from: 56, through: 0, by: -8) {
                content.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        return Base64URL.encode(content + (codec.code(of: content) ?? []))
    }

    /// Reads a text.
    /// - Throws: `invalid` where it is no cursor of this tenant, `otherLineage` where it is of other data.
    public init(_ text: String, _ codec: Codec) throws(ReadingError) {
        guard let bytes = Base64URL.decode(text), let version = bytes.first else { throw .invalid }
        let count = version == Self.version ? Self.contentCount : Self.lifelessCount
        guard bytes.count == count + Self.codeCount else { throw .invalid }
        let content = Array(bytes[..<count])
        guard content[1..<17].elementsEqual(codec.lineage) else { throw .otherLineage }
        guard let code = codec.code(of: content) else { throw .invalid }
        // Every byte is looked at, whatever the first difference is.
        let difference = zip(code, bytes[count...]).reduce(0) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { throw .invalid }
        let number = { (range: Range<Int>) in content[range].reduce(Int64(0)) { $0 << 8 | Int64($1) } }
        sequence = number(17..<25)
        life = version == Self.version ? number(25..<33) : 0
        guard sequence >= 0 else { throw .invalid }
    }
}
