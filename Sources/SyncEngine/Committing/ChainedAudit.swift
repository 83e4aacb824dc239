import MergeCore
import SyncStorage

/// The entries that a plan adds to a tenant's audit, chained, with what they change in the index over it.
struct ChainedAudit {
    var entries: [AuditEntryRow] = []
    var index = AuditIndex()
    /// The head of the tenant after the plan.
    var head: TenantHead
}

extension Plan {
    func chained(
        after head: TenantHead, of tenant: TenantID, identity: StoreIdentity, schema: Schema
    ) -> ChainedAudit {
        var chain = AuditChainWriter(tenant: tenant, identity: identity, after: head.auditHash)
        var chained = ChainedAudit(head: head)
        for entry in audit {
            let row = chain.append(entry, rules: schema.rules(for: entry.record.collection) ?? CollectionRules())
            chained.entries.append(row)
            chained.index.note(chained: row)
        }
        chained.head.sequence = sequence
        chained.head.auditPosition = auditPosition
        chained.head.auditHash = chain.hash
        chained.head.auditMilliseconds = auditMilliseconds
        return chained
    }
}
