import Causality
import EngineHarness
import MergeCore
import SyncEngine
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("pulling some records of a collection alone")
struct FeedQueryTests {
    private func query(_ device: TestDevice, _ path: String, _ body: String) async throws -> Answer {
        try await TestPerson(server: device.server, token: device.token).send(.post, path, json: body)
    }

    @Test("a page has of a collection the wanted records alone, of others all of them", arguments: Engine.allCases)
    func only(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            for index in 0..<6 { _ = try await mac.send(mac.creating("n\(index)", ["v": 1])) }
            _ = try await mac.send(mac.creating("n1", ["v": 1], in: "drafts"))
            let page = try await query(mac, "/v1/changes/query", #"{"only":{"notes":["n1","n4","none"]}}"#)
            #expect(page.status == 200)
            #expect(page["changes"]?.elements.map { $0["id"] } == ["n1", "n4", "n1"])
            #expect(page["more"] == false)
            let narrow = try await query(
                mac, "/v1/changes/query", #"{"collections":["notes"],"only":{"notes":["n4"]},"limit":5000}"#)
            #expect(narrow["changes"]?.elements.map { $0["id"] } == ["n4"])
            let none = try await query(mac, "/v1/changes/query", #"{"only":{"notes":[],"drafts":[]},"wait":0}"#)
            #expect(none["changes"] == [] && none["more"] == false)
            #expect(none["cursor"] == page["cursor"], "what is not wanted is passed, not looked at again")
            // The same as the parameters of a pull.
            let plain = try await query(mac, "/v1/changes/query", #"{"x-why":"test"}"#)
            #expect(plain.body == (try await mac.get("/v1/changes")).body)
        }
    }

    @Test(
        "a long feed of which nothing is wanted is passed page by page, and the cursor moves",
        arguments: Engine.allCases)
    func nothing(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(body: batchBody((0..<50).map { mac.creating("n\($0)", ["v": 1]) }))
            var cursors: [String] = []
            while true {
                let since = cursors.last.map { #","since":"\#($0)""# } ?? ""
                let visits = server.store.counts[.changes]
                // An answer with more behind it is not held, though it is empty.
                let page = try await query(
                    mac, "/v1/changes/query", #"{"only":{"notes":["none"]},"limit":7,"wait":1\#(since)}"#)
                #expect(page["changes"] == [])
                let cursor = try #require(page["cursor"]?.text)
                #expect(!cursors.dropLast().contains(cursor))
                cursors.append(cursor)
                guard page["more"] == true else { break }
                #expect(server.store.counts[.changes] - visits == 1, "a page is one reading")
            }
            #expect(cursors.count == 8)
        }
    }

    @Test("who waits is woken for a wanted record, and waits on for another", arguments: Engine.allCases)
    func waiting(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("a", ["v": 1]), mac.creating("b", ["v": 1]))
            let cursor = try #require(try await mac.get("/v1/changes")["cursor"]?.text)
            let body = #"{"only":{"notes":["b"]},"since":"\#(cursor)","wait":60}"#
            async let page = query(ipad, "/v1/changes/query", body)
            try await eventually("it waits") { await server.server.engine.load().waitingReaders == 1 }
            _ = try await mac.send(.update("a", ["mac": 2], ["v": 2]))
            _ = try await mac.send(.update("b", ["mac": 2], ["v": 2]))
            #expect(try await page["changes"]?.elements.map { $0["id"] } == ["b"])
        }
    }

    @Test("records are answered by their ids as they stand now, deleted ones too", arguments: Engine.allCases)
    func records(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            for index in 0..<4 { _ = try await mac.send(mac.creating("n\(index)", ["v": .integer(Int64(index))])) }
            _ = try await mac.send(.delete("n2", ["mac": 2]))
            let cursor = try #require(try await mac.get("/v1/changes")["cursor"]?.text)
            let answer = try await query(
                mac, "/v1/records/query",
                #"{"since":"\#(cursor)","records":{"notes":["n3","n2","none"],"drafts":["n1"]}}"#)
            #expect(answer["records"]?.elements.map { $0["id"] } == ["n2", "n3"])
            #expect(answer["records"]?.elements.map { $0["deleted"] } == [true, false])
            #expect(answer["records", 1] == (try await mac.get("/v1/changes"))["changes", 2])
            #expect(answer["omitted"] == [])
            // A stranger's tenant has none of them, and its cursors are not good here.
            let stranger = try await server.device("mac", tenant: "globex")
            let foreign = try await query(stranger, "/v1/records/query", #"{"records":{"notes":["n3"]}}"#)
            #expect(foreign["records"] == [])
            let forged = try await query(stranger, "/v1/records/query", #"{"since":"\#(cursor)","records":{}}"#)
            #expect(forged.code == "cursor_invalid")
        }
    }

    @Test("records that do not fit into an answer are named, to be asked for again", arguments: Engine.allCases)
    func omitted(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.pageBytes = 5_000
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            let text = Value.string(ExactString(String(repeating: "x", count: 1_500)))
            for index in 0..<5 { _ = try await mac.send(mac.creating("n\(index)", ["v": text])) }
            var wanted = Set((0..<5).map { "n\($0)" })
            var found: [String] = []
            while !wanted.isEmpty {
                let ids = wanted.sorted().map { #""\#($0)""# }.joined(separator: ",")
                let answer = try await query(mac, "/v1/records/query", #"{"records":{"notes":[\#(ids)]}}"#)
                let here = answer["records"]?.elements.compactMap { $0["id"]?.text } ?? []
                try #require(!here.isEmpty)
                found += here
                wanted = Set(answer["omitted"]?.elements.compactMap { $0["id"]?.text } ?? [])
                #expect(wanted.count + found.count == 5)
            }
            #expect(found == (0..<5).map { "n\($0)" })
        }
    }

    @Test("more ids than a query may name are refused with their own code, and the place")
    func tooMany() async throws {
        var options = ServerOptions()
        options.limits.wire.recordsPerQuery = 3
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            #expect(try await mac.get("/v1/session")["limits", "recordsPerQuery"] == 3)
            for (path, body, pointer) in [
                ("changes", #"{"only":{"notes":["a","b","c","d"]}}"#, "/only/notes"),
                ("changes", #"{"only":{"drafts":["a","b"],"notes":["c","d"]}}"#, "/only/notes"),
                ("changes", #"{"collections":["a","b","c","d"]}"#, "/collections"),
                ("changes", #"{"only":{"a":[],"b":[],"c":[],"d":[]}}"#, "/only"),
                ("records", #"{"records":{"notes":["a","b","c","d"]}}"#, "/records/notes"),
            ] {
                let answer = try await query(mac, "/v1/\(path)/query", body)
                #expect(answer.status == 413 && answer.code == "query_too_large", "\(body)")
                #expect(answer["limit"] == 3)
                #expect(answer["errors", 0, "pointer"] == .string(ExactString(pointer)), "\(body)")
            }
            #expect(try await query(mac, "/v1/changes/query", #"{"only":{"notes":["a","b","c"]}}"#).status == 200)
            let long = String(repeating: " ", count: 256 * 1024)
            #expect(try await query(mac, "/v1/changes/query", "{\(long)}").status == 413)
        }
    }

    @Test("what is not understood is refused where it stands")
    func refusals() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            for (path, body, pointer) in [
                ("changes", #"{"onyl":{}}"#, "/onyl"), ("changes", #"{"only":[]}"#, "/only"),
                ("changes", #"{"only":{"notes":"a"}}"#, "/only/notes"),
                ("changes", #"{"only":{"notes":["a",7]}}"#, "/only/notes/1"),
                ("changes", #"{"only":{"notes":[""]}}"#, "/only/notes/0"),
                ("changes", #"{"only":{"":[]}}"#, "/only/"), ("changes", #"{"collections":"notes"}"#, "/collections"),
                ("changes", #"{"collections":["drafts"],"only":{"notes":["a"]}}"#, "/only/notes"),
                ("changes", #"{"limit":0}"#, "/limit"), ("changes", #"{"wait":61}"#, "/wait"),
                ("changes", #"{"wait":true}"#, "/wait"), ("changes", #"{"since":""}"#, "/since"),
                ("changes", #"{"since":7}"#, "/since"), ("records", "{}", "/records"),
                ("records", #"{"records":{"notes":[null]}}"#, "/records/notes/0"),
                ("records", #"{"records":{},"wait":1}"#, "/wait"),
            ] {
                let answer = try await query(mac, "/v1/\(path)/query", body)
                #expect(answer.status == 400 && answer.code == "invalid_request", "\(body)")
                #expect(answer["errors", 0, "pointer"] == .string(ExactString(pointer)), "\(body)")
            }
            #expect(try await query(mac, "/v1/changes/query", "{").code == "malformed_json")
            let token = try await server.token(roles: ["admin"])
            let nobody = TestPerson(server: server, token: token)
            #expect(try await nobody.send(.post, "/v1/changes/query", json: "{}").status == 403)
        }
    }
}
