import Causality
import MergeCore
import StrictJSON
import SyncWire
import Testing
import Values

@Suite("clocks and devices")
struct ClockTests {
    @Test(
        "edge 11: a restored device is told to register anew, and then what is pending goes through and what had arrived is not doubled",
        arguments: Engine.allCases)
    func restoredFromBackup(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let ipad = try await server.device("ipad")
            let visit = { (clock: Value) in
                Draft.update("e", clock, ["visits": ["$increment": 1]], in: "estimates")
            }
            _ = try await ipad.send(ipad.creating("e", ["visits": ["$increment": 1]], in: "estimates"))
            // The backup is made here, with this operation still in the outbox. It arrives, and so does a later edit.
            var arrived = visit(["ipad": 2])
            #expect(try await ipad.send(arrived).outcomes == ["applied"])
            #expect(
                try await ipad.send(.update("e", ["ipad": 3], ["title": "forgotten"], in: "estimates")).status == 200)

            // Restored: the outbox is sent again, and a new edit is numbered like the one that the device forgot.
            var pending = visit(["ipad": 3])
            let refused = try await ipad.send(arrived, pending, atomic: false)
            #expect(refused.outcomes == ["applied", "rejected"])
            #expect(refused["results", 0, "replayed"] == true)
            #expect(refused["results", 1, "error", "code"] == "counter_reused")
            #expect(refused["results", 1, "error", "retryable"] == false)
            #expect(refused["results", 1, "error", "errors", 0, "pointer"] == "/operations/1/clock/ipad")
            #expect(try await ipad.record("e", in: "estimates")["fields", "title"] == "forgotten")

            let anew = try await server.device("ipad-2")
            let registered = try await TestPerson(server: server, token: anew.token)
                .send(.post, "/v1/devices", json: #"{"id":"ipad-2"}"#)
            #expect(registered.status == 201)
            arrived.clock = ["ipad": 1, "ipad-2": 1]
            let replayed = try await anew.send(arrived)
            #expect(replayed["results", 0, "replayed"] == true)
            // What had arrived used up its number of the new id, and the answer has the clock to go on from.
            let clock = replayed["records", 0, "clock"]
            #expect(clock == ["ipad": 3, "ipad-2": 1])
            pending.clock = ["ipad": 3, "ipad-2": 2]
            #expect(try await anew.send(pending).outcomes == ["applied"])
            #expect(try await anew.record("e", in: "estimates")["fields", "visits"] == 3)
            #expect(try await anew.send(arrived, pending).outcomes == ["applied", "applied"])
            #expect(try await anew.record("e", in: "estimates")["fields", "visits"] == 3)
        }
    }

    @Test(
        "edge 11: pending operations numbered one after the other go through behind those that had arrived",
        arguments: Engine.allCases)
    func renumberedBehindReplay(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let ipad = try await server.device("ipad")
            var arrived = ipad.creating("n", ["v": 1])
            _ = try await ipad.send(arrived)
            let anew = try await server.device("ipad-2")
            arrived.clock = ["ipad-2": 1]
            let pending = Draft.update("n", ["ipad": 1, "ipad-2": 2], ["v": 2])
            let answer = try await anew.send(arrived, pending)
            #expect(answer.outcomes == ["applied", "applied"])
            #expect(answer["results", 0, "replayed"] == true)
            #expect(answer["results", 1, "replayed"] == false)
            #expect(answer["records", 0, "clock"] == ["ipad": 1, "ipad-2": 2])
            #expect(answer["records", 0, "fields", "v"] == 2)
            // Once more, under another key: both are known under the new id now.
            let again = try await anew.send(arrived, pending)
            #expect(again["results", 0, "replayed"] == true)
            #expect(again["results", 1, "replayed"] == true)
        }
    }

    @Test(
        "edge 12: a gap names the counter that is expected, and then both operations are applied",
        arguments: Engine.allCases)
    func gap(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await ipad.send(ipad.creating("n", ["v": 0]))
            for counter in Int64(1)...5 {
                _ = try await mac.send(.update("n", ["ipad": 1, "mac": .integer(counter)], ["v": .integer(counter)]))
            }
            let sixth = Draft.update("n", ["ipad": 1, "mac": 6], ["v": 6])
            let seventh = Draft.update("n", ["ipad": 1, "mac": 7], ["v": 7])
            let body = batchBody([seventh])
            let early = try await mac.send(body: body, key: "seventh")
            #expect(early.status == 422)
            #expect(early.code == "batch_refused")
            #expect(early["retryable"] == true)
            #expect(early["errors", 0, "code"] == "clock_gap")
            #expect(early["errors", 0, "expectedCounter"] == 6)
            #expect(early["errors", 0, "pointer"] == "/operations/0/clock/mac")
            #expect(try await mac.get("/v1/operations/\(seventh.id)").status == 404)

            #expect(try await mac.send(sixth).outcomes == ["applied"])
            // The key of the refused batch is free.
            let late = try await mac.send(body: body, key: "seventh")
            #expect(late.outcomes == ["applied"])
            #expect(late.isReplayed == false)
            #expect(late["records", 0, "fields", "v"] == 7)
        }
    }

    @Test("edge 12: a gap holds back later operations on its record and on no other", arguments: Engine.allCases)
    func gapHoldsItsRecordOnly(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(
                .update("n", ["mac": 2], ["v": 2]), .update("n", ["mac": 3], ["v": 3]), mac.creating("m", ["v": 1]),
                atomic: false)
            #expect(answer.outcomes == ["rejected", "skipped", "applied"])
            #expect(answer["results", 0, "error", "retryable"] == true)
            #expect(answer["results", 1, "error", "code"] == "dependency_failed")
        }
    }

    @Test(
        "edge 13: a clock that names events the server does not have is refused and merges nothing",
        arguments: Engine.allCases)
    func clockAhead(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            let before = try await mac.record("n")
            for forged: Value in [["mac": 2, "ipad": 1], ["mac": 1, "ghost": 1, "ipad": 1], ["ghost": 9, "ipad": 1]] {
                let answer = try await ipad.send(.update("n", forged, ["v": 2]), atomic: false)
                #expect(answer.outcomes == ["rejected"])
                #expect(answer["results", 0, "error", "code"] == "clock_ahead")
                #expect(answer["results", 0, "error", "retryable"] == true)
            }
            #expect(try await mac.record("n").body == before.body)
            // The device that was named is not shut out.
            #expect(try await mac.send(.update("n", ["mac": 2], ["v": 3])).outcomes == ["applied"])
        }
    }

    @Test("edge 14: an empty context on an existing record is concurrent with everything", arguments: Engine.allCases)
    func emptyContext(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(mac.creating("n", ["a": 1, "b": 1]))
            let answer = try await ipad.send(.update("n", ["ipad": 1], ["a": 2]))
            #expect(answer.outcomes == ["conflicted"])
            #expect(answer["results", 0, "relation"] == "concurrent")
            #expect(answer["records", 0, "fields", "b"] == 1)
        }
    }

    @Test(
        "edge 15: clock entries that are no counters are refused with a pointer and never stripped",
        arguments: [
            (#"{"mac":1,"x":-1}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":0}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":1.5}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":"1"}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":null}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":true}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":9007199254740992}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":1e300}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"x":1e400}"#, "/operations/0/clock/x"),
            (#"{"mac":1,"mac":1}"#, "/operations/0/clock/mac"),
            (#"{"x":1}"#, "/operations/0/clock"),
            (#"{}"#, "/operations/0/clock"),
            (#"[]"#, "/operations/0/clock"),
            (#"null"#, "/operations/0/clock"),
            (#"{"mac":1,"":1}"#, "/operations/0/clock/"),
        ])
    func malformedClock(clock: String, pointer: String) async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(
                body: #"{"operations":[{"id":"o","kind":"update","collection":"notes","record":"n","clock":\#(clock),"#
                    + #""fields":{"v":1}}]}"#)
            #expect(answer.status == 422)
            #expect(answer.code == "batch_refused")
            let errors = answer["errors"]?.elements ?? []
            #expect(errors.contains { $0["code"] == "clock_invalid" && $0["pointer"] == .string(pointer) }, "\(errors)")
            #expect(errors.allSatisfy { $0["id"] == "o" && $0["index"] == 0 })
            #expect(try await mac.record("n").status == 404)
        }
    }

    @Test("edge 15: a clock of 513 entries is refused, one of 512 is read")
    func tooManyEntries() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let clock = { (count: Int) in
                Value.object((1..<count).map { (ExactString("device-\($0)"), .integer(1)) } + [("mac", .integer(1))])
            }
            let tooMany = try await mac.send(.update("n", clock(513), ["v": 1]))
            #expect(tooMany["errors", 0, "code"] == "clock_invalid")
            #expect(tooMany["errors", 0, "pointer"] == "/operations/0/clock")
            #expect(try await mac.send(.update("n", clock(512), ["v": 1]))["errors", 0, "code"] == "clock_ahead")
        }
    }

    @Test("edge 16: a device acts for itself only, and nobody has a reserved id", arguments: Engine.allCases)
    func deviceMismatch(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let operations = "[\(mac.creating("n", ["v": 1]).value.canonicalText)]"
            let other = try await mac.send(body: #"{"device":"ipad","operations":\#(operations)}"#)
            #expect(other.status == 403)
            #expect(other.code == "device_mismatch")
            #expect(try await mac.send(body: #"{"device":"mac","operations":\#(operations)}"#).status == 200)

            let reserved = try await server.device("reviewer:rita")
            for uri in ["/v1/session", "/v1/changes", "/v1/collections"] {
                let answer = try await reserved.get(uri)
                #expect(answer.status == 403)
                #expect(answer.code == "device_mismatch")
            }
            let admin = try await server.admin()
            let registration = try await admin.send(.post, "/v1/devices", json: #"{"id":"reviewer:rita"}"#)
            #expect(registration.status == 400)
            #expect(registration.code == "invalid_request")
            #expect(registration["errors", 0, "pointer"] == "/id")
            let person = TestPerson(server: server, token: mac.token)
            #expect(try await person.send(.post, "/v1/devices", json: #"{"id":"ipad"}"#).code == "device_mismatch")
        }
    }

    @Test(
        "edge 16: a retired device is refused everywhere and offers its pending operations under a new id",
        arguments: Engine.allCases)
    func retiredDevice(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let admin = try await server.admin()
            _ = try await mac.send(mac.creating("n", ["v": 1]))
            #expect(try await admin.send(.delete, "/v1/devices/mac").status == 204)
            #expect(try await admin.send(.delete, "/v1/devices/mac").status == 204)
            #expect(try await admin.send(.delete, "/v1/devices/nobody").status == 404)

            var pending = Draft.update("n", ["mac": 2], ["v": 2])
            let refused = try await mac.send(pending)
            #expect(refused.status == 403)
            #expect(refused.code == "device_retired")
            for uri in ["/v1/session", "/v1/changes", "/v1/records/notes/n", "/v1/operations/x", "/v1/batches/x"] {
                #expect(try await mac.get(uri).code == "device_retired", "\(uri)")
            }
            let again = try await TestPerson(server: server, token: mac.token)
                .send(.post, "/v1/devices", json: #"{"id":"mac"}"#)
            #expect(again.code == "device_retired")

            let anew = try await server.device("mac-2")
            pending.clock = ["mac": 1, "mac-2": 1]
            #expect(try await anew.send(pending).outcomes == ["applied"])
            let devices = try await admin.get("/v1/devices")
            #expect(devices["devices"]?.elements.map { $0["id"] } == ["mac", "mac-2"])
            #expect(devices["devices", 0, "retiredAt"]?.text != nil)
            #expect(devices["devices", 1, "retiredAt"] == .null)
        }
    }

    @Test(
        "edge 17: with a wrong clock and sentAt the edit that was later in true time shows, in both orders",
        arguments: Engine.allCases, [-1, 1])
    func wrongClock(engine: Engine, sign: Int64) async throws {
        let year: Int64 = 365 * 86_400_000 * sign
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            let now = server.clock.now
            for (record, wrongIsLater) in [("later", true), ("earlier", false)] {
                let wrongAt = now - (wrongIsLater ? 30_000 : 90_000) + year
                let right = ipad.creating(record, ["v": "right"], at: now - 60_000)
                let wrong = mac.creating(record, ["v": "wrong"], at: wrongAt)
                _ = try await ipad.send(right, sentAt: now)
                _ = try await mac.send(wrong, sentAt: now + year)
                #expect(try await mac.record(record)["fields", "v"] == (wrongIsLater ? "wrong" : "right"))
            }
            for (record, wrongIsLater) in [("later-2", true), ("earlier-2", false)] {
                let wrongAt = now - (wrongIsLater ? 30_000 : 90_000) + year
                _ = try await mac.send(mac.creating(record, ["v": "wrong"], at: wrongAt), sentAt: now + year)
                _ = try await ipad.send(ipad.creating(record, ["v": "right"], at: now - 60_000), sentAt: now)
                #expect(try await mac.record(record)["fields", "v"] == (wrongIsLater ? "wrong" : "right"))
            }
        }
    }

    @Test(
        "edge 17: a value that a later edit has seen never comes back, whatever the clocks say",
        arguments: Engine.allCases)
    func overwrittenStaysOverwritten(engine: Engine) async throws {
        let year: Int64 = 365 * 86_400_000
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            let now = server.clock.now
            _ = try await mac.send(mac.creating("n", ["v": "first"], at: now + year))
            let second = try await ipad.send(.update("n", ["mac": 1, "ipad": 1], ["v": "second"], at: now - year))
            #expect(second.outcomes == ["applied"])
            #expect(second["records", 0, "fields", "v"] == "second")
            // A third that had seen neither is concurrent with the second only by what stands.
            let tv = try await server.device("tv")
            let third = try await tv.send(tv.creating("n", ["v": "third"], at: now - 2 * year))
            #expect(third["records", 0, "fields", "v"] == "second")
            // Nothing comes from the future; the raw time is in the audit.
            #expect(try await mac.record("n")["stamp"] == .string(Timestamp(milliseconds: now).text))
            let conflicts = try await server.reviewer().get("/v1/conflicts")
            #expect(
                conflicts["conflicts", 0, "sides", 1, "at"] == .string(Timestamp(milliseconds: now - 2 * year).text))
        }
    }
}
