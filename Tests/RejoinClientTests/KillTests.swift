import RejoinProcesses
import Foundation
import MergeCore
import DeviceReplica
import SeededRandom
import SyncWire
import Testing
import Values

extension ClientProcessTests {
    /// `kill -9` of the app at any point of its sync, and of the server at the same time in half of them.
    @Suite("killed apps")
    struct KillTests {
        @Test("the outbox goes on after every kill, and each edit has one effect")
        func kills() async throws {
            let seed: UInt64 = 1
            let count = isSoaking ? 200 : 40
            try await withDirectory { directory in
                try await ServerSite.run(.sqlite, in: directory.path) { site in
                    var story = try await Story(site, directory, seed)
                    try await story.tell(kills: count)
                }
            }
        }
    }
}

/// What happens to an app that is killed again and again.
private struct Story {
    let site: ServerSite
    let folder: String
    let token: String
    let proxy: FaultProxy
    var random: SeededGenerator
    /// What the counter last said, and how many increments were asked for since.
    var counted = 0
    var outstanding = 0
    var added: Set<String> = []

    init(_ site: ServerSite, _ directory: URL, _ seed: UInt64) async throws {
        self.site = site
        folder = directory.path + "/app"
        token = directory.path + "/token"
        // The app keeps its address while the server gets another with each start.
        proxy = try FaultProxy(server: await site.address, seed: seed)
        proxy.heal()
        random = SeededGenerator(seed: seed)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func launch() async throws -> LaunchedProcess {
        try await LaunchedProcess(
            ["--data", folder, "--server", proxy.address, "--token-command", "cat '\(token)'; :"],
            program: .built("todo"))
    }

    /// The first run: the app's device id is known after it.
    private mutating func begin() async throws {
        try "none".write(toFile: token, atomically: true, encoding: .utf8)
        let app = try await launch()
        app.tell("offline\nadd the counted one\nstatus")
        let device = try await app.line(holding: "stopped:").split(separator: " ").last.map(String.init)
        await app.kill()
        try await site.token(device: device).write(toFile: token, atomically: true, encoding: .utf8)
    }

    mutating func tell(kills: Int) async throws {
        try await begin()
        for round in 0..<kills {
            let app = try await launch()
            app.tell("list")
            let number = try await app.line(holding: "the counted one").prefix { $0 != "." }
            for index in 0..<(random.below(6) + 1) {
                app.tell("work \(number) 1\nadd round \(round), number \(index)")
                outstanding += 1
            }
            try await Task.sleep(for: .microseconds(random.below(120_000)))
            if random.below(2) == 0 { await site.kill() }
            await app.kill()
            try await Task.sleep(for: .milliseconds(20))
            try take(app.said, round)
            if await site.address.isEmpty { try proxy.lead(to: try await site.start()) }
        }
        try await end()
    }

    /// Checks what the counter said: every increment that was said is in it, and none twice.
    private mutating func take(_ said: [String], _ round: Int) throws {
        for line in said {
            if line.hasPrefix("added ") { added.insert(String(line.dropFirst(6))) }
            guard line.hasPrefix("worked "), let count = Int(line.split(separator: " ")[1]) else { continue }
            #expect(
                count > counted && count <= counted + outstanding,
                "round \(round): \(counted) + \(outstanding), \(count)")
            outstanding = max(0, outstanding - (count - counted))
            counted = count
        }
    }

    private mutating func end() async throws {
        let app = try await launch()
        app.tell("sync\nlist\nstatus\nquit")
        let status = try await app.line(holding: "upToDate:")
        _ = await app.exit
        #expect(status.contains(": 0 not confirmed, 0 refused, 0 set aside"), "\(status)")
        // Everything is at the server, once.
        var (ids, minutes): ([String], Int64) = ([], 0)
        let body = try await site.get("/v1/changes?limit=5000", accept: nil)
        let page = try ChangesPage(encoded: try #require(body))
        for record in page.records {
            ids.append(record.key.id.text)
            if case .integer(let count)? = try record.fieldValues()["minutes"] { minutes += count }
        }
        #expect(!page.end.hasMore)
        #expect(Set(ids).count == ids.count)
        #expect(added.isSubset(of: ids), "\(added.subtracting(ids).count) edits that were made are not there")
        #expect(minutes >= counted && minutes <= counted + outstanding)
        #expect(added.count > 10 && counted > 10)
        proxy.close()
    }
}
