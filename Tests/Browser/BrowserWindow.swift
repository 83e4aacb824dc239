import Foundation
import MergeCore
import StrictJSON
import SyncWire
import Values

/// One window of a browser, and what can be done and seen in it.
///
/// Elements are named by CSS selectors and found anew each time: a page may replace them at any moment.
package struct BrowserWindow: Sendable {
    package let session: BrowserSession
    let handle: String

    func command(_ method: String, _ path: String, _ body: Value? = nil) async throws -> Value {
        try await session.command(method, path, body, in: handle)
    }

    // MARK: Going places

    package func open(_ address: String) async throws {
        _ = try await command("POST", "/url", ["url": .string(address)])
    }

    package func reload() async throws { _ = try await command("POST", "/refresh", [:]) }

    package func goBack() async throws { _ = try await command("POST", "/back", [:]) }

    package var address: String {
        get async throws { try await command("GET", "/url").string ?? "" }
    }

    package var title: String {
        get async throws { try await command("GET", "/title").string ?? "" }
    }

    // MARK: Looking

    /// Runs the body of a function in the page and returns what it returns.
    package func script(_ body: String, _ arguments: Value...) async throws -> Value {
        try await command(
            "POST", "/execute/sync", ["script": .string(body), "args": .array(arguments)])
    }

    /// The text that can be seen in each of the elements.
    package func texts(_ selector: String) async throws -> [String] {
        try await script(
            "return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText ?? e.textContent)",
            .string(selector)
        ).list.compactMap(\.string)
    }

    /// The text that can be seen in the first of the elements; nil where there is none.
    package func text(_ selector: String) async throws -> String? { try await texts(selector).first }

    package func count(_ selector: String) async throws -> Int {
        let answer = try await script("return document.querySelectorAll(arguments[0]).length", .string(selector))
        if case .integer(let count) = answer { return Int(count) }
        throw BrowserError("no count: \(answer.canonicalText)")
    }

    package func attribute(_ name: String, of selector: String) async throws -> String? {
        try await script(
            "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null", .string(selector),
            .string(name)
        ).string
    }

    /// What a field holds at the moment.
    package func value(of selector: String) async throws -> String? {
        try await script("return document.querySelector(arguments[0])?.value ?? null", .string(selector)).string
    }

    /// The name under which assistive software knows the first of the elements.
    package func accessibleName(of selector: String) async throws -> String {
        let element = try await element(selector)
        return try await command("GET", "/element/\(element)/computedlabel").string ?? ""
    }

    // MARK: Doing

    /// Clicks into the middle of the first of the elements, as a hand does: one that cannot be seen or is covered is an error.
    package func click(_ selector: String) async throws {
        let element = try await element(selector)
        _ = try await command("POST", "/element/\(element)/click", [:])
    }

    /// Clicks the first link, button or summary whose text contains the words.
    package func click(saying words: String, in scope: String = "body") async throws {
        try await wait("something to click that says “\(words)”") {
            try await script(
                """
                for (const old of document.querySelectorAll("[data-clicked-by-test]"))
                  old.removeAttribute("data-clicked-by-test");
                const all = document.querySelectorAll(arguments[1] + " :is(a, button, summary)");
                const found = [...all].find((e) => e.textContent.includes(arguments[0]) && e.getClientRects().length);
                found?.setAttribute("data-clicked-by-test", "");
                return Boolean(found);
                """, .string(words), .string(scope)) == true
        }
        try await click("[data-clicked-by-test]")
    }

    /// Types into a field, in place of what it held.
    package func fill(_ selector: String, _ text: String) async throws {
        let element = try await element(selector)
        _ = try await command("POST", "/element/\(element)/clear", [:])
        guard !text.isEmpty else { return }
        _ = try await command("POST", "/element/\(element)/value", ["text": .string(text)])
    }

    /// Presses keys one after the other, wherever the focus is.
    package func press(_ keys: Key...) async throws {
        var actions: [Value] = []
        for key in keys {
            for type in ["keyDown", "keyUp"] {
                actions.append(["type": .string(type), "value": .string(key.text)])
            }
        }
        try await perform(actions)
    }

    /// Holds Shift down and presses a key.
    package func pressShifted(_ key: Key) async throws {
        func action(_ type: String, _ key: Key) -> Value {
            ["type": .string(type), "value": .string(key.text)]
        }
        try await perform([
            action("keyDown", .shift), action("keyDown", key), action("keyUp", key), action("keyUp", .shift),
        ])
    }

    private func perform(_ actions: [Value]) async throws {
        let keyboard: Value = ["type": "key", "id": "keyboard", "actions": .array(actions)]
        _ = try await command("POST", "/actions", ["actions": .array([keyboard])])
    }

    /// A key, or the text that typing makes.
    package struct Key: Sendable, ExpressibleByStringLiteral {
        let text: String

        package init(stringLiteral text: String) { self.text = text }

        // WebDriver 17.4.2 gives these a place in the private use area.
        package static let tab: Key = "\u{E004}"
        package static let enter: Key = "\u{E007}"
        package static let shift: Key = "\u{E008}"
        package static let escape: Key = "\u{E00C}"
        package static let space: Key = " "
    }

    /// Waits until there is such an element.
    private func element(_ selector: String) async throws -> String {
        let query: Value = ["using": "css selector", "value": .string(selector)]
        var found: String?
        try await wait("an element \(selector)") {
            // The name of the member is fixed: WebDriver 12.1.
            found = try await command("POST", "/elements", query).list.first?
                .member("element-6066-11e4-a52e-4f735466cecf")?.string
            return found != nil
        }
        return found ?? ""
    }

    // MARK: Waiting

    /// Asks again and again until the condition holds.
    /// - Parameter what: what is waited for, for the report.
    /// - Throws: what the page looks like, when it takes too long.
    package func wait(
        _ what: String, within bound: Duration = BrowserDriver.patience, until condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + bound
        while true {
            if try await condition() { return }
            guard ContinuousClock.now < deadline else { break }
            try await Task.sleep(for: .milliseconds(15))
        }
        throw BrowserError("waited \(bound) for \(what); \(await report())")
    }

    /// Where the window is and what it shows, for whoever has to find out why a test failed.
    package func report() async -> String {
        let address = (try? await address) ?? "?"
        let title = (try? await title) ?? "?"
        let text = (try? await text("body")) ?? "?"
        let console = ((try? await session.console()) ?? []).map { "\n  \($0)" }.joined()
        return "at \(address) “\(title)”, which shows:\n\(text.prefix(3_000))\nconsole:\(console)"
    }
}
