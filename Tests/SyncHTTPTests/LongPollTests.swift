import Causality
import EngineHarness
import HTTPTypes
import MergeCore
import StrictJSON
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

@testable import SyncEngine

@Suite("long polls")
struct LongPollTests {
    /// Waits until so many readers are held, and has them do nothing but wait.
    private static func waiting(_ count: Int, _ server: TestServer) async throws {
        try await eventually("\(count) wait") { await server.server.engine.load().waitingReaders == count }
    }

    /// Sets a tenant's last sequence, as what was purged, a restore, or a failover leaves it.
    private static func setHead(_ server: TestServer, to sequence: Int64) async throws {
        try await server.store.base.transact("acme", readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var head = snapshot.head
            head.sequence = sequence
            // A commit of nothing is none.
            let marker = RecordRow(
                key: RecordKey(collection: "notes", id: "purged"), sequence: 1_000 + sequence, isDeleted: true,
                isPurged: true, clock: "{}", stampMilliseconds: 0, fields: "{}", siblings: nil, state: "{}",
                openConflicts: 0, changedAtMilliseconds: 0)
            return (Commit(head: head, records: [marker]), ())
        }
    }

    private static func cursor(_ sequence: Int64, _ server: TestServer) -> String {
        Cursor(sequence: sequence, life: server.store.life.rawValue).text(server.server.engine.cursors(of: "acme"))
    }

    @Test(
        "a notification of what the store does not have costs one reading at most, and then the reader waits on",
        arguments: Engine.allCases)
    func headTooHigh(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let since = try await mac.get("/v1/changes")["cursor"]?.text ?? ""
            let isKnown = server.store.knownHead(of: "acme") != nil
            #expect(isKnown == (engine == .sqlite))
            let before = server.store.counts[.changes]
            async let answer = mac.get("/v1/changes?wait=60&since=\(since)")
            try await Self.waiting(1, server)
            for sequence: Int64 in [100, 100, 50, 7] {
                let reads = server.store.counts[.changes]
                server.server.engine.notifier.advance("acme", to: sequence)
                if !isKnown { try await eventually("it read") { server.store.counts[.changes] > reads } }
                try await Self.waiting(1, server)
            }
            #expect(
                server.store.counts[.changes] - before == (isKnown ? 0 : 5),
                "the first and one for each notification, unless the head is known")
            _ = try await mac.send(mac.creating("m", ["v": 1]))
            #expect(try await answer["changes"]?.elements.map { $0["id"] } == ["m"])
            #expect(server.store.counts[.changes] - before <= 7)
        }
    }

    @Test("what a filter or a purge takes away is read once and not looked for again", arguments: Engine.allCases)
    func nothingToShow(engine: Engine) async throws {
        var options = ServerOptions()
        options.hasTimeouts = false
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            async let answer = mac.get("/v1/changes?wait=60&collection=drafts")
            try await Self.waiting(1, server)
            let before = server.store.counts[.changes]
            for number in 0..<5 {
                let reads = server.store.counts[.changes]
                _ = try await mac.send(mac.creating("n\(number)", ["v": 1]))
                try await eventually("it read") { server.store.counts[.changes] > reads }
                try await Self.waiting(1, server)
            }
            // The newest row is gone, as a purge leaves it; the notification tells of its sequence.
            try await Self.setHead(server, to: 9)
            server.server.engine.notifier.advance("acme", to: 9)
            try await eventually("it read") { server.store.counts[.changes] == before + 6 }
            try await Self.waiting(1, server)
            // Doubled notifications say nothing new to who has read up to there.
            for _ in 0..<5 { server.server.engine.notifier.advance("acme", to: 9) }
            #expect(await server.server.engine.load().waitingReaders == 1)
            server.server.engine.notifier.close()
            let end = try await answer
            #expect(end["changes"] == [])
            #expect(end["cursor"]?.text == Self.cursor(9, server), "the cursor is where the snapshot ended")
            #expect(server.store.counts[.changes] == before + 6)
        }
    }

    @Test(
        "when the data was set back, those who wait beyond it are told to pull again, and nobody spins",
        arguments: Engine.allCases)
    func setBack(engine: Engine) async throws {
        var options = ServerOptions()
        options.hasTimeouts = false
        try await TestServer.run(engine, options) { server in
            let mac = try await server.device("mac")
            for number in 0..<3 { _ = try await mac.send(mac.creating("n\(number)", ["v": 1])) }
            let since = try await mac.get("/v1/changes")["cursor"]?.text ?? ""
            let before = server.store.counts[.changes]
            async let answer = mac.get("/v1/changes?wait=60&since=\(since)")
            try await Self.waiting(1, server)
            try await Self.setHead(server, to: 2)
            server.server.engine.notifier.wakeAll()
            let told = try await answer
            #expect(told.status == 410)
            #expect(told["reason"] == "lineage")
            #expect(server.store.counts[.changes] - before <= 3)
            // A device that asks anew hears it at once, and does not acknowledge what is not there.
            let ipad = try await server.device("ipad")
            #expect(try await ipad.get("/v1/changes?wait=60&since=\(since)").code == "resync_required")
            await server.server.engine.close()
            let devices = try await server.admin().get("/v1/devices")
            #expect(devices["devices", 0, "id"] == "ipad")
            #expect(devices["devices", 0, "acknowledgedSequence"] == 0)
        }
    }

    @Test("one commit wakes all who wait at one place with one reading, and no device or tenant has too many")
    func manyReaders() async throws {
        var options = ServerOptions()
        options.limits.readersPerTenant = 180
        options.limits.requestsPerSecondPerDevice = 1_000
        try await TestServer.run(.postgresql, options) { server in
            let devices = try await (0..<12).asyncMap { try await server.device("d\($0)") }
            let writer = try await server.device("writer")
            let stranger = try await server.device("mac", tenant: "globex")
            _ = try await writer.send(writer.creating("n", ["v": 1]))
            let since = try await writer.get("/v1/changes")["cursor"]?.text ?? ""
            let uri = "/v1/changes?wait=60&since=\(since)"
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for device in devices.prefix(11) {
                    for _ in 0..<16 { group.addTask { try await device.get(uri) } }
                }
                try await Self.waiting(176, server)
                let reads = server.store.counts.reads
                // One more of a device that has its share, however often it asks: nothing is read for it.
                for _ in 0..<200 {
                    let refused = try await devices[0].get(uri)
                    #expect(refused.status == 429)
                    #expect(refused.code == "rate_limited")
                    #expect(refused["limit"] == 16)
                    #expect(refused.header("Retry-After") != nil)
                }
                // A stream takes a seat too, and a short answer does not.
                #expect(try await devices[0].get(uri, accept: "application/x-ndjson").status == 429)
                #expect(server.store.counts.reads == reads)
                #expect(try await devices[0].get("/v1/changes?since=\(since)").status == 200)
                for _ in 0..<4 { group.addTask { try await devices[11].get(uri) } }
                try await Self.waiting(180, server)
                let full = try await devices[11].get(uri)
                #expect(full.status == 503)
                #expect(full.code == "overloaded")
                #expect(full.header("Retry-After") != nil)
                // Other tenants have seats of their own.
                #expect(try await stranger.get("/v1/changes?wait=1").status == 200)

                let before = server.store.counts[.changes]
                let before2 = server.store.counts[.retiredDevices]
                async let committed = stranger.send(stranger.creating("n", ["v": 1]))
                _ = try await writer.send(writer.creating("m", ["v": 1]))
                #expect(try await committed.status == 200)
                var bodies: Set<[UInt8]> = []
                for try await answer in group {
                    #expect(answer.status == 200)
                    #expect(answer["changes"]?.elements.map { $0["id"] } == ["m"])
                    bodies.insert(answer.body)
                }
                #expect(server.store.counts[.changes] - before == 1, "180 readers, one page")
                #expect(server.store.counts[.retiredDevices] - before2 == 1)
                #expect(bodies.count == 1)
            }
            let load = await server.server.engine.load()
            #expect(load.waitingReaders == 0)
            #expect(load.openReaders == 0)
            #expect(server.server.engine.notifier.channelCount == 0)
        }
    }

    @Test("4,000 long polls of one device hold sixteen places and read for sixteen", .timeLimit(.minutes(5)))
    func oneGreedyDevice() async throws {
        var options = ServerOptions()
        options.hasTimeouts = false
        options.limits.requestsPerSecondPerDevice = 1_000
        try await TestServer.run(.postgresql, options) { server in
            let mac = try await server.device("mac")
            let stranger = try await server.device("mac", tenant: "globex")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let since = try await mac.get("/v1/changes")["cursor"]?.text ?? ""
            let reads = server.store.counts.reads
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<4_000 { group.addTask { try await mac.get("/v1/changes?wait=60&since=\(since)") } }
                var refused = 0
                while refused < 3_984, let answer = try await group.next() {
                    #expect(answer.status == 429)
                    refused += 1
                }
                try await Self.waiting(16, server)
                #expect(try await stranger.send(stranger.creating("n", ["v": 1])).status == 200)
                _ = try await mac.send(mac.creating("m", ["v": 1]))
                for try await answer in group { #expect(answer["changes"]?.elements.count == 1) }
            }
            // Sixteen devices looked up and sixteen first pages, and one reading of each when they woke.
            #expect(server.store.counts.reads - reads <= 16 + 16 + 2 + 2)
        }
    }

    // MARK: Who may still be told

    @Test("a device that is retired while it waits is told so, here and on another server", arguments: Engine.allCases)
    func retired(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            _ = try await mac.get("/v1/session")
            async let here = mac.get("/v1/changes?wait=60")
            async let there = ipad.get("/v1/changes?wait=60")
            try await Self.waiting(2, server)
            #expect(try await server.admin().send(.delete, "/v1/devices/mac").status == 204)
            #expect(try await here.code == "device_retired")
            try await Self.waiting(1, server)
            // Another server retires the device. Nobody tells of it; the next notification of anything brings it out.
            _ = try await server.store.base.retire("acme", "ipad", atMilliseconds: server.clock.now)
            let writer = try await server.device("writer")
            _ = try await writer.send(writer.creating("n", ["v": 1]))
            let told = try await there
            #expect(told.status == 403)
            #expect(told.code == "device_retired")
        }
    }

    @Test("a token that ends while its owner waits is good for nothing more")
    func expired() async throws {
        try await TestServer.run(.memory) { server in
            let token = try await server.token(device: "mac", roles: ["device"], validSeconds: 30)
            let mac = TestDevice(server: server, id: "mac", token: token)
            let writer = try await server.device("writer")
            async let answer = mac.get("/v1/changes?wait=60")
            try await Self.waiting(1, server)
            server.clock.advance(milliseconds: 30_000)
            _ = try await writer.send(writer.creating("n", ["v": 1]))
            let told = try await answer
            #expect(told.status == 401)
            #expect(told.code == "token_expired")
        }
    }

    @Test("a catch-up ends when its device is retired or its token ends, between two pages", arguments: Engine.allCases)
    func catchUpEnds(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            _ = try await mac.send(body: batchBody((0..<3).map { mac.creating("n\($0)", ["v": 1]) }))
            let expiry = server.clock.now + 1_000
            let caller = { (device: DeviceID) in
                Caller(tenant: "acme", user: "ada", device: device, roles: [.device], expiresAtMilliseconds: expiry)
            }
            let request = ChangesRequest(since: nil, limit: 1, collections: [], waitSeconds: 0)
            let engine = server.server.engine
            let catchUps = [
                try await engine.catchUp(caller("mac"), request), try await engine.catchUp(caller("ipad"), request),
            ]
            #expect(await engine.load().openReaders == 2)
            let second = try await catchUps[0].page(after: catchUps[0].first)
            #expect(second?.page.records.map(\.key.id) == ["n1"])
            try await engine.retire(caller("mac"), "mac")
            await #expect(throws: Problem.deviceRetired) { try await catchUps[0].page(after: catchUps[0].first) }
            server.clock.advance(milliseconds: 1_000)
            await #expect {
                try await catchUps[1].page(after: catchUps[1].first)
            } throws: {
                ($0 as? Problem)?.code == .tokenExpired
            }
        }
    }

    // MARK: What a catch-up costs and says

    @Test("a catch-up is one request, and acknowledges what its device asked from", arguments: Engine.allCases)
    func catchUpCosts(engine: Engine) async throws {
        var options = ServerOptions()
        options.limits.requestsPerSecondPerDevice = 1
        try await TestServer.run(engine, options) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            _ = try await mac.send(body: batchBody((0..<40).map { mac.creating("n\($0)", ["v": 1]) }))
            let since = Self.cursor(3, server)
            for _ in 0..<10 {
                let answer = try await ipad.get("/v1/changes?limit=1&since=\(since)", accept: "application/x-ndjson")
                #expect(answer.status == 200)
                #expect(answer.text.split(separator: "\n").count == 2 * 37)
            }
            #expect(try await ipad.get("/v1/changes").status == 429)
            await server.server.engine.close()
            let devices = try await server.admin().get("/v1/devices")
            #expect(devices["devices", 0, "id"] == "ipad")
            #expect(devices["devices", 0, "acknowledgedSequence"] == 3)
        }
    }

    @Test("lines have no character in them that ends one for somebody", arguments: Engine.allCases)
    func lineBreaks(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let text = "a\u{2028}b\u{2029}c\u{85}d\u{2027}e\u{A0}\u{2030}é"
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            _ = try await mac.send(mac.creating("e\u{2028}", ["status": .string(ExactString(text))], in: "estimates"))
            _ = try await ipad.send(ipad.creating("e\u{2028}", ["status": "other"], in: "estimates"))
            for (uri, token) in [
                ("/v1/changes", mac.token), ("/v1/conflicts/export", try await server.reviewer().token),
            ] {
                let answer = try await TestPerson(server: server, token: token).get(uri, accept: "application/x-ndjson")
                #expect(answer.status == 200)
                let scalars = answer.text.unicodeScalars
                for breaking: Unicode.Scalar in ["\u{2028}", "\u{2029}", "\u{85}"] {
                    #expect(!scalars.contains(breaking), "\(uri)")
                }
                let lines = try answer.text.split(separator: "\n").map { try Value(json: String($0)) }
                #expect(lines.contains { "\($0)".contains("\u{2028}b\u{2029}c") }, "\(uri)")
            }
            let line = try await mac.get("/v1/changes", accept: "application/x-ndjson").text.split(separator: "\n")[0]
            #expect(try Value(json: String(line))["fields", "status"]?.text != nil)
        }
    }

    @Test("HEAD says of every route what GET would, and neither waits nor counts as reading", arguments: [false, true])
    func head(live: Bool) async throws {
        var options = ServerOptions()
        if live { options.setup = .live }
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["status": "a"], in: "estimates"), key: "k")
            _ = try await ipad.send(ipad.creating("n", ["status": "b"], in: "estimates"))
            let all = try await server.token(device: "mac", roles: ["device", "reviewer", "admin"])
            let paths = server.server.routes.filter { $0.method == .get && !$0.isEndless && $0.path != "/metrics" }.map(
                \.path)
            #expect(paths.count > 12)
            let filled = paths.map { path in
                path.replacing("{collection}", with: "estimates").replacing("conflicts/{id}", with: "conflicts/1")
                    .replacing("{id}", with: "n").replacing("{key}", with: "k")
            }
            let browser = try await server.signIn()
            let pages = server.server.reviewAddresses.filter { $0.method == .get }.map {
                $0.path.replacing("{id}", with: "1").replacing("{number}", with: "0")
            }
            #expect(pages.count > 10)
            // How long a stream is, nobody knows before it has been read: HEAD has no length where GET has none.
            let streams = ["/v1/changes", "/v1/conflicts/export"]
            let asked =
                (filled + filled.map { $0 + "?since=nothing&limit=0" } + ["/v1/changes?wait=60&since=x"] + pages)
                .map { ($0, "*/*") } + streams.map { ($0, "application/x-ndjson") }
                + [("/v1/conflicts/export", "text/csv"), ("/v1/changes", "image/png"), ("/", "text/html")]
            for (uri, accept) in asked {
                let headers = [("Accept", accept), ("Cookie", browser.cookie)]
                let get = try await server.send(.get, uri, token: all, headers: headers)
                let head = try await server.send(.head, uri, token: all, headers: headers)
                #expect(head.status == get.status, "\(uri)")
                #expect(head.body.isEmpty)
                let fields = { (answer: Answer) in
                    Set(
                        answer.headers.filter { !["x-request-id", "date"].contains($0.name.canonicalName) }
                            .map { "\($0.name.canonicalName): \($0.value)" })
                }
                #expect(fields(head) == fields(get), "\(uri) \(accept)")
                let isStream = get.status == 200 && streams.contains(uri) && get.type != "application/json"
                #expect((head.header("Content-Length") == nil) == isStream, "\(uri) \(accept)")
            }
            let since = try await mac.get("/v1/changes")["cursor"]?.text ?? ""
            for accept in ["application/json", "application/x-ndjson"] {
                let head = try await server.send(
                    .head, "/v1/changes?wait=60&since=\(since)", token: all, headers: [("Accept", accept)])
                #expect(head.status == 200)
                #expect(head.type == accept)
            }
            #expect(await server.server.engine.load().openReaders == 0)
        }
    }
}

extension Sequence {
    /// One after the other.
    func asyncMap<Mapped>(_ transform: (Element) async throws -> Mapped) async throws -> [Mapped] {
        var mapped: [Mapped] = []
        for element in self { mapped.append(try await transform(element)) }
        return mapped
    }
}
