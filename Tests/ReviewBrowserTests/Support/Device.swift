import Foundation
import MergeCore
import RejoinProcesses
import SyncWire
import Values

/// A device that edits offline: what it knows of a record is what it wrote itself and what it pulled, whatever the server
/// has answered since.
actor Device {
    nonisolated let name: String
    private let caller: Caller
    private let clock: EditClock
    /// What it has seen of each record.
    private var seen: [String: [String: Int64]] = [:]

    init(name: String, caller: Caller, clock: EditClock) {
        self.name = name
        self.caller = caller
        self.clock = clock
    }

    /// Sends an edit, the latest so far of all devices of the test.
    /// - Returns: the operation's result.
    @discardableResult
    func send(_ kind: OperationKind, _ collection: String, _ record: String, _ fields: [(String, Value)] = [])
        async throws
        -> Value
    {
        let place = collection + "/" + record
        var known = seen[place] ?? [:]
        known[name, default: 0] += 1
        seen[place] = known
        let sent = operation(kind, collection, record, clock: known, at: await clock.tick(), fields: fields)
        let answer = try await caller.post(batch: batchBody([sent]), key: UUID().uuidString)
        guard answer.status == 200, let result = try answer.json["results"]?.elements.first, result["error"] == nil
        else { throw TestError("\(name) \(kind.rawValue) \(place): \(answer.text)") }
        return result
    }

    func create(_ collection: String, _ record: String, _ fields: (String, Value)...) async throws {
        try await send(.create, collection, record, fields)
    }

    func update(_ collection: String, _ record: String, _ fields: (String, Value)...) async throws {
        try await send(.update, collection, record, fields)
    }

    func delete(_ collection: String, _ record: String) async throws {
        try await send(.delete, collection, record)
    }

    /// Reads a record as the server has it, and has seen all of it from then on.
    @discardableResult
    func pull(_ collection: String, _ record: String) async throws -> Value {
        let segment = record.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? record
        let answer = try await caller.get("/v1/records/\(collection)/\(segment)")
        guard answer.status == 200 else { throw TestError("\(name) pulls \(collection)/\(record): \(answer.text)") }
        let pulled = try answer.json
        seen[collection + "/" + record] = pulled["clock"]?.counters ?? [:]
        return pulled
    }
}

/// Gives every edit of a test a later time than the one before, in the hours that have just passed, as pages show times.
actor EditClock {
    private var next = Date(timeIntervalSinceNow: -3 * 3_600)

    /// - Returns: milliseconds since 1970.
    func tick() -> Int64 {
        defer { next += 97 }
        return Int64((next.timeIntervalSince1970 * 1_000).rounded())
    }
}
