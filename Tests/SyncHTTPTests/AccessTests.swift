import Causality
import HTTPTypes
import Logging
import MergeCore
import SyncEngine
import SyncHTTP
import SyncStorage
import SyncWire
import Testing

@Suite("access that has ended")
struct AccessTests {
    private func path(_ route: Route) -> String { route.path.replacing(/\{[a-z]+\}/, with: "1") + route.endingQuery }

    /// What every route that needs a token answers to this one.
    private func codes(_ server: TestServer, _ token: String) async throws -> [String: String?] {
        var codes: [String: String?] = [:]
        for route in server.server.routes where route.access != .open {
            let answer = try await server.send(
                route.method, path(route), token: token,
                headers: [("Content-Type", "application/json"), ("Idempotency-Key", Fresh.id("key"))],
                body: Array(
                    #"{"operations":[],"id":"tv","choose":"winner","version":1,"text":"x","user":null}"#.utf8)
            )
            codes["\(route.method) \(route.path)"] = answer.code
        }
        return codes
    }

    @Test(
        "the token of a retired device does nothing on any route, whatever other roles it has",
        arguments: Engine.allCases)
    func retired(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await server.makeConflict("e")
            let token = try await server.token(device: "ipad", roles: ["device", "reviewer", "admin"])
            #expect(try await server.send(.get, "/v1/conflicts/1", token: token).status == 200)
            #expect(try await server.admin().send(.delete, "/v1/devices/ipad").status == 204)
            let head = try await server.store.head(of: "acme")
            for (route, code) in try await codes(server, token) {
                #expect(code == "device_retired", "\(route)")
            }
            #expect(try await server.store.head(of: "acme") == head)
            #expect(try await server.store.devices("acme").map(\.device.name.text) == ["ipad", "mac"])
            #expect(try await server.reviewer().get("/v1/conflicts/1").status == 200)
        }
    }

    @Test(
        "tokens that were issued before a user's or everybody's were revoked are refused on every route, later ones are not"
    )
    func revoked() async throws {
        try await TestServer.run(.memory) { server in
            try await server.makeConflict("e")
            func token(_ user: String, issuedAgo seconds: Double?) async throws -> String {
                let now = Double(server.clock.now) / 1000
                var claims = TokenClaims(
                    user: user, tenant: "acme", device: "mac", roles: ["device", "reviewer", "admin"],
                    issuedAtSeconds: seconds.map { now - $0 }, expiresAtSeconds: now + 3_600)
                claims.jti = user
                return try await server.mint.token(claims)
            }
            let session = try await server.signIn(user: "ada")
            let code = try await server.mint.token(
                .link(
                    user: "ada", tenant: "acme", id: "code",
                    issuedAtSeconds: Double(server.clock.now) / 1000 - 1,
                    expiresAtSeconds: Double(server.clock.now) / 1000 + 900))
            let (old, undated, ben) = (
                try await token("ada", issuedAgo: 1), try await token("ada", issuedAgo: nil),
                try await token("ben", issuedAgo: 1)
            )
            #expect(try await server.send(.get, "/v1/session", token: old).status == 200)
            try await server.server.engine.end(
                "acme", .tokens(of: "ada", issuedBeforeMilliseconds: server.clock.now))
            for token in [old, undated] {
                for (route, code) in try await codes(server, token) {
                    #expect(code == "unauthenticated", "\(route)")
                }
            }
            #expect(try await server.send(.get, "/v1/session", token: ben).status == 200)
            #expect(
                try await server.send(.get, "/v1/session", token: token("ada", issuedAgo: 0)).status == 200)
            // What the tokens led to has ended with them, and links that were not used yet.
            server.clock.advance(milliseconds: 1)
            try await server.server.engine.end(
                "acme", .tokens(of: nil, issuedBeforeMilliseconds: server.clock.now))
            #expect(try await session.get("/review").status == 401)
            #expect(try await server.post("/review/sign-in", [("code", code)]).status == 403)
            #expect(try await server.send(.get, "/v1/session", token: ben).status == 401)
            #expect(
                try await server.send(.get, "/v1/session", token: token("ben", issuedAgo: 0)).status == 200)
            let other = try await server.token(tenant: "globex", device: "mac")
            #expect(try await server.send(.get, "/v1/session", token: other).status == 200)
        }
    }

    @Test(
        "signing out ends the session on the server, and every copy of its cookie",
        arguments: Engine.allCases)
    func signingOut(engine: Engine) async throws {
        try await TestServer.run(engine) { server in
            try await server.makeConflict("e")
            let (leaving, staying) = (try await server.signIn(), try await server.signIn())
            #expect(try await leaving.post("/review/sign-out", []).status == 200)
            for address in server.server.reviewAddresses where address.method == .get {
                let path = address.path.replacing("{id}", with: "1").replacing("{number}", with: "0")
                // Nobody has said anything of the conflict, nor decided it.
                let isThere = !path.contains("/comments/") && !path.hasSuffix("/resolution")
                guard !path.contains("assets"), !path.contains("sign-in") else { continue }
                #expect(try await leaving.get(path).status == 401, "\(path)")
                #expect(try await staying.get(path).status == (isThere ? 200 : 404), "\(path)")
            }
            let form = [("version", "1"), ("choose", "0")]
            #expect(try await leaving.post("/review/conflicts/1/decide", form).status == 401)
            #expect(try await server.reviewer().get("/v1/conflicts/1")["version"] == 1)
            #expect(try await staying.post("/review/conflicts/1/decide", form).status == 303)
        }
    }

    @Test("a user's sessions are ended without the user's tokens, and those that begin later are not")
    func sessions() async throws {
        try await TestServer.run(.memory) { server in
            let (rita, wim) = (
                try await server.signIn(user: "rita"), try await server.signIn(user: "wim")
            )
            server.clock.advance(milliseconds: 1)
            try await server.server.engine.end(
                "acme", .sessions(of: "rita", beganBeforeMilliseconds: server.clock.now))
            #expect(try await rita.get("/review").status == 401)
            #expect(try await wim.get("/review").status == 200)
            #expect(try await server.reviewer(user: "rita").get("/v1/conflicts").status == 200)
            #expect(try await server.signIn(user: "rita").get("/review").status == 200)
        }
    }

    @Test(
        "what one server ends, another one on the same data refuses after five seconds at most, and no request more is read"
    )
    func bound() async throws {
        try await TestServer.run(.memory) { server in
            let other = SyncEngine(
                store: server.store, schema: .test,
                keys: ServerKeys(secret: TestServer.secret), clock: server.clock.engineClock,
                logger: Logger(label: "other"))
            let token = try await server.token(device: "mac", roles: ["device"])
            #expect(try await server.send(.get, "/v1/collections", token: token).status == 200)
            try await other.end("acme", .tokens(of: "ada", issuedBeforeMilliseconds: server.clock.now))
            server.clock.advance(milliseconds: 4_999)
            #expect(try await server.send(.get, "/v1/collections", token: token).status == 200)
            server.clock.advance(milliseconds: 1)
            #expect(try await server.send(.get, "/v1/collections", token: token).status == 401)
        }
    }

    @Test("while the data cannot be asked, nobody is admitted on what is not known")
    func unknown() async throws {
        try await TestServer.run(.memory) { server in
            let (token, session) = (
                try await server.token(device: "mac", roles: ["device"]), try await server.signIn()
            )
            server.clock.advance(milliseconds: 5_000)
            server.faults.setDown(true)
            #expect(
                try await server.send(.get, "/v1/collections", token: token).code == "storage_unavailable")
            #expect(try await session.get("/review").status == 503)
            server.faults.setDown(false)
            #expect(try await server.send(.get, "/v1/collections", token: token).status == 200)
            #expect(try await session.get("/review").status == 200)
        }
    }

    @Test("nothing that lies in the data makes a session or a cursor")
    func backup() async throws {
        try await TestServer.run(.sqlite) { server in
            let identity = server.store.identity
            #expect(identity.formerCursorKey.isEmpty)
            for secret in [identity.redactionKey, Array(identity.lineage.utf8), []] {
                let thief = SyncEngine(
                    store: InMemoryStore(identity: identity),
                    schema: .test,
                    keys: ServerKeys(secret: secret), clock: server.clock.engineClock,
                    logger: Logger(label: "thief"))
                let caller = Caller(tenant: "acme", user: "ada", device: "mac", roles: [.device])
                let cursor = try await thief.changes(
                    caller, ChangesRequest(since: nil, limit: 1, collections: [], waitSeconds: 0)
                ).page.end.cursor
                let answer = try await server.device("mac").get("/v1/changes?since=\(cursor)")
                #expect(answer.code == "cursor_invalid")
            }
        }
    }
}
