import Foundation
import PostgreSQLCluster
import Testing

@Suite("a cluster on a small disk")
struct SmallDiskTests {
    @Test("a write fails when the disk is full, what was committed is kept, and it goes on when there is room again")
    func full() async throws {
        guard geteuid() == 0 else {
            let refused = await #expect(throws: PostgreSQLClusterError.self) {
                try await PostgreSQLCluster.withSmallDisk(megabytes: 64) { _, _ in }
            }
            #expect(refused?.description.contains("by root only") == true)
            return
        }
        let directory = try await PostgreSQLCluster.withSmallDisk(megabytes: 64) { cluster, disk in
            try await cluster.psql("CREATE TABLE thing AS SELECT 1 AS id")
            try disk.fill()
            let error = await #expect(throws: PostgreSQLClusterError.self) {
                try await cluster.psql("INSERT INTO thing SELECT generate_series(1, 1000000)")
            }
            #expect(error?.description.contains("No space left on device") == true, "\(String(describing: error))")
            disk.empty()
            try await cluster.waitUntilReady()
            try await cluster.psql("INSERT INTO thing SELECT generate_series(2, 1000)")
            #expect(try await cluster.psql("SELECT count(*) FROM thing") == "1000")
            return disk.directory
        }
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        #expect(!mounts.contains(directory))
    }
}
