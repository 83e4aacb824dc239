import MergeCore

// How digests stand in columns: fingerprints as text, hashes of the audit as bytes.

extension Digest {
    /// Reads a fingerprint from its column.
    /// - Throws: `damaged` unless there are 64 lowercase hexadecimal digits.
    public init(stored text: String) throws(StoreError) {
        guard let digest = Digest(hex: text) else { throw .damaged("a stored fingerprint cannot be read") }
        self = digest
    }

    /// Reads a fingerprint from a column of bytes.
    /// - Throws: `damaged` unless there are 32 of them.
    public init(storedBytes bytes: [UInt8]) throws(StoreError) {
        guard let digest = Digest(bytes: bytes) else { throw .damaged("a stored fingerprint cannot be read") }
        self = digest
    }

    /// Reads a hash of the audit from its column; nil where the column is empty.
    ///
    /// Bytes of another length were put there by somebody else. They become a hash that no entry has, so that the
    /// verification of the audit finds them.
    public init?(auditColumn bytes: [UInt8]) {
        guard !bytes.isEmpty else { return nil }
        self = Digest(bytes: bytes) ?? .zero
    }
}

extension Digest? {
    /// Reads the fingerprint of an operation from its column; empty for an operation that could not be read.
    /// - Throws: `damaged` for anything that is neither empty nor a digest.
    public init(stored text: String) throws(StoreError) {
        self = text.isEmpty ? nil : try Digest(stored: text)
    }

    /// The fingerprint in the form of its column: 64 lowercase hexadecimal digits, or nothing.
    public var storedText: String { self?.hex ?? "" }

    /// The hash in the form of its column: 32 bytes, or none before the first entry.
    public var auditColumn: [UInt8] { self?.bytes ?? [] }
}
