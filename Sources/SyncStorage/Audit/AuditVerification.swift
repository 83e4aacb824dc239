import Causality
import MergeCore

/// What is wrong with a tenant's audit.
public enum AuditFault: Sendable, Hashable {
    /// The entry at this position is not there. It was removed, or moved elsewhere.
    case missing(position: Int64)
    /// The entry, one of its sides or the hash before it is not what was written.
    case altered(position: Int64)
    /// Entries stand behind the last one that the tenant's head knows of, or the head names another hash.
    case headMismatch(position: Int64)
    /// Sides stand under this position, but no entry does. Somebody put them there, and lists by device and user would
    /// find them.
    case strandedSides(position: Int64)
    /// The entries are whole, but the index that queries read says something else about this conflict.
    case indexMismatch(conflict: Int64)
}

/// The outcome of verifying one tenant's audit.
public struct AuditReport: Sendable, Hashable {
    /// The tenant whose audit was read.
    public let tenant: TenantID
    /// How many entries follow from one another, up to the first fault.
    public let entries: Int64
    /// The first fault; nil when the audit is whole.
    public let fault: AuditFault?

    public init(tenant: TenantID, entries: Int64, fault: AuditFault?) {
        self.tenant = tenant
        self.entries = entries
        self.fault = fault
    }
}

extension SyncStore {
    /// Proves that no entry of a tenant's audit was edited, removed, added or reordered, and that the index over it
    /// agrees.
    ///
    /// The verification reads pages of entries. O(entries and sides); the memory grows with the number of conflicts,
    /// not of sides.
    /// - Throws: what the store throws. A fault is no error: it is in the report.
    public func verifyAudit(of tenant: TenantID) async throws(StoreError) -> AuditReport {
        let end = try await head(of: tenant).audit
        var chain = AuditChain(of: tenant)
        var index = AuditIndex()
        while true {
            let position = chain.head.position
            let page = try await auditEntries(tenant, after: position == 0 ? .min : position, limit: 500)
            for entry in page {
                // No entry stands before the first.
                guard chain.head.position < end.position || entry.position <= 0 else { break }
                if let fault = chain.follow(with: entry) {
                    return AuditReport(tenant: tenant, entries: chain.head.position, fault: fault)
                }
                try index.note(stored: entry)
            }
            if page.isEmpty || chain.head.position >= end.position { break }
        }
        let entries = chain.head.position
        // Entries behind the head are commits since it was read, or they were put there by somebody else.
        if entries == end.position, let last = try await auditEntries(tenant, after: entries, limit: 1).last,
            try await self.head(of: tenant).auditPosition < last.position
        {
            return AuditReport(tenant: tenant, entries: entries, fault: .headMismatch(position: last.position))
        }
        if let fault = chain.fault(endingAt: end) {
            return AuditReport(tenant: tenant, entries: entries, fault: fault)
        }
        if let position = try await strandedSides(tenant) {
            return AuditReport(tenant: tenant, entries: entries, fault: .strandedSides(position: position))
        }
        let fault = try await indexFault(tenant, expected: index.opened, upTo: entries)
        return AuditReport(tenant: tenant, entries: entries, fault: fault)
    }

    private func indexFault(
        _ tenant: TenantID, expected: [Int64: ConflictRow], upTo position: Int64
    ) async throws(StoreError) -> AuditFault? {
        var after = Int64.min
        var seen = 0
        while true {
            let page = try await conflictIndex(tenant, after: after, limit: 1_000)
            for row in page {
                guard row.id <= position else {
                    // Opened since the head was read, or put there by somebody else.
                    if try await !isDerived(row, tenant) { return .indexMismatch(conflict: row.id) }
                    continue
                }
                guard let wanted = expected[row.id] else { return .indexMismatch(conflict: row.id) }
                if row != wanted, try await !isDerived(row, tenant) { return .indexMismatch(conflict: row.id) }
                seen += 1
            }
            guard let last = page.last else { break }
            after = last.id
        }
        if seen != expected.count {
            var present: Set<Int64> = []
            after = .min
            while true {
                let page = try await conflictIndex(tenant, after: after, limit: 1_000)
                present.formUnion(page.map(\.id))
                guard let last = page.last else { break }
                after = last.id
            }
            if let missing = expected.keys.filter({ !present.contains($0) }).min() {
                return .indexMismatch(conflict: missing)
            }
        }
        return nil
    }

    /// Whether the row is what the conflict's entries say by now. The row may have changed since they were read.
    private func isDerived(_ row: ConflictRow, _ tenant: TenantID) async throws(StoreError) -> Bool {
        guard let file = try await conflict(tenant, ConflictID(position: row.id)) else { return false }
        var index = AuditIndex()
        for entry in file.entries { try index.note(stored: entry) }
        return index.opened[row.id] == file.conflict
    }
}
