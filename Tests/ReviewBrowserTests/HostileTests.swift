import Browser
import Foundation
import MergeCore
import RejoinProcesses
import SyncWire
import Testing
import Values

extension BrowserTests {
    /// Devices and their users choose every name and value, and some choose them to do harm.
    @Suite("what hostile devices have written")
    struct HostileTests {
        private static let script = "<script>window.__pwned = 1; alert(1)</script>"
        private static let image = #""><img src=x onerror="window.__pwned=1;alert(2)"><svg onload="window.__pwned=1">"#
        private static let braces = "{{#frame}}{{{csrf}}}{{/frame}} </textarea></title><!-- ]]> javascript:alert(3)"
        /// Turns the direction of writing, hides, and piles up.
        private static let turning =
            "ab\u{202E}gpj.exe\u{2066}\u{200B}\u{200D}\u{FEFF}\u{2028}e" + String(repeating: "\u{0301}", count: 200)
        private static let record = #""><img src=x onerror=window.__pwned=1>"# + "\u{200B}'&?#%/../"
        private static let deviceName = #"'"><script>window.__pwned=1</script>"#

        /// The whole body of a batch is nested 32 deep at most, and a value begins in its fourth level.
        private static func nested(_ depth: Int) -> Value {
            depth == 0 ? .string(script) : depth % 2 == 0 ? ["<b>": nested(depth - 1)] : [nested(depth - 1)]
        }

        private static let wide = String(repeating: "W", count: 50_000) + String(repeating: image + " ", count: 700)

        private func makeHarm(_ fixture: ReviewFixture) async throws {
            let evil = try await fixture.device(Self.deviceName, of: Self.image)
            let other = try await fixture.device("mac-2", of: "ben\u{200B}neb")
            let long = String(repeating: "x", count: 128)
            for (device, number) in [(evil, 0), (other, 1)] {
                let ending = Value.string(Self.turning + "\(number)")
                try await device.create(
                    "estimates", Self.record, ("title", .string(Self.script + "\(number)")), ("status", ending),
                    ("client", .string(Self.image + "\(number)")),
                    ("notes", .string((number == 0 ? "a" : "b") + Self.wide)),
                    ("lines", number == 0 ? Self.nested(28) : [.string(Self.braces)]))
                try await device.create(
                    "estimates", long, ("title", .string(long)), ("status", .string("\(number)" + long)))
                try await device.create(
                    "pricing_rules", "<i>rule</i>", ("name", .string(Self.braces)),
                    ("formula", .string(Self.image + "\(number)")))
            }
        }

        private func isHarmless(_ window: BrowserWindow) async throws {
            expect(try await window.script("return typeof window.__pwned"), is: "undefined")
            expect(try await window.count("main img, main iframe, main script, main [onerror], main [onload]"), is: 0)
            try await window.expectNone(try await window.overflows())
        }

        @Test("what a device sends runs nowhere, hides nothing and breaks no page")
        func hostileText() async throws {
            try await ReviewFixture.open { fixture, session in
                try await makeHarm(fixture)
                let window = try await fixture.window(of: "rita\u{200B}\"><b>", in: session)
                try await window.photograph("hostile list")
                try await isHarmless(window)
                for width in [1_280, 360] {
                    try await window.setSize(width: width, height: 900)
                    try await window.openList(fixture, "?status=all")
                    let addresses = try await window.script(
                        "return [...document.querySelectorAll('.row h2 a')].map((a) => a.href)"
                    ).elements.compactMap(\.text)
                    #expect(addresses.count >= 7)
                    try await isHarmless(window)
                    for address in addresses {
                        try await window.open(address)
                        try await isHarmless(window)
                        #expect(try await window.texts("main").allSatisfy { !$0.unicodeScalars.contains("\u{202E}") })
                        // Also what is folded up.
                        _ = try await window.script(
                            "for (const d of document.querySelectorAll('details')) d.open = true")
                        try await isHarmless(window)
                    }
                    for path in ["/review/summary", "/review/bulk?status=all&choose=current"] {
                        try await window.open(fixture.server.address + path)
                        try await isHarmless(window)
                    }
                    for name in ["record", "device", "user"] {
                        let text = Self.image.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
                        try await window.openList(
                            fixture, "?status=all&\(name)=\(text)&assignee=named&assigned=\(text)")
                        try await isHarmless(window)
                    }
                }
            }
        }

        @Test("a hostile record is reviewed like any other")
        func hostileRecord() async throws {
            try await ReviewFixture.open { fixture, session in
                try await makeHarm(fixture)
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("status")
                while !(try await window.text("h1") ?? "").contains("img") {
                    try await window.click("[data-step=next]")
                }
                try await window.sees("<img src=x onerror=window.__pwned=1>", in: "h1")
                try await window.sees("U+200B", in: "h1 .ctl")
                try await window.photograph("hostile")
                try await window.fill("#comment-text", Self.image + Self.script)
                try await window.click(saying: "Comment", in: ".comments")
                try await window.sees(Self.script, in: ".comment")
                try await window.fill("#assign-to", Self.image)
                try await window.click(saying: "Assign", in: ".assignment")
                try await window.sees("Assigned.", in: ".message")
                try await window.fill("#decide-note", Self.script)
                try await window.choose("1")
                try await window.sees(Self.script, in: ".resolution")
                try await isHarmless(window)
                try await window.photograph("hostile decided")
            }
        }
    }
}
