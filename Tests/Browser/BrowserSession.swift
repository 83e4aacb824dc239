import MergeCore
import SyncWire
import Values

/// One browser with its own cookies and any number of windows.
package actor BrowserSession {
    private let driver: BrowserDriver
    private let path: String
    /// The window that commands go to.
    private var current: String
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// The size of a window that was asked for no other: a small laptop's.
    package static let size = (width: 1_280, height: 900)

    init(driver: BrowserDriver, id: String) async throws {
        self.driver = driver
        path = "/session/\(id)"
        current = try await driver.command("GET", path + "/window").string ?? ""
    }

    /// The window that a fresh session has.
    package func window() async throws -> BrowserWindow {
        let window = BrowserWindow(session: self, handle: current)
        try await window.setSize(width: Self.size.width, height: Self.size.height)
        return window
    }

    /// Opens one more window, which the test looks at as well.
    package func openWindow() async throws -> BrowserWindow {
        let answer = try await driver.command("POST", path + "/window/new", ["type": "window"])
        let window = BrowserWindow(session: self, handle: answer.member("handle")?.string ?? "")
        try await window.setSize(width: Self.size.width, height: Self.size.height)
        return window
    }

    /// Carries out a command in a window: the driver knows one current window a session, so commands take turns.
    func command(
        _ method: String, _ path: String, _ body: Value? = nil, in window: String
    ) async throws -> Value {
        await takeTurn()
        defer { endTurn() }
        if window != current {
            _ = try await driver.command("POST", self.path + "/window", ["handle": .string(window)])
            current = window
        }
        return try await driver.command(method, self.path + path, body)
    }

    private func takeTurn() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func endTurn() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }

    // MARK: The console

    /// One line of the browser's console.
    package struct ConsoleEntry: Sendable, CustomStringConvertible {
        /// `SEVERE`, `WARNING`, `INFO`.
        package let level: String
        /// `javascript`, `security`, `network`, `console-api`, ….
        package let source: String
        package let message: String

        package var description: String { "\(level) \(source): \(message)" }

        /// A script's error, or something that the page's Content-Security-Policy did not let happen. What a server's status
        /// makes the browser say is neither.
        package var isOfThePage: Bool { source != "network" }
    }

    /// What came since the last call, of all windows.
    package func console() async throws -> [ConsoleEntry] {
        try await driver.command("POST", path + "/se/log", ["type": "browser"]).list.map { entry in
            ConsoleEntry(
                level: entry.member("level")?.string ?? "", source: entry.member("source")?.string ?? "",
                message: entry.member("message")?.string ?? "")
        }
    }

    // MARK: The end

    /// A new empty window in place of all others, no cookies, an empty console: nothing of one test is seen by the next.
    func reset() async throws {
        let old = try await driver.command("GET", path + "/window/handles").list.compactMap(\.string)
        let fresh = try await driver.command("POST", path + "/window/new", ["type": "window"])
        for handle in old {
            _ = try await driver.command("POST", path + "/window", ["handle": .string(handle)])
            _ = try await driver.command("DELETE", path + "/window")
        }
        current = fresh.member("handle")?.string ?? ""
        _ = try await driver.command("POST", path + "/window", ["handle": .string(current)])
        _ = try await driver.command(
            "POST", path + "/goog/cdp/execute",
            ["cmd": "Network.clearBrowserCookies", "params": [:]])
        _ = try await console()
    }

    func quit() async throws { _ = try await driver.command("DELETE", path) }
}
