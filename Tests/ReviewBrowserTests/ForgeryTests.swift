import Browser
import Causality
import MergeCore
import RejoinProcesses
import SyncWire
import Testing
import Values

extension BrowserTests {
    /// Pages of others that send a reviewer's browser to the server with a form.
    @Suite("forms that are forged")
    struct ForgeryTests {
        /// Sends a form from whatever page the window shows, as a page of somebody else's would by itself.
        private func send(_ fields: Value, to address: String, from window: BrowserWindow) async throws {
            _ = try await window.script(
                """
                const form = document.createElement("form");
                form.method = "post";
                form.action = arguments[0];
                for (const [name, value] of Object.entries(arguments[1])) {
                  const field = document.createElement("input");
                  field.type = "hidden"; field.name = name; field.value = value;
                  form.append(field);
                }
                (document.body ?? document.documentElement).append(form);
                form.submit();
                """, .string(address), fields)
        }

        private func status(of record: String, _ device: Device) async throws -> Value? {
            try await device.pull("estimates", record)["fields"]?["status"]
        }

        @Test("a form on another site changes nothing, whatever it knows")
        func otherSite() async throws {
            try await ReviewFixture.open { fixture, session in
                let (ana, _) = try await fixture.disagree()
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-42")
                let number = try await window.conflictNumber()
                // Even with the page's own token, which no other site can read.
                let csrf = try await window.value(of: "#decide [name=csrf]") ?? ""
                let version = try await window.value(of: "#decide [name=version]") ?? ""
                #expect(!csrf.isEmpty && !version.isEmpty)
                let fields: Value = ["csrf": .string(csrf), "version": .string(version), "choose": "0"]
                let target = fixture.server.address + "/review/conflicts/\(number)/decide"

                try await window.open("data:text/html,<p>A prize for you")
                try await send(fields, to: target, from: window)
                try await window.sees("You are not signed in", in: "h1")
                expect(try await status(of: "e-42", ana), is: "accepted", "Ben's edit, the later one, still shows")

                // Another port of the same host is the same site: here the browser sends the cookie along.
                try await withFreshServer { neighbour in
                    try await window.open(neighbour.address + "/healthz")
                    try await send(fields, to: target, from: window)
                    try await window.sees("this form was of an earlier session")
                    expect(try await status(of: "e-42", ana), is: "accepted")
                    for (path, more) in [("comment", ("text", "Hm")), ("assign", ("to", "mallory"))] {
                        try await window.open(neighbour.address + "/healthz")
                        try await send(
                            ["csrf": .string(csrf), ExactString(more.0): .string(more.1)],
                            to: fixture.server.address + "/review/conflicts/\(number)/\(path)", from: window)
                        try await window.sees("this form was of an earlier session")
                    }
                }
                try await window.open(fixture.server.address + "/review/conflicts/\(number)")
                expect(try await window.count(".comment"), is: 0)
                expect(try await window.count("#decide"), is: 1)
                try await window.sees("Nobody’s yet", in: ".assignment")
            }
        }

        @Test("a form without the session's token changes nothing, and keeps what was entered")
        func withoutToken() async throws {
            try await ReviewFixture.open { fixture, session in
                let (ana, _) = try await fixture.disagree()
                let window = try await fixture.window(of: "rita", in: session)
                try await window.openConflict("e-42")
                try await window.fill("#decide-note", "as agreed on the phone")
                _ = try await window.script("document.querySelector('#decide [name=csrf]').value = 'forged'")
                try await window.choose("1")
                try await window.sees("this form was of an earlier session", in: ".message")
                expect(try await window.value(of: "#decide-note"), is: "as agreed on the phone")
                expect(try await status(of: "e-42", ana), is: "accepted")
                try await window.choose("1")
                try await window.sees("Decided.", in: ".message")
                #expect(try await status(of: "e-42", ana) != nil)
            }
        }
    }
}
