import Browser
import MergeCore
import RejoinProcesses
import Testing

extension BrowserTests {
    /// The pages in a browser that runs no scripts.
    @Suite("the page without scripts")
    struct WithoutScriptsTests {
        @Test("everything can be read, filtered, said and decided")
        func everything() async throws {
            try await ReviewFixture.open { fixture, session in
                try await FindingTests.fill(fixture)
                let ana = try await fixture.device("ipad-9", of: "ana")
                let window = try await session.window()
                try await window.disableScripts()
                try await fixture.signIn("rita", in: window)
                expect(try await window.count(".scripted"), is: 0, "no script ran")
                try await window.sees("2 conflicts wait", in: "h1")
                try await window.photograph("no-JS list")
                try await window.click(saying: "All", in: ".tabs")
                try await window.sees("6 conflicts in all", in: "h1")
                try await window.click(saying: "Filter", in: ".filter-box")
                try await window.fill("#f-record", "e-42")
                try await window.click(".filters button.primary")
                try await window.sees("1 conflict in all", in: "h1")
                try await window.openConflict("e-42")
                try await window.sees("A had not seen B", in: ".diagram figcaption")
                expect(try await window.count("#show-keys:not([hidden])"), is: 0, "no button that does nothing")
                expect(
                    try await window.script(
                        "return [...document.querySelectorAll('main kbd')].filter((e) => e.checkVisibility()).length"),
                    is: 0, "no key that does nothing")

                try await window.fill("#comment-text", "Read on paper.")
                try await window.click(saying: "Comment", in: ".comments")
                try await window.sees("Read on paper.", in: ".comment")
                try await window.click(saying: "Assign to me")
                try await window.sees("This conflict is rita’s", in: ".message")
                try await window.click(saying: "Another value…")
                try await window.fill("#decide-value", "\"on hold\"")
                try await window.fill("#decide-note", "by hand")
                try await window.photograph("no-JS")
                try await window.click(saying: "Set this value")
                try await window.sees("Decided.", in: ".message")
                expect(try await ana.pull("estimates", "e-42")["fields"]?["status"], is: "on hold")

                try await window.open(fixture.server.address + "/review/bulk")
                try await window.click(saying: "See what would change")
                try await window.click(".confirm button")
                try await window.sees("Decided 1 conflict", in: "h1")
                try await window.open(fixture.server.address + "/review/summary")
                try await window.sees("6 conflicts in 30 days", in: ".reason")
                try await window.click(saying: "Sign out")
                try await window.sees("You are signed out", in: "h1")
            }
        }
    }
}
