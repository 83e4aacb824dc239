import Causality
import EngineHarness
import MergeCore
import StrictJSON
import SyncStorage
import SyncWire
import Testing
import Values

/// What one legal batch may cost: bounds of bytes and rows, never of time. Each case was once gigabytes.
@Suite("what one batch may cost")
struct BatchCostTests {
    @Test(
        "a long note with a thousand edits is answered once, and its answer is stored nowhere",
        arguments: Engine.allCases)
    func thousandEditsOfALongNote(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let note = String(repeating: "n", count: 100_000)
            _ = try await mac.send(mac.creating("n", ["text": .string(ExactString(note)), "v": 0]))
            let edits = (2...1_000).map { Draft.update("n", ["mac": .integer($0)], ["v": .integer($0)]) }
            let body = batchBody(edits)
            let answer = try await mac.send(body: body, key: "k")
            #expect(answer.outcomes.count == 999)
            #expect(answer.body.count < 100_000 + 200 * 999, "\(answer.body.count) bytes")
            #expect(answer["records"]?.elements.count == 1)
            #expect(answer["records", 0, "fields", "v"] == 1_000)
            let stored = try await server.store.batch("acme", .init(device: "mac", key: "k"))
            #expect(stored.map { $0.results.utf8.count < 999 * 40 } == true)
            let again = try await mac.send(body: body, key: "k")
            #expect(again.isReplayed == true)
            #expect(again.resultsText == answer.resultsText)
        }
    }

    @Test(
        "many conflicts against a clock of hundreds of devices write what was written, not the clock again",
        arguments: Engine.allCases)
    func conflictsAgainstAWideClock(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let fields = { (value: Int64) in
                Value.object((0..<200).map { (ExactString("field-\($0)"), .integer(value)) })
            }
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", fields(0)))
            var clock: [(ExactString, Value)] = [("mac", 1)]
            for number in 0..<100 {
                let device = try await server.device("a-device-with-a-name-\(number)")
                clock.append((ExactString(device.id), 1))
                let answer = try await device.send(.update("n", .object(clock), ["seen": .integer(Int64(number))]))
                #expect(answer.outcomes == ["applied"])
            }
            let before = try await server.store.head(of: "acme").auditPosition
            let tv = try await server.device("tv")
            let edits = (1...10).map { Draft.update("n", ["tv": .integer($0)], fields($0)) }
            let body = batchBody(edits)
            let answer = try await tv.send(body: body)
            #expect(answer.outcomes == Array(repeating: "conflicted", count: 10))
            let entries = try await server.store.auditEntries("acme", after: before, limit: .max)
            #expect(entries.count == 2_000)
            let bytes = entries.reduce(0) { sum, entry in
                sum + entry.clockBefore.utf8.count + entry.clockAfter.utf8.count + entry.detail.utf8.count + 200
                    + entry.sides.reduce(0) { $0 + $1.value.utf8.count + 150 }
            }
            #expect(bytes <= 4 * 2_000 * 4 + 1_024 * 2_000, "\(bytes) bytes")
            // Each conflict is told with its whole clocks.
            let told = try await server.reviewer().get("/v1/conflicts/\(entries.last?.conflict ?? 0)")
            #expect(told["clockBefore"]?.memberNames.count == 102)
            #expect(told["clockAfter", "tv"] == 10)
        }
    }

    @Test("records that are too large together are named and left to be pulled", arguments: Engine.allCases)
    func answerBytes(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.answerBytes = 25_000
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            let text = Value.string(ExactString(String(repeating: "x", count: 10_000)))
            let drafts = (0..<5).map { mac.creating("n\($0)", ["text": text]) }
            let answer = try await mac.send(body: batchBody(drafts), key: "k")
            #expect(answer["records"]?.elements.map { $0["id"]?.text } == ["n0", "n1"])
            #expect(answer["omitted"]?.elements.map { $0["id"]?.text } == ["n2", "n3", "n4"])
            #expect(answer.body.count < 30_000)
            let again = try await mac.send(body: batchBody(drafts), key: "k")
            #expect(again["records"] == answer["records"] && again["omitted"] == answer["omitted"])
            let pulled = try await mac.get("/v1/changes")
            #expect(pulled["changes"]?.elements.count == 5)
        }
    }

    @Test(
        "a batch that names more of what is stored than one commit reads is told to be split, and parts of it go through",
        arguments: Engine.allCases)
    func recordBytesPerCommit(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.recordBytesPerCommit = 25_000
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            let text = Value.string(ExactString(String(repeating: "x", count: 10_000)))
            for number in 0..<5 { _ = try await mac.send(mac.creating("n\(number)", ["text": text])) }
            let edits = (0..<5).map { Draft.update("n\($0)", ["mac": 2], ["v": 1]) }
            let refused = try await mac.send(body: batchBody(edits), key: "k")
            #expect(refused.status == 413)
            #expect(refused.code == "batch_too_large")
            #expect(refused["limit"] == 25_000)
            #expect(refused["retryable"] == false)
            for part in [edits[..<2], edits[2..<4], edits[4...]] {
                #expect(try await mac.send(body: batchBody(Array(part))).status == 200)
            }
            // Two at once, which would share a commit, are too much together and go through one by one.
            let next = (0..<5).map { Draft.update("n\($0)", ["mac": 3], ["v": 2]) }
            async let one = mac.send(body: batchBody(Array(next[..<2])))
            async let other = mac.send(body: batchBody(Array(next[2..<4])))
            #expect(try await [one.status, other.status] == [200, 200])
        }
    }

    @Test("one record that is over the limit is always read")
    func oneLargeRecord() async throws {
        var options = ServerOptions()
        options.limits.recordBytesPerCommit = 1_000
        try await TestServer.run(.sqlite, options) { server in
            let mac = try await server.device("mac")
            let text = Value.string(ExactString(String(repeating: "x", count: 10_000)))
            _ = try await mac.send(mac.creating("n", ["text": text]))
            #expect(try await mac.send(.update("n", ["mac": 2], ["v": 1])).status == 200)
        }
    }

    @Test("fields are counted over the whole batch before anything is read", arguments: Engine.allCases)
    func unitsPerBatch(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.wire.unitsPerBatch = 10
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            let fields = Value.object((0..<4).map { (ExactString("f\($0)"), 1) })
            let drafts = (0..<3).map { mac.creating("n\($0)", fields) }
            let refused = try await mac.send(body: batchBody(drafts))
            #expect(refused.status == 413)
            #expect(refused["limit"] == 10)
            #expect(try await server.store.tenants() == [])
            #expect(try await mac.send(body: batchBody(Array(drafts.dropLast()))).status == 200)
        }
    }

    @Test("hundreds of thousands of bad names get a short answer, and a short row", arguments: Engine.allCases)
    func badNames(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let fields = Value.object((0..<20).map { (ExactString("$bad\($0)"), .integer(1)) })
            let drafts = (0..<1_000).map {
                Draft(kind: "create", record: "n\($0)", clock: ["mac": 1], fields: fields)
            }
            let body = batchBody(drafts, atomic: false)
            let answer = try await mac.send(body: body, key: "k")
            #expect(answer.status == 200)
            #expect(answer.outcomes == Array(repeating: "rejected", count: 1_000))
            let errors = answer["results"]?.elements.map { $0["error", "errors"]?.elements.count ?? 0 } ?? []
            #expect(errors.allSatisfy { (1...16).contains($0) })
            #expect(errors.reduce(0, +) <= 2_000)
            #expect(answer.body.count < 2_000 * 400 + 1_000 * 400)
            let stored = try await server.store.batch("acme", .init(device: "mac", key: "k"))
            #expect(stored.map { $0.results.utf8.count < body.utf8.count * 4 } == true)
            let refused = try await mac.send(body: body.replacing("\"atomic\":false", with: "\"atomic\":true"))
            #expect(refused.code == "batch_refused")
            #expect(refused["errors"]?.elements.count == 1_000)
            #expect((refused["errorsOmitted"]?.number ?? 0) > 0)
        }
    }

    @Test(
        "a batch records no more than its share of values, and what is left goes through in another",
        arguments: Engine.allCases)
    func auditBytesPerBatch(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.merge.auditBytesPerBatch = 50_000
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            let tv = try await server.device("tv")
            for number in 0..<10 {
                let text = Value.string(ExactString(String(repeating: "x", count: 20_000)))
                _ = try await mac.send(mac.creating("n\(number)", ["text": text]))
            }
            // Each of these small writes meets another long value.
            let edits = (0..<10).map {
                Draft.update("n\($0)", ["tv": 1], ["text": "short"], at: TestClock.start - 1000)
            }
            let refused = try await tv.send(body: batchBody(edits))
            #expect(refused.code == "batch_refused")
            #expect(refused["retryable"] == false)
            #expect(refused["errors", 0, "code"] == "batch_full")
            var left = edits
            var rounds = 0
            while !left.isEmpty {
                rounds += 1
                try #require(rounds <= 10)
                let answer = try await tv.send(body: batchBody(left, atomic: false))
                #expect(answer.outcomes.first == "conflicted")
                left = zip(left, answer.outcomes).filter { $0.1 == "rejected" }.map(\.0)
            }
            #expect(rounds == 5)
            #expect(try await server.reviewer().get("/v1/conflicts?limit=50")["conflicts"]?.elements.count == 10)
            // Nothing of what is to be sent again is kept as rejected for good.
            #expect(try await server.reviewer().get("/v1/operations?outcome=rejected")["operations"] == [])
        }
    }

    @Test(
        "pages of conflicts, history and rejected operations stop at the bytes of a page, and go on",
        arguments: Engine.allCases)
    func pageBytes(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.pageBytes = 30_000
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            let tv = try await server.device("tv")
            let text = Value.string(ExactString(String(repeating: "x", count: 10_000)))
            _ = try await mac.send(mac.creating("n", ["text": text]))
            for number in 1...8 {
                _ = try await tv.send(
                    .update("n", ["tv": .integer(Int64(number))], ["text": text, "n": .integer(Int64(number))]))
                _ = try await mac.send(
                    .update(
                        "n", ["mac": .integer(Int64(number + 1))],
                        ["text": .string(ExactString("\(number)" + String(repeating: "y", count: 10_000)))]))
                _ = try await mac.send(mac.creating("bad\(number)", ["$bad": text]), atomic: false)
            }
            let rita = try await server.reviewer()
            for (path, member, expected) in [
                ("/v1/conflicts?limit=100", "conflicts", 15...16),
                ("/v1/records/notes/n/history?limit=100", "history", 32...33),
                ("/v1/operations?outcome=rejected&limit=100", "operations", 8...8),
            ] {
                var count = 0
                var pages = 0
                var page: String?
                var seen: Set<String> = []
                repeat {
                    let answer = try await rita.get(path + (page.map { "&page=\($0)" } ?? ""))
                    #expect(answer.status == 200)
                    #expect(answer.body.count < 30_000 + 25_000, "\(path): \(answer.body.count) bytes")
                    let elements = answer[.name(member)]?.elements ?? []
                    #expect(!elements.isEmpty)
                    count += elements.count
                    for element in elements { seen.insert(element.canonicalText) }
                    pages += 1
                    page = answer["next"]?.text
                } while page != nil && pages < 100
                #expect(expected.contains(count), "\(path): \(count)")
                #expect(seen.count == count, "\(path): told twice")
                #expect(pages > 2, "\(path)")
            }
        }
    }
}
