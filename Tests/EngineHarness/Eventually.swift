/// What was waited for did not come.
package struct Unmet: Error, CustomStringConvertible {
    package let description: String
}

/// Waits until the condition holds.
package func eventually(
    _ what: String, within limit: Duration = .seconds(120), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw Unmet(description: "not within \(limit): \(what)") }
        await Task.yield()
    }
}
