import MergeCore

/// Where a chain of audit entries ends. The three values stand for all of the chain: whoever keeps them can tell any
/// other chain from it.
public struct AuditHead: Sendable, Hashable {
    /// The position of the last entry; 0 before the first.
    public let position: Int64
    /// The hash of the last entry; nil before the first.
    public let hash: Digest?
    /// When the last entry was recorded, in server milliseconds; 0 before the first.
    public let recordedAtMilliseconds: Int64

    public init(position: Int64 = 0, hash: Digest? = nil, recordedAtMilliseconds: Int64 = 0) {
        self.position = position
        self.hash = hash
        self.recordedAtMilliseconds = recordedAtMilliseconds
    }

    /// The hash as people keep it, in 64 lowercase digits; empty before the first entry.
    public var hexadecimalHash: String { hash.storedText }
}

extension TenantHead {
    /// Where the tenant's audit ends.
    public var audit: AuditHead {
        AuditHead(position: auditPosition, hash: auditHash, recordedAtMilliseconds: auditMilliseconds)
    }
}

/// The check of one tenant's chain, entry after entry, wherever the entries come from: a database, or a file that was
/// exported. It is pure and takes constant memory.
public struct AuditChain: Sendable {
    /// The tenant whose chain it is. The hashes cover its name.
    public let tenant: TenantID
    /// Where the entries end that were followed so far. All of them follow from one another.
    public private(set) var head = AuditHead()

    /// Begins before the first entry.
    public init(of tenant: TenantID) { self.tenant = tenant }

    /// Takes the next entry. O(size of the entry).
    /// - Returns: why the entry does not follow from those before it; the chain then stays where it is. nil when it
    ///   follows.
    public mutating func follow(with entry: AuditEntryRow) -> AuditFault? {
        guard entry.position > head.position else { return .altered(position: entry.position) }
        guard entry.position == head.position + 1 else { return .missing(position: head.position + 1) }
        guard entry.chainedHash(after: head.hash, tenant: tenant) == entry.hash else {
            return .altered(position: entry.position)
        }
        head = AuditHead(
            position: entry.position, hash: entry.hash, recordedAtMilliseconds: entry.recordedAtMilliseconds)
        return nil
    }

    /// Compares the entries so far with a head.
    /// - Returns: why they are not those that end in this head; nil when they are.
    public func fault(endingAt end: AuditHead) -> AuditFault? {
        if head.position < end.position { return .missing(position: head.position + 1) }
        return head == end ? nil : .headMismatch(position: head.position)
    }
}
