import Causality
import EngineHarness
import Foundation
import HTTPTypes
import MergeCore
import SyncEngine
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

/// Users of an issuer that knows no tenants: the server keeps who belongs to which.
@Suite("members of a tenant")
struct MemberTests {
    private let key = HandmadeKey(id: "1")
    private let seconds = TestClock.start / 1000

    private func token(_ user: String, _ more: String = "") throws -> String {
        try key.token(
            #"{"iss":"i","aud":"rejoin","sub":"\#(user)","iat":\#(seconds),"exp":\#(seconds + 3600)\#(more)}"#)
    }

    private func options(tenants: TenantRange = .asClaimed) throws -> ServerOptions {
        var options = ServerOptions()
        options.issuers = [try .test("i", ScriptedKeys([key.jwk()]), tenant: nil, tenants: tenants)]
        return options
    }

    private func ask(
        _ server: TestServer, _ method: HTTPRequest.Method, _ uri: String, _ token: String,
        in tenants: String..., as device: String? = nil, body: String? = nil
    ) async throws -> Answer {
        var headers = [("Content-Type", "application/json"), ("Idempotency-Key", Fresh.id("batch"))]
        headers += tenants.map { ("Rejoin-Tenant", $0) } + (device.map { [("Rejoin-Device", $0)] } ?? [])
        return try await server.send(method, uri, token: token, headers: headers, body: body.map { Array($0.utf8) })
    }

    private func ask(_ server: TestServer, _ token: String, in tenant: String) async throws -> Answer {
        try await ask(server, .get, "/v1/session", token, in: tenant)
    }

    private func ask(_ server: TestServer, _ token: String) async throws -> Answer {
        try await ask(server, .get, "/v1/session", token)
    }

    private func set(_ server: TestServer, _ user: ExactString, in tenant: TenantID, _ roles: Set<String>) async throws
    {
        _ = try await server.store.administer(
            tenant, .setMember(user, roles: roles), by: "", nowMilliseconds: TestClock.start)
    }

    private func remove(_ server: TestServer, _ user: ExactString, from tenant: TenantID) async throws {
        _ = try await server.store.administer(
            tenant, .removeMember(user), by: "", nowMilliseconds: TestClock.start)
    }

    @Test(
        "who belongs to one tenant is in it, with the roles of the member and of nobody else",
        arguments: Engine.allCases)
    func oneTenant(engine: Engine) async throws {
        try await TestServer.run(engine, options()) { server in
            // No claim gives a tenant or a role.
            let ada = try token("ada", #","tenant":"globex","roles":["admin"],"role":"admin""#)
            let nowhere = try await ask(server, ada)
            #expect(nowhere.status == 403 && nowhere.code == "forbidden", "\(nowhere)")
            try await set(server, "ada", in: "acme", ["device"])
            let session = try await ask(server, ada)
            #expect(session["tenant"] == "acme" && session["user"] == "ada" && session["roles"] == ["device"])
            #expect(try await ask(server, .get, "/v1/devices", ada).status == 403)
            #expect(try await ask(server, .post, "/v1/devices", ada, body: #"{"id":"ipad"}"#).status == 201)
            let batch = batchBody([.create("r", by: "ipad", ["v": 1])])
            let answer = try await ask(server, .post, "/v1/batches", ada, as: "ipad", body: batch)
            #expect(answer["results", 0, "outcome"] == "applied", "\(answer.text)")
            // A name that is one to the eye is another member.
            let other = try await ask(server, try token("ad\u{E1}"))
            #expect(other.status == 403)
            #expect(try await server.store.tenants() == ["acme"])
        }
    }

    @Test("of several tenants the request names one, and nothing else of the request counts")
    func severalTenants() async throws {
        try await TestServer.run(.sqlite, options()) { server in
            let ada = try token("ada")
            for (tenant, roles) in [("acme", ["device"]), ("globex", ["reviewer"]), ("ümlaut & co", ["admin"])] {
                try await set(server, "ada", in: TenantID(tenant), Set(roles))
            }
            try await set(server, "eve", in: "initech", ["device"])
            let unclear = try await ask(server, ada)
            #expect(unclear.status == 403)
            #expect(
                unclear["detail"]?.text?.contains("'Rejoin-Tenant': acme, globex, ümlaut & co.") == true, "\(unclear)")
            #expect(try await ask(server, ada, in: "acme")["roles"] == ["device"])
            #expect(try await ask(server, ada, in: "globex")["roles"] == ["reviewer"])
            #expect(try await ask(server, ada, in: "%C3%BCmlaut%20%26%20co")["tenant"] == "ümlaut & co")
            // Roles of one tenant are none in another.
            #expect(try await ask(server, .get, "/v1/conflicts", ada, in: "globex").status == 200)
            #expect(try await ask(server, .get, "/v1/conflicts", ada, in: "acme").status == 403)
            // One answer for what is not there and for what is somebody else's.
            let foreign = try await ask(server, ada, in: "initech")
            let nowhere = try await ask(server, ada, in: "nowhere")
            #expect(foreign.status == 403 && foreign["detail"] == nowhere["detail"])
            for tenants in ["", "%", "a%00", String(repeating: "x", count: 2_000)] {
                #expect(try await ask(server, ada, in: tenants).status == 403, "\(tenants.prefix(9))")
            }
            #expect(try await ask(server, .get, "/v1/session", ada, in: "acme", "globex").status == 403)
            #expect(try await ask(server, .get, "/v1/session", ada, in: "acme", "acme").status == 403)
        }
    }

    @Test(
        "who is taken out, or loses a role, is out after five seconds, and listens no longer",
        arguments: Engine.allCases)
    func takenOut(engine: Engine) async throws {
        try await TestServer.run(engine, options()) { server in
            let ada = try token("ada")
            try await set(server, "ada", in: "acme", ["device", "reviewer"])
            #expect(try await ask(server, .post, "/v1/devices", ada, body: #"{"id":"ipad"}"#).status == 201)
            #expect(try await ask(server, .get, "/v1/conflicts", ada).status == 200)
            try await set(server, "ada", in: "acme", ["device"])
            server.clock.advance(milliseconds: 5_001)
            #expect(try await ask(server, .get, "/v1/conflicts", ada).status == 403)
            #expect(try await ask(server, .get, "/v1/changes", ada, as: "ipad").status == 200)
            // What the token says of roles was never asked.
            async let waiting = ask(server, .get, "/v1/changes?wait=60", ada, as: "ipad")
            try await eventually("it waits") { await server.server.engine.load().waitingReaders == 1 }
            try await remove(server, "ada", from: "acme")
            // As a server hears of it that is told by another, or by the command.
            server.server.engine.accessHasEnded(in: "acme")
            let told = try await waiting
            #expect(told.status == 403, "\(told)")
            #expect(try await ask(server, ada).status == 403)
            // Back again, at once: nobody is remembered as one who belongs nowhere.
            try await set(server, "ada", in: "acme", ["device"])
            #expect(try await ask(server, ada).status == 200)
        }
    }

    @Test("tokens of an issuer speak for the tenants that it may, and a token with a tenant is not talked out of it")
    func ranges() async throws {
        try await TestServer.run(.sqlite, options(tenants: .named(["acme"]))) { server in
            let ada = try token("ada")
            try await set(server, "ada", in: "acme", ["device"])
            try await set(server, "ada", in: "globex", ["admin"])
            #expect(try await ask(server, ada)["tenant"] == "acme")
            #expect(try await ask(server, ada, in: "globex").status == 403)
        }
        try await TestServer.run(.sqlite) { server in
            let own = try await server.token(tenant: "acme", roles: ["reviewer"])
            #expect(try await ask(server, own, in: "acme").status == 200)
            #expect(try await ask(server, own, in: "globex").status == 403)
        }
    }

    @Test("while the data cannot be asked, nobody is taken for a member or for a stranger")
    func unavailable() async throws {
        try await TestServer.run(.sqlite, options()) { server in
            try await set(server, "ada", in: "acme", ["device"])
            server.faults.setDown(true)
            #expect(try await ask(server, try token("ada")).status == 503)
            server.faults.setDown(false)
            #expect(try await ask(server, try token("ada")).status == 200)
        }
    }
}
