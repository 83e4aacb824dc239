import AsyncHTTPClient
import Causality
import Foundation
import MergeCore
import NIOCore
import StrictJSON
import SyncWire
import Values

/// `chromedriver`, which starts browsers and is told over HTTP what to do with them
/// (W3C WebDriver, https://www.w3.org/TR/webdriver2/).
///
/// It and its browsers end with this value, or with the process that runs the tests, whichever is first: see `keeper.sh`.
package final class BrowserDriver: Sendable {
    /// How long anything may take that a page or a browser has to do. Long, as only a failing test waits so long.
    package static let patience = Duration.seconds(30)

    private let process: DriverProcess
    private let address: String
    private let pool = SessionPool()

    private init() async throws {
        process = try DriverProcess()
        address = "http://127.0.0.1:\(try await process.port())"
    }

    /// The one that all tests of this process share.
    /// - Throws: also where no browser is installed: tests that need one fail then, and say so.
    package static func shared() async throws -> BrowserDriver { try await sharedDriver.value }

    private static let sharedDriver = Task.detached { try await BrowserDriver() }

    /// Lends a browser with one empty window, without cookies. A browser that was lent and came back in order is lent again,
    /// as starting one takes a second.
    package func withSession<Answer>(_ body: (BrowserSession) async throws -> Answer) async throws -> Answer {
        var lent: BrowserSession
        if let idle = await pool.take() { lent = idle } else { lent = try await start() }
        do {
            let answer = try await body(lent)
            try await lent.reset()
            await pool.give(lent)
            return answer
        } catch {
            try? await lent.quit()
            throw error
        }
    }

    private func start() async throws -> BrowserSession {
        let options: Value = [
            "binary": .string(try DriverProcess.executable("chromium", "chromium-browser", "google-chrome")),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-extensions", "--hide-scrollbars",
                // Two windows of a test are both looked at.
                "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
                "--disable-background-timer-throttling", "--lang=en-US", "--window-size=1280,900",
            ],
        ]
        let capabilities: Value = [
            "acceptInsecureCerts": true, "goog:loggingPrefs": ["browser": "ALL"], "goog:chromeOptions": options,
            // A dialog that a page opens is an error of whatever the test does next.
            "unhandledPromptBehavior": "dismiss and notify",
        ]
        let answer = try await command("POST", "/session", ["capabilities": ["alwaysMatch": capabilities]])
        guard let id = answer.member("sessionId")?.string else {
            throw BrowserError("a session without an id: \(answer.canonicalText)")
        }
        return try await BrowserSession(driver: self, id: id)
    }

    /// One command of the protocol.
    /// - Returns: the member `value` of the answer.
    func command(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Value {
        var request = HTTPClientRequest(url: address + path)
        request.method = .init(rawValue: method)
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(body.canonicalBytes)
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(90))
        let bytes = try await response.body.collect(upTo: 256 * 1024 * 1024)
        let answer = try Value(json: String(buffer: bytes)).member("value") ?? .null
        if let error = answer.member("error")?.string {
            let message = answer.member("message")?.string ?? ""
            // The stack of the driver's own functions follows.
            throw BrowserError("\(method) \(path): \(error): \(message.prefix(2_000))")
        }
        return answer
    }
}

/// Browsers that nobody uses at the moment.
private actor SessionPool {
    private var idle: [BrowserSession] = []

    func take() -> BrowserSession? { idle.popLast() }

    func give(_ session: BrowserSession) { idle.append(session) }
}

extension Value {
    func member(_ name: String) -> Value? {
        if case .object(let object) = self { object[ExactString(name)] } else { nil }
    }

    var string: String? {
        if case .string(let text) = self { text.text } else { nil }
    }

    var list: [Value] {
        if case .array(let elements) = self { elements } else { [] }
    }
}
