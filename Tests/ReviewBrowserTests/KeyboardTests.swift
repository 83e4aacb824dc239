import Browser
import MergeCore
import RejoinProcesses
import SyncWire
import Testing

extension BrowserTests {
    /// Everything without a mouse.
    @Suite("the page without a mouse")
    struct KeyboardTests {
        /// What has the focus, in words.
        private func focus(_ window: BrowserWindow) async throws -> String {
            try await window.script(
                """
                const e = document.activeElement;
                return [e.localName, e.id && "#" + e.id, e.name && "name=" + e.name, e.textContent.trim().slice(0, 60)]
                  .filter(Boolean).join(" ");
                """
            ).text ?? ""
        }

        @Test("a conflict is found, read and decided by its keys alone")
        func byKeys() async throws {
            try await ReviewFixture.open { fixture, session in
                try await FindingTests.fill(fixture)
                let ana = try await fixture.device("ipad-9", of: "ana")
                let window = try await fixture.window(of: "rita", in: session)
                try await window.press("j")
                #expect(try await focus(window).contains("e-43"), "the newest is the first")
                try await window.press("j")
                #expect(try await focus(window).contains("e-42"))
                try await window.press("j")
                #expect(try await focus(window).contains("e-42"), "there is no further one")
                try await window.press("k")
                #expect(try await focus(window).contains("e-43"))
                try await window.photographView("list by keyboard")
                try await window.press(.enter)
                try await window.sees("e-43", in: "main > h1")
                try await window.press("n")
                try await window.sees("e-42", in: "main > h1")
                try await window.press("p")
                try await window.sees("e-43", in: "main > h1")
                try await window.press("u")
                try await window.sees("2 conflicts wait", in: "h1")
                try await window.press("j", "o")
                try await window.sees("e-43", in: "main > h1")

                // Keys that are typed are no commands, and Enter in the note decides nothing.
                try await window.press("c")
                #expect(try await focus(window).contains("#comment-text"))
                try await window.press("1", "u", "?", .escape)
                expect(try await window.value(of: "#comment-text"), is: "1u?")
                #expect(try await focus(window).hasPrefix("body"))
                _ = try await window.script("document.getElementById('decide-note').focus()")
                try await window.press("2", .enter, .escape)
                expect(try await window.value(of: "#decide-note"), is: "2")
                expect(try await window.count("#decide"), is: 1, "nothing is decided yet")

                try await window.press("?")
                try await window.wait("the help") { try await window.count("dialog[open]") == 1 }
                try await window.photographView("help dialog")
                try await window.press("1")
                expect(try await window.count("dialog[open]"), is: 1, "behind the help nothing is pressed")
                try await window.press(.escape)
                try await window.seesNo("dialog[open]")
                let chosen = try await window.text("article.side .field dd")
                try await window.press("1")
                try await window.sees("Decided.", in: ".message")
                let record = try await ana.pull("estimates", "e-43")
                #expect(record["fields"]?["status"]?.text == chosen)
                try await window.press("u")
                try await window.sees("1 conflict waits", in: "h1")
            }
        }

        /// Walks with Tab from the top of the page through everything that takes the focus.
        private func walk(_ window: BrowserWindow) async throws -> [String] {
            _ = try await window.script("document.activeElement.blur(); scrollTo(0, 0); window.__walked = []")
            var stops: [String] = []
            for _ in 1...200 {
                try await window.press(.tab)
                let fault =
                    try await window.script(
                        """
                        const e = document.activeElement;
                        if (e === document.body || e === document.documentElement) return "end";
                        if (window.__walked.includes(e)) return "end";
                        const last = window.__walked.at(-1);
                        window.__walked.push(e);
                        if (last && !(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) return "goes back";
                        if (!e.checkVisibility()) return "is hidden";
                        const style = getComputedStyle(e);
                        const ring = parseFloat(style.outlineWidth);
                        const isDrawn = e.namespaceURI.endsWith("svg");
                        if (!isDrawn && (style.outlineStyle === "none" || ring < 2)) return "has no visible focus";
                        const box = e.getBoundingClientRect();
                        if (box.bottom <= 0 || box.top >= innerHeight) return "is out of sight";
                        return "";
                        """
                    ).text ?? ""
                if fault == "end" { break }
                let stop = try await focus(window)
                let address = try await window.address
                #expect(fault == "", "\(stop) in \(address)")
                stops.append(stop)
            }
            return stops
        }

        @Test("Tab goes through every page in reading order, and the focus can be seen")
        func tabOrder() async throws {
            try await ReviewFixture.open { fixture, session in
                try await FindingTests.fill(fixture)
                let window = try await fixture.window(of: "rita", in: session)
                let list = try await walk(window)
                #expect(list.first?.contains("Skip to the content") == true)
                #expect(list.contains { $0.contains("e-42") } && list.contains { $0.contains("Decide all") })
                try await window.openConflict("e-42")
                let conflict = try await walk(window)
                for part in [
                    "#decide-note", "Choose A", "Choose B", "Keep what shows now", "#comment-text", "Sign out",
                ] {
                    #expect(conflict.contains { $0.contains(part) }, "\(part) of \(conflict)")
                }
                try await window.open(fixture.server.address + "/review/bulk?choose=current")
                #expect(try await walk(window).contains { $0.contains("Decide 2 conflicts") })
                try await window.open(fixture.server.address + "/review/summary")
                #expect(try await walk(window).count > 15)
            }
        }

        @Test("the skip link shows itself and leads past the head")
        func skipLink() async throws {
            try await ReviewFixture.open { fixture, session in
                let window = try await fixture.window(of: "rita", in: session)
                try await window.press(.tab)
                #expect(try await focus(window).contains("Skip to the content"))
                try await window.photographView("skip link")
                try await window.press(.enter)
                try await window.wait("the focus in the content") { try await focus(window).hasPrefix("main") }
            }
        }

        @Test("forms are filled in and sent without a mouse")
        func forms() async throws {
            try await ReviewFixture.open { fixture, session in
                try await fixture.disagree()
                let window = try await session.window()
                try await window.open(try await fixture.link(for: "rita"))
                while !(try await focus(window)).contains("button") { try await window.press(.tab) }
                try await window.press(.enter)
                try await window.sees("1 conflict waits", in: "h1")
                try await window.press("j", .enter)
                try await window.sees("e-42", in: "main > h1")
                while !(try await focus(window)).contains("#decide-note") { try await window.press(.tab) }
                try await window.press("o", "k")
                while !(try await focus(window)).contains("Choose B") { try await window.press(.tab) }
                try await window.press(.space)
                try await window.sees("Decided.", in: ".message")
                try await window.sees("ok", in: ".resolution .note")
                while !(try await focus(window)).contains("#comment-text") { try await window.press(.tab) }
                try await window.press("f", "i", "n", "e", .tab, .enter)
                try await window.sees("fine", in: ".comment")
            }
        }
    }
}
