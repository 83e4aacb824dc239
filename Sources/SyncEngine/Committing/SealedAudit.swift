import MergeCore
import SyncStorage

/// The entries that a plan adds to a tenant's audit, sealed, with what they change in the index over it.
struct SealedAudit {
    var entries: [AuditEntryRow] = []
    var index = AuditIndex()
    /// The head of the tenant after the plan.
    var head: TenantHead
}

extension Plan {
    func sealed(
        after head: TenantHead, of tenant: TenantID, identity: StoreIdentity, schema: Schema
    ) -> SealedAudit {
        var seal = AuditSeal(tenant: tenant, identity: identity, after: head.auditHash)
        var sealed = SealedAudit(head: head)
        for entry in audit {
            let row = seal.seal(entry, rules: schema.rules(for: entry.record.collection) ?? CollectionRules())
            sealed.entries.append(row)
            sealed.index.note(sealed: row)
        }
        sealed.head.sequence = sequence
        sealed.head.auditPosition = auditPosition
        sealed.head.auditHash = seal.hash
        sealed.head.auditMilliseconds = auditMilliseconds
        return sealed
    }
}
