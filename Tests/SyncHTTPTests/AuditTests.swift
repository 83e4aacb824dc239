import Causality
import HTTPTypes
import MergeCore
import StrictJSON
import SyncHTTP
import SyncWire
import Testing
import Values

@Suite("audit and tenancy")
struct AuditTests {
    @Test(
        "edge 39: with another tenant's token every route answers as if nothing were there", arguments: Engine.allCases)
    func otherTenant(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let secret = "hidden-from-globex"
            let mac = try await server.device("mac", user: secret)
            let ipad = try await server.device("ipad-\(secret)")
            let mine = mac.creating(secret, ["status": .string(secret)], in: "estimates")
            _ = try await mac.send(mine, key: "their-key")
            _ = try await ipad.send(ipad.creating(secret, ["status": "other"], in: "estimates"))
            let bad = mac.creating("bad-\(secret)", ["total": .string(secret)], in: "estimates")
            _ = try await mac.send(bad, atomic: false)

            // The stranger has every role and the same device id.
            let token = try await server.token(tenant: "globex", device: "mac", roles: ["device", "reviewer", "admin"])
            let values = ["collection": "estimates", "id": secret, "key": "their-key"]
            for route in server.server.routes where route.access != .open {
                var path = route.path + route.endingQuery
                for (name, value) in values { path = path.replacing("{\(name)}", with: value) }
                var uris = [path]
                switch route.path {
                case "/v1/operations/{id}":
                    uris = ["/v1/operations/\(mine.id)", "/v1/operations/\(mine.id)?device=mac"]
                case "/v1/operations":
                    uris = ["/v1/operations?outcome=rejected", "/v1/operations?outcome=rejected&device=mac"]
                case "/v1/conflicts/{id}", "/v1/conflicts/{id}/resolutions", "/v1/conflicts/{id}/comments",
                    "/v1/conflicts/{id}/assignee":
                    uris = [route.path.replacing("{id}", with: "1")]
                case "/v1/conflicts/resolutions": uris = ["/v1/conflicts/resolutions?status=open"]
                case "/v1/devices/{id}": uris = ["/v1/devices/ipad-\(secret)"]
                case "/v1/batches/{key}": uris = ["/v1/batches/their-key", "/v1/batches/their-key?device=mac"]
                case "/v1/conflicts":
                    uris = ["/v1/conflicts", "/v1/conflicts?collection=estimates", "/v1/conflicts?page=c9"]
                default: break
                }
                let isNamed = path != route.path + route.endingQuery
                for uri in uris {
                    let body: String? =
                        switch (route.method, route.path) {
                        case (.post, "/v1/batches"): #"{"operations":[]}"#
                        case (.post, "/v1/changes/query"): #"{"only":{"notes":["n"]}}"#
                        case (.post, "/v1/records/query"): #"{"records":{"estimates":["\#(secret)"]}}"#
                        case (.post, "/v1/devices"): #"{"id":"mac"}"#
                        case (.post, "/v1/conflicts/resolutions"):
                            #"{"conflicts":[{"id":"1","version":1}],"choose":"current"}"#
                        case (.post, "/v1/conflicts/{id}/resolutions"): #"{"version":1,"choose":"current"}"#
                        case (.post, "/v1/conflicts/{id}/comments"): #"{"text":"mine?"}"#
                        case (.put, "/v1/conflicts/{id}/assignee"): #"{"user":"mallory"}"#
                        default: nil
                        }
                    let answer = try await server.send(
                        route.method, uri, token: token,
                        headers: [("Content-Type", "application/json"), ("Idempotency-Key", "own-key")],
                        body: body.map { Array($0.utf8) })
                    #expect(answer.status == (isNamed ? 404 : answer.status), "\(route.method) \(uri)")
                    // What goes on without end was asked in a way that ends it; who listens there hears of no other tenant
                    // is a test of its own.
                    let isFound = route.isEndless ? answer.status == 400 : (200...299).contains(answer.status)
                    #expect(isNamed || isFound, "\(route.method) \(uri): \(answer.text)")
                    #expect(isNamed || !answer.text.contains(secret), "\(route.method) \(uri): \(answer.text)")
                    #expect(answer.isReplayed != true)
                    if isNamed { #expect(answer.code == "not_found") }
                }
            }
            // A write to the same record is a record of its own.
            let stranger = try await server.device("mac", tenant: "globex")
            let write = try await stranger.send(stranger.creating(secret, ["status": "mine"], in: "estimates"))
            #expect(write["results", 0, "relation"] == "newer")
            #expect(write["results", 0, "sequence"] == 1)
            #expect(try await mac.record(secret, in: "estimates")["clock"]?.memberNames.count == 2)
            #expect(try await server.admin().get("/v1/devices")["devices", 0, "retiredAt"] == .null)
        }
    }

    @Test("edge 42: a redacted value is in no audit answer, export, log line or error", arguments: Engine.allCases)
    func redaction(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let secret = "078-05-1120"
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            var errors: [Answer] = []
            // Conflicts of all kinds, with the secret on either side.
            let original = mac.creating(
                "e", ["ssn": .string(secret + "a"), "diagnosis": [.string(secret)]], in: "estimates")
            _ = try await mac.send(original)
            _ = try await ipad.send(
                ipad.creating(
                    "e", ["ssn": .string(secret + "b"), "diagnosis": ["x": .string(secret)]], in: "estimates"))
            errors.append(
                try await mac.send(.update("e", ["mac": 1], ["ssn": .string(secret + "c")], in: "estimates")))
            _ = try await mac.send(
                .update("e", ["mac": 2, "ipad": 1], ["ssn": .string(secret + "d")], in: "estimates"))
            var stale = original
            stale.id = Fresh.id()
            #expect(try await mac.send(stale).outcomes == ["older"])
            _ = try await ipad.send(.delete("e", ["ipad": 2], in: "estimates"))
            // Rejections of all kinds.
            let fields = #"{"ssn":"\#(secret)","total":"x"}"#
            let bad = [
                #"{"id":"r1","kind":"create","collection":"estimates","record":"r1","clock":{"mac":1},"fields":\#(fields)}"#,
                #"{"id":"r2","kind":"create","collection":"estimates","record":"r2","clock":{"mac":0},"fields":\#(fields)}"#,
                #"{"id":"r3","kind":"create","collection":"estimates","clock":{"mac":1},"fields":\#(fields)}"#,
                #"{"id":"r4","kind":"create","record":"r4","clock":{"mac":1},"fields":\#(fields)}"#,
                #"{"id":"r5","kind":"create","collection":"estimates","record":"r5","clock":{"mac":1},"fields":{"ssn":["\#(secret)",1e400]}}"#,
                #"{"id":"r6","kind":"create","collection":"estimates","record":"r6","clock":{"mac":1},"fields":{"ssn":{"$add":["\#(secret)"]}}}"#,
                #"{"id":"r7","kind":"what","collection":"estimates","record":"r7","clock":{"mac":1},"fields":{"ssn":{"n":"\#(secret)"}}}"#,
                #"{"id":"r8","kind":"create","collection":7,"record":"r8","clock":{"mac":1},"fields":\#(fields)}"#,
                #"{"id":"r9","kind":"create","collection":"estimates","record":"r9","clock":{"mac":1},"fields":["\#(secret)"]}"#,
            ]
            let body = #"{"atomic":false,"operations":[\#(bad.joined(separator: ","))]}"#
            let rejected = try await mac.send(body: body, key: "bad")
            #expect(rejected.outcomes == Array(repeating: "rejected", count: bad.count))
            errors += [rejected, try await mac.send(body: body.replacing("false", with: "true"))]
            errors.append(try await mac.send(body: "{\"operations\":[{\"fields\":{\"ssn\":\"\(secret)\"]}"))
            server.faults.setDown(true)
            errors.append(try await mac.send(mac.creating("f", ["ssn": .string(secret)], in: "estimates")))
            server.faults.setDown(false)
            // Errors of the batch answers themselves, without the records that the device may see.
            for answer in errors {
                for result in answer["results"]?.elements ?? [answer.json ?? .null] {
                    #expect(result["error"]?.canonicalText.contains(secret) != true)
                    if answer.status != 200 { #expect(!answer.text.contains(secret)) }
                }
            }
            let reviewer = try await server.reviewer()
            var uris = [
                "/v1/conflicts?limit=500", "/v1/conflicts/summary", "/v1/conflicts/export",
                "/v1/operations?outcome=rejected", "/v1/records/estimates/e/history", "/v1/operations/\(stale.id)",
            ]
            let conflicts = try await reviewer.get("/v1/conflicts?limit=500")["conflicts"]?.elements ?? []
            #expect(Set(conflicts.compactMap { $0["kind"]?.text }) == ["write_write", "delete_write", "stale"])
            uris += conflicts.map { "/v1/conflicts/\($0["id"]?.text ?? "")" }
            for uri in uris {
                let answer = try await reviewer.get(uri)
                #expect(answer.status == 200)
                #expect(!answer.text.contains(secret), "\(uri): \(answer.text)")
            }
            let csv = try await reviewer.get("/v1/conflicts/export", accept: "text/csv")
            #expect(csv.text.contains("$redacted"))
            #expect(!csv.text.contains(secret))
            #expect(!server.log.text.contains(secret))
            for entry in try await server.store.auditEntries("acme", after: 0, limit: 500) {
                #expect(!"\(entry)".contains(secret))
            }
            // The record itself has it: that is where it belongs.
            #expect(try await mac.record("e", in: "estimates").text.contains(secret))
        }
    }

    @Test("pages of conflicts neither skip nor repeat any while new ones arrive", arguments: Engine.allCases)
    func stablePages(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let reviewer = try await server.reviewer()
            for order in ["newest", "oldest"] {
                for number in 0..<6 { try await server.makeConflict("\(order)-\(number)") }
                var ids: [String] = []
                var page = ""
                var arrivals = 0
                while true {
                    let answer = try await reviewer.get("/v1/conflicts?order=\(order)&limit=2\(page)")
                    ids += (answer["conflicts"]?.elements ?? []).compactMap { $0["id"]?.text }
                    guard let next = answer["next"]?.text else { break }
                    page = "&page=\(next)"
                    guard arrivals < 3 else { continue }
                    try await server.makeConflict("\(order)-late-\(arrivals)")
                    arrivals += 1
                }
                #expect(Set(ids).count == ids.count, "\(order): \(ids)")
                let numbers = ids.compactMap { Int($0) }
                #expect(numbers == (order == "newest" ? numbers.sorted(by: >) : numbers.sorted()))
                // Those that arrive are at the end of the oldest first, and not in what was begun newest first.
                let all = try await reviewer.get("/v1/conflicts?limit=500")["conflicts"]?.elements.count ?? 0
                #expect(ids.count == (order == "newest" ? all - arrivals : all), "\(order): \(ids.count) of \(all)")
            }
        }
    }

    @Test("conflicts are found by every condition, in both orders, page by page", arguments: Engine.allCases)
    func filters(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.device("mac", user: "ada")
            let ipad = try await server.device("ipad", user: "bob")
            for record in ["a", "b", "c"] {
                _ = try await mac.send(mac.creating(record, ["v": 1, "w": 1]))
                _ = try await ipad.send(ipad.creating(record, ["v": 2]))
                server.clock.advance(milliseconds: 60_000)
            }
            let tv = try await server.device("tv", user: "tom")
            _ = try await tv.send(tv.creating("e", ["status": "x"], in: "estimates"))
            _ = try await mac.send(mac.creating("e", ["status": "y"], in: "estimates"))
            _ = try await mac.send(.delete("a", ["mac": 2]))

            let reviewer = try await server.reviewer()
            let ids = { (query: String) async throws -> [String] in
                let answer = try await reviewer.get("/v1/conflicts?\(query)")
                #expect(answer.status == 200, "\(query)")
                return answer["conflicts"]?.elements.compactMap { $0["id"]?.text } ?? []
            }
            let all = try await ids("")
            #expect(all.count == 5)
            #expect(try await ids("order=oldest") == Array(all.reversed()))
            let cases: [(String, Int)] = [
                ("status=open", 1), ("status=automatic", 4), ("kind=delete_write", 1), ("kind=write_write", 4),
                ("kind=stale", 0), ("collection=estimates", 1), ("record=b", 1), ("collection=notes&record=e", 0),
                ("unit=v", 3), ("unit=%24record", 1), ("policy=lww", 3), ("policy=manual", 1),
                ("policy=update-wins", 1),
                ("device=tv", 1), ("device=ipad", 4), ("user=tom", 1), ("user=bob&status=automatic", 4),
                ("user=rita", 0),
                ("since=2026-11-20T22:01:00Z", 4), ("until=2026-11-20T22:01:00Z", 1),
                ("since=2026-11-20T23:01:00%2B01:00&until=2026-11-20T22:02:00Z", 1),
            ]
            for (query, count) in cases { #expect(try await ids(query).count == count, "\(query)") }
            for order in ["newest", "oldest"] {
                var found: [String] = []
                var page: String? = ""
                while let next = page {
                    let answer = try await reviewer.get(
                        "/v1/conflicts?order=\(order)&limit=2\(next.isEmpty ? "" : "&page=\(next)")")
                    found += answer["conflicts"]?.elements.compactMap { $0["id"]?.text } ?? []
                    page = answer["next"]?.text
                }
                #expect(found == (order == "newest" ? all : all.reversed()))
            }
            for query in [
                "status=lost", "kind=x", "order=random", "limit=0", "limit=501", "since=yesterday", "device=",
            ] {
                #expect(try await reviewer.get("/v1/conflicts?\(query)").code == "invalid_request", "\(query)")
            }
            #expect(try await reviewer.get("/v1/conflicts?page=o1").code == "cursor_invalid")
            for id in ["999", "x", "-1", "1.0"] {
                #expect(try await reviewer.get("/v1/conflicts/\(id)").status == 404)
            }
            let summary = try await reviewer.get("/v1/conflicts/summary")
            #expect(summary["status"] == [["name": "automatic", "count": 4], ["name": "open", "count": 1]])
            #expect(summary["unit", 2, "name"] == "notes/v")
            #expect(summary["unit", 2, "count"] == 3)
            #expect(summary["device"]?.elements.map { $0["count"] } == [4, 5, 1])
            #expect(summary["day"] == [["name": "2026-11-20", "count": 5]])
        }
    }

    @Test("an export is lines of JSON or CSV, and no CSV field is a formula", arguments: Engine.allCases)
    func export(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let evil = "=HYPERLINK(\"http://evil\",\"x\")"
            let mac = try await server.device("mac", user: "+ada")
            let ipad = try await server.device("@ipad", user: "bob")
            _ = try await mac.send(
                mac.creating(
                    "-cmd",
                    [
                        "v": .string(evil), "n": -5, "d": .double(-1.5), "e": .double(-2e-7),
                        "t": "two\nlines, \"quoted\"",
                    ]))
            var other = ipad.creating("-cmd", ["v": "ok", "n": 5, "d": 1, "e": 2, "t": "x"])
            other.id = "=op"
            _ = try await ipad.send(other)
            let reviewer = try await server.reviewer()
            let lines = try await reviewer.get("/v1/conflicts/export")
            #expect(lines.type == "application/x-ndjson")
            let listed = try await reviewer.get("/v1/conflicts?order=oldest")
            #expect(
                try lines.text.split(separator: "\n").map { try Value(json: String($0)) }
                    == listed["conflicts"]?.elements)

            let csv = try await reviewer.get("/v1/conflicts/export?order=newest", accept: "text/csv")
            #expect(csv.type == "text/csv")
            let rows = parseCSV(csv.text)
            #expect(rows.count == 1 + 5 * 2)
            #expect(rows.allSatisfy { $0.count == rows[0].count })
            #expect(rows[0].first == "id")
            for row in rows.dropFirst() {
                for (name, field) in zip(rows[0], row) where Double(field) == nil {
                    #expect(!["=", "+", "-", "@", "\t", "\r"].contains(field.first), "\(name): \(field)")
                }
            }
            #expect(rows.joined().contains("'-cmd"))
            for number in ["-5", "-1.5"] { #expect(rows.joined().contains(number)) }
            #expect(!rows.joined().contains { $0.hasPrefix("'-") && Double($0.dropFirst()) != nil })
            #expect(csv.text.hasSuffix("\r\n"))
            #expect(try await reviewer.get("/v1/conflicts/export", accept: "application/json").status == 406)
            #expect(try await reviewer.get("/v1/conflicts/export?limit=x&status=x").code == "invalid_request")
            let filtered = try await reviewer.get("/v1/conflicts/export?unit=n")
            #expect(filtered.text.split(separator: "\n").count == 1)
        }
    }

    /// RFC 4180.
    private func parseCSV(_ text: String) -> [[String]] {
        var rows: [[String]] = [[]]
        var field = ""
        var isQuoted = false
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch (scalar, isQuoted) {
            case ("\"", true) where scalars.first == "\"":
                scalars.removeFirst()
                field.unicodeScalars.append("\"")
            case ("\"", _): isQuoted.toggle()
            case (",", false):
                rows[rows.count - 1].append(field)
                field = ""
            case ("\r", false) where scalars.first == "\n":
                scalars.removeFirst()
                rows[rows.count - 1].append(field)
                field = ""
                if !scalars.isEmpty { rows.append([]) }
            default: field.unicodeScalars.append(scalar)
            }
        }
        return rows
    }

    @Test("the audit of every scenario can be verified", arguments: Engine.allCases)
    func verification(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            for name in ["a", "b", "c", "d"] {
                let device = try await server.device(name)
                _ = try await device.send(
                    device.creating("e", ["status": .string(name), "title": .string(name)], in: "estimates"))
            }
            let report = try await server.store.verifyAudit(of: "acme")
            #expect(report.fault == nil)
            #expect(report.entries == 6)
        }
    }
}
