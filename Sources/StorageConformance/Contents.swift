import Causality
import MergeCore
import SyncStorage

/// All that the seam tells of one tenant. It is for comparing a store before and after, and one store with another.
struct Contents: Sendable, Equatable {
    var head: TenantHead
    var records: [RecordRow]
    var operations: [OperationRow]
    var batches: [BatchRow?]
    var conflicts: [ConflictHistory]
    var conflictCounts: ConflictCounts
    var audit: [AuditEntryRow]
    var index: [ConflictRow]
    var devices: [DeviceRow]
    var members: [MemberRow]
    var sessions: [ReviewSessionRow]
    var administration: [AdministrationRow]

    /// Reads all of it.
    /// - Parameters:
    ///   - tenant: whose data it is.
    ///   - store: the store that is asked.
    ///   - keys: the keys of the batches to ask for, because the seam cannot list them.
    init(of tenant: TenantID, in store: any SyncStore, batches keys: [BatchKey] = []) async throws {
        head = try await store.head(of: tenant)
        records = try await store.changes(tenant, ChangeQuery(after: 0, limit: .max)).rows
        operations = []
        for record in records {
            operations += try await store.operations(tenant, OperationQuery(.record(record.key), limit: .max))
        }
        operations += try await store.operations(tenant, OperationQuery(.rejected(nil), limit: .max))
        batches = []
        for key in keys { batches.append(try await store.batch(tenant, key)) }
        conflicts = try await store.conflicts(tenant, ConflictQuery(limit: .max))
        conflictCounts = try await store.conflictCounts(tenant)
        audit = try await store.auditEntries(tenant, after: 0, limit: .max)
        index = try await store.conflictIndex(tenant, after: 0, limit: .max)
        devices = try await store.devices(tenant)
        members = try await store.members(tenant)
        sessions = try await store.reviewSessions(tenant, of: nil, nowMilliseconds: .min, limit: .max)
        administration = try await store.administration(tenant, before: nil, limit: .max)
    }

    /// Compares two, and says which part differs first, because the whole would fill a screen.
    func expectEqual(_ other: Contents, _ subject: String) throws {
        try StorageConformance.expectEqual(head, other.head, "\(subject), head")
        try Self.expectEqual(records, other.records, "\(subject), records")
        try Self.expectEqual(operations, other.operations, "\(subject), operations")
        try Self.expectEqual(batches, other.batches, "\(subject), batches")
        try Self.expectEqual(conflicts, other.conflicts, "\(subject), conflicts")
        try StorageConformance.expectEqual(conflictCounts, other.conflictCounts, "\(subject), summary")
        try Self.expectEqual(audit, other.audit, "\(subject), audit")
        try Self.expectEqual(index, other.index, "\(subject), conflict index")
        try Self.expectEqual(devices, other.devices, "\(subject), devices")
        try Self.expectEqual(members, other.members, "\(subject), members")
        try Self.expectEqual(sessions, other.sessions, "\(subject), sessions")
        try Self.expectEqual(administration, other.administration, "\(subject), administration")
    }

    private static func expectEqual<Row: Equatable>(_ found: [Row], _ expected: [Row], _ subject: String) throws {
        for (position, (left, right)) in zip(found, expected).enumerated() where left != right {
            throw Violation("\(subject)[\(position)]: expected \(right), found \(left)")
        }
        try StorageConformance.expectEqual(found.count, expected.count, "\(subject), count")
    }
}
