import Synchronization

/// Remembers when a commit last found the database's disk full. It forgets that after a while: a server that is not
/// ready gets no requests, and would otherwise never find out that there is room again.
final class FullDiskMemory: Sendable {
    private static let lasting = Duration.seconds(5)
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    func note() { last.withLock { $0 = .now } }

    var isFresh: Bool { last.withLock { $0 }.map { .now - $0 < Self.lasting } ?? false }
}
