import SyncStorage
import Synchronization

/// Turns at the one connection that writes. Tenants take them as `FairTime` says.
final class WriterTurns: Sendable {
    private let queue = Mutex(FairTime<CheckedContinuation<Void, Never>>())

    /// Waits for a turn, does something with it and gives it back.
    /// - Parameter tenant: whose turn it is; nil for the server's own.
    func take<Answer>(for tenant: TenantID?, _ body: () async throws -> Answer) async rethrows -> Answer {
        await withCheckedContinuation { continuation in
            let next = queue.withLock { queue in
                queue.add(continuation, of: tenant)
                return queue.take()
            }
            next?.resume()
        }
        let start = ContinuousClock.now
        defer {
            let next = queue.withLock { queue in
                queue.finish(after: .now - start)
                return queue.take()
            }
            next?.resume()
        }
        return try await body()
    }
}
