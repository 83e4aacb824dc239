import Foundation
import PostgreSQLCluster
import Testing

@Suite("the life of a cluster")
struct LifeTests {
    @Test("what is committed survives the kill of every process, and every way to stop and start again")
    func survival() async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            let database = try await cluster.makeDatabase()
            try await database.psql("CREATE TABLE thing (id int)")
            let endings: [@Sendable () async throws -> Void] = [
                { try await cluster.kill() }, { try await cluster.stop(.fast) }, { try await cluster.stop(.immediate) },
                { try await cluster.kill() }, { try await cluster.restart(.immediate) },
                {
                    try await cluster.pause()
                    try await cluster.stop()
                },
                {
                    try await cluster.pause()
                    try await cluster.kill()
                },
            ]
            for (number, end) in endings.enumerated() {
                try await database.psql("INSERT INTO thing VALUES (:n)", variables: ["n": "\(number)"])
                try await end()
                try await cluster.start()
                let kept = try await database.psql("SELECT count(*) FROM thing")
                #expect(kept == "\(number + 1)")
            }
        }
    }

    @Test("nobody answers while a cluster is paused, and it answers after it was resumed")
    func paused() async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            try await cluster.whilePaused {
                let error = await #expect(throws: PostgreSQLClusterError.self) {
                    try await cluster.psql("SELECT 1", limit: .milliseconds(500))
                }
                #expect(error?.description.contains("took longer") == true)
            }
            #expect(try await cluster.psql("SELECT 1") == "1")
        }
    }

    @Test("a killed backend's client is cut off, and the server is ready again")
    func killedBackend() async throws {
        try await PostgreSQLCluster.withCluster { cluster in
            let sleeper = Task { try await cluster.psql("SET application_name = 'sleeper'; SELECT pg_sleep(60)") }
            while try await cluster.backends(where: "application_name = 'sleeper'").isEmpty {}
            let killed = try await cluster.killBackends(where: "application_name = 'sleeper'")
            #expect(killed.count == 1)
            let cut = await #expect(throws: PostgreSQLClusterError.self) { try await sleeper.value }
            // Whoever was killed tells nobody why.
            #expect(cut?.description.contains("server closed the connection unexpectedly") == true)
            try await cluster.waitUntilReady()
            #expect(try await cluster.backends().isEmpty)
        }
    }

    @Test("a server that cannot start says why")
    func impossibleSetting() async throws {
        let error = await #expect(throws: PostgreSQLClusterError.self) {
            _ = try await PostgreSQLCluster(PostgreSQLCluster.Options(settings: ["max_connections": "none"]))
        }
        #expect(error?.description.contains(#"invalid value for parameter "max_connections""#) == true)
    }

    @Test("the data can be in another directory, of which nothing is left but the directory")
    func place() async throws {
        let parent = URL(filePath: "/tmp").appending(path: "rejoin-place-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: parent) }
        try await PostgreSQLCluster.withCluster(PostgreSQLCluster.Options(place: .within(parent))) { cluster in
            let place = try await cluster.psql("SHOW data_directory")
            #expect(place.hasPrefix("\(parent)/"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: parent).isEmpty)
    }
}
