import Causality
import EngineHarness
import MergeCore
import StrictJSON
import SyncEngine
import SyncStorage
import SyncWire
import Testing
import Values

@Suite("the change feed")
struct FeedTests {
    @Test("edge 34: readers that poll while writers commit see every row, in order", arguments: Engine.allCases)
    func readersWhileWritersCommit(engine: Engine) async throws {
        let writers = 4
        let batches = 12
        try await TestServer.run(engine) { server in
            try await withThrowingTaskGroup(of: Set<String>.self) { group in
                for writer in 0..<writers {
                    let device = try await server.device("writer-\(writer)")
                    group.addTask {
                        for batch in 0..<batches {
                            let drafts = (0..<2).map { device.creating("\(writer)-\(batch)-\($0)", ["v": 1]) }
                            let answer = try await device.send(body: batchBody(drafts))
                            #expect(answer.status == 200)
                        }
                        return []
                    }
                }
                for reader in 0..<2 {
                    let device = try await server.device("reader-\(reader)")
                    group.addTask {
                        var seen: Set<String> = []
                        var last: Int64 = 0
                        var since = ""
                        while seen.count < writers * batches * 2 {
                            let page = try await device.get("/v1/changes?limit=7&wait=20\(since)")
                            #expect(page.status == 200)
                            for change in page["changes"]?.elements ?? [] {
                                let sequence = change["sequence"]?.number ?? 0
                                #expect(sequence > last)
                                last = sequence
                                seen.insert(change["id"]?.text ?? "")
                            }
                            since = "&since=\(page["cursor"]?.text ?? "")"
                        }
                        #expect(last == Int64(seen.count))
                        return seen
                    }
                }
                let seen = try await group.reduce(into: [Set<String>]()) { $0.append($1) }.filter { !$0.isEmpty }
                #expect(seen.count == 2)
                #expect(seen[0] == seen[1])
            }
        }
    }

    @Test(
        "edge 35: a page ends inside a batch, and a record that changes between two pages comes with its newer state",
        arguments: Engine.allCases)
    func pages(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let drafts = (0..<5).map { mac.creating("n\($0)", ["v": 1]) }
            _ = try await mac.send(body: batchBody(drafts))
            let first = try await mac.get("/v1/changes?limit=2")
            #expect(first["changes"]?.elements.map { $0["id"] } == ["n0", "n1"])
            #expect(first["more"] == true)
            _ = try await mac.send(.update("n3", ["mac": 2], ["v": 2]), .update("n0", ["mac": 2], ["v": 2]))
            let second = try await mac.get("/v1/changes?limit=2&since=\(first["cursor"]?.text ?? "")")
            #expect(second["changes"]?.elements.map { $0["id"] } == ["n2", "n4"])
            let third = try await mac.get("/v1/changes?limit=2&since=\(second["cursor"]?.text ?? "")")
            #expect(third["changes"]?.elements.map { $0["id"] } == ["n3", "n0"])
            #expect(third["changes", 0, "fields", "v"] == 2)
            #expect(third["more"] == false)
        }
    }

    @Test("edge 35: a filter leaves pages empty, and more alone says whether to go on", arguments: Engine.allCases)
    func filter(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            for index in 0..<4 { _ = try await mac.send(mac.creating("n\(index)", ["v": 1])) }
            _ = try await mac.send(mac.creating("d", ["v": 1], in: "drafts"))
            _ = try await mac.send(mac.creating("p", ["name": "x"], in: "profiles"))
            let empty = try await mac.get("/v1/changes?collection=drafts&collection=profiles&limit=2&wait=30")
            #expect(empty["changes"] == [])
            #expect(empty["more"] == true)
            var found: [String] = []
            var page = empty
            while page["more"] == true {
                page = try await mac.get(
                    "/v1/changes?collection=drafts&collection=profiles&limit=2&since=\(page["cursor"]?.text ?? "")")
                found += page["changes"]?.elements.compactMap { $0["id"]?.text } ?? []
            }
            #expect(found == ["d", "p"])
        }
    }

    @Test("edge 36: a cursor of another tenant, a forged and a truncated one are refused", arguments: Engine.allCases)
    func invalidCursors(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let stranger = try await server.device("mac", tenant: "globex")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let cursor = try #require(try await mac.get("/v1/changes")["cursor"]?.text)
            #expect(try await mac.get("/v1/changes?since=\(cursor)").status == 200)
            // The last character but one is another.
            let forged = cursor.dropLast(2) + (cursor.dropLast().last == "A" ? "B" : "A") + cursor.suffix(1)
            for bad in [
                String(cursor.dropLast()), String(cursor.dropLast(8)), cursor + "A", String(forged),
                "",
                "0", "null", "%00", "AAAA",
            ] {
                let answer = try await mac.get("/v1/changes?since=\(bad)")
                #expect(answer.status == 400, "\(bad)")
                #expect(["cursor_invalid", "invalid_request"].contains(answer.code), "\(bad)")
            }
            let foreign = try await stranger.get("/v1/changes?since=\(cursor)")
            #expect(foreign.status == 400)
            #expect(foreign.code == "cursor_invalid")
        }
    }

    @Test(
        "edge 36: a cursor of another lineage asks for a resync, and pending operations still go through",
        arguments: Engine.allCases)
    func otherLineage(engine: Engine) async throws {
        let (old, arrived) = try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let draft = mac.creating("n", ["v": 1])
            _ = try await mac.send(draft)
            return (try await mac.get("/v1/changes")["cursor"]?.text, draft)
        }
        let cursor = try #require(old)
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.get("/v1/changes?since=\(cursor)")
            #expect(answer.status == 410)
            #expect(answer.code == "resync_required")
            #expect(answer["reason"] == "lineage")
            #expect(answer["retryable"] == false)
            #expect(try await mac.send(arrived).outcomes == ["applied"])
            #expect(try await mac.get("/v1/changes")["changes"]?.elements.count == 1)
        }
    }

    @Test("edge 37: an own write comes back in the pull as it was answered, once", arguments: Engine.allCases)
    func ownWrites(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(mac.creating("n", ["v": 1]))
            let pulled = try await mac.get("/v1/changes")
            #expect(pulled["changes"]?.elements == answer["records", 0].map { [$0] })
            #expect(pulled["cursor"] == answer["cursor"])
            _ = try await mac.send(.delete("n", ["mac": 2]))
            let deleted = try await mac.get("/v1/changes?since=\(pulled["cursor"]?.text ?? "")")
            #expect(deleted["changes"]?.elements.count == 1)
            #expect(deleted["changes", 0, "deleted"] == true)
            #expect(deleted["changes", 0, "fields"] == nil)
            let idle = try await mac.get("/v1/changes?since=\(deleted["cursor"]?.text ?? "")")
            #expect(idle["changes"] == [])
            #expect(idle["cursor"] == deleted["cursor"])
        }
    }

    @Test("edge 38: a reader that got no notification has the change when its wait is over", arguments: Engine.allCases)
    func lostNotification(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let cursor = try await mac.get("/v1/changes")["cursor"]?.text ?? ""
            async let waiting = mac.get("/v1/changes?wait=5&since=\(cursor)")
            try await eventually("the reader waits") { await server.server.engine.load().waitingReaders == 1 }
            // Another process on the same data: its notification does not reach this one.
            let other = SyncEngine(
                store: server.store, schema: .test,
                keys: ServerKeys(secret: TestServer.secret),
                clock: server.clock.engineClock,
                logger: server.log.logger())
            let request = try BatchRequest(
                body: Array(batchBody([mac.creating("m", ["v": 1])]).utf8).span, limits: WireLimits())
            _ = try await other.commit(
                BatchSubmission(
                    tenant: "acme", device: "mac", user: "ada", key: "elsewhere", request: request, mode: .commit,
                    answer: .full, receivedAtMilliseconds: server.clock.now))
            #expect(try await waiting["changes"]?.elements.map { $0["id"] } == ["m"])
        }
    }

    @Test("a long poll wakes at a commit of its tenant and at no other", arguments: Engine.allCases)
    func longPollWakes(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let stranger = try await server.device("mac", tenant: "globex")
            let load = { await server.server.engine.load().waitingReaders }
            async let waiting = mac.get("/v1/changes?wait=60")
            async let alsoWaiting = mac.get("/v1/changes?wait=60&collection=drafts")
            try await eventually("both wait") { await load() == 2 }
            _ = try await stranger.send(stranger.creating("n", ["v": 1]))
            #expect(await load() == 2)
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let woken = try await waiting
            #expect(woken["changes"]?.elements.map { $0["id"] } == ["n"])
            try await eventually("the filtered one waits on") { await load() == 1 }
            _ = try await mac.send(mac.creating("d", ["v": 1], in: "drafts"))
            #expect(try await alsoWaiting["changes"]?.elements.map { $0["id"] } == ["d"])
            #expect(await load() == 0)
        }
    }

    @Test("a long poll is answered when its time is over, and its bounds are checked")
    func longPollTimesOut() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.get("/v1/changes?wait=1")
            #expect(answer.status == 200)
            #expect(answer["changes"] == [])
            #expect(answer["more"] == false)
            for query in [
                "wait=61", "wait=-1", "wait=x", "wait=1&wait=2", "limit=0", "limit=5001", "limit=", "since=%FF",
            ] {
                #expect(try await mac.get("/v1/changes?\(query)").code == "invalid_request", "\(query)")
            }
        }
    }

    @Test(
        "when the engine closes, those who wait are answered and commits under way finish", arguments: Engine.allCases)
    func close(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            async let waiting = mac.get("/v1/changes?wait=60")
            try await eventually("the reader waits") { await server.server.engine.load().waitingReaders == 1 }
            await server.store.gate.close()
            async let underWay = mac.send(mac.creating("n", ["v": 1]), key: "under-way")
            try await eventually("one commit is held") { await server.store.gate.waitingCount == 1 }
            async let queued = mac.send(mac.creating("m", ["v": 1]), key: "queued")
            try await eventually("one waits") { await server.server.engine.load().waitingBatches == 1 }
            async let closed: Void = server.server.engine.close()
            let answer = try await waiting
            #expect(answer.status == 200)
            #expect(answer["changes"] == [])
            try await eventually("new batches are turned away") {
                try await mac.send(mac.creating("late", ["v": 1])).code == "overloaded"
            }
            await server.store.gate.open()
            #expect(try await underWay.outcomes == ["applied"])
            #expect(try await queued.outcomes == ["applied"])
            await closed
            let late = try await mac.send(mac.creating("late", ["v": 1]))
            #expect(late.status == 503)
            #expect(late["retryable"] == true)
            #expect(late.header("Retry-After") == "2")
            #expect(try await mac.get("/v1/batches/queued").status == 200)
            #expect(try await mac.get("/v1/changes?wait=60")["changes"]?.elements.count == 2)
        }
    }

    @Test("NDJSON sends a whole catch-up, after every page where it goes on", arguments: Engine.allCases)
    func lines(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let drafts = (0..<25).map { mac.creating("n\($0)", ["v": 1]) }
            _ = try await mac.send(body: batchBody(drafts))
            let json = try await mac.get("/v1/changes")
            let answer = try await mac.get("/v1/changes?limit=4", accept: "application/x-ndjson")
            #expect(answer.type == "application/x-ndjson")
            #expect(answer.body.last == UInt8(ascii: "\n"))
            let lines = try answer.text.split(separator: "\n").map { try Value(json: String($0)) }
            #expect(lines.filter { $0["cursor"] == nil } == json["changes"]?.elements)
            let ends = lines.indices.filter { lines[$0]["cursor"] != nil }
            #expect(ends == [4, 9, 14, 19, 24, 29, 31], "four changes and a cursor, and the last one of 25")
            #expect(ends.dropLast().allSatisfy { lines[$0]["more"] == true })
            // Cut off anywhere, it goes on behind the last cursor that arrived.
            for end in ends {
                let since = lines[end]["cursor"]?.text ?? ""
                let rest = try await mac.get("/v1/changes?limit=4&since=\(since)", accept: "application/x-ndjson")
                let changes = try rest.text.split(separator: "\n").map { try Value(json: String($0)) }
                    .filter { $0["cursor"] == nil }
                #expect(changes == lines[(end + 1)...].filter { $0["cursor"] == nil }, "behind line \(end)")
            }
            #expect(lines.last?["cursor"] == json["cursor"])
            #expect(lines.last?["more"] == false)
            let end = try await mac.get(
                "/v1/changes?since=\(json["cursor"]?.text ?? "")", accept: "application/x-ndjson;q=0.9, text/html")
            #expect(end.text.split(separator: "\n").count == 1)
            // A bad cursor is still a problem document.
            let bad = try await mac.get("/v1/changes?since=x", accept: "application/x-ndjson")
            #expect(bad.status == 400)
            #expect(bad.type == "application/problem+json")
            let refused = try await mac.get("/v1/changes?wait=60", accept: "text/html")
            #expect(refused.status == 406)
            #expect(refused.code == "not_acceptable")
        }
    }

    @Test("a device's acknowledged sequence is the one it pulled with", arguments: Engine.allCases)
    func acknowledgement(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("a", ["v": 1]), mac.creating("b", ["v": 1]))
            let first = try await ipad.get("/v1/changes?limit=1")
            _ = try await ipad.get("/v1/changes?since=\(first["cursor"]?.text ?? "")")
            await server.server.engine.close()
            let devices = try await server.admin().get("/v1/devices")
            #expect(devices["devices", 0, "id"] == "ipad")
            #expect(devices["devices", 0, "acknowledgedSequence"] == 1)
            #expect(devices["devices", 1, "acknowledgedSequence"] == 0)
        }
    }

    @Test("a record's history is its operations and conflicts, newest first, page by page", arguments: Engine.allCases)
    func history(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            var expected: [String] = []
            for counter in Int64(1)...4 {
                let draft = Draft.update("n", ["mac": .integer(counter)], ["v": .integer(counter)])
                _ = try await mac.send(draft)
                expected.insert(draft.id, at: 0)
                server.clock.advance(milliseconds: 10)
            }
            let concurrent = ipad.creating("n", ["v": 9])
            _ = try await ipad.send(concurrent)
            expected.insert(contentsOf: ["conflict", concurrent.id], at: 0)
            for limit in [1, 2, 3, 6, 50] {
                var found: [String] = []
                var page: String? = ""
                while let next = page {
                    let answer = try await mac.get(
                        "/v1/records/notes/n/history?limit=\(limit)\(next.isEmpty ? "" : "&page=\(next)")")
                    #expect(answer.status == 200)
                    let entries = answer["history"]?.elements ?? []
                    #expect(entries.count <= limit)
                    found += entries.map { $0["operation", "id"]?.text ?? $0["type"]?.text ?? "?" }
                    page = answer["next"]?.text
                }
                #expect(found == expected, "limit \(limit)")
            }
            #expect(try await mac.get("/v1/records/notes/unknown/history").status == 404)
            #expect(try await mac.get("/v1/records/notes/n/history?page=c1").code == "cursor_invalid")
        }
    }

    @Test("names with any characters are found under their encoded path", arguments: Engine.allCases)
    func awkwardNames(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            for (name, path) in [
                ("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("100 %", "100%20%25"), ("ünï😀", "%C3%BCn%C3%AF%F0%9F%98%80"),
                ("a+b", "a+b"), ("...", "%2E%2E%2E"), ("history", "history"), ("a?b#c", "a%3Fb%23c"), (":id", ":id"),
            ] {
                var draft = mac.creating(name, ["v": .string(name)])
                draft.id = "op " + name
                #expect(try await mac.send(draft).outcomes == ["applied"])
                #expect(try await mac.record(path)["id"] == .string(name), "\(name)")
                #expect(try await mac.get("/v1/records/notes/\(path)/history")["history"]?.elements.count == 1)
                #expect(try await mac.get("/v1/operations/op%20\(path)")["record"] == .string(name))
            }
            for bad in [
                "%FF", "%00", "%0A", "%", "%2E%2E", "%2E", "%C2%85", "%E2%80%AE", String(repeating: "x", count: 129),
            ] {
                #expect(try await mac.record(bad).status == 404, "\(bad)")
            }
        }
    }
}
