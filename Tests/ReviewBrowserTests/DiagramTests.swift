import Browser
import MergeCore
import RejoinProcesses
import Testing

extension BrowserTests {
    /// The drawing of who had seen what.
    @Suite("the diagram of a record's history")
    struct DiagramTests {
        /// An estimate that four devices work on in turns, until three of them change its status apart from each other.
        static func makeLongHistory(_ fixture: ReviewFixture) async throws {
            let (ana, ben) = (
                try await fixture.device("ipad-7", of: "ana"), try await fixture.device("mac-2", of: "ben")
            )
            let (cem, dora) = (
                try await fixture.device("phone-3", of: "cem"), try await fixture.device("office-pc", of: "dora")
            )
            try await ana.create("estimates", "e-7", ("title", "Attic"), ("status", "draft"))
            for round in 1...4 {
                for device in [ben, ana, cem, dora] {
                    try await device.pull("estimates", "e-7")
                    try await device.update(
                        "estimates", "e-7", ("notes", .string("Visit \(round), by \(device.name)")))
                }
            }
            for device in [ana, ben, cem] { try await device.pull("estimates", "e-7") }
            try await ana.update("estimates", "e-7", ("title", "Attic, west side"))
            try await ana.update("estimates", "e-7", ("status", "sent"))
            try await ben.update("estimates", "e-7", ("status", "accepted"))
            try await dora.pull("estimates", "e-7")
            try await dora.update("estimates", "e-7", ("client", "Keller"))
            try await cem.update("estimates", "e-7", ("status", "lost"))
        }

        @Test("the drawing marks each side, draws what had been seen, and says the same in words")
        func drawn() async throws {
            try await ReviewFixture.open { fixture, session in
                try await fixture.disagree()
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-42")
                expect(try await window.texts(".diagram .side-letter"), is: ["A", "B"])
                #expect(
                    try await window.texts(".diagram .device > text:first-of-type").sorted() == ["ipad-7", "mac-2"])
                expect(try await window.count(".diagram .event"), is: 3, "the creation and the two edits")
                expect(try await window.count(".diagram .arrow"), is: 1, "Ben's edit had seen the creation")
                #expect(try await window.count(".diagram .band") > 0)
                let name = try await window.accessibleName(of: ".diagram svg")
                #expect(name.contains("Who had seen what"), "\(name)")
                #expect(name.contains("2 devices, 3 events") && name.contains("happened concurrently"), "\(name)")
                try await window.sees("A had not seen B", in: ".diagram figcaption")
            }
        }

        @Test("a long history is drawn whole, and scrolls within its box")
        func longHistory() async throws {
            try await ReviewFixture.open { fixture, session in
                try await Self.makeLongHistory(fixture)
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-7")
                expect(try await window.texts(".diagram .side-letter"), is: ["A", "B", "C"])
                expect(try await window.count(".diagram .event"), is: 22)
                expect(try await window.count(".diagram .device"), is: 4)
                #expect(try await window.count(".diagram .arrow") >= 16)
                try await window.expectNone(try await window.overflows())
                expect(
                    try await window.script(
                        """
                        const box = document.querySelector(".diagram .scroll").getBoundingClientRect();
                        return [...document.querySelectorAll(".diagram .side-letter")]
                          .every((e) => e.getBoundingClientRect().right <= box.right);
                        """), is: true, "the sides are in sight")
                try await window.photograph("conflict with three sides")
                _ = try await window.script("document.querySelector('.diagram .scroll').scrollLeft = -99999")
                try await window.photograph("diagram of a longer history")
                try await window.click(saying: "The record’s history")
                expect(try await window.count(".history tbody tr"), is: 22)
                try await window.photograph("history")
            }
        }
    }
}
