import Causality
import MergeCore
import SyncStorage
import SyncWire

// These rows are made by hand, for laws that are about columns and not about what they mean.

extension RecordRow {
    static func sample(
        _ id: ExactString, in collection: ExactString = "samples", sequence: Int64, changedAt milliseconds: Int64 = 0
    ) -> RecordRow {
        RecordRow(
            key: RecordKey(collection, id), sequence: sequence, isDeleted: false, isPurged: false, clock: #"{"d":1}"#,
            stampMilliseconds: 0, fields: "{}", siblings: nil, state: #"{"c":[],"d":[],"e":[],"u":[],"w":[]}"#,
            openConflicts: 0, changedAtMilliseconds: milliseconds)
    }
}

extension OperationRow {
    static func sample(_ id: OperationID, ordinal: Int64, outcome: OutcomeKind) -> OperationRow {
        OperationRow(
            id: id, device: "d", ordinal: ordinal, user: "u", batch: "b", record: RecordKey("samples", "r"),
            counter: nil,
            clock: #"{"d":1}"#, fingerprint: Digest(of: "an operation"), outcome: outcome,
            result: #"{"outcome":"\#(outcome.rawValue)"}"#, content: "{}", stampMilliseconds: nil,
            recordedAtMilliseconds: 0)
    }

    func with(ordinal: Int64, outcome: OutcomeKind) -> OperationRow {
        var copy = self
        copy.ordinal = ordinal
        copy.outcome = outcome
        copy.counter = nil
        return copy
    }
}

extension AuditEntryRow {
    /// An entry that opens a conflict, with sides, not yet chained.
    static func sample(_ conflict: ConflictRow, sides: [AuditSideRow]) -> AuditEntryRow {
        AuditEntryRow(
            position: conflict.id, conflict: conflict.id, version: 1, type: EntryType.opened.rawValue,
            collection: conflict.collection, record: conflict.record, batch: "b", device: "d",
            recordedAtMilliseconds: conflict.openedAtMilliseconds, clockBefore: "{}", clockAfter: "{}",
            detail: "{}", sides: sides, hash: Digest(of: "an entry"))
    }
}

extension AuditSideRow {
    static func sample(device: String, user: String) -> AuditSideRow {
        AuditSideRow(
            role: "stored", won: true, present: true, value: "1", device: device, counter: 1, user: user,
            operation: "o", stampMilliseconds: 0, claimedAtMilliseconds: nil)
    }
}

extension Workload {
    /// The same commits on each store; the answers must be the same too.
    /// - Returns: the keys of all batches.
    func run(commits: Int, on stores: [any SyncStore], tenant: TenantID) async throws -> [BatchKey] {
        var workload = self
        var keys: [BatchKey] = []
        for number in 0..<commits {
            let batches = workload.batches()
            keys += batches.map { BatchKey(device: $0.device, key: $0.key) }
            var first: Committer.Answer?
            for store in stores {
                let answer = try await Committer(store, tenant, under: Workload.schema).commit(batches)
                try expectEqual(answer, first ?? answer, "answer of commit \(number)")
                first = answer
            }
            if let first { workload.took(first) }
        }
        return keys
    }
}
