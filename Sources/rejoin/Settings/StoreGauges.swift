import Foundation
import SQLiteStorage
import SyncHTTP

extension SQLiteStore {
    /// What the database takes of its disk.
    var gauges: [ServerGauge] {
        @Sendable func bytes(_ path: String) -> Int? {
            var status = stat()
            return stat(path, &status) == 0 ? Int(status.st_size) : nil
        }
        return [
            ServerGauge("rejoin_database_bytes", "Bytes of the database's file.") { [path] in bytes(path) },
            ServerGauge("rejoin_wal_bytes", "Bytes of the write-ahead log.") { [path] in bytes(path + "-wal") ?? 0 },
            ServerGauge("rejoin_disk_free_bytes", "Bytes that are free where the database lies.") { [self] in
                freeBytes
            },
        ]
    }
}
