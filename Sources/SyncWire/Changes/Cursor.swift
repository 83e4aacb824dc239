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

    /// Takes a place in the feed.
    public init(sequence: Int64) {
        self.sequence = sequence
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
                case Cursor.version: key
                case Cursor.formerVersion: formerKey
                case _: nil
                }
            guard let key else { return nil }
            return Array(
                HMAC<SHA256>.authenticationCode(for: content + Array(tenant.utf8), using: key).prefix(16))
        }
    }

    fileprivate static let version: UInt8 = 2
    /// A cursor of this version was authenticated with a key that lay in the data.
    fileprivate static let formerVersion: UInt8 = 1
    private static let contentCount = 1 + 16 + 8
    private static let byteCount = contentCount + 16

    /// The cursor as clients keep it: base 64 with the URL-safe alphabet, 55 characters.
    public func text(_ codec: Codec) -> String {
        var content = [Self.version] + codec.lineage
        for shift in stride(from: 56, through: 0, by: -8) {
            content.append(UInt8(truncatingIfNeeded: sequence >> shift))
        }
        return Base64URL.encode(content + (codec.code(of: content) ?? []))
    }

    /// Reads a text.
    /// - Throws: `invalid` where it is no cursor of this tenant, `otherLineage` where it is of other data.
    public init(_ text: String, _ codec: Codec) throws(ReadingError) {
        guard let bytes = Base64URL.decode(text), bytes.count == Self.byteCount else {
            throw .invalid
        }
        let content = Array(bytes[..<Self.contentCount])
        guard content[1..<17].elementsEqual(codec.lineage) else { throw .otherLineage }
        guard let code = codec.code(of: content) else { throw .invalid }
        // Every byte is looked at, whatever the first difference is.
        let difference = zip(code, bytes[Self.contentCount...]).reduce(0) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { throw .invalid }
        sequence = content[17..<25].reduce(0) { $0 << 8 | Int64($1) }
        guard sequence >= 0 else { throw .invalid }
    }
}
