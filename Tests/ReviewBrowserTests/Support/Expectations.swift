import Browser
import Testing

/// Expects a value that had to be waited for, so that a failure shows it. (`#expect` shows no operands of an expression with
/// `await`.)
func expect<T: Equatable>(
    _ value: T, is wanted: T, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(value == wanted, comment, sourceLocation: sourceLocation)
}

extension BrowserWindow {
    /// Expects that an audit found nothing, and says where it did.
    func expectNone(
        _ faults: [String], _ page: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        guard !faults.isEmpty else { return }
        Issue.record(
            "\(page) \(try await address):\n\(faults.joined(separator: "\n"))", sourceLocation: sourceLocation)
    }
}
