import MergeCore
import RejoinProcesses
import StrictJSON
import Values

/// A device that only reads: it pulls page after page, from one server and then from the other, all the time.
struct FeedWatcher {
    /// What it knows in the end.
    struct Seen: Sendable {
        let name: String
        /// The newest state that was sent of each record.
        var records: [String: Value] = [:]
        var changes = 0
        var pages = 0
    }

    private let servers: [CrashableServer]
    private let traffic: Traffic
    private let token: String
    private let limit: Int
    private var turn: Int
    private var cursor: String?
    private var lastSequence: Int64 = 0
    private var seen: Seen

    /// - Parameter limit: changes a page.
    init(name: String, servers: [CrashableServer], traffic: Traffic, token: String, limit: Int) {
        self.servers = servers
        self.traffic = traffic
        self.token = token
        self.limit = limit
        turn = limit
        seen = Seen(name: name)
    }

    /// Reads until nothing changes any more and it has everything.
    mutating func run() async throws -> Seen {
        while true {
            let isQuiet = await traffic.isQuiet
            let page = try await ask()
            let changes = page["changes"]?.elements ?? []
            try take(changes)
            cursor = page["cursor"]?.text
            seen.pages += 1
            guard changes.isEmpty, page["more"] == false else { continue }
            if isQuiet { return seen }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The feed runs in the order of its sequence: what comes later has a higher number than everything before.
    private mutating func take(_ changes: [Value]) throws {
        for change in changes {
            guard let id = change["id"]?.text, let sequence = change["sequence"]?.integer else {
                throw TestError("\(seen.name): no change: \(change.canonicalText)")
            }
            guard sequence > lastSequence else {
                throw TestError("\(seen.name): \(id) came with \(sequence) after \(lastSequence)")
            }
            lastSequence = sequence
            seen.records[id] = change
            seen.changes += 1
        }
    }

    private mutating func ask() async throws -> Value {
        let path = "/v1/changes?limit=\(limit)" + (cursor.map { "&since=\($0)" } ?? "")
        while true {
            turn += 1
            let server = servers[turn % servers.count]
            let (incarnation, address) = try await server.running()
            do {
                let answer = try await Caller(address: address, token: token).get(path)
                if answer.status == 200 { return try answer.json }
                guard answer.isStorageUnavailable else {
                    throw TestError("\(seen.name): \(answer.status) \(answer.text)")
                }
            } catch let error as TestError {
                throw error
            } catch {
                guard await server.isGone(incarnation) else {
                    throw TestError("\(seen.name): a living server did not answer: \(error)")
                }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
