import Causality
import MergeCore
import SyncStorage

private let tenant = TenantID("tenant")

extension StorageLaw {
    static let auditLaws = [
        StorageLaw("an audit that nobody touched is whole, and its entries are told in order, page by page") {
            factory in
            try await factory.withStore { store in
                _ = try await Workload(seed: 21).run(commits: 60, on: [store], tenant: tenant)
                let head = try await store.head(of: tenant)
                try expect(head.auditPosition > 20, "the workload fills the audit")
                let report = try await store.verifyAudit(of: tenant)
                try expectEqual(
                    report, AuditReport(tenant: tenant, entries: head.auditPosition, fault: nil), "report")
                var found: [AuditEntryRow] = []
                while true {
                    let page = try await store.auditEntries(tenant, after: Int64(found.count), limit: 7)
                    found += page
                    if page.isEmpty { break }
                }
                try expectEqual(found.map(\.position), Array(1...head.auditPosition), "positions")
                try expectEqual(found.last?.hash, head.auditHash, "last hash")
                try expectEqual(
                    try await store.verifyAudit(of: "nobody"), AuditReport(tenant: "nobody", entries: 0, fault: nil),
                    "report on a tenant without audit")
            }
        },
        StorageLaw("edge 43: an entry that does not follow from the one before is found") { factory in
            try await factory.withStore { store in
                _ = try await Workload(seed: 22).run(commits: 30, on: [store], tenant: tenant)
                let position = try await store.head(of: tenant).auditPosition
                // A good entry under a wrong hash is written through the seam, so that every engine can do it.
                guard var entry = try await store.auditEntries(tenant, after: 0, limit: 1).first else {
                    throw Violation("the workload fills the audit")
                }
                entry.position = position + 1
                entry.conflict = position + 1
                let forged = entry
                try await store.transact(tenant, readSet: StoreReadSet()) { snapshot throws(StoreError) in
                    var commit = Commit(head: snapshot.head, audit: [forged])
                    commit.head.auditPosition += 1
                    commit.head.auditHash = forged.hash
                    return (commit, ())
                }
                try expectEqual(
                    try await store.verifyAudit(of: tenant).fault, .altered(position: position + 1), "fault")
            }
        },
        StorageLaw("verifying while conflicts are being recorded finds nothing wrong") { factory in
            try await factory.withStore { store in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { _ = try await Workload(seed: 23).run(commits: 40, on: [store], tenant: tenant) }
                    group.addTask {
                        for _ in 0..<10 {
                            let report = try await store.verifyAudit(of: tenant)
                            try expectEqual(report.fault, nil, "fault beside a writer")
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
    ]
}
