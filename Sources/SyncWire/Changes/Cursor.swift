import Crypto
import MergeCore

/// A position in one tenant's change feed, opaque to clients.
///
/// Carries the data set's lineage and is authenticated for its tenant, so that a cursor of another tenant, of another lineage
/// of the data, or one that was made up is told apart from a good one and from each other.
public struct Cursor: Sendable, Hashable {
    public enum ReadingError: Error, Sendable, Hashable {
        /// Not a cursor of this tenant.
        case invalid
        /// A cursor of another lineage of the data.
        case otherLineage
    }

    public let sequence: Int64

    public init(sequence: Int64) {
        self.sequence = sequence
    }

    /// What the cursors of one tenant are made and read with.
    public struct Codec: Sendable {
        let lineage: [UInt8]
        let tenant: String
        let key: SymmetricKey
        /// What cursors of the first version are read with; nil where there are none.
        let formerKey: SymmetricKey?

        /// - Parameters:
        ///   - lineage: the data set's id, of which the first 16 bytes of its digest are carried.
        ///   - key: of the servers on the data, 32 bytes.
        ///   - formerKey: what lay in the data, where it was made so long ago; empty otherwise.
        public init(lineage: String, tenant: String, key: [UInt8], formerKey: [UInt8] = []) {
            self.lineage = Array(SHA256.hash(data: Array(lineage.utf8)).prefix(16))
            self.tenant = tenant
            self.key = SymmetricKey(data: key)
            self.formerKey = formerKey.isEmpty ? nil : SymmetricKey(data: formerKey)
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
    /// Authenticated with a key that lay in the data.
    fileprivate static let formerVersion: UInt8 = 1
    private static let contentCount = 1 + 16 + 8
    private static let byteCount = contentCount + 16

    public func text(_ codec: Codec) -> String {
        var content = [Self.version] + codec.lineage
        for shift in stride(from: 56, through: 0, by: -8) {
            content.append(UInt8(truncatingIfNeeded: sequence >> shift))
        }
        return Base64URL.encode(content + (codec.code(of: content) ?? []))
    }

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
