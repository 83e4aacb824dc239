import Browser
import MergeCore
import RejoinProcesses
import Testing
import Values

extension BrowserTests {
    /// Many conflicts at once.
    @Suite("decisions on many conflicts at once")
    struct BulkTests {
        @Test("many are decided only after a look at what would change")
        func bulk() async throws {
            try await ReviewFixture.open { fixture, session in
                let records = (1...5).map { "e-\($0)" }
                var devices: [Device] = []
                for record in records {
                    let (ana, _) = try await fixture.disagree(about: record)
                    devices.append(ana)
                }
                func statuses() async throws -> [Value?] {
                    var found: [Value?] = []
                    for (device, record) in zip(devices, records) {
                        found.append(try await device.pull("estimates", record)["fields"]?["status"])
                    }
                    return found
                }
                let window = try await fixture.window(of: "rita", in: session)
                try await window.click(saying: "Decide all of these…")
                try await window.sees("5 conflicts (open)", in: ".reason")
                try await window.click("#choose-loser")
                try await window.fill("#bulk-note", "spring cleaning")
                try await window.click(saying: "See what would change")
                try await window.sees("Would decide 5 conflicts and change 5 records", in: ".totals")
                expect(try await window.count("[aria-label=Preview] tbody tr"), is: 5)
                #expect(try await statuses().allSatisfy { $0 == "accepted" }, "a look changes nothing")
                try await window.photograph("bulk preview")

                // One of them is decided by somebody else meanwhile.
                let other = try await session.openWindow()
                try await other.openList(fixture)
                try await other.openConflict("e-3")
                try await other.click(saying: "Keep what shows now")
                try await other.sees("Decided.", in: ".message")

                try await window.click(".confirm button")
                try await window.sees("Decided 4 conflicts", in: "h1")
                try await window.sees("1 conflict not decided")
                try await window.sees("e-3", in: "tbody")
                try await window.photograph("bulk result")
                expect(try await statuses(), is: ["sent", "sent", "accepted", "sent", "sent"])
                try await window.click(saying: "Back to the list")
                try await window.sees("All quiet", in: ".empty")
                try await window.click(saying: "Resolved", in: ".tabs")
                try await window.openConflict("e-1")
                try await window.sees("spring cleaning", in: ".resolution")
            }
        }
    }

    /// What reviewers say to each other about a conflict.
    @Suite("comments and assignments")
    struct TalkTests {
        @Test("comments and assignments are seen by other reviewers, and found by filters")
        func talk() async throws {
            try await ReviewFixture.open { fixture, session in
                try await fixture.disagree()
                try await fixture.disagree(about: "e-43")
                let rita = try await fixture.window(of: "rita", in: session)
                try await rita.openConflict("e-42")
                try await rita.fill("#comment-text", "Who spoke to the client?\nIt was <b>not</b> me.")
                try await rita.click(saying: "Comment", in: ".comments")
                try await rita.sees("Comment added.", in: ".message")
                try await rita.sees("It was <b>not</b> me.", in: ".comment")
                try await rita.fill("#assign-to", "sam")
                try await rita.click(saying: "Assign", in: ".assignment")
                try await rita.sees("This conflict is sam’s to decide now.", in: ".message")

                try await fixture.lend { _, another in
                    let sam = try await fixture.window(of: "sam", in: another)
                    try await sam.openList(fixture, "?assignee=me")
                    expect(try await sam.rows().map { $0.contains("e-42") }, is: [true])
                    try await sam.sees("for sam", in: ".row")
                    try await sam.sees("1 comment", in: ".row")
                    try await sam.openConflict("e-42")
                    try await sam.fill("#comment-text", "I did.")
                    try await sam.click(saying: "Comment", in: ".comments")
                    try await sam.sees("2 comments", in: "h2")
                    try await sam.photograph("comments")
                    try await sam.openList(fixture, "?assignee=nobody")
                    expect(try await sam.rows().map { $0.contains("e-43") }, is: [true])
                    try await sam.openConflict("e-43")
                    try await sam.click(saying: "Assign to me")
                    try await sam.sees("This conflict is sam’s to decide now.", in: ".message")
                    expect(try await sam.count(".assignment button.quiet"), is: 0)
                }
                try await rita.sees("This conflict has changed.", in: "#banner")
                try await rita.click("#banner a")
                try await rita.sees("I did.", in: ".comment")
            }
        }
    }
}
