import EngineHarness
import Foundation
import HTTPTypes
import MergeCore
import StrictJSON
import SyncHTTP
import SyncStorage
import SyncWire
import Testing
import Values

/// Devices that a request names, because its token knows none.
@Suite("a device that a request names")
struct NamedDeviceTests {
    private let key = HandmadeKey(id: "1")
    private let now = TestClock.start / 1000

    private func token(_ user: String = "ada", tenant: String = "acme", _ more: String = "") throws -> String {
        try key.token(
            #"{"iss":"i","aud":"rejoin","sub":"\#(user)","tenant":"\#(tenant)","iat":\#(now),"exp":\#(now + 3600)\#(more)}"#
        )
    }

    private func options(device: String? = nil) throws -> ServerOptions {
        var options = ServerOptions()
        options.issuers = [try .test("i", ScriptedKeys([key.jwk()]), device: device)]
        return options
    }

    private func ask(
        _ server: TestServer, _ method: HTTPRequest.Method, _ uri: String, _ token: String, as devices: [String],
        body: String? = nil
    ) async throws -> Answer {
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", Fresh.id("batch"))]
        return try await server.send(
            method, uri, token: token, headers: headers + devices.map { ("Rejoin-Device", $0) },
            body: body.map { Array($0.utf8) })
    }

    private func ask(
        _ server: TestServer, _ method: HTTPRequest.Method, _ uri: String, _ token: String, as device: String? = nil,
        body: String? = nil
    ) async throws -> Answer {
        try await ask(server, method, uri, token, as: device.map { [$0] } ?? [], body: body)
    }

    private func ask(_ server: TestServer, _ token: String, as device: String? = nil) async throws -> Answer {
        try await ask(server, .get, "/v1/session", token, as: device)
    }

    private func register(_ server: TestServer, _ token: String, _ id: String) async throws -> Answer {
        try await ask(server, .post, "/v1/devices", token, body: #"{"id":"\#(id)"}"#)
    }

    @Test("counts where the same user registered it, and then does all that a device does", arguments: Engine.allCases)
    func registered(engine: Engine) async throws {
        try await TestServer.run(engine, options()) { server in
            let ada = try token()
            for _ in 0..<2 { #expect(try await ask(server, ada, as: "ipad").code == "device_mismatch") }
            #expect(try await ask(server, ada)["device"] == nil)
            #expect(try await ask(server, .get, "/v1/changes", ada).code == "forbidden")
            #expect(try await register(server, ada, "ipad").status == 201)
            #expect(try await register(server, ada, "ipad").status == 200)
            let session = try await ask(server, ada, as: "ipad")
            #expect(session["device"] == "ipad" && session["user"] == "ada" && session["roles"] == ["device"])
            let batch = batchBody([.create("r", by: "ipad", ["v": 1])])
            let answer = try await ask(server, .post, "/v1/batches", ada, as: "ipad", body: batch)
            #expect(answer["results", 0, "outcome"] == "applied", "\(answer.text)")
            let page = try await ask(server, .get, "/v1/changes", ada, as: "ipad")
            #expect(page["changes", 0, "id"] == "r")
            // The body's device is held against it as against a token's.
            let other = #"{"device":"mac","operations":[]}"#
            #expect(
                try await ask(server, .post, "/v1/batches", ada, as: "ipad", body: other).code == "device_mismatch")
        }
    }

    @Test("is nobody else's, in this tenant or another, and whoever names it does not hear whether it is there")
    func others() async throws {
        try await TestServer.run(.memory, options()) { server in
            let (ada, ben) = (try token(), try token("ben"))
            #expect(try await register(server, ada, "ipad").status == 201)
            let foreign = try await ask(server, ben, as: "ipad")
            let missing = try await ask(server, ben, as: "none")
            #expect(
                foreign.status == 403 && foreign.code == "device_mismatch" && foreign["detail"] == missing["detail"])
            // The same user's name in another tenant is another user.
            #expect(try await ask(server, try token("ada", tenant: "globex"), as: "ipad").code == "device_mismatch")
            #expect(try await register(server, ben, "ipad").code == "device_mismatch")
            #expect(try await ask(server, ben, as: "ipad").code == "device_mismatch")
            #expect(try await ask(server, ada, as: "ipad").status == 200)
            // Every route that knows its caller asks.
            for route in server.server.routes where route.access != .open && route.access != .adminOrDevice {
                let path = route.path.replacing(/\{[a-z]+\}/, with: "1")
                let answer = try await ask(
                    server, route.method, path, ben, as: "ipad",
                    body: #"{"operations":[],"choose":"winner","version":1,"text":"x","user":null}"#)
                let code = [.reviewer, .admin].contains(route.access) ? "forbidden" : "device_mismatch"
                #expect(answer.code == code, "\(route.method) \(route.path)")
            }
        }
    }

    @Test("is looked up again where it was not there, so that another server's registration counts at once")
    func elsewhere() async throws {
        try await TestServer.run(.memory, options()) { server in
            let ada = try token()
            #expect(try await ask(server, ada, as: "ipad").code == "device_mismatch")
            _ = try await server.store.register(
                "acme", DeviceRow(device: "ipad", user: "ada", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
            #expect(try await ask(server, .get, "/v1/changes", ada, as: "ipad").status == 200)
        }
    }

    @Test("that was retired does nothing more, and one of its user's others goes on")
    func retired() async throws {
        try await TestServer.run(.memory, options()) { server in
            let (ada, admin) = (try token(), try await server.admin())
            for id in ["ipad", "mac"] { #expect(try await register(server, ada, id).status == 201) }
            #expect(try await ask(server, ada, as: "ipad").status == 200)
            #expect(try await admin.send(.delete, "/v1/devices/ipad").status == 204)
            #expect(try await ask(server, ada, as: "ipad").code == "device_retired")
            #expect(try await register(server, ada, "ipad").code == "device_retired")
            #expect(try await ask(server, ada, as: "mac").status == 200)
            #expect(try await ask(server, try token("ben"), as: "ipad").code == "device_mismatch")
        }
    }

    @Test("is one of so many that a user may have", arguments: Engine.allCases)
    func quota(engine: Engine) async throws {
        var options = try options()
        options.limits.devicesPerUser = 3
        try await TestServer.run(engine, options) { server in
            let ada = try token()
            for number in 1...3 { #expect(try await register(server, ada, "\(number)").status == 201) }
            let refused = try await register(server, ada, "4")
            #expect(refused.status == 403 && refused.code == "forbidden" && refused["limit"] == 3)
            #expect(try await register(server, ada, "3").status == 200)
            #expect(try await register(server, try token("ben"), "4").status == 201)
            // Who may for everybody is not bounded, and neither are devices that tokens name.
            let admin = try await server.admin()
            for number in 5...9 {
                #expect(try await admin.send(.post, "/v1/devices", json: #"{"id":"\#(number)"}"#).status == 201)
            }
            #expect(try await admin.send(.delete, "/v1/devices/1").status == 204)
            #expect(try await register(server, ada, "10").status == 201)
            #expect(try await register(server, ada, "11").code == "forbidden")
        }
    }

    @Test("is no other than the token's, and a token whose roles are not a device's names none")
    func tokens() async throws {
        try await TestServer.run(.memory, options(device: "device")) { server in
            let bound = try token("ada", tenant: "acme", #","device":"mac""#)
            #expect(try await ask(server, bound, as: "mac")["device"] == "mac")
            #expect(try await ask(server, bound, as: "ipad").code == "device_mismatch")
            // It may be a number, and nothing else than that and a text.
            let numbered = try token("ada", tenant: "acme", #","device":7"#)
            #expect(try await ask(server, numbered)["device"] == "7")
            let listed = try token("ada", tenant: "acme", #","device":["mac"]"#)
            #expect(try await ask(server, listed).code == "unauthenticated")
            let own = try await server.token(device: "tv", roles: ["device"])
            #expect(try await ask(server, own, as: "tv").status == 200)
            #expect(try await ask(server, own, as: "ipad").code == "device_mismatch")
            let reviewer = try await server.token(roles: ["reviewer"], user: "rita")
            #expect(try await ask(server, reviewer, as: "ipad").code == "device_mismatch")
            #expect(try await register(server, reviewer, "ipad").code == "forbidden")
            // A token of the server's own that says nothing of roles may.
            let plain = try await server.token(user: "rita")
            #expect(try await register(server, plain, "ipad").status == 201)
            #expect(try await ask(server, plain, as: "ipad")["roles"] == ["device"])
        }
    }

    @Test("is a name like any other, percent-encoded, and there is one")
    func names() async throws {
        try await TestServer.run(.memory, options()) { server in
            let ada = try token()
            #expect(try await register(server, ada, "ipäd").status == 201)
            #expect(try await ask(server, ada, as: "ip%C3%A4d")["device"] == "ipäd")
            for bad in ["", "%", "a%00b", "..", "reviewer:rita", String(repeating: "d", count: 129), "%FF"] {
                #expect(try await ask(server, ada, as: bad).code == "device_mismatch", "\(bad)")
            }
            #expect(try await ask(server, .get, "/v1/session", ada, as: ["ipad", "ipad"]).code == "device_mismatch")
        }
    }

    @Test("costs its user and nobody else, whatever devices they name")
    func budget() async throws {
        var options = try options()
        options.limits.requestsPerSecondPerDevice = 1
        try await TestServer.run(.memory, options) { server in
            let (ada, ben) = (try token(), try token("ben"))
            #expect(try await register(server, ada, "ipad").status == 201)
            var codes: Set<String?> = []
            for number in 0..<12 {
                codes.insert(try await ask(server, ben, as: number % 2 == 0 ? "ipad" : "made up \(number)").code)
            }
            #expect(codes == ["device_mismatch", "rate_limited"])
            for _ in 0..<9 { #expect(try await ask(server, ada, as: "ipad").status == 200) }
            #expect(try await ask(server, ada, as: "ipad").code == "rate_limited")
        }
    }

    @Test("takes places to wait from its user and nobody else")
    func seats() async throws {
        var options = try options()
        options.limits.readersPerDevice = 1
        options.hasTimeouts = false
        try await TestServer.run(.memory, options) { server in
            let (ada, ben) = (try token(), try token("ben"))
            #expect(try await register(server, ada, "ipad").status == 201)
            #expect(try await register(server, ben, "mac").status == 201)
            try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await ask(server, .get, "/v1/changes?wait=60", ben, as: "mac") }
                try await eventually("ben waits") { await server.server.engine.load().waitingReaders == 1 }
                #expect(try await ask(server, .get, "/v1/changes?wait=60", ben, as: "mac").code == "rate_limited")
                #expect(try await ask(server, .get, "/v1/changes?wait=60", ben, as: "ipad").code == "device_mismatch")
                group.addTask { try await ask(server, .get, "/v1/changes?wait=60", ada, as: "ipad") }
                try await eventually("ada waits") { await server.server.engine.load().waitingReaders == 2 }
                // A device that is retired ends its wait.
                let admin = try await server.admin()
                for id in ["mac", "ipad"] { #expect(try await admin.send(.delete, "/v1/devices/\(id)").status == 204) }
                for try await answer in group { #expect(answer.code == "device_retired") }
            }
        }
    }
}
