import Foundation

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// Says which of several processes syncs a database: the one that holds the lock. The system lets go of it when the process ends.
final class SyncLock: Sendable {
    private let descriptor: Int32

    /// - Returns: nil where another holds it.
    init?(besides mark: InstallationMark) {
        let path = mark.url.deletingPathExtension().appendingPathExtension("lock").path
        try? FileManager.default.createDirectory(
            at: mark.url.deletingLastPathComponent(), withIntermediateDirectories: true)
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        // A file that is not locked is closed when this goes.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return nil }
    }

    deinit { close(descriptor) }
}
