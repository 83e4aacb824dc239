import Causality
import HTTPTypes
import MergeCore
import SyncEngine
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("decisions on many conflicts read and keep no more than their share")
struct BulkReviewPartsTests {
    private static let uri = "/v1/conflicts/resolutions"
    private static let long = String(repeating: "x", count: 10_000)

    private static func options(_ change: (inout EngineLimits) -> Void) -> ServerOptions {
        var options = ServerOptions()
        change(&options.limits)
        return options
    }

    /// Records with an open conflict about their status, and, unless it is short, a long title.
    private static func fill(_ server: TestServer, records: Int, title: String = long) async throws {
        let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
        for number in 0..<records {
            let fields: Value = ["title": .string(ExactString(title)), "status": .string("mac \(number)")]
            _ = try await mac.send(mac.creating("r\(number)", fields, in: "estimates"))
            let other: Value = ["status": .string("ipad \(number)")]
            _ = try await ipad.send(ipad.creating("r\(number)", other, in: "estimates"))
        }
    }

    private static func listed(_ conflicts: [Value], version: (Value) -> Int64? = { $0["version"]?.number }) -> String {
        conflicts.map { #"{"id": "\#($0["id"]?.text ?? "")", "version": \#(version($0) ?? 0)}"# }
            .joined(separator: ",")
    }

    private static func page(_ person: TestPerson, _ query: String) async throws -> [Value] {
        try await person.get("/v1/conflicts?order=oldest&\(query)&limit=500")["conflicts"]?.elements ?? []
    }

    @Test(
        "each transaction reads a bound of bytes, and all of them together decide what the preview said",
        arguments: Engine.allCases)
    func parts(engine: Engine) async throws {
        try await TestServer.run(engine, Self.options { $0.recordBytesPerCommit = 25_000 }) { server in
            try await Self.fill(server, records: 11)
            let rita = try await server.reviewer()
            let conflicts = Self.listed(try await Self.page(rita, "status=open"))
            let body = #"{"conflicts": [\#(conflicts)], "choose": "stored"}"#
            server.store.readings.forget()
            let preview = try await rita.send(.post, Self.uri + "?dryRun=true", json: body)
            #expect(preview["decided"] == 11)
            #expect(try await Self.page(rita, "status=open").count == 11)
            let decided = try await rita.send(.post, Self.uri, json: body)
            #expect(decided["decided"] == 11)
            #expect(decided["results"] == preview["results"])
            let readings = server.store.readings.all
            #expect(readings.allSatisfy { $0.bytes <= 25_000 && $0.records <= 2 }, "\(readings)")
            #expect(readings.reduce(0) { $0 + $1.records } == 22, "every record once, in either call")
            #expect(try await Self.page(rita, "status=resolved").count == 11)
            for number in 0..<11 {
                let record = try await server.device("mac").record("r\(number)", in: "estimates")
                #expect(record["fields", "status"] == .string("mac \(number)"))
            }
            let again = try await rita.send(.post, Self.uri, json: body)
            #expect(again["results"]?.elements.count { $0["outcome"] == "repeated" } == 11)
            #expect(try await server.verifiesAudit())
        }
    }

    @Test("what is small is decided in one transaction", arguments: Engine.allCases)
    func one(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await Self.fill(server, records: 60, title: "short")
            let rita = try await server.reviewer()
            server.store.readings.forget()
            let decided = try await rita.send(.post, Self.uri + "?status=open", json: #"{"choose": "current"}"#)
            #expect(decided["decided"] == 60)
            #expect(server.store.readings.all.map(\.records) == [60])
        }
    }

    @Test(
        "when the storage fails midway, the problem says what stays, and the same request again decides the rest",
        arguments: Engine.allCases, [true, false])
    func fault(engine: Engine, listed: Bool) async throws {
        try await TestServer.run(engine, Self.options { $0.recordBytesPerCommit = 25_000 }) { server in
            try await Self.fill(server, records: 7)
            let rita = try await server.reviewer()
            let conflicts = Self.listed(try await Self.page(rita, "status=open"))
            let (query, body) =
                listed
                ? ("", #"{"conflicts": [\#(conflicts)], "choose": "stored", "note": "n"}"#)
                : ("?collection=estimates", #"{"choose": "stored", "note": "n"}"#)
            await server.store.gate.failTransaction(after: 2)
            let broken = try await rita.send(.post, Self.uri + query, json: body)
            #expect(broken.status == 503)
            #expect(broken.code == "storage_unavailable")
            #expect(broken["retryable"] == true)
            #expect(broken.header("Retry-After") == "1")
            let left = try await Self.page(rita, "status=open").count
            #expect((1...5).contains(left))
            #expect(broken["detail"]?.text?.hasPrefix("\(7 - left) of 7 conflicts") == true, "\(broken.text)")
            // A preview has decided nothing, and says nothing of the kind.
            await server.store.gate.failTransaction(after: 1)
            let preview = try await rita.send(.post, Self.uri + "?status=open&dryRun=true", json: body)
            #expect(preview.status == 503 && preview["detail"]?.text?.contains(" of ") == false, "\(preview.text)")
            let again = try await rita.send(.post, Self.uri + query, json: body)
            #expect(again.status == 200)
            #expect(again["decided"] == 7 && again["refused"] == 0, "\(again.text)")
            #expect(again["results"]?.elements.count { $0["outcome"] == "repeated" } == 7 - left)
            #expect(try await Self.page(rita, "status=open").isEmpty)
            let audit = try await server.store.auditEntries("acme", after: .min, limit: 100)
            #expect(audit.count { $0.type == "resolved" } == 7)
            #expect(try await server.verifiesAudit())
        }
    }

    @Test("several conflicts of one record are decided as if nothing had been divided", arguments: Engine.allCases)
    func sameRecord(engine: Engine) async throws {
        var answers: [[Value?]] = []
        for bytes in [EngineLimits().recordBytesPerCommit, 1] {
            let told = try await TestServer.run(engine, Self.options { $0.recordBytesPerCommit = bytes }) { server in
                for name in ["a", "b", "c", "d"] {
                    let device = try await server.device(name)
                    for number in 0..<4 {
                        let fields: Value = ["text": .string(ExactString(name)), "n": .integer(Int64(number))]
                        _ = try await device.send(device.creating("n\(number)", fields))
                    }
                }
                let rita = try await server.reviewer()
                let query = "?collection=notes&order=newest"
                let body = #"{"choose": "stored"}"#
                let preview = try await rita.send(.post, Self.uri + query + "&dryRun=true", json: body)
                server.store.readings.forget()
                let decided = try await rita.send(.post, Self.uri + query, json: body)
                #expect(decided["results"] == preview["results"])
                #expect(server.store.readings.all.count == (bytes == 1 ? 4 : 1))
                #expect(try await server.verifiesAudit())
                return [decided["decided"], decided["results"]]
            }
            answers.append(told)
        }
        #expect(answers[0] == answers[1])
        #expect(answers[0][0] == 12)
    }

    @Test("an answer has a bound of values; what has no room is decided, and said to be left out")
    func answerBytes() async throws {
        try await TestServer.run(.sqlite, Self.options { $0.answerBytes = 45_000 }) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            for (device, name) in [(mac, "mac"), (ipad, "ipad")] {
                for number in 0..<6 {
                    let fields: Value = ["status": .string(ExactString(name + Self.long))]
                    _ = try await device.send(device.creating("r\(number)", fields, in: "estimates"))
                }
            }
            let rita = try await server.reviewer()
            let conflicts = try await Self.page(rita, "status=open")
            let body = #"{"conflicts": [\#(Self.listed(conflicts))], "choose": "stored"}"#
            let preview = try await rita.send(.post, Self.uri + "?dryRun=true", json: body)
            let decided = try await rita.send(.post, Self.uri, json: body)
            for answer in [preview, decided] {
                #expect(answer["decided"] == 6)
                let results = answer["results"]?.elements ?? []
                #expect(results.count { $0["before"] != nil && $0["after"] != nil && $0["omitted"] == nil } == 2)
                #expect(results.count { $0["before"] == nil && $0["omitted"] == true && $0["version"] != nil } == 4)
                #expect(answer.body.count < 50_000)
            }
            // So with those that are refused: the conflict can be asked for.
            let stale = try await rita.send(
                .post, Self.uri,
                json: #"{"conflicts": [\#(Self.listed(conflicts) { _ in 9 })], "choose": "stored"}"#)
            #expect(stale["refused"] == 6)
            #expect(stale.body.count < 50_000)
            let results = stale["results"]?.elements ?? []
            #expect(results.allSatisfy { $0["error", "code"] == "conflict_changed" })
            #expect(results.allSatisfy { ($0["error", "conflict"] == nil) == ($0["omitted"] == true) })
            #expect(results.contains { $0["omitted"] == true } && results.contains { $0["omitted"] == nil })
        }
    }

    @Test("a value for many has a bound, and so have the conflicts of one record together")
    func tooLarge() async throws {
        let options = Self.options {
            $0.merge.auditBytesPerBatch = 5_000
            $0.recordBytesPerCommit = 20_000
        }
        try await TestServer.run(.sqlite, options) { server in
            try await Self.fill(server, records: 6, title: "short")
            let rita = try await server.reviewer()
            let value = #"{"value": "\#(String(repeating: "v", count: 1_000))"}"#
            let refused = try await rita.send(.post, Self.uri + "?status=open", json: value)
            #expect(refused.status == 413 && refused.code == "batch_too_large" && refused["limit"] == 5_000)
            #expect(try await Self.page(rita, "status=open").count == 6)
            for _ in 0..<2 {
                #expect(try await rita.send(.post, Self.uri + "?status=open&limit=4", json: value).status == 200)
            }
            #expect(try await Self.page(rita, "status=open").isEmpty)

            for name in ["a", "b", "c"] {
                let device = try await server.device(name)
                let fields: Value = ["text": .string(ExactString(name + Self.long.prefix(4_000)))]
                _ = try await device.send(device.creating("n", fields))
                _ = try await device.send(device.creating("m", ["text": .string(ExactString(name))]))
            }
            let conflicts = try await Self.page(rita, "collection=notes&record=n")
            let one = try await Self.page(rita, "collection=notes&record=m")
            let decide = { (chosen: [Value]) in
                try await rita.send(
                    .post, Self.uri, json: #"{"conflicts": [\#(Self.listed(chosen))], "choose": "stored"}"#)
            }
            let together = try await decide(one + conflicts)
            #expect(together.status == 200, "\(together.text.prefix(300))")
            try await Self.enlarge(server)
            let large = try await Self.page(rita, "collection=notes&record=n")
            let tooMany = try await decide(one + large)
            #expect(tooMany.status == 413 && tooMany["limit"] == 20_000, "\(tooMany.text.prefix(300))")
            for conflict in large { #expect(try await decide([conflict]).status == 200) }
        }
    }

    /// More conflicts on the record 'n'.
    private static func enlarge(_ server: TestServer) async throws {
        for name in ["d", "e", "f", "g"] {
            let device = try await server.device(name)
            let fields: Value = ["text": .string(ExactString(name + long.prefix(4_000)))]
            _ = try await device.send(device.creating("n", fields))
        }
    }
}
