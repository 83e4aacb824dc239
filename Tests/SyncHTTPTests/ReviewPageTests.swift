import Causality
import Foundation
import HTTPTypes
import MergeCore
import SyncHTTP
import SyncStorage
import SyncWire
import Testing

@Suite("the reviewers' page")
struct ReviewPageTests {
    // MARK: Signing in

    @Test(
        "a link signs in once, however many use it at once, and looking at it does not use it",
        arguments: Engine.allCases)
    func once(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let code = try await server.linkCode()
            for _ in 0..<3 {
                let offered = try await server.send(.get, "/review/sign-in?code=\(code)")
                #expect(offered.status == 200)
                #expect(offered.text.contains("rita") && offered.text.contains("acme"))
                #expect(offered.header("Set-Cookie") == nil)
            }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask { try await server.post("/review/sign-in", [("code", code)]).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [303] + Array(repeating: 403, count: 7))
        }
    }

    @Test("the session's cookie is for the page alone, out of reach of scripts and of other sites")
    func cookie() async throws {
        try await TestServer.run(.memory) { server in
            let answer = try await server.post("/review/sign-in", [("code", try await server.linkCode())])
            #expect(answer.status == 303)
            #expect(answer.header("Location") == "/review")
            let cookie = try #require(answer.header("Set-Cookie"))
            for part in ["rejoin_review=", "Path=/review", "HttpOnly", "SameSite=Strict", "Max-Age=43200"] {
                #expect(cookie.contains(part), "\(cookie)")
            }
            #expect(!cookie.contains("Secure"))
        }
    }

    @Test("what is no valid link signs nobody in, and a link is no token")
    func badLinks() async throws {
        try await TestServer.run(.memory) { server in
            let expired = try await server.linkCode(validSeconds: -1)
            let stranger = await TokenMint(secret: [UInt8]("another secret that is long enough to be one".utf8))
            let forged = try await stranger.token(
                .link(user: "rita", tenant: "acme", id: "x", expiresAtSeconds: 4e9))
            let token = try await server.token(roles: ["reviewer"], user: "rita")
            let session = try await server.signIn()
            for code in ["", "x", expired, forged, token, session.cookieValue] {
                #expect(try await server.send(.get, "/review/sign-in?code=\(code)").status == 403)
                let answer = try await server.post("/review/sign-in", [("code", code)])
                #expect(answer.status == 403, "\(code)")
                #expect(answer.header("Set-Cookie") == nil)
            }
            let code = try await server.linkCode()
            for path in ["/v1/session", "/v1/conflicts", "/v1/changes"] {
                #expect(try await server.send(.get, path, token: code).status == 401)
                #expect(try await server.send(.get, path, token: session.cookieValue).status == 401)
                #expect(
                    try await server.send(.get, path, headers: [("Cookie", session.cookie)]).status == 401, "\(path)")
            }
            // Another site's form cannot sign anybody in as somebody else.
            let elsewhere = try await server.post(
                "/review/sign-in", [("code", code)], headers: [("Sec-Fetch-Site", "cross-site")])
            #expect(elsewhere.status == 403)
            #expect(try await server.post("/review/sign-in", [("code", code)]).status == 303)
        }
    }

    @Test("without a session, and after its twelve hours, nothing is told")
    func signedOut() async throws {
        try await TestServer.run(.memory) { server in
            try await server.makeConflict("secret-record")
            let session = try await server.signIn()
            let paths = [
                "/review", "/review/conflicts/1", "/review/summary", "/review/bulk", "/review/bulk?choose=current",
                "/review/pulse",
            ]
            for path in paths {
                #expect(try await session.get(path).status == 200, "\(path)")
                for cookie in ["", "rejoin_review=", "rejoin_review=x.y.z", "other=1; rejoin_review=e30.e30.e30"] {
                    let answer = try await server.send(.get, path, headers: [("Cookie", cookie)])
                    #expect(answer.status == 401, "\(path) with \(cookie)")
                    #expect(!answer.text.contains("secret-record"))
                }
            }
            for path in ["decide", "comment", "assign"].map({ "/review/conflicts/1/\($0)" }) + ["/review/bulk"] {
                #expect(try await server.post(path, [("csrf", session.formToken)]).status == 401, "\(path)")
            }
            server.clock.advance(milliseconds: 12 * 3_600_000 + 1_000)
            for path in paths { #expect(try await session.get(path).status == 401, "\(path)") }
            #expect(try await server.signIn().get("/review").status == 200)
        }
    }

    @Test("edge 39: a session of another tenant finds nothing", arguments: Engine.allCases)
    func otherTenant(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await server.makeConflict("their-record")
            let stranger = try await server.signIn(tenant: "globex")
            for path in ["/review?status=all", "/review/summary", "/review/bulk?status=all&choose=current"] {
                let answer = try await stranger.get(path)
                #expect(answer.status == 200)
                #expect(!answer.text.contains("their-record") && !answer.text.contains("estimates"), "\(path)")
            }
            #expect(try await stranger.get("/review/conflicts/1").status == 404)
            for action in ["decide", "comment", "assign"] {
                let answer = try await stranger.post(
                    "/review/conflicts/1/\(action)",
                    [("version", "1"), ("choose", "0"), ("text", "mine"), ("to", "me")])
                #expect(answer.status == 404, "\(action)")
            }
            let bulk = try await stranger.post("/review/bulk", [("choose", "current"), ("conflict", "1:1")])
            #expect(!bulk.text.contains("their-record"))
            #expect(try await server.reviewer().get("/v1/conflicts/1")["status"] == "open")
        }
    }

    // MARK: Forms

    @Test("a form without the session's token, or from another site, does nothing", arguments: [Engine.sqlite])
    func forgery(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await server.makeConflict("e")
            let session = try await server.signIn()
            let other = try await server.signIn(user: "wim")
            let fields = [("version", "1"), ("choose", "0"), ("text", "forged"), ("to", "forged"), ("conflict", "1:1")]
            for path in ["conflicts/1/decide", "conflicts/1/comment", "conflicts/1/assign", "bulk", "sign-out"] {
                for token in [nil, "", "x", other.formToken] {
                    let answer = try await server.post(
                        "/review/\(path)", fields + (token.map { [("csrf", $0)] } ?? []),
                        headers: [("Cookie", session.cookie)])
                    #expect(answer.status == 403, "\(path)")
                }
                for site in ["cross-site", "same-site"] {
                    let answer = try await session.post("/review/\(path)", fields, headers: [("Sec-Fetch-Site", site)])
                    #expect(answer.status == 403, "\(path)")
                }
            }
            let conflict = try await server.reviewer().get("/v1/conflicts/1")
            #expect(conflict["status"] == "open" && conflict["comments"] == [] && conflict["assignee"] == .null)
            #expect(try await session.get("/review").status == 200)
            let out = try await session.post("/review/sign-out", [])
            #expect(out.header("Set-Cookie")?.contains("Max-Age=0") == true)
        }
    }

    @Test("a decision by form is what the same decision by the API is", arguments: Engine.allCases)
    func decides(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let mac = try await server.makeConflict("e")
            let session = try await server.signIn()
            let page = try await session.get("/review/conflicts/1?status=open")
            let clock = try #require(page.hidden("clock"))
            #expect(page.hidden("version") == "1")
            let answer = try await session.post(
                "/review/conflicts/1/decide?status=open",
                [("version", "1"), ("clock", clock), ("choose", "0"), ("note", "line one\r\nline two")])
            #expect(answer.status == 303, "\(answer.text)")
            let location = try #require(answer.header("Location"))
            #expect(location == "/review/conflicts/1?status=open&said=decided")
            #expect(try await session.get(location).status == 200)
            #expect(try await mac.record("e", in: "estimates")["fields", "status"] == "sent")
            let conflict = try await server.reviewer().get("/v1/conflicts/1")
            #expect(conflict["resolution", "note"] == "line one\nline two")
            #expect(conflict["resolution", "user"] == "rita")
            // Pressed twice.
            let again = try await session.post(
                "/review/conflicts/1/decide", [("version", "1"), ("clock", clock), ("choose", "0")])
            #expect(again.header("Location")?.hasSuffix("said=decided-already") == true)
            // Somebody else meant the other side.
            let wim = try await server.signIn(user: "wim")
            let late = try await wim.post("/review/conflicts/1/decide", [("version", "1"), ("choose", "1")])
            #expect(late.status == 409)
            #expect(late.text.contains("rita"))
        }
    }

    @Test(
        "a conflict that gained a side is shown as it stands, with what the reviewer had entered",
        arguments: Engine.allCases)
    func gainedSide(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await server.makeConflict("e")
            let session = try await server.signIn()
            let phone = try await server.device("phone", user: "cleo")
            _ = try await phone.send(phone.creating("e", ["status": "lost in the post"], in: "estimates"))
            let answer = try await session.post(
                "/review/conflicts/1/decide", [("version", "1"), ("choose", "1"), ("note", "as we agreed on Monday")])
            #expect(answer.status == 412)
            #expect(answer.text.contains("lost in the post"))
            #expect(answer.text.contains("as we agreed on Monday"))
            #expect(answer.hidden("version") == "2")
            let value = try await session.post(
                "/review/conflicts/1/decide", [("version", "2"), ("choose", "value"), ("value", "{nonsense")])
            #expect(value.status == 400)
            #expect(value.text.contains("{nonsense"))
            let decided = try await session.post(
                "/review/conflicts/1/decide", [("version", "2"), ("choose", "value"), ("value", #""paid""#)])
            #expect(decided.status == 303)
            #expect(try await phone.record("e", in: "estimates")["fields", "status"] == "paid")
        }
    }

    @Test("comments and tasks by form", arguments: Engine.allCases)
    func talk(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await server.makeConflict("e")
            let session = try await server.signIn()
            #expect(try await session.post("/review/conflicts/1/comment", [("text", "which?")]).status == 303)
            #expect(try await session.post("/review/conflicts/1/comment", [("text", "")]).status == 400)
            let long = String(repeating: "x", count: 8_193)
            #expect(try await session.post("/review/conflicts/1/comment", [("text", long)]).status == 400)
            #expect(try await session.post("/review/conflicts/1/assign", [("to", "wim")]).status == 303)
            #expect(try await session.get("/review?assignee=named&assigned=wim").text.contains("estimates"))
            #expect(try await session.get("/review/conflicts/1").text.contains("which?"))
            #expect(try await session.post("/review/conflicts/1/assign", [("to", "")]).status == 303)
            let conflict = try await server.reviewer().get("/v1/conflicts/1")
            #expect(conflict["assignee"] == .null)
            #expect(conflict["comments"]?.elements.count == 1)
            #expect(try await session.post("/review/conflicts/99/comment", [("text", "x")]).status == 404)
        }
    }

    @Test("many are decided as the preview showed them", arguments: Engine.allCases)
    func many(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            var mac: TestDevice?
            for number in 0..<6 { mac = try await server.makeConflict("r\(number)") }
            let session = try await server.signIn()
            let preview = try await session.get("/review/bulk?collection=estimates&choose=stored")
            let chosen = preview.allHidden("conflict")
            #expect(chosen.count == 6)
            let tv = try await server.device("tv")
            _ = try await tv.send(tv.creating("r3", ["status": "tv"], in: "estimates"))
            let answer = try await session.post(
                "/review/bulk?collection=estimates", [("choose", "stored")] + chosen.map { ("conflict", $0) })
            #expect(answer.status == 200)
            #expect(answer.text.contains("r3"))
            let open = try await server.reviewer().get("/v1/conflicts?status=open")
            #expect(open["conflicts"]?.elements.map { $0["record"]?.text } == ["r3"])
            #expect(try await mac?.record("r0", in: "estimates")["fields", "status"] == "sent")
            for bad in ["x", "1", "1:1:1", ":"] {
                let refused = try await session.post("/review/bulk", [("choose", "stored"), ("conflict", bad)])
                #expect(refused.status == 400, "\(bad)")
            }
        }
    }

    // MARK: What is shown

    @Test("the list's links lead through all pages, each conflict once", arguments: Engine.allCases)
    func listPages(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let (mac, ipad) = (try await server.device("mac"), try await server.device("ipad"))
            for device in [mac, ipad] {
                let creates = (0..<120).map {
                    device.creating("r\($0)", ["status": .string(device.id)], in: "estimates")
                }
                #expect(try await device.send(body: batchBody(creates)).status == 200)
            }
            let session = try await server.signIn()
            var counts: [Int] = []
            var found: Set<String> = []
            var address: String? = "/review?collection=estimates"
            while let next = address, counts.count < 9 {
                let page = try await session.get(next).text
                let ids = Set(page.matches(of: /\/review\/conflicts\/(\d+)/).map { String($0.1) })
                #expect(found.isDisjoint(with: ids), "\(next)")
                found.formUnion(ids)
                counts.append(ids.count)
                address = page.firstMatch(of: /href="([^"]*)" rel="next"/).map {
                    String($0.1).replacing("&amp;", with: "&")
                }
            }
            #expect(counts == [50, 50, 20])
            #expect(found.count == 120)
        }
    }

    @Test("every page forbids what it does not need, and keeps hostile values as texts", arguments: Engine.allCases)
    func hostile(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let hostile = #""><script>alert(1)</script><img src=x onerror=alert(2)>'{{{x}}}"# + "\u{202E}\u{2028}"
            let mac = try await server.device("mac<script>alert(3)</script>", user: "<b>ben</b>")
            let ipad = try await server.device("ipad")
            let record = "r\"><script>alert(4)</script>"
            _ = try await mac.send(
                mac.creating(record, [ExactString("f<script>"): .string(hostile), "deep": [[[["<script>"]]]]]))
            _ = try await ipad.send(
                ipad.creating(record, [ExactString("f<script>"): "plain", "deep": ["<script>": ["</script>"]]]))
            let session = try await server.signIn(user: "<script>rita</script>")
            _ = try await session.post("/review/conflicts/1/comment", [("text", hostile)])
            _ = try await session.post("/review/conflicts/1/assign", [("to", "<script>wim</script>")])
            _ = try await session.post(
                "/review/conflicts/1/decide", [("version", "1"), ("choose", "0"), ("note", hostile)])
            for path in [
                "/review?status=all", "/review?status=all&record=%3Cscript%3E", "/review/conflicts/1",
                "/review/conflicts/2", "/review/summary",
                "/review/bulk?status=all&choose=loser&note=%22%3E%3Cscript%3E",
                "/review/conflicts/2?record=%22%3E%3Cscript%3E", "/review/%3Cscript%3E",
            ] {
                let answer = try await session.get(path)
                for raw in ["<script>alert", "<img", "<b>ben", "<script>rita", "<script>wim", "onerror=alert(2)>"] {
                    #expect(!answer.text.contains(raw), "\(path) has \(raw)")
                }
                guard answer.type == "text/html" else { continue }
                let policy = try #require(answer.header("Content-Security-Policy"))
                #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "\(path)")
                #expect(answer.header("X-Frame-Options") == "DENY")
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("Cache-Control") == "no-store")
                #expect(answer.text.components(separatedBy: "<script").count == 2, "one script, ours: \(path)")
                #expect(!answer.text.contains(" style=") && !answer.text.contains("javascript:"), "\(path)")
            }
        }
    }

    @Test("edge 42: a redacted value is on no page", arguments: Engine.allCases)
    func redacted(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            let secret = "078-05-1120"
            let mac = try await server.device("mac")
            let ipad = try await server.device("ipad")
            _ = try await mac.send(
                mac.creating("e", ["ssn": .string(secret), "diagnosis": [.string(secret)]], in: "estimates"))
            _ = try await ipad.send(
                ipad.creating("e", ["ssn": .string(secret + "x"), "diagnosis": .string(secret)], in: "estimates"))
            let session = try await server.signIn()
            for path in [
                "/review?status=all", "/review/conflicts/1", "/review/conflicts/2",
                "/review/bulk?status=all&choose=loser",
            ] {
                let answer = try await session.get(path)
                #expect(answer.status == 200)
                #expect(!answer.text.contains(secret), "\(path)")
            }
            _ = try await session.post("/review/conflicts/1/decide", [("version", "1"), ("choose", "0")])
            #expect(try await !session.get("/review/conflicts/1").text.contains(secret))
            #expect(!server.log.text.contains(secret))
        }
    }

    @Test("the page's script hears of what devices and reviewers do", arguments: Engine.allCases)
    func pulse(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await server.makeConflict("e")
            let session = try await server.signIn()
            var position = try #require(try await session.get("/review/pulse")["position"]?.text)
            #expect(try await session.get("/review/pulse?since=\(position)&wait=0")["position"]?.text == position)
            for act in 0..<3 {
                let known = position
                async let heard = session.get("/review/pulse?since=\(known)&wait=30")
                switch act {
                case 0: try await server.makeConflict("f")
                case 1: _ = try await session.post("/review/conflicts/1/comment", [("text", "hm")])
                case _: _ = try await session.post("/review/conflicts/1/decide", [("version", "1"), ("choose", "0")])
                }
                let next = try #require(try await heard["position"]?.text)
                #expect(next != position, "act \(act)")
                position = next
            }
            #expect(try await session.get("/review/pulse?wait=61").status == 400)
        }
    }

    @Test("a storage that fails shows a page that says so, and a form can be sent again")
    func faults() async throws {
        try await TestServer.run(.sqlite) { server in
            try await server.makeConflict("e")
            let session = try await server.signIn()
            let code = try await server.linkCode()
            server.faults.setDown(true)
            for path in ["/review", "/review/conflicts/1", "/review/summary"] {
                let answer = try await session.get(path)
                #expect(answer.status == 503, "\(path)")
                #expect(answer.type == "text/html")
            }
            let form = [("version", "1"), ("choose", "0")]
            #expect(try await session.post("/review/conflicts/1/decide", form).status == 503)
            #expect(try await server.post("/review/sign-in", [("code", code)]).status == 503)
            server.faults.setDown(false)
            #expect(try await session.post("/review/conflicts/1/decide", form).status == 303)
            #expect(try await server.post("/review/sign-in", [("code", code)]).status == 303)
        }
    }
}
