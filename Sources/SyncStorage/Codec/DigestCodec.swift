import MergeCore

// How digests stand in columns: fingerprints as text, hashes of the audit as bytes.

extension Digest {
    /// A fingerprint as its column has it.
    /// - Throws: `damaged` unless there are 64 lowercase hexadecimal digits.
    public init(stored text: String) throws(StoreError) {
        guard let digest = Digest(hex: text) else { throw .damaged("a stored fingerprint cannot be read") }
        self = digest
    }

    /// A hash of the audit as its column has it; nil where the column is empty.
    ///
    /// What has another length was put there by somebody else. It becomes a hash that no entry has, so that the verification of
    /// the audit finds it.
    public init?(auditColumn bytes: [UInt8]) {
        guard !bytes.isEmpty else { return nil }
        self = Digest(bytes: bytes) ?? .zero
    }
}

extension Digest? {
    /// The fingerprint of an operation as its column has it; empty for one that could not be read.
    /// - Throws: `damaged` for anything that is neither empty nor a digest.
    public init(stored text: String) throws(StoreError) {
        self = text.isEmpty ? nil : try Digest(stored: text)
    }

    public var storedText: String { self?.hex ?? "" }

    /// Empty before the first entry.
    public var auditColumn: [UInt8] { self?.bytes ?? [] }
}
