import MergeCore

/// Where a chain of audit entries ends, and so what all of it comes to: whoever keeps these three can tell any other chain
/// from it.
public struct AuditHead: Sendable, Hashable {
    /// Of the last entry; 0 before the first.
    public let position: Int64
    /// Of the last entry; nil before the first.
    public let hash: Digest?
    /// When the last entry was recorded; 0 before the first.
    public let recordedAtMilliseconds: Int64

    public init(position: Int64 = 0, hash: Digest? = nil, recordedAtMilliseconds: Int64 = 0) {
        self.position = position
        self.hash = hash
        self.recordedAtMilliseconds = recordedAtMilliseconds
    }

    /// As people keep it, 64 lowercase digits.
    public var hexadecimalHash: String { hash.storedText }
}

extension TenantHead {
    public var audit: AuditHead {
        AuditHead(position: auditPosition, hash: auditHash, recordedAtMilliseconds: auditMilliseconds)
    }
}

/// The check of one tenant's chain, entry after entry, wherever they come from: a database, or a file that was exported.
/// Pure, in constant memory.
public struct AuditChain: Sendable {
    public let tenant: TenantID
    /// Of the entries so far, all of which follow from one another.
    public private(set) var head = AuditHead()

    public init(of tenant: TenantID) { self.tenant = tenant }

    /// Takes the next entry. O(size of the entry).
    /// - Returns: why it does not follow from those before it, nil when it does. The chain then stays where it is.
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

    /// - Returns: why the entries so far are not those that end in this head, nil when they are.
    public func fault(endingAt end: AuditHead) -> AuditFault? {
        if head.position < end.position { return .missing(position: head.position + 1) }
        return head == end ? nil : .headMismatch(position: head.position)
    }
}
