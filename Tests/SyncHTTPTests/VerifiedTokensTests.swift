import EngineHarness
import Foundation
import MergeCore
import SyncEngine
import SyncWire
import Synchronization
import Testing

@testable import SyncHTTP

@Suite("tokens that were verified")
struct VerifiedTokensTests {
    private let now = TestClock.start / 1000

    private func claims(_ more: String = "", exp: Int64 = 3600) -> String {
        #"{"sub":"ada","tenant":"acme","device":"mac","exp":\#(now + exp)\#(more)}"#
    }

    private func answer(_ server: TestServer, _ token: String) async throws -> Answer {
        try await server.send(.get, "/v1/session", token: token)
    }

    @Test("one that has ended is refused however often it was good, and is not kept any more")
    func ended() async throws {
        try await TestServer.run(.memory) { server in
            let token = try await server.token(device: "mac", validSeconds: 60)
            for _ in 0..<3 { #expect(try await answer(server, token).status == 200) }
            let verified = server.server.verifier.verified
            #expect(verified.count == 1)
            server.clock.advance(milliseconds: 59_999)
            #expect(try await answer(server, token).status == 200)
            server.clock.advance(milliseconds: 1)
            for _ in 0..<2 { #expect(try await answer(server, token).code == "token_expired") }
            #expect(verified.count == 0)
        }
    }

    @Test("the time from which one is good and what clocks differ are looked at each time")
    func notYet() async throws {
        let key = HandmadeKey(id: "1")
        var options = ServerOptions()
        options.key = .keySet(HandmadeKey.set([key.jwk()]))
        options.tokenRequirements = TokenRequirements(leewaySeconds: 10)
        try await TestServer.run(.memory, options) { server in
            let token = try key.token(claims(#","nbf":\#(now + 10)"#, exp: 20))
            for _ in 0..<2 { #expect(try await answer(server, token).status == 200) }
            // The server's clock is set back.
            server.clock.advance(milliseconds: -1)
            for _ in 0..<2 { #expect(try await answer(server, token).code == "unauthenticated") }
            server.clock.advance(milliseconds: 30_000)
            #expect(try await answer(server, token).status == 200)
            server.clock.advance(milliseconds: 1)
            #expect(try await answer(server, token).code == "token_expired")
        }
    }

    @Test("what is refused is not kept, and what only begins or ends like a good one is another one")
    func others() async throws {
        try await TestServer.run(.memory) { server in
            let token = try await server.token(device: "mac")
            let verified = server.server.verifier.verified
            for _ in 0..<2 {
                for wrong in [
                    token + "A", String(token.dropLast()), token + ".", "x" + token, token.uppercased(),
                    String(token.dropLast(43)), token.replacing(".", with: "..", maxReplacements: 1),
                ] {
                    #expect(try await answer(server, wrong).code == "unauthenticated", "\(wrong)")
                }
                #expect(try await answer(server, token).status == 200)
            }
            // One for another use is good, and not for this.
            let link = try await server.mint.token(
                .link(user: "ada", tenant: "acme", id: "code", expiresAtSeconds: Double(now + 900)))
            for _ in 0..<2 { #expect(try await answer(server, link).code == "unauthenticated") }
            #expect(verified.count == 1)
            // Two of one device that differ in what they say of the user are two.
            let other = try await server.token(device: "mac", user: "ben")
            #expect(try await answer(server, other)["user"] == "ben")
            #expect(try await answer(server, token)["user"] == "ada")
            #expect(verified.count == 2)
        }
    }

    @Test("keys that are read again take with them what was verified with those before")
    func reloaded() async throws {
        // Both have one name, as a key that was replaced in its place.
        let (old, new) = (HandmadeKey(id: "1"), HandmadeKey(id: "1"))
        let file = Mutex(HandmadeKey.set([old.jwk()]))
        var options = ServerOptions()
        options.key = .keySet(HandmadeKey.set([old.jwk()]))
        options.keySource = { .keySet(file.withLock { $0 }) }
        try await TestServer.run(.memory, options) { server in
            let (first, second) = (try old.token(claims()), try new.token(claims()))
            for _ in 0..<2 { #expect(try await answer(server, first).status == 200) }
            await server.server.verifier.readAgain()
            #expect(server.server.verifier.verified.count == 0)
            #expect(try await answer(server, first).status == 200)
            file.withLock { $0 = HandmadeKey.set([new.jwk()]) }
            #expect(try await answer(server, first).status == 200, "nobody has said that the file is another one")
            await server.server.verifier.readAgain()
            #expect(try await answer(server, first).code == "unauthenticated")
            #expect(try await answer(server, second).status == 200)
            // A name that is not known has the file read too.
            let third = HandmadeKey(id: "3")
            file.withLock { $0 = HandmadeKey.set([old.jwk(), third.jwk()]) }
            #expect(try await answer(server, try third.token(claims())).status == 200)
            #expect(try await answer(server, second).code == "unauthenticated")
        }
    }

    private func name(_ number: Int) throws -> Digest {
        try #require(VerifiedTokens.name(of: Substring("token \(number)")))
    }

    private func sample(_ user: String) -> TokenClaims {
        TokenClaims(user: user, tenant: "acme", device: nil, roles: [], expiresAtSeconds: 1)
    }

    @Test("what was verified with keys that were replaced meanwhile is not kept")
    func overtaken() throws {
        let verified = VerifiedTokens()
        let (known, epoch) = verified.claims(try name(1))
        #expect(known == nil)
        verified.forgetAll()
        verified.keep(sample("ada"), as: try name(1), since: epoch)
        #expect(verified.claims(try name(1)).claims == nil)
        verified.keep(sample("ada"), as: try name(1), since: verified.claims(try name(1)).epoch)
        #expect(verified.claims(try name(1)).claims?.sub == "ada")
    }

    @Test("there are so many at most, whoever asks on stays, and long ones are not among them")
    func bounded() throws {
        let verified = VerifiedTokens(count: 100)
        for number in 0..<10_000 {
            let (_, epoch) = verified.claims(try name(number))
            verified.keep(sample("\(number)"), as: try name(number), since: epoch)
            #expect(verified.count <= 100)
            #expect(verified.claims(try name(0)).claims?.sub == "0", "after \(number)")
        }
        #expect(verified.claims(try name(9_999)).claims?.sub == "9999")
        #expect(verified.claims(try name(1)).claims == nil)
        verified.forget(try name(9_999))
        #expect(verified.claims(try name(9_999)).claims == nil)
        let long = String(repeating: "x", count: VerifiedTokens.longestTokenBytes)
        #expect(VerifiedTokens.name(of: Substring(long)) != nil)
        #expect(VerifiedTokens.name(of: Substring(long + "x")) == nil)
    }

    @Test("a token too long to be kept is verified each time")
    func long() async throws {
        try await TestServer.run(.memory) { server in
            var claims = TokenClaims(
                user: "ada", tenant: "acme", device: "mac", roles: ["device"], expiresAtSeconds: Double(now + 60))
            claims.aud = TokenClaims.Audience([String(repeating: "x", count: VerifiedTokens.longestTokenBytes)])
            let token = try await server.mint.token(claims)
            for _ in 0..<2 { #expect(try await answer(server, token).status == 200) }
            #expect(server.server.verifier.verified.count == 0)
            #expect(try await answer(server, token + "A").code == "unauthenticated")
        }
    }
}
