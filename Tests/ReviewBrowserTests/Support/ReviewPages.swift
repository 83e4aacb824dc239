import Browser
import MergeCore
import RejoinProcesses
import SyncWire

// What reviewers do at the pages, in the words of the tests.

extension BrowserWindow {
    /// Waits until the words can be read, wherever they come from.
    func sees(_ words: String, in selector: String = "body") async throws {
        try await wait("“\(words)” in \(selector)") {
            try await texts(selector).contains { $0.contains(words) }
        }
    }

    /// Waits until nothing matches any more.
    func seesNo(_ selector: String) async throws {
        try await wait("the end of \(selector)") { try await count(selector) == 0 }
    }

    /// Opens the list with a query.
    func openList(_ fixture: ReviewFixture, _ query: String = "") async throws {
        try await open(fixture.server.address + "/review" + query)
    }

    /// Opens the conflict of the list whose line contains the words.
    func openConflict(_ words: String) async throws {
        try await click(saying: words, in: ".row h2")
        try await wait("the conflict's page") { try await count("#sides-title") == 1 }
    }

    /// The lines of the list: record and field.
    func rows() async throws -> [String] { try await texts(".row h2") }

    /// The number of a conflict whose page is shown.
    func conflictNumber() async throws -> String {
        let address = try await address
        return String(address.split(separator: "/").last?.prefix { $0.isNumber } ?? "")
    }

    /// Chooses a side by its button.
    func choose(_ letter: String) async throws { try await click("button[data-key=\"\(letter)\"]") }
}
