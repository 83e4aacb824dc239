import Browser
import RejoinProcesses
import Testing
import Values

extension BrowserTests {
    /// The link that `rejoin token --link` prints, and the session that it makes.
    @Suite("signing in and out")
    struct SigningInTests {
        @Test("a link signs in once, and says so when it is used again")
        func once() async throws {
            try await ReviewFixture.open { fixture, session in
                let window = try await session.window()
                let link = try await fixture.link(for: "rita")
                try await window.open(link)
                try await window.sees("as rita of acme")
                try await window.photograph("sign-in")
                try await window.click("main button.primary")
                try await window.sees("0 conflicts wait for a decision", in: "h1")
                try await window.sees("rita of acme", in: ".who")
                try await window.photograph("list empty")

                try await window.open(link)
                try await window.click("main button.primary")
                try await window.sees("This link cannot be used any more", in: "h1")
                try await window.photograph("sign-in link spent")
            }
        }

        @Test("over TLS it is the same page over HTTP/2, with a cookie for this host alone")
        func overTLS() async throws {
            try await withTemporaryDirectory { directory in
                let certificate = try await TestCertificate.make(in: directory)
                try await withFreshServer(certificate.options, collections: ReviewFixture.collections) { server in
                    try await ReviewFixture(server: server).lend { fixture, session in
                        let window = try await fixture.window(of: "rita", in: session)
                        try await window.sees("0 conflicts wait", in: "h1")
                        let told = try await window.script(
                            "return performance.getEntriesByType('navigation')[0].nextHopProtocol")
                        #expect(told.text == "h2")
                        let cookie = try #require(try await window.cookies().first)
                        #expect(cookie.name == "__Host-rejoin_review" && cookie.path == "/" && cookie.isHTTPOnly)
                        try await fixture.disagree()
                        try await window.sees("1 conflict waits", in: "h1")
                    }
                }
            }
        }

        @Test("looking at the link does not spend it")
        func looking() async throws {
            try await ReviewFixture.open { fixture, session in
                let window = try await session.window()
                let link = try await fixture.link(for: "rita")
                for _ in 1...3 {
                    try await window.open(link)
                    try await window.sees("as rita of acme")
                }
                try await window.click("main button.primary")
                try await window.sees("0 conflicts wait", in: "h1")
            }
        }

        @Test("a made-up link signs nobody in, and without a session every page says how to get one")
        func madeUp() async throws {
            try await ReviewFixture.open { fixture, session in
                let window = try await session.window()
                try await window.open(fixture.server.address + "/review/sign-in?code=nonsense")
                try await window.sees("This link cannot be used any more", in: "h1")
                for path in ["/review", "/review/summary", "/review/bulk", "/review/conflicts/1"] {
                    try await window.open(fixture.server.address + path)
                    try await window.sees("You are not signed in", in: "h1")
                    try await window.sees("rejoin token", in: ".command")
                    #expect(try await window.cookies().isEmpty)
                }
                try await window.photograph("not signed in")
            }
        }

        @Test("no script can read the session, and no other site can send it")
        func outOfReach() async throws {
            try await ReviewFixture.open { fixture, session in
                let window = try await fixture.window(of: "rita", in: session)
                let cookies = try await window.cookies()
                #expect(cookies.count == 1)
                let cookie = try #require(cookies.first)
                #expect(cookie.isHTTPOnly && cookie.sameSite == "Strict" && cookie.path == "/review")
                expect(try await window.script("return document.cookie"), is: "")
            }
        }

        @Test("signing out ends the session, in every window")
        func signingOut() async throws {
            try await ReviewFixture.open { fixture, session in
                let window = try await fixture.window(of: "rita", in: session)
                let other = try await session.openWindow()
                try await other.openList(fixture)
                try await other.sees("0 conflicts wait", in: "h1")
                try await window.click(saying: "Sign out")
                try await window.sees("You are signed out", in: "h1")
                #expect(try await window.cookies().isEmpty)
                try await window.openList(fixture)
                try await window.sees("You are not signed in", in: "h1")
                try await other.reload()
                try await other.sees("You are not signed in", in: "h1")
            }
        }
    }
}
