import Causality
import EngineHarness
import Foundation
import HTTPTypes
import MergeCore
import StrictJSON
import SyncEngine
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

/// A device that hears a code and follows its advice comes to an end in a few requests. Then its edit is in the record
/// or its user is told. That holds for each code.
@Suite("advice that ends well")
struct HonestDeviceTests {
    /// How a story ends.
    private enum End {
        /// The edit is in the record: its id, the field `v` or another, and the value.
        case stored(_ record: String, _ field: String, _ value: Value, in: String = "notes")
        /// The user was told, and nothing is pending.
        case told
    }

    /// Only a real connection can be too slow: `TransportTests` follows `request_timeout`.
    private static let codes = ProblemCode.allCases.filter { $0 != .requestTimeout }

    @Test("each code's advice is followed to its end", arguments: codes)
    func advice(code: ProblemCode) async throws {
        var options = ServerOptions()
        switch code {
        case .clockFull: options.limits.merge.clockEntries = 2
        case .batchTooLarge: options.limits.wire.operationsPerBatch = 2
        case .rateLimited: options.limits.requestsPerSecondPerDevice = 1
        case .overloaded: options.limits.commitQueueDepth = 1
        case .batchFull: options.limits.merge.auditBytesPerBatch = 3_000
        case .recordFull: options.limits.merge.recordBytes = 2_000
        case .queryTooLarge: options.limits.wire.recordsPerQuery = 1
        case .conflictFull: options.limits.commentsPerConflict = 1
        default: break
        }
        try await TestServer.run(.memory, options) { server in
            var device = try await HonestDevice(server)
            let end = try await tell(code, &device, server)
            #expect(device.seen.contains(code.rawValue), "heard \(device.seen.sorted())")
            #expect(device.pending.isEmpty)
            switch end {
            case .stored(let record, let field, let value, let collection):
                #expect(device.setAside.isEmpty, "\(device.setAside.map(\.code))")
                let shown = try await server.store.record(
                    "acme", RecordKey(collection: ExactString(collection), id: ExactString(record)))
                let row = try #require(shown)
                #expect(!row.isDeleted)
                let fields = try Value(json: row.fields)
                #expect(fields[.name(field)] == value, "\(row.fields)")
            case .told: #expect(device.setAside.contains { $0.code == code.rawValue })
            }
        }
    }

    private func edit(_ device: HonestDevice, _ value: Value = "edited", clock: Value? = nil) -> Draft {
        .update("n", clock ?? Value.object([]).setting(device.id, 2), ["v": value])
    }

    /// The record `n`, as the device wrote it at first.
    private func begin(_ device: HonestDevice) async throws {
        let mac = try await device.server.device(device.id)
        try #require(try await mac.send(mac.creating("n", ["v": "first"])).status == 200)
    }

    /// Lets the device hear the code, and go on.
    private func tell(_ code: ProblemCode, _ device: inout HonestDevice, _ server: TestServer) async throws -> End {
        let edited = End.stored("n", "v", "edited")
        switch code {
        // These are codes of requests that can be sent again.
        case .storageUnavailable:
            try await begin(device)
            server.faults.setDown(true)
            device.meanwhile = { _ in server.faults.setDown(false) }
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        case .overloaded:
            try await begin(device)
            let (held, waiting) = (try await server.device("held"), try await server.device("waiting"))
            await server.store.gate.close()
            async let first = held.send(held.creating("x", ["v": 1]))
            try await eventually("one is under way") { await server.store.gate.waitingCount == 1 }
            async let second = waiting.send(waiting.creating("y", ["v": 1]))
            try await eventually("one waits") { await server.server.engine.load().waitingBatches == 1 }
            device.meanwhile = { _ in await server.store.gate.open() }
            device.pending = [edit(device)]
            try await device.settle()
            _ = try await (first, second)
            return edited
        case .rateLimited:
            try await begin(device)
            while try await server.send(.get, "/v1/changes", token: device.token).status == 200 {}
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        case .internalError:
            // Something that was stored cannot be read: the same again would end the same.
            try await begin(device)
            let key = RecordKey(collection: "notes", id: "n")
            var row = try #require(try await server.store.record("acme", key))
            row.state = "{"
            let damaged = row
            try await server.store.transact("acme", readSet: StoreReadSet()) {
                (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Void) in
                (Commit(head: snapshot.head, records: [damaged]), ())
            }
            device.pending = [edit(device)]
            try await device.settle()
            return .told
        case .tokenExpired:
            try await begin(device)
            device.token = try await server.token(device: "mac", roles: ["device"], validSeconds: -1)
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        case .unauthenticated:
            try await begin(device)
            device.token = "none"
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        // These are codes of batches.
        case .batchRefused, .valueInvalid:
            try await begin(device)
            device.pending = [edit(device), .update("e", ["mac": 1], ["total": "many"], in: "estimates")]
            try await device.settle()
            #expect(device.setAside.map(\.code) == ["value_invalid"])
            #expect(device.outcomes.count == 1)
            device.setAside.append((edit(device), "batch_refused"))
            return .told
        case .batchTooLarge:
            device.pending = (0..<5).map { .create("n\($0)", by: "mac", ["v": .integer(Int64($0))]) }
            try await device.settle(most: 12)
            return .stored("n4", "v", 4)
        case .idempotencyKeyMissing, .idempotencyKeyInvalid:
            try await begin(device)
            device.pending = [edit(device)]
            try await device.settle(key: code == .idempotencyKeyMissing ? nil : "a b")
            if code == .idempotencyKeyMissing { device.seen.formUnion(try await withoutKey(server)) }
            return edited
        case .idempotencyKeyReused:
            try await begin(device)
            let other = try await server.device("mac")
            _ = try await other.send(.create("o", by: "mac", ["v": 1]), key: "used")
            device.pending = [edit(device)]
            try await device.settle(key: "used")
            return edited
        case .deviceRetired:
            try await begin(device)
            #expect(try await server.admin().send(.delete, "/v1/devices/mac").status == 204)
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        // These are codes of operations.
        case .clockGap:
            try await begin(device)
            var later = edit(device, clock: ["mac": 3])
            later.fields = ["v": "edited"]
            // The one that is missing is in the queue, behind; and once it is not there at all.
            device.pending = [later, edit(device, "before")]
            try await device.settle()
            device.pending = [.update("n", ["mac": 9], ["w": 1])]
            try await device.settle(most: 12)
            return edited
        case .clockAhead:
            try await begin(device)
            device.pending = [edit(device, clock: ["mac": 2, "ipad": 7])]
            try await device.settle()
            return edited
        case .counterReused:
            try await begin(device)
            let mac = try await server.device("mac")
            _ = try await mac.send(.update("n", ["mac": 2], ["v": "forgotten"]))
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        case .recordExists:
            try await begin(device)
            let mac = try await server.device("mac")
            device.pending = [.create("n", by: "mac", ["v": "over"], at: TestClock.start + 1)]
            try await device.settle()
            _ = try await mac.send(.delete("n", ["mac": 3]))
            device.pending = [.create("n", by: "mac", ["v": "edited"], at: TestClock.start + 2)]
            try await device.settle(most: 16)
            return edited
        case .recordDeleted:
            try await begin(device)
            _ = try await server.device("mac").send(.delete("n", ["mac": 2]))
            device.pending = [edit(device, clock: ["mac": 3])]
            try await device.settle()
            return edited
        case .recordPurged:
            try await begin(device)
            try await server.purge("n")
            device.pending = [edit(device)]
            try await device.settle()
            let changes = try await server.device("mac").get("/v1/changes")
            let made = try #require(changes["changes"]?.elements.compactMap { $0["id"]?.text }.first { $0 != "n" })
            return .stored(made, "v", "edited")
        case .operationIDReused:
            try await begin(device)
            var used = edit(device, "first use")
            _ = try await server.device("mac").send(used)
            used.fields = ["v": "edited"]
            used.clock = ["mac": 3]
            device.pending = [used]
            try await device.settle()
            return edited
        case .dependencyFailed:
            try await begin(device)
            let bad = Draft.update("e", ["mac": 1], ["total": "many"], in: "estimates")
            var dependent = edit(device)
            dependent.dependsOn = [bad.id]
            device.pending = [bad, dependent]
            device.isAtomic = false
            try await device.settle()
            return .told
        case .batchFull:
            let ipad = try await server.device("ipad")
            let long = Value.string(ExactString(String(repeating: "x", count: 2_000)))
            for number in 0..<4 { _ = try await ipad.send(ipad.creating("n\(number)", ["v": long])) }
            // Each meets another long value. They come later, so they show.
            device.pending = (0..<4).map {
                .create("n\($0)", by: "mac", ["v": .integer(Int64($0))], at: TestClock.start + 1)
            }
            try await device.settle(most: 10)
            return .stored("n3", "v", 3)
        case .recordFull:
            try await begin(device)
            return try await set(
                aside: edit(device, .string(ExactString(String(repeating: "x", count: 3_000)))), &device)
        case .conflictFull:
            try await server.makeConflict("e")
            let reviewer = try await server.reviewer()
            let comment = { (text: String) in
                try await reviewer.send(.post, "/v1/conflicts/1/comments", json: "{\"text\": \"\(text)\"}")
            }
            #expect(try await comment("one").status == 201)
            let refused = try await comment("two")
            device.seen.insert(refused.code ?? "")
            #expect(refused["retryable"] == false)
            let decided = try await reviewer.send(
                .post, "/v1/conflicts/1/resolutions", json: #"{"version": 1, "choose": 0, "note": "two"}"#)
            #expect(decided.status == 201)
            return .stored("e", "status", "sent", in: "estimates")
        case .clockFull:
            for name in ["a", "b"] {
                let other = try await server.device(name)
                _ = try await other.send(other.creating("n", ["v": "first"]))
            }
            device.pending = [edit(device, clock: ["mac": 1])]
            try await device.settle()
            return .told
        case .unknownCollection:
            return try await set(aside: .create("n", by: "mac", ["v": 1], in: "nowhere"), &device)
        case .fieldInvalid:
            return try await set(aside: .create("n", by: "mac", ["colour": 1], in: "estimates"), &device)
        case .fieldRequired:
            return try await set(aside: .create("n", by: "mac", ["v": 1], in: "profiles"), &device)
        case .fieldImmutable:
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["code": "a"], in: "estimates"))
            return try await set(aside: .update("n", ["mac": 2], ["code": "b"], in: "estimates"), &device)
        case .groupIncomplete:
            return try await set(aside: .create("n", by: "mac", ["lat": 1], in: "estimates"), &device)
        case .clockInvalid:
            return try await set(aside: .update("n", ["ipad": 1], ["v": 1]), &device)
        case .invalidRequest:
            return try await set(aside: .update("", ["mac": 1], ["v": 1]), &device)
        // These are codes of reads and of what reviewers do: one request more, or none.
        case .cursorInvalid, .resyncRequired:
            try await begin(device)
            let elsewhere = Cursor.Codec(
                lineage: "another", tenant: "acme", key: ServerKeys(secret: TestServer.secret).cursor)
            let cursor = code == .cursorInvalid ? "x" : Cursor(sequence: 1, life: 0).text(elsewhere)
            let mac = try await server.device("mac")
            device.seen.insert(try await mac.get("/v1/changes?since=\(cursor)").code ?? "")
            let page = try await mac.get("/v1/changes")
            #expect(page["changes"]?.elements.count == 1)
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        case .queryTooLarge:
            try await begin(device)
            let token = device.token
            let ask = { (ids: [String]) async throws -> Answer in
                let named = ids.map { #""\#($0)""# }.joined(separator: ",")
                return try await server.send(
                    .post, "/v1/records/query", token: token, headers: [("Content-Type", "application/json")],
                    body: Array(#"{"records":{"notes":[\#(named)]}}"#.utf8))
            }
            let refused = try await ask(["n", "m"])
            device.seen.insert(refused.code ?? "")
            guard case .integer(let limit)? = refused["limit"] else { return .told }
            #expect(try await ask(Array(["n", "m"].prefix(Int(limit))))["records", 0, "fields", "v"] == "first")
            device.pending = [edit(device)]
            try await device.settle()
            return edited
        case .conflictChanged, .alreadyResolved:
            try await server.makeConflict("e")
            let reviewer = try await server.reviewer()
            let decide = { (version: Value, choice: Int) async throws -> Answer in
                let members: [(ExactString, Value)] = [("version", version), ("choose", .integer(Int64(choice)))]
                return try await reviewer.send(
                    .post, "/v1/conflicts/1/resolutions", json: Value.object(members).canonicalText)
            }
            if code == .alreadyResolved { #expect(try await decide(1, 0).status == 201) }
            let refused = try await decide(code == .alreadyResolved ? 1 : 7, 1)
            device.seen.insert(refused.code ?? "")
            guard code == .conflictChanged else {
                #expect(refused["conflict", "status"] == "resolved")
                device.setAside.append((edit(device), code.rawValue))
                return .told
            }
            #expect(try await decide(try #require(refused["conflict", "version"]), 0).status == 201)
            return .stored("e", "status", "sent", in: "estimates")
        case .requestTimeout, .malformedJSON, .forbidden, .deviceMismatch, .notFound, .methodNotAllowed, .notAcceptable,
            .unsupportedMediaType:
            return try await refuse(code, &device, server)
        }
    }

    private func set(aside draft: Draft, _ device: inout HonestDevice) async throws -> End {
        device.pending = [draft]
        try await device.settle(most: 1)
        return .told
    }

    private func withoutKey(_ server: TestServer) async throws -> Set<String> {
        let answer = try await server.send(
            .post, "/v1/batches", token: try await server.token(device: "mac"),
            headers: [("Content-Type", "application/json")], body: Array(#"{"operations":[]}"#.utf8))
        return [answer.code ?? ""]
    }

    /// What one answer settles: it says that it is not to be sent again.
    private func refuse(_ code: ProblemCode, _ device: inout HonestDevice, _ server: TestServer) async throws -> End {
        let json = [("Content-Type", "application/json"), ("Idempotency-Key", "k")]
        let token = device.token
        let answer =
            switch code {
            case .malformedJSON:
                try await server.send(.post, "/v1/batches", token: token, headers: json, body: Array("{".utf8))
            case .forbidden: try await server.send(.get, "/v1/conflicts", token: token)
            case .deviceMismatch:
                try await server.send(
                    .post, "/v1/batches", token: token, headers: json,
                    body: Array(#"{"device":"ipad","operations":[]}"#.utf8))
            case .methodNotAllowed: try await server.send(.delete, "/v1/batches", token: token)
            case .notAcceptable:
                try await server.send(.get, "/v1/changes", token: token, headers: [("Accept", "image/png")])
            case .unsupportedMediaType:
                try await server.send(
                    .post, "/v1/batches", token: token, headers: [("Idempotency-Key", "k")], body: Array("{}".utf8))
            default: try await server.send(.get, "/v1/records/notes/none", token: token)
            }
        device.seen.insert(answer.code ?? "")
        #expect(answer["retryable"] == false)
        #expect(answer.header("Retry-After") == nil)
        device.setAside.append((edit(device), answer.code ?? ""))
        return .told
    }

    @Test("the table of docs/protocol.md has every code once, and no other")
    func table() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/protocol.md"), encoding: .utf8)
        let rows = page.components(separatedBy: "| code | do |").dropFirst().first?.split(separator: "\n") ?? []
        let named = rows.flatMap { row in
            (row.split(separator: "|").first ?? "").matches(of: /`([a-z_]+)`/).map { String($0.1) }
        }
        #expect(named.sorted() == ProblemCode.allCases.map(\.rawValue).sorted())
    }
}
