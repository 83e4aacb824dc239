import Browser
import MergeCore
import RejoinProcesses
import Testing

extension BrowserTests {
    /// The list: tabs, filters, and the way to one conflict.
    @Suite("finding a conflict")
    struct FindingTests {
        /// Six conflicts: two open ones, three that a policy decided, one with a delete.
        static func fill(_ fixture: ReviewFixture) async throws {
            let (ana, ben) = try await fixture.disagree()
            try await fixture.disagree(about: "e-43", "rejected", "invoiced")
            try await ana.create("estimates", "e-44", ("title", "Bath"), ("notes", "Tiles to be chosen"))
            try await ben.pull("estimates", "e-44")
            try await ana.update(
                "estimates", "e-44", ("title", "Bathroom"), ("total", 98_000), ("lat", .double(47.37)),
                ("lng", .double(8.54)))
            try await ben.update(
                "estimates", "e-44", ("title", "Bath, ground floor"), ("total", 91_500), ("lat", .double(47.05)),
                ("lng", .double(8.31)))
            try await ana.create("cost_book_items", "screws", ("name", "Screws 4×40"), ("price", 1_250))
            try await ben.pull("cost_book_items", "screws")
            try await ben.delete("cost_book_items", "screws")
            try await ana.update("cost_book_items", "screws", ("name", "Screws 4 × 40, 200 pieces"))
        }

        @Test("every conflict is found by tabs and filters, and each filter can be taken away")
        func filters() async throws {
            try await ReviewFixture.open { fixture, session in
                try await Self.fill(fixture)
                let window = try await fixture.window(of: "rita", in: session)
                try await window.sees("2 conflicts wait for a decision", in: "h1")
                expect(try await window.rows().count, is: 2)
                try await window.photograph("list")

                try await window.click(saying: "Automatic", in: ".tabs")
                try await window.sees("that a policy decided", in: "h1")
                let automatic = try await window.rows()
                #expect(automatic.count == 4, "\(automatic)")
                try await window.photograph("list automatic")
                try await window.click(saying: "All", in: ".tabs")
                try await window.sees("6 conflicts in all", in: "h1")

                try await window.click(saying: "Filter", in: ".filter-box")
                try await window.photograph("filters")
                try await window.fill("#f-record", "e-44")
                try await window.fill("#f-unit", "total")
                try await window.click(".filters button.primary")
                try await window.sees("1 conflict in all", in: "h1")
                #expect(try await window.rows().map { $0.contains("e-44") && $0.contains("total") } == [true])
                expect(try await window.count(".chips a"), is: 2)
                try await window.click(saying: "total", in: ".chips")
                try await window.sees("3 conflicts in all", in: "h1")
                try await window.click(saying: "e-44", in: ".chips")
                try await window.sees("6 conflicts in all", in: "h1")

                try await window.openList(fixture, "?status=all&device=nobody%27s")
                try await window.sees("Nothing fits these filters", in: ".empty")
                try await window.click(saying: "Remove all filters")
                try await window.sees("6 conflicts in all", in: "h1")
            }
        }

        @Test("from a conflict the way leads to its neighbours in the list, and back")
        func neighbours() async throws {
            try await ReviewFixture.open { fixture, session in
                try await Self.fill(fixture)
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-43")
                try await window.click("[data-step=next]")
                try await window.sees("e-42", in: "h1")
                expect(try await window.count("[data-step=next]"), is: 0, "it is the last one that is open")
                try await window.click("[data-step=previous]")
                try await window.sees("e-43", in: "h1")
                try await window.click("[data-step=list]")
                try await window.sees("2 conflicts wait", in: "h1")
            }
        }

        @Test("a conflict that opens joins the list that somebody looks at")
        func joining() async throws {
            try await ReviewFixture.open { fixture, session in
                let window = try await fixture.window(of: "rita", in: session)
                try await window.sees("All quiet", in: ".empty")
                _ = try await window.script("window.__sameDocument = true")
                try await fixture.disagree()
                try await window.sees("e-42", in: ".row")
                try await window.sees("1 conflict waits", in: "h1")
                expect(try await window.script("return window.__sameDocument"), is: true, "nothing was loaded anew")
            }
        }

        @Test("the summary's bars stay in their cards and lead to their conflicts")
        func bars() async throws {
            try await ReviewFixture.open { fixture, session in
                try await Self.fill(fixture)
                let window = try await fixture.window(of: "rita", in: session)
                try await window.click(saying: "Summary", in: "header")
                try await window.sees("6 conflicts in 30 days", in: ".reason")
                try await window.photograph("summary")
                try await window.setSize(width: 360, height: 740)
                try await window.reload()
                expect(
                    try await window.script(
                        "return document.querySelector('.days a:last-of-type').getBoundingClientRect().right <= 360"),
                    is: true, "of the days today is in sight")
                try await window.setSize(width: 1_280, height: 900)
                try await window.expectNone(try await window.overflows())
                try await window.click(saying: "estimates", in: ".charts")
                try await window.sees("5 conflicts in all", in: "h1")
                try await window.goBack()
                // The last day's bar.
                _ = try await window.script(
                    "location.href = [...document.querySelectorAll('.days a')].at(-1).getAttribute('href')")
                try await window.sees("6 conflicts in all", in: "h1")
            }
        }
    }
}
