import Foundation
import MergeCore
import StrictJSON
import SyncWire
import Values

// What WebDriver has no command for is asked of the browser itself (Chrome DevTools Protocol, by chromedriver's own
// endpoint). All of it holds for this window until it is closed.

extension BrowserWindow {
    private func devtools(_ command: String, _ parameters: Value) async throws -> Value {
        try await self.command("POST", "/goog/cdp/execute", ["cmd": .string(command), "params": parameters])
    }

    /// The size of the page's part of the window, in CSS pixels.
    package func setSize(width: Int, height: Int) async throws {
        _ = try await devtools(
            "Emulation.setDeviceMetricsOverride",
            [
                "width": .integer(Int64(width)), "height": .integer(Int64(height)), "deviceScaleFactor": 1,
                "mobile": .boolean(width < 600),
            ])
    }

    package enum Scheme: String, Sendable, CaseIterable {
        case light
        case dark
    }

    /// Which colours the reader prefers.
    package func prefer(_ scheme: Scheme) async throws {
        let feature: Value = ["name": "prefers-color-scheme", "value": .string(scheme.rawValue)]
        _ = try await devtools("Emulation.setEmulatedMedia", ["features": .array([feature])])
    }

    /// From the next page on, no page's script runs. `script(_:)` still does.
    package func disableScripts() async throws {
        _ = try await devtools("Emulation.setScriptExecutionDisabled", ["value": true])
    }

    /// - Returns: a PNG of the page from top to bottom.
    package func pictureOfWholePage() async throws -> Data {
        // Wider or longer than the window, but never without bound: the hostile texts are long.
        let size = try await script(
            """
            const page = document.scrollingElement;
            return { width: page.clientWidth, height: Math.min(Math.max(page.scrollHeight, innerHeight), 6000) };
            """)
        let clip: Value = [
            "x": 0, "y": 0, "scale": 1, "width": size.member("width") ?? 0, "height": size.member("height") ?? 0,
        ]
        return try await picture(["format": "png", "captureBeyondViewport": true, "clip": clip])
    }

    /// - Returns: a PNG of what the window shows.
    package func picture() async throws -> Data { try await picture(["format": "png"]) }

    private func picture(_ parameters: Value) async throws -> Data {
        let answer = try await devtools("Page.captureScreenshot", parameters)
        guard let data = (answer.member("data")?.string).flatMap({ Data(base64Encoded: $0) }) else {
            throw BrowserError("no picture: \(answer.canonicalText.prefix(200))")
        }
        return data
    }
}

extension BrowserWindow {
    package struct Cookie: Sendable {
        package let name: String
        package let value: String
        package let path: String
        package let isHTTPOnly: Bool
        /// `Strict`, `Lax`, `None`.
        package let sameSite: String
    }

    /// The cookies that go with a request for the page that is shown.
    package func cookies() async throws -> [Cookie] {
        try await command("GET", "/cookie").list.map { cookie in
            Cookie(
                name: cookie.member("name")?.string ?? "", value: cookie.member("value")?.string ?? "",
                path: cookie.member("path")?.string ?? "", isHTTPOnly: cookie.member("httpOnly") == true,
                sameSite: cookie.member("sameSite")?.string ?? "")
        }
    }
}
