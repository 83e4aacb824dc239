import Causality
import MergeCore
import SyncStorage

/// A method of the seam that is about one tenant. All of them are listed by name, except `transact`.
struct TenantMethod: Sendable {
    let name: String
    /// Calls the method with the keys of `Workload` and of the fault laws, and returns what it answered.
    let call: @Sendable (any SyncStore, TenantID) async throws -> any Sendable & Hashable

    static let reads: [TenantMethod] = [
        TenantMethod(name: "head") { try await $0.head(of: $1) },
        TenantMethod(name: "changes") { try await $0.changes($1, ChangeQuery(after: 0, limit: 100)) },
        TenantMethod(name: "changes of a collection") {
            try await $0.changes($1, ChangeQuery(after: 0, limit: 100, collections: ["estimates"]))
        },
        TenantMethod(name: "changes for a reader") {
            try await $0.changes(
                $1, ChangeQuery(after: 0, limit: 100), for: AccessQuery(user: "u", session: "s", device: "anna"))
        },
        TenantMethod(name: "record") { try await $0.record($1, RecordKey("estimates", "r1")) },
        TenantMethod(name: "changes of some records") {
            try await $0.changes($1, ChangeQuery(after: 0, limit: 100, only: ["estimates": ["r1"]]))
        },
        TenantMethod(name: "records") {
            try await $0.records($1, RecordsQuery([RecordKey("estimates", "r1"), RecordKey("estimates", "r2")]))
        },
        TenantMethod(name: "batch") { store, tenant in
            var rows: [BatchRow?] = []
            for device in Workload.devices {
                rows.append(try await store.batch(tenant, BatchKey(device: device, key: "k1")))
                for number in 1...20 {
                    rows.append(
                        try await store.batch(tenant, BatchKey(device: device, key: ExactString("batch \(number)"))))
                }
            }
            return rows
        },
        TenantMethod(name: "recall") { store, tenant in
            var recalls: [BatchRecall?] = []
            for device in Workload.devices {
                recalls.append(
                    try await store.recall(tenant, BatchKey(device: device, key: "k1"), recordBytes: .max)?.inAnyLife)
                for number in 1...20 {
                    let key = BatchKey(device: device, key: ExactString("batch \(number)"))
                    recalls.append(try await store.recall(tenant, key, recordBytes: .max)?.inAnyLife)
                }
            }
            return recalls
        },
        TenantMethod(name: "operations by id") { store, tenant in
            var rows = try await store.operations(tenant, id: "o1")
            for number in 1...20 {
                rows += try await store.operations(tenant, id: OperationID("operation \(number)"))
            }
            return rows
        },
        TenantMethod(name: "operations of a record") {
            try await $0.operations($1, OperationQuery(.record(RecordKey("estimates", "r1")), limit: 100))
        },
        TenantMethod(name: "rejected operations") {
            try await $0.operations($1, OperationQuery(.rejected(nil), limit: 100))
        },
        TenantMethod(name: "rejected operations of a device") {
            try await $0.operations($1, OperationQuery(.rejected("anna"), limit: 100))
        },
        TenantMethod(name: "conflicts") { try await $0.conflicts($1, ConflictQuery(limit: 100)) },
        TenantMethod(name: "conflicts of a device") {
            var query = ConflictQuery(limit: 100)
            query.device = "anna"
            return try await $0.conflicts($1, query)
        },
        TenantMethod(name: "conflicts of nobody since a time") {
            var query = ConflictQuery(limit: 100)
            query.assignee = .nobody
            query.sinceMilliseconds = 1
            query.untilMilliseconds = .max
            return try await $0.conflicts($1, query)
        },
        TenantMethod(name: "conflict") { store, tenant in
            var histories: [ConflictHistory?] = []
            for position: Int64 in 1...5 {
                histories.append(try await store.conflict(tenant, ConflictID(position: position)))
            }
            return histories
        },
        TenantMethod(name: "conflict counts") { try await $0.conflictCounts($1, [ConflictQuery(limit: 5)]) },
        TenantMethod(name: "conflict counts") { try await $0.conflictCounts($1) },
        TenantMethod(name: "audit entries") { try await $0.auditEntries($1, after: 0, limit: 100) },
        TenantMethod(name: "conflict index") { try await $0.conflictIndex($1, after: 0, limit: 100) },
        TenantMethod(name: "device") { try await $0.device($1, "anna") },
        TenantMethod(name: "devices") { try await $0.devices($1) },
        TenantMethod(name: "members") { try await $0.members($1) },
        TenantMethod(name: "administration") { try await $0.administration($1, before: nil, limit: 100) },
        TenantMethod(name: "sessions") {
            try await $0.reviewSessions($1, of: nil, nowMilliseconds: 0, limit: 100)
        },
    ]

    static let writes: [TenantMethod] = [
        TenantMethod(name: "register") {
            try await $0.register(
                $1, DeviceRow(device: "new", user: "u", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
        },
        TenantMethod(name: "register by quota") {
            try await $0.register(
                $1, DeviceRow(device: "newer", user: "u", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1),
                atMost: 9)
        },
        TenantMethod(name: "retire") { try await $0.retire($1, "anna", atMilliseconds: 5) },
        TenantMethod(name: "acknowledge") { store, tenant in
            let heartbeats = (["anna", "new"] as [DeviceID]).map {
                DeviceHeartbeat(tenant: tenant, device: $0, acknowledgedSequence: 1, seenAtMilliseconds: 1)
            }
            try await store.acknowledge(heartbeats)
            return heartbeats
        },
        TenantMethod(name: "spend") { try await $0.spend($1, .sample("code"), nowMilliseconds: 1) },
        TenantMethod(name: "end access") { store, tenant in
            try await store.end(tenant, .session("s", expiresAtMilliseconds: 9), nowMilliseconds: 1)
            return try await store.access(tenant, AccessQuery(user: "u", session: "s"))
        },
        TenantMethod(name: "administer") {
            try await $0.administer($1, .setMember("new", roles: ["admin"]), by: "root", nowMilliseconds: 1)
        },
        TenantMethod(name: "begin session") { store, tenant in
            let session = ReviewSessionRow(
                id: "new", user: "u", beganAtMilliseconds: 1, expiresAtMilliseconds: 9, way: .link, browser: "b")
            try await store.begin(tenant, session, nowMilliseconds: 1)
            return session
        },
    ]

    static let all = reads + writes
}

extension BatchRecall {
    /// The same, without the life that it was read in, which no two stores share.
    var inAnyLife: BatchRecall {
        var recall = self
        recall.life = .beforeAny
        return recall
    }
}
