import Browser
import MergeCore
import RejoinProcesses
import SyncWire
import Testing
import Values

extension BrowserTests {
    /// A decision goes from a button of the page to the record that every device pulls.
    @Suite("deciding a conflict")
    struct DecidingTests {
        private func status(of record: String, _ device: Device) async throws -> Value? {
            try await device.pull("estimates", record)["fields"]?["status"]
        }

        @Test("the side that a reviewer chooses reaches the devices")
        func chosenSide() async throws {
            try await ReviewFixture.open { fixture, session in
                let (ana, ben) = try await fixture.disagree()
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-42")
                expect(try await window.count("article.side"), is: 2)
                try await window.sees("ana’s ipad-7 and ben’s mac-2 changed status without having seen", in: ".reason")
                try await window.photograph("conflict")
                expect(try await status(of: "e-42", ana), is: "accepted", "the later edit shows meanwhile")
                let letters = try await window.texts("article.side header")
                let sent = try #require(letters.firstIndex { $0.contains("ipad-7") })
                try await window.fill("#decide-note", "Ana spoke to the client")
                try await window.choose("\(sent + 1)")
                try await window.sees("Decided.", in: ".message")
                try await window.sees("sent", in: ".resolution")
                try await window.sees("Ana spoke to the client", in: ".resolution")
                try await window.sees("resolved", in: ".pill")
                expect(try await window.count("#decide"), is: 0, "there is nothing left to decide")
                try await window.photograph("conflict decided")
                for device in [ana, ben] { expect(try await status(of: "e-42", device), is: "sent") }
            }
        }

        @Test("a decided conflict leaves the list in another window, which is not loaded anew")
        func otherWindow() async throws {
            try await ReviewFixture.open { fixture, session in
                try await fixture.disagree()
                try await fixture.disagree(about: "e-43", "rejected", "invoiced")
                let list = try await fixture.window(of: "rita", in: session)
                expect(try await list.rows().count, is: 2)
                _ = try await list.script("window.__sameDocument = true")
                let other = try await session.openWindow()
                try await other.openList(fixture)
                try await other.openConflict("e-42")
                try await other.choose("1")
                try await other.sees("Decided.", in: ".message")
                try await list.wait("the end of the row") { try await list.rows().count == 1 }
                try await list.sees("1 conflict waits", in: "h1")
                expect(try await list.text("#said"), is: "1 conflict left the list.", "said to who cannot see it")
                expect(try await list.script("return window.__sameDocument"), is: true)
                #expect(try await list.rows().allSatisfy { $0.contains("e-43") })
            }
        }

        @Test("who decides on sides that are not all of them is shown the new one, and keeps the note")
        func newSide()
            async throws
        {
            try await ReviewFixture.open { fixture, session in
                let (ana, _) = try await fixture.disagree()
                let cem = try await fixture.device("phone-3", of: "cem")
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-42")
                try await window.fill("#decide-note", "as agreed on the phone")
                // Cem has seen the estimate as Ana made it, and nothing since.
                try await cem.create("estimates", "e-42", ("title", "Kitchen"), ("status", "lost"))
                try await window.sees("This conflict has changed.", in: "#banner")
                expect(try await window.count("article.side"), is: 2, "nothing is replaced under the reader's hands")
                try await window.photographView("conflict changed meanwhile")

                try await window.choose("1")
                try await window.sees("A side joined or left it while you looked.", in: ".message")
                #expect(
                    try await window.script("return performance.getEntriesByType('navigation')[0].responseStatus")
                        == 412)
                expect(try await window.count("article.side"), is: 3)
                try await window.sees("lost", in: "article.side")
                expect(try await window.value(of: "#decide-note"), is: "as agreed on the phone")
                try await window.sees("you had chosen this", in: "article.side")
                expect(try await status(of: "e-42", ana), is: "lost", "nothing was decided: the latest edit shows")
                try await window.photograph("412")

                try await window.choose("1")
                try await window.sees("Decided.", in: ".message")
                try await window.sees("as agreed on the phone", in: ".resolution")
                try await window.photograph("conflict with three sides decided")
            }
        }

        @Test("a side that was seen and replaced is shown as that, and is none of those that met")
        func replacedSide() async throws {
            try await ReviewFixture.open { fixture, session in
                let ana = try await fixture.device("ipad-7", of: "ana")
                let ben = try await fixture.device("mac-2", of: "ben")
                let dora = try await fixture.device("office-pc", of: "dora")
                try await ana.create("estimates", "e-42", ("title", "Kitchen"), ("status", "draft"))
                try await ben.pull("estimates", "e-42")
                try await ana.update("estimates", "e-42", ("status", "sent"))
                try await dora.pull("estimates", "e-42")
                try await ben.update("estimates", "e-42", ("status", "accepted"))
                // Dora has seen Ana's edit, and Ben's not.
                try await dora.update("estimates", "e-42", ("status", "lost"))
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-42")
                expect(try await window.count("article.side"), is: 3)
                try await window.sees("seen and replaced", in: "article.side.dropped")
                try await window.sees(
                    "ben’s mac-2 and dora’s office-pc changed status without having seen each other’s change.",
                    in: ".reason")
                try await window.photograph("side that was replaced")
            }
        }

        @Test("of two reviewers the second is told who decided otherwise")
        func secondReviewer() async throws {
            try await ReviewFixture.open { fixture, session in
                let (ana, _) = try await fixture.disagree()
                let rita = try await fixture.window(of: "rita", in: session)
                try await rita.openConflict("e-42")
                try await fixture.lend { _, another in
                    let sam = try await fixture.window(of: "sam", in: another)
                    try await sam.openConflict("e-42")
                    try await rita.choose("1")
                    try await rita.sees("Decided.", in: ".message")
                    let decided = try await status(of: "e-42", ana)
                    try await sam.choose("2")
                    try await sam.sees("rita was first. Your decision was not taken.", in: ".message")
                    #expect(
                        try await sam.script("return performance.getEntriesByType('navigation')[0].responseStatus")
                            == 409)
                    expect(try await sam.count("#decide"), is: 0)
                    expect(try await status(of: "e-42", ana), is: decided)
                    try await sam.photograph("409")
                }
            }
        }

        @Test("the same decision twice is one decision")
        func twice() async throws {
            try await ReviewFixture.open { fixture, session in
                try await fixture.disagree()
                let first = try await fixture.window(of: "rita", in: session)
                try await first.openConflict("e-42")
                let second = try await session.openWindow()
                try await second.openList(fixture)
                try await second.openConflict("e-42")
                try await first.choose("1")
                try await first.sees("Decided.", in: ".message")
                try await second.choose("1")
                try await second.sees("It had been decided the same way already", in: ".message")
            }
        }

        @Test("a value that nobody had sent can be set, and one that is no JSON cannot")
        func ownValue() async throws {
            try await ReviewFixture.open { fixture, session in
                let (ana, _) = try await fixture.disagree()
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-42")
                try await window.click(saying: "Another value…")
                expect(try await window.value(of: "#decide-value"), is: "\"accepted\"", "as it shows now")
                try await window.fill("#decide-value", "\"on hold")
                try await window.fill("#decide-note", "asked the client")
                try await window.click(saying: "Set this value")
                try await window.sees("The value is no JSON", in: ".message")
                expect(try await window.value(of: "#decide-value"), is: "\"on hold")
                expect(try await window.value(of: "#decide-note"), is: "asked the client")
                try await window.photograph("value refused")
                try await window.fill("#decide-value", "7")
                try await window.click(saying: "Set this value")
                try await window.sees("This could not be done.", in: ".message")
                expect(try await status(of: "e-42", ana), is: "accepted")
                try await window.fill("#decide-value", "\"on hold\"")
                try await window.click(saying: "Set this value")
                try await window.sees("Decided.", in: ".message")
                expect(try await status(of: "e-42", ana), is: "on hold")
            }
        }

        @Test("the side that lost to a policy can be brought back")
        func lostSide() async throws {
            try await ReviewFixture.open { fixture, session in
                let (ana, ben) = try await fixture.disagree()
                try await ana.update("estimates", "e-42", ("total", 99_000))
                try await ben.update("estimates", "e-42", ("total", 120_000))
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openList(fixture, "?status=automatic")
                try await window.openConflict("total")
                try await window.sees("By the collection’s policy, the later edit shows.", in: ".reason")
                let sides = try await window.texts("article.side header")
                let lost = try #require(sides.firstIndex { $0.contains("does not show") })
                try await window.choose("\(lost + 1)")
                try await window.sees("Decided.", in: ".message")
                expect(try await ben.pull("estimates", "e-42")["fields"]?["total"], is: 99_000)
            }
        }

        @Test("a delete that lost can be carried out")
        func lostDelete() async throws {
            try await ReviewFixture.open { fixture, session in
                let (ana, ben) = try await fixture.disagree()
                try await ben.pull("estimates", "e-42")
                try await ben.delete("estimates", "e-42")
                try await ana.update("estimates", "e-42", ("title", "Kitchen, ground floor"))
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openList(fixture, "?status=all&kind=delete_write")
                try await window.openConflict("e-42")
                try await window.sees("Deletes the record.", in: "article.side")
                try await window.sees("deleted the record while", in: ".reason")
                try await window.sees("Kitchen, ground floor", in: "article.side")
                try await window.photograph("delete against edit")
                try await window.click(saying: "Delete, as", in: "article.side")
                try await window.sees("Decided.", in: ".message")
                expect(try await ana.pull("estimates", "e-42")["deleted"], is: true)
            }
        }

        @Test("an edit that lost to a delete can be brought back, with its record")
        func lostEdit() async throws {
            try await ReviewFixture.open { fixture, session in
                let ana = try await fixture.device("ipad-7", of: "ana")
                let ben = try await fixture.device("mac-2", of: "ben")
                try await ana.create("cost_book_items", "screws", ("name", "Screws"), ("price", 1_250))
                try await ben.pull("cost_book_items", "screws")
                try await ben.delete("cost_book_items", "screws")
                try await ana.update("cost_book_items", "screws", ("name", "Screws 4×40"))
                expect(try await ana.pull("cost_book_items", "screws")["deleted"], is: true)
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openList(fixture, "?status=all&collection=cost_book_items")
                try await window.openConflict("screws")
                try await window.sees("The record is deleted now", in: ".now")
                try await window.sees("\"Screws 4×40\"", in: ".now")
                try await window.click("#decide-restore")
                let sides = try await window.texts("article.side")
                let edit = try #require(sides.firstIndex { !$0.contains("Deletes the record") })
                try await window.choose("\(edit + 1)")
                try await window.sees("Decided.", in: ".message")
                let record = try await ana.pull("cost_book_items", "screws")
                #expect(record["deleted"] != true && record["fields"]?["name"] == "Screws 4×40")
            }
        }
    }
}
