import Causality
import EngineHarness
import MergeCore
import SyncWire
import Testing

@Suite("merging and equality")
struct MergingTests {
    @Test(
        "edge 24: concurrent writers of a manual field share one open conflict with a side each",
        arguments: Engine.allCases)
    func manualField(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let names = ["a", "b", "c", "d"]
            var open: Answer?
            for (index, name) in names.enumerated() {
                let device = try await server.device(name)
                let answer = try await device.send(
                    device.creating(
                        "e", ["status": .string(name)], in: "estimates", at: TestClock.start + Int64(index) - 9)
                )
                #expect(answer.outcomes == [index == 0 ? "applied" : "conflicted"])
                if index > 0 { #expect(answer["results", 0, "conflicts", 0, "status"] == "open") }
                open = answer
            }
            let reviewer = try await server.reviewer()
            let listed = try await reviewer.get("/v1/conflicts?status=open")
            #expect(listed["conflicts"]?.elements.count == 1)
            #expect(listed["conflicts", 0, "version"] == 3)
            #expect(listed["conflicts", 0, "sides"]?.elements.compactMap { $0["value"]?.text } == names)
            #expect(listed["conflicts", 0, "sides"]?.elements.filter { $0["won"] == true }.count == 1)
            #expect(open?["records", 0, "fields", "status"] == "d")
            #expect(open?["records", 0, "siblings", "status"]?.elements.count == 3)
            #expect(open?["records", 0, "openConflicts"] == 1)

            // One that saw one side: that side drops and the rest stays open.
            let a = try await server.device("a")
            let partly = try await a.send(.update("e", ["a": 2], ["status": "a2"], in: "estimates"))
            #expect(partly.outcomes == ["conflicted"])
            let after = try await reviewer.get("/v1/conflicts/\(listed["conflicts", 0, "id"]?.text ?? "")")
            #expect(after["status"] == "open")
            #expect(after["sides"]?.elements.filter { $0["dropped"] == true }.map { $0["value"] } == ["a"])

            // One that saw all: closed.
            let all = try await a.send(
                .update("e", ["a": 3, "b": 1, "c": 1, "d": 1], ["status": "decided"], in: "estimates"))
            #expect(all.outcomes == ["applied"])
            #expect(all["records", 0, "siblings"] == nil)
            #expect(all["records", 0, "openConflicts"] == 0)
            let closed = try await reviewer.get("/v1/conflicts/\(listed["conflicts", 0, "id"]?.text ?? "")")
            #expect(closed["status"] == "superseded")
            #expect(closed["resolution", "kind"] == "superseded")
            #expect(closed["resolution", "device"] == "a")
            #expect(try await reviewer.get("/v1/conflicts")["conflicts"]?.elements.count == 1)
        }
    }

    @Test(
        "edge 26: numbers are stored and sent back exactly",
        arguments: [
            ("1", "1"), ("1.0", "1"), ("1e0", "1"), ("10e-1", "1"), ("-0", "0"), ("-0.0", "0"), ("0.1", "0.1"),
            ("9007199254740993", "9007199254740993"), ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"), ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ])
    func numbersStored(sent: String, expected: String) async throws {
        for engine in Engine.allCases {
            try await TestServer.run(engine) { server in
                let mac = try await server.device("mac")
                let answer = try await mac.send(body: body("{\"mac\":1}", by: "create", #"{"v":\#(sent)}"#))
                #expect(answer.status == 200)
                let field = "\"fields\":{\"v\":\(expected)}"
                for text in [answer.text, try await mac.record("n").text, try await mac.get("/v1/changes").text] {
                    #expect(text.replacing("e+", with: "e").contains(field.replacing("e+", with: "e")), "\(text)")
                }
            }
        }
    }

    @Test(
        "edge 26: a number that neither an integer of 64 bits nor a double holds exactly is refused, and nothing else is",
        arguments: [
            "1e400", "9223372036854775808", "9223372036854775809", "123456789012345678901234567891",
            "0.1000000000000000055511151231257828",
        ])
    func numbersRefused(sent: String) async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let bad = operation("bad", "{\"mac\":1}", #"{"ok":1,"v":[0,\#(sent)]}"#)
            let good = operation("good", "{\"mac\":1}", #"{"v":1}"#)
            let answer = try await mac.send(body: #"{"atomic":false,"operations":[\#(bad),\#(good)]}"#)
            #expect(answer.outcomes == ["rejected", "applied"])
            #expect(answer["results", 0, "error", "code"] == "value_invalid")
            #expect(answer["results", 0, "error", "errors", 0, "pointer"] == "/operations/0/fields/v/1")
        }
    }

    private func body(_ clock: String, by kind: String, _ fields: String) -> String {
        #"{"operations":[{"id":"o","kind":"\#(kind)","collection":"notes","record":"n","clock":\#(clock),"fields":\#(fields)}]}"#
    }

    private func operation(_ record: String, _ clock: String, _ fields: String) -> String {
        #"{"id":"\#(record)","kind":"update","collection":"notes","record":"\#(record)","clock":\#(clock),"fields":\#(fields)}"#
    }

    @Test(
        "edge 26: values are compared by what they mean",
        arguments: [
            ("1", "1.0", true), ("-0", "0", true), ("1e2", "100", true), ("true", "1", false), ("false", "0", false),
            ("\"1\"", "1", false), ("null", "0", false), ("9007199254740993", "9007199254740992", false),
            ("{\"a\":1,\"b\":2}", "{\"b\":2.0,\"a\":1}", true), ("[1,2]", "[2,1]", false),
            ("\"\u{E9}\"", "\"e\u{301}\"", false), ("\"\\u00e9\"", "\"\u{E9}\"", true),
        ])
    func equality(first: String, second: String, isEqual: Bool) async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            let create = { (device: String, value: String) in
                #"{"operations":[{"id":"\#(device)","kind":"create","collection":"notes","record":"n","#
                    + #""clock":{"\#(device)":1},"fields":{"v":\#(value)}}]}"#
            }
            _ = try await mac.send(body: create("mac", first))
            let answer = try await ipad.send(body: create("ipad", second))
            #expect(answer.outcomes == [isEqual ? "merged" : "conflicted"])
        }
    }

    @Test("edge 26: null is a value and differs from absence", arguments: Engine.allCases)
    func nullAndAbsence(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(mac.creating("n", ["a": .null, "deep": ["x": [.null]]]))
            #expect(answer["records", 0, "fields"] == ["a": .null, "deep": ["x": [.null]]])
            let second = try await mac.send(.update("n", ["mac": 2], ["b": 1]))
            #expect(second["records", 0, "fields", "a"] == .null)
        }
    }

    @Test(
        "edge 27: faulty text in one operation is refused with a pointer and leaves its siblings alone",
        arguments: [
            (#"{"v":{"a":1,"a":2}}"#, "/operations/0/fields/v/a"),
            (#"{"v":1,"v":1}"#, "/operations/0/fields/v"),
            (#"{"v":"x\u0000y"}"#, "/operations/0/fields/v"),
            (#"{"v":"\ud800"}"#, "/operations/0/fields/v"),
            (#"{"v":["\udc00\ud800"]}"#, "/operations/0/fields/v/0"),
        ])
    func faultyText(fields: String, pointer: String) async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(
                body: #"{"atomic":false,"operations":[\#(operation("bad", #"{"mac":1}"#, fields)),"#
                    + #"\#(operation("good", #"{"mac":1}"#, #"{"v":1}"#))]}"#)
            #expect(answer.outcomes == ["rejected", "applied"])
            #expect(answer["results", 0, "error", "code"] == "value_invalid")
            #expect(answer["results", 0, "error", "errors", 0, "pointer"] == .string(pointer))
        }
    }

    @Test("edge 27: a body that is no JSON, no UTF-8, too deep or has issues outside operations is refused as a whole")
    func faultyBodies() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let deep = { (levels: Int) in
                String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
            }
            let malformed: [[UInt8]] = [
                [], Array("{".utf8), Array("{\"operations\":[]}x".utf8), Array("{\"operations\":[]".utf8),
                Array("{'operations':[]}".utf8), Array("\u{FEFF}{\"operations\":[]}".utf8),
                Array("{\"operations\":[\"".utf8) + [0xC3, 0x28] + Array("\"]}".utf8),
                Array("{\"operations\":[\"".utf8) + [0xED, 0xA0, 0x80] + Array("\"]}".utf8),
                Array(#"{"operations":[],"x-note":\#(deep(32))}"#.utf8), Array(deep(100_000).utf8),
            ]
            for body in malformed {
                let answer = try await mac.send(bytes: body)
                #expect(answer.status == 400)
                #expect(answer.code == "malformed_json", "\(String(decoding: body.prefix(60), as: UTF8.self))")
            }
            for body in [
                "[]", "null", "{}", #"{"operations":{}}"#, #"{"operations":[],"operations":[]}"#,
                #"{"operations":[],"atomic":1}"#, #"{"operations":[],"sentAt":"yesterday"}"#,
                #"{"operations":[],"x":1e400}"#, #"{"operations":[],"device":7}"#,
                #"{"operations":[],"tenant":"acme"}"#,
            ] {
                let answer = try await mac.send(body: body)
                #expect(answer.status == 400)
                #expect(answer.code == "invalid_request", "\(body)")
            }
            // 32 levels, the body's own among them, are read; members of the client's own are ignored.
            #expect(try await mac.send(body: #"{"operations":[],"x-note":\#(deep(31))}"#).status == 200)
        }
    }

    @Test(
        "edge 27: a body that is too large, encoded or of another type is refused before it is read",
        arguments: [false, true])
    func bodiesNotRead(live: Bool) async throws {
        var options = ServerOptions()
        if live { options.setup = .live }
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            let large = [UInt8](repeating: UInt8(ascii: " "), count: 9 * 1024 * 1024)
            let answer = try await mac.send(bytes: large)
            #expect(answer.status == 413)
            #expect(answer.code == "batch_too_large")
            #expect(answer["limit"] == 8_388_608)
        }
        try await TestServer.run(.memory, options) { server in
            let mac = try await server.device("mac")
            for (headers, status) in [
                ([("Content-Type", "application/json"), ("Content-Encoding", "gzip")], 415),
                ([("Content-Type", "application/json"), ("Content-Encoding", "identity")], 200),
                ([("Content-Type", "application/json; charset=utf-8")], 200),
                ([("Content-Type", "text/plain")], 415), ([], 415),
            ] {
                let answer = try await server.send(
                    .post, "/v1/batches", token: mac.token,
                    headers: headers + [("Idempotency-Key", Fresh.id("batch"))], body: Array("{\"operations\":[]}".utf8)
                )
                #expect(answer.status == status, "\(headers)")
                if status == 415 { #expect(answer.code == "unsupported_media_type") }
            }
        }
    }

    @Test("edge 27: two Unicode spellings of one word are two names", arguments: Engine.allCases)
    func spellings(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let composed = "caf\u{E9}"
            let decomposed = "cafe\u{301}"
            for name in [composed, decomposed] {
                let answer = try await mac.send(
                    mac.creating(
                        name, .object([(ExactString(composed), .integer(1)), (ExactString(decomposed), .integer(2))])))
                #expect(answer.outcomes == ["applied"])
                #expect(answer["records", 0, "fields"]?.memberNames.count == 2)
            }
            #expect(try await mac.get("/v1/changes")["changes"]?.elements.count == 2)
            let found = try await mac.get("/v1/records/notes/caf%C3%A9")
            #expect(found["id"].flatMap { $0.text }.map { Array($0.utf8) } == Array(composed.utf8))
            #expect(try await mac.get("/v1/records/notes/cafe").status == 404)
        }
    }

    @Test(
        "edge 28: changes and values of another policy are refused",
        arguments: [
            #"{"visits":1}"#, #"{"visits":{"$increment":1.5}}"#, #"{"visits":{"$increment":1,"x":1}}"#,
            #"{"visits":{"$add":[1]}}"#, #"{"visits":null}"#, #"{"title":{"$increment":1}}"#,
            #"{"title":{"$add":["x"]}}"#, #"{"tags":["x"]}"#, #"{"tags":{"$add":"x"}}"#, #"{"tags":{}}"#,
            #"{"tags":{"$increment":1}}"#, #"{"tags":null}"#, #"{"total":"many"}"#, #"{"total":null}"#, #"{"title":7}"#,
        ])
    func otherPolicy(fields: String) async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let answer = try await mac.send(
                body:
                    #"{"operations":[{"id":"o","kind":"create","collection":"estimates","record":"e","clock":{"mac":1},"#
                    + #""fields":\#(fields)}]}"#)
            #expect(answer.status == 422)
            #expect(answer["errors", 0, "code"] == "value_invalid")
            let pointer = answer["errors", 0, "pointer"]?.text
            #expect(pointer?.hasPrefix("/operations/0/fields/") == true)
        }
    }

    @Test("edge 28: a counter that would leave 64 bits is refused and does not wrap", arguments: Engine.allCases)
    func counterOverflow(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let increment = { (counter: Int64, amount: Int64) in
                Draft.update(
                    "e", ["mac": .integer(counter)], ["visits": ["$increment": .integer(amount)]], in: "estimates")
            }
            #expect(try await mac.send(increment(1, .max)).outcomes == ["applied"])
            let over = try await mac.send(increment(2, 1))
            #expect(over["errors", 0, "code"] == "value_invalid")
            #expect(try await mac.send(increment(2, -1)).outcomes == ["applied"])
            #expect(try await mac.record("e", in: "estimates")["fields", "visits"] == .integer(.max - 1))
        }
    }

    @Test(
        "edge 29: a group written in part is refused, and concurrent writes of a group win whole",
        arguments: Engine.allCases)
    func groups(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            let part = try await mac.send(mac.creating("e", ["lat": 1], in: "estimates"))
            #expect(part["errors", 0, "code"] == "group_incomplete")
            #expect(part["errors", 0, "pointer"] == "/operations/0/fields/lng")
            _ = try await mac.send(mac.creating("e", ["lat": 1, "lng": 2], in: "estimates", at: TestClock.start - 9))
            let other = try await ipad.send(
                ipad.creating("e", ["lat": 1, "lng": 20], in: "estimates", at: TestClock.start - 5))
            #expect(other.outcomes == ["conflicted"])
            #expect(other["results", 0, "conflicts"]?.elements.count == 1)
            #expect(other["results", 0, "conflicts", 0, "unit"] == "place")
            #expect(other["records", 0, "fields"] == ["lat": 1, "lng": 20])
        }
    }

    @Test("what is declared is checked on the record that would result")
    func declaredRules() async throws {
        try await TestServer.run(.memory) { server in
            let mac = try await server.device("mac")
            let cases: [(Draft, String)] = [
                (mac.creating("x", ["v": 1], in: "nowhere"), "unknown_collection"),
                (mac.creating("x", ["colour": 1], in: "estimates"), "field_invalid"),
                (mac.creating("x", ["$add": 1]), "field_invalid"),
                (mac.creating("x", ["nick": "n"], in: "profiles"), "field_required"),
                (mac.creating("x", ["name": .null], in: "profiles"), "field_required"),
                (mac.creating("x", ["v": 1], in: "settings"), "value_invalid"),
            ]
            for (draft, code) in cases {
                let answer = try await mac.send(draft)
                #expect(answer["errors", 0, "code"] == .string(code))
            }
            #expect(try await mac.send(mac.creating("singleton", ["v": 1], in: "settings")).outcomes == ["applied"])
            _ = try await mac.send(mac.creating("e", ["code": "A"], in: "estimates"))
            let changed = try await mac.send(.update("e", ["mac": 2], ["code": "B"], in: "estimates"))
            #expect(changed["errors", 0, "code"] == "field_immutable")
            #expect(
                try await mac.send(.update("e", ["mac": 2], ["code": "A"], in: "estimates")).outcomes == ["applied"])
        }
    }
}
