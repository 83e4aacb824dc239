import Causality
import Foundation
import MergeCore
import DeviceReplica
import StrictJSON
import SyncWire
import Testing
import Values

/// What has to hold when all devices have synced: they hold what the server holds, nothing is pending, and nothing is lost.
struct Convergence {
    /// Asks the server as a reviewer, and returns the body; nil for what is not there.
    let ask: (_ path: String, _ accept: String?) async throws -> [UInt8]?

    func check(_ users: [RandomUser], _ seed: UInt64) async throws {
        var (end, history) = (WrittenHistory.End(), WrittenHistory())
        for user in users {
            history.merge(user.history)
            end.parked += try await user.device.client.parked()
            let pending = try await user.device.client.pending()
            #expect(pending.isEmpty, "seed \(seed): \(user.device.name) has \(pending.count) pending")
        }
        let audit = try await ask("/v1/conflicts/export", "application/x-ndjson") ?? []
        for line in audit.split(separator: 0x0A) {
            let conflict = try WireConflict(encoded: Array(line))
            let key = RecordKey(collection: ExactString(conflict.collection), id: ExactString(conflict.record))
            end.audit[key, default: ""] += conflict.sides.map(\.value).joined(separator: " ") + " "
        }
        for (collection, ids) in RandomUser.records {
            for id in ids {
                guard let body = try await ask("/v1/records/\(collection)/\(id)", nil) else { continue }
                let record = try RecordAnswer(encoded: body).record
                end.records[record.key] = record
                for user in users {
                    let shown = try await user.device.client.record(collection, id)
                    #expect(shown?.isDeleted == record.isDeleted, "seed \(seed): \(user.device.name) \(id)")
                    if !record.isDeleted {
                        #expect(shown?.fields == (try record.fieldValues()), "seed \(seed): \(user.device.name) \(id)")
                    }
                }
            }
        }
        #expect(!end.records.isEmpty, "seed \(seed)")
        let losses = try history.losses(at: end)
        let parked = end.parked.map { "\($0.code) \(Value.object($0.fields).canonicalText)" }.joined(separator: "; ")
        #expect(losses.isEmpty, "seed \(seed): \(losses.joined(separator: "; ")); parked: \(parked)")
    }
}
