import RejoinProcesses
import Causality
import Foundation
import GRDB
import MergeCore
import SeededRandom
import SyncWire
import StrictJSON
import SyncedTables
import Testing
import Values

extension ClientProcessTests {
    /// `kill -9` of `rejoin-device` at any point of noting, sending and applying, and of the server in half of them.
    @Suite("killed syncs of tables")
    struct TableKillTests {
        @Test("nothing is lost, nothing counts twice, nothing is echoed")
        func kills() async throws {
            let seed: UInt64 = 1
            try await withDirectory { directory in
                try await ServerSite.run(.sqlite, in: directory.path) { site in
                    var story = try await TableStory(site, directory, seed)
                    try await story.tell(kills: isSoaking ? 200 : 40)
                }
            }
        }
    }
}

/// Two files that programs write, and a process beside each that syncs it and is killed again and again.
private struct TableStory {
    let site: ServerSite
    let directory: URL
    let proxy: FaultProxy
    var random: SeededGenerator
    let files: [(name: String, pool: DatabasePool)]
    var increments = 0
    var rows = 0

    init(_ site: ServerSite, _ directory: URL, _ seed: UInt64) async throws {
        self.site = site
        self.directory = directory
        // The devices keep their address while the server gets another with each start.
        proxy = try FaultProxy(server: await site.address, seed: seed)
        proxy.heal()
        random = SeededGenerator(seed: seed)
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        files = try ["here", "there"].map { name in
            let pool = try DatabasePool(path: directory.path + "/\(name).sqlite", configuration: configuration)
            try pool.write { try $0.execute(sql: FieldApp.schema) }
            return (name, pool)
        }
        for file in files {
            try await site.token(device: file.name).write(
                toFile: directory.path + "/\(file.name).token", atomically: true, encoding: .utf8)
        }
    }

    private func launch(_ name: String, _ more: [String]) async throws -> LaunchedProcess {
        try await LaunchedProcess(
            [
                directory.path + "/\(name).sqlite", "--server", proxy.address, "--device", name, "--token-command",
                "cat '\(directory.path)/\(name).token'; :", "--json",
            ] + FieldApp.tables.flatMap { ["--table", $0.name] } + more,
            program: .built("rejoin-device"))
    }

    mutating func tell(kills: Int) async throws {
        for _ in 0..<kills {
            let children = try await files.asyncMap { try await launch($0.name, ["--stay"]) }
            for _ in 0..<(random.below(6) + 2) {
                try await write(files[random.below(2)].pool)
                if random.below(3) == 0 { try await Task.sleep(for: .microseconds(random.below(40_000))) }
            }
            try await Task.sleep(for: .microseconds(random.below(250_000)))
            if random.below(2) == 0 { await site.kill() }
            for child in children { await child.kill() }
            if await site.address.isEmpty { try proxy.lead(to: try await site.start()) }
        }
        try await end()
    }

    private mutating func write(_ pool: DatabasePool) async throws {
        rows += 1
        let (row, kind) = (rows, random.below(3))
        let hasCounted = try await pool.write { db in
            try db.execute(
                sql: "INSERT INTO estimates (id, title) VALUES (?, ?)", arguments: ["row-\(row)", "title \(row)"])
            guard kind > 0 else { return false }
            try db.execute(
                sql: """
                    INSERT INTO estimates (id, title, visits) VALUES ('counted', 'the counted one', 1)
                    ON CONFLICT (id) DO UPDATE SET visits = visits + 1
                    """)
            return true
        }
        if hasCounted { increments += 1 }
    }

    private func end() async throws {
        for name in ["here", "there", "here"] {
            let child = try await launch(name, [])
            let said = try await child.line(holding: "{")
            _ = await child.exit
            guard case .object(let report) = try Value(json: said) else { throw Unexpected(said) }
            #expect(report["failure"] == .null, "\(said)")
            for list in ["refused", "setAside", "unsendable"] as [ExactString] {
                #expect(report[list] == [], "\(said)")
            }
            #expect(report["pending"] == 0, "\(said)")
        }
        let dumps = try await files.asyncMap { file in
            try await file.pool.read { db in
                try Row.fetchAll(db, sql: "SELECT id, title, visits FROM estimates ORDER BY id").map(\.description)
            }
        }
        #expect(dumps[0] == dumps[1])
        #expect(dumps[0].count == rows + 1)
        let counted = try await site.convergence.record("estimates", "counted")
        #expect(try counted?.fieldValues()["visits"] == .integer(Int64(increments)))
        // Each row was sent once: what came from the server was not taken for a change of the app's.
        let body = try await site.get("/v1/changes?limit=5000", accept: nil)
        for record in try ChangesPage(encoded: try #require(body)).records where record.key.id != "counted" {
            #expect(try record.versionVector().entries.count == 1, "\(record.key.id)")
            #expect(try record.versionVector().entries.first?.counter == 1, "\(record.key.id)")
        }
        #expect(increments > 20)
        proxy.close()
    }
}

extension Array {
    func asyncMap<Result>(_ body: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
