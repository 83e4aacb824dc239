import Causality
import Foundation
import MergeCore
import StrictJSON
import SyncWire
import SyncedTables
import Testing
import Values

@testable import DeviceReplica

/// What has to hold when all devices have synced: their tables are equal row by row, nothing is pending, and nothing is lost.
struct TableConvergence {
    /// The record as the server has it, deleted or not; nil where there is none.
    let record: (_ collection: ExactString, _ id: ExactString) async throws -> WireRecord?
    /// All conflicts of the audit.
    let conflicts: () async throws -> [WireConflict]
    /// The operations of a record as the server tells them, for people who look for what went wrong.
    var operations: (_ record: RecordKey) async throws -> String = { _ in "" }

    func check(_ users: [TableUser], _ seed: UInt64) async throws {
        var users = users
        for _ in 0..<2 { for user in users { try await user.device.sync() } }
        // Who deleted a row that others refer to, and who made such a row, have to agree.
        for _ in 0..<8 {
            var waits = false
            for index in users.indices {
                if try await !users[index].device.client.setAside().isEmpty { waits = true }
                try await users[index].clearUp()
                try await users[index].device.sync()
            }
            if !waits { break }
        }
        for user in users { try await user.device.sync() }
        try await compare(users, seed)
    }

    private func compare(_ users: [TableUser], _ seed: UInt64) async throws {
        var (end, history) = (WrittenHistory.End(), WrittenHistory())
        let expected = try await users[0].device.dump()
        for user in users {
            let (name, client) = (user.device.name, user.device.client)
            history.merge(user.history)
            end.parked += try await client.parked()
            #expect(try await client.pending().isEmpty, "seed \(seed): \(name) has edits pending")
            let unsendable = try await client.unsendable()
            #expect(unsendable == [], "seed \(seed): \(name)")
            let aside = try await client.setAside().map { "\($0.record.collection)/\($0.record.id): \($0.reason)" }
            #expect(aside == [], "seed \(seed): \(name)")
            let dump = try await user.device.dump()
            #expect(dump == expected, "seed \(seed): \(name) and \(users[0].device.name)")
        }
        for conflict in try await conflicts() {
            let key = RecordKey(collection: ExactString(conflict.collection), id: ExactString(conflict.record))
            end.audit[key, default: ""] += conflict.sides.map(\.value).joined(separator: " ") + " "
        }
        for (table, ids) in TableUser.ids {
            for id in ids {
                let key = RecordKey(collection: ExactString(table), id: id)
                guard let record = try await record(key.collection, key.id) else { continue }
                end.records[key] = record
                let shown = try await users[0].device.client.record(key.collection, key.id)
                #expect(shown?.isDeleted == record.isDeleted, "seed \(seed): \(table) \(id)")
            }
        }
        #expect(!end.records.isEmpty, "seed \(seed)")
        let losses = try history.losses(at: end)
        if !losses.isEmpty {
            for key in end.records.keys where key.collection == "estimates" {
                print("\(key.id) ends as \(end.records[key]?.fields ?? ""); \(try await operations(key))")
            }
        }
        let parked = end.parked.map { "\($0.code) \($0.record.id) \(Value.object($0.fields).canonicalText)" }
        #expect(
            losses.isEmpty, "seed \(seed): \(losses.joined(separator: "; ")); parked: \(parked.joined(separator: "; "))"
        )
    }
}
