import Foundation

/// A file system that can be filled.
public struct SmallDisk: Sendable {
    public let directory: String
    private var ballast: String { "\(directory)/ballast" }

    /// Fills it up.
    /// - Parameter bytes: how many to leave free; rounded down to a page.
    public func fill(leaving bytes: Int = 0) throws(PostgreSQLClusterError) {
        let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .notLaunched(program: "opening \(ballast)", number: errno) }
        defer { close(file) }
        for size in [1 << 20, 1 << 12] {
            let block = [UInt8](repeating: 0xFF, count: size)
            while write(file, block, size) > 0 {}
        }
        guard bytes > 0 else { return }
        ftruncate(file, max(0, lseek(file, 0, SEEK_END) - (bytes + 4095) / 4096 * 4096))
    }

    /// Gives back what `fill` took.
    public func empty() { unlink(ballast) }
}

extension PostgreSQLCluster {
    /// Makes a cluster whose data directory is on a file system of its own, lends both, and removes them. Needs root.
    public static func withSmallDisk<R>(
        megabytes: Int, settings: [String: String] = [:],
        _ body: (PostgreSQLCluster, SmallDisk) async throws -> R
    ) async throws -> R {
        let options = Options(settings: settings, place: .smallDisk(megabytes: megabytes))
        return try await withCluster(options) { cluster in
            guard let disk = cluster.smallDisk else { throw PostgreSQLClusterError.smallDiskRefused }
            return try await body(cluster, disk)
        }
    }
}
