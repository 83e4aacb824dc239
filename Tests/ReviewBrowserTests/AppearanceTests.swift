import Browser
import MergeCore
import RejoinProcesses
import Testing
import Values

extension BrowserTests {
    /// What holds on every page, whatever it is about.
    @Suite("what the page looks like, to everybody")
    struct AppearanceTests {
        /// Opens one page after the other, each in a state of its own.
        private func visit(
            _ fixture: ReviewFixture, _ window: BrowserWindow, _ look: (_ name: String) async throws -> Void
        ) async throws {
            try await window.open(try await fixture.link(for: "rita"))
            try await look("sign-in")
            try await window.openList(fixture)
            try await look("not signed in")
            try await fixture.signIn("rita", in: window)
            try await look("list")
            try await window.openList(fixture, "?status=all&collection=estimates&record=e-44")
            try await window.click(saying: "Filter", in: ".filter-box")
            try await look("list with filters")
            try await window.openList(fixture, "?record=nowhere")
            try await look("list empty")
            try await window.openList(fixture)
            try await window.openConflict("e-42")
            try await window.click(saying: "Another value…")
            try await look("conflict")
            _ = try await window.script("for (const d of document.querySelectorAll('details')) d.open = true")
            try await look("conflict unfolded")
            try await window.openList(fixture, "?status=all&kind=delete_write")
            try await window.openConflict("screws")
            try await look("delete against edit")
            try await window.openList(fixture, "?status=automatic&record=e-44")
            try await window.openConflict("title")
            try await look("texts with differences")
            try await window.fill("#comment-text", "Both may be right.")
            try await window.click(saying: "Comment", in: ".comments")
            try await look("comment added")
            try await window.open(fixture.server.address + "/review/bulk?status=automatic&choose=loser")
            try await look("bulk preview")
            try await window.open(fixture.server.address + "/review/summary")
            try await look("summary")
            try await window.open(fixture.server.address + "/review/conflicts/999999")
            try await look("not found")
        }

        @Test("on a phone nothing is wider than the screen, and everything can be hit with a finger")
        func phone() async throws {
            try await ReviewFixture.open { fixture, session in
                try await FindingTests.fill(fixture)
                let window = try await session.window()
                try await window.setSize(width: 360, height: 740)
                try await visit(fixture, window) { name in
                    expect(try await window.script("return document.documentElement.clientWidth"), is: 360)
                    try await window.expectNone(try await window.overflows(), name)
                    try await window.expectNone(try await window.smallTargets(), name)
                    try await window.photograph("narrow " + name)
                }
            }
        }

        @Test("every text stands out from its ground, in light and in dark", arguments: BrowserWindow.Scheme.allCases)
        func contrast(_ scheme: BrowserWindow.Scheme) async throws {
            try await ReviewFixture.open { fixture, session in
                try await FindingTests.fill(fixture)
                let window = try await session.window()
                try await window.prefer(scheme)
                try await visit(fixture, window) { name in
                    try await window.expectNone(try await window.faintTexts(), name)
                    if scheme == .dark { try await window.photograph(name + " dark") }
                }
            }
        }

        @Test("every page has its landmarks, headings, labels and names")
        func landmarks() async throws {
            try await ReviewFixture.open { fixture, session in
                try await FindingTests.fill(fixture)
                let window = try await session.window()
                try await visit(fixture, window) { name in
                    try await window.expectNone(try await window.accessibilityFaults(), name)
                    try await window.expectNone(try await window.overflows(), name)
                }
            }
        }

        @Test("where two long texts differ is marked, and their middle can be unfolded")
        func longTexts() async throws {
            try await ReviewFixture.open { fixture, session in
                let ana = try await fixture.device("ipad-7", of: "ana")
                let ben = try await fixture.device("mac-2", of: "ben")
                let terms = (1...60).map {
                    "\($0). The contractor lays \(10 + $0) square metres of tiles in the room that the plan calls R\($0)."
                }
                func text(_ changes: [Int: String]) -> Value {
                    .string(terms.enumerated().map { changes[$0] ?? $1 }.joined(separator: "\n"))
                }
                try await ana.create("estimates", "e-9", ("title", "Terms"), ("notes", text([:])))
                try await ben.pull("estimates", "e-9")
                try await ana.update(
                    "estimates", "e-9", ("notes", text([1: "2. The contractor lays 12 square metres of slate."])))
                try await ben.update(
                    "estimates", "e-9",
                    (
                        "notes",
                        text([40: "41. Deleted by agreement.", 1: "2. The contractor lays 13 square metres of tiles."])
                    ))
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openList(fixture, "?status=automatic")
                try await window.openConflict("notes")
                #expect(try await window.count("article.side mark") >= 2)
                try await window.photograph("long texts folded")
                expect(try await window.count("article.side .long"), is: 2)
                _ = try await window.script("for (const d of document.querySelectorAll('article .long')) d.open = true")
                try await window.sees("slate", in: "article.side .full mark")
                try await window.expectNone(try await window.overflows())
                try await window.photograph("long texts with differences")
            }
        }
    }
}
