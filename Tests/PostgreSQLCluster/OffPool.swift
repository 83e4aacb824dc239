import Foundation

/// Runs what blocks on a thread of its own, so that it takes none of the few threads that all asynchronous code shares,
/// the server's under test among it.
func offPool<Value: Sendable>(
    _ body: @escaping @Sendable () throws(PostgreSQLClusterError) -> Value
) async throws(PostgreSQLClusterError) -> Value {
    let result: Result<Value, PostgreSQLClusterError> = await withCheckedContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(
                returning: Result { () throws(PostgreSQLClusterError) -> Value in try body() })
        }
    }
    return try result.get()
}

/// Looks again and again, on a thread that may block, until something is so.
/// - Parameters:
///   - what: named in the error.
///   - pause: the time between two looks.
func waitUntil(
    _ what: String, limit: Duration, pause: Duration = .milliseconds(5),
    _ isSo: () throws(PostgreSQLClusterError) -> Bool
) throws(PostgreSQLClusterError) {
    let end = ContinuousClock.now + limit
    while try !isSo() {
        guard ContinuousClock.now < end else { throw .timedOut(what, limit) }
        Thread.sleep(forTimeInterval: pause / .seconds(1))
    }
}
