import Browser
import Foundation
import RejoinProcesses
import Testing
import Values

extension BrowserTests {
    /// The way over the provider's site and back, with the cookies as a browser sends them.
    @Suite("signing in with the provider")
    struct ProviderSignInTests {
        private func withServer(
            over wire: Wire = .plain, _ body: @escaping @Sendable (ReviewFixture, BrowserSession) async throws -> Void
        ) async throws {
            try await SmallProvider.run { provider in
                try await withTemporaryDirectory { directory in
                    let port = try FreePort.number()
                    let scheme = wire == .tls ? "https" : "http"
                    let certificate = wire == .tls ? try await TestCertificate.make(in: directory).options : []
                    let settings = """
                        auth:
                          own-tokens: true
                          issuers:
                            - {issuer: "\(provider.issuer)", audience: rejoin, tenant: org,
                               roles: {claim: groups, names: {dispatcher: reviewer}}}
                          sign-in: {issuer: "\(provider.issuer)", client-id: pages, address: "\(scheme)://127.0.0.1:\(port)"}
                        """
                    try settings.write(toFile: directory + "/settings.yaml", atomically: true, encoding: .utf8)
                    let options = ["--port", "\(port)", "--config", directory + "/settings.yaml"] + certificate
                    try await withFreshServer(options, collections: ReviewFixture.collections) { server in
                        try await ReviewFixture(server: server).lend(body)
                    }
                }
            }
        }

        @Test("the button leads to the provider and back to what was wanted, signed in; signing out ends it")
        func thereAndBack() async throws {
            try await withServer { fixture, session in
                try await fixture.disagree()
                let window = try await session.window()
                try await window.open(fixture.server.address + "/review/conflicts/1?status=open")
                try await window.sees("You are not signed in", in: "h1")
                try await window.photograph("not signed in, with a provider")
                try await window.click(saying: "Sign in with your provider")
                try await window.sees("Who are you?", in: "h1")
                try await window.click(saying: "I am rita")
                // The strict cookie goes along, because a page of our own went on.
                try await window.sees("rita of acme", in: ".who")
                expect(
                    try await window.script("return location.pathname + location.search"),
                    is: "/review/conflicts/1?status=open")
                let cookies = try await window.cookies()
                #expect(cookies.map(\.name) == ["rejoin_review"] && cookies.first?.sameSite == "Strict")
                // The address with the code is gone from what the browser can go back to.
                try await window.goBack()
                try await window.sees("Who are you?", in: "h1")
                try await window.open(fixture.server.address + "/review/sessions")
                try await window.sees("your provider", in: "table.sessions")
                try await window.click(saying: "Sign out")
                try await window.sees("You are signed out", in: "h1")
                try await window.openList(fixture)
                try await window.sees("You are not signed in", in: "h1")
            }
        }

        @Test("over TLS both cookies are for this host alone")
        func overTLS() async throws {
            try await withServer(over: .tls) { fixture, session in
                let window = try await session.window()
                try await window.openList(fixture)
                try await window.click(saying: "Sign in with your provider")
                try await window.sees("Who are you?", in: "h1")
                try await window.click(saying: "I am rita")
                try await window.sees("0 conflicts wait", in: "h1")
                try await window.sees("rita of acme", in: ".who")
                expect(try await window.cookies().map(\.name), is: ["__Host-rejoin_review"])
            }
        }

        @Test("who reviews nothing is told so, and an address that was used is of no use again")
        func notThere() async throws {
            try await withServer { fixture, session in
                let window = try await session.window()
                try await window.openList(fixture)
                try await window.click(saying: "Sign in with your provider")
                try await window.click(saying: "I am ben")
                try await window.sees("Not for this role", in: "h1")
                let used = try #require(try await window.script("return location.href").text)
                try await window.open(used)
                try await window.sees("This sign-in cannot be finished", in: "h1")
                try await window.photograph("sign-in with a provider over")
                expect(try await window.cookies().count, is: 0)
            }
        }
    }
}
