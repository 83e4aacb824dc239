import Foundation
import Synchronization

/// What all measurements of a run share.
final class Context: Sendable {
    /// The release build of `rejoin`.
    let server: String
    /// An earlier build to measure beside it.
    let against: String?
    /// A directory for everything, on a disk.
    let directory: String
    let plan: Plan
    let tokens: Tokens
    let report = Report()
    /// When the devices made their edits.
    let at: String

    /// The data directory of the servers: their signing key is in it, so one token is good for all of them.
    var data: String { "\(directory)/data" }

    init(server: String, against: String?, directory: String, plan: Plan) throws {
        self.server = server
        self.against = against
        self.directory = directory
        self.plan = plan
        // The databases lie here too, and theirs is another user where this one is root.
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try FileManager.default.createDirectory(
            atPath: "\(directory)/data", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        tokens = Tokens(program: server, data: "\(directory)/data")
        at = Date().addingTimeInterval(-3600).formatted(.iso8601)
    }

    /// Tells what is going on: most of the time nothing else is printed.
    func note(_ text: String) {
        FileHandle.standardError.write(
            Data("\(Date().formatted(.iso8601.time(includingFractionalSeconds: false)))  \(text)\n".utf8))
    }
}

/// How long is measured.
struct Plan {
    var rounds: Int
    var run: Duration
    var warmUp: Duration
    var clients: [Int]
    var hotClients: [Int]
    /// The numbers of records that the tenants of the pull have.
    var records: (all: Int, large: Int, small: Int)
    var sizes: [Int]
    /// Records that are there before costs are measured, in each database: half of them to be updated.
    var filling: Int

    static let full = Plan(
        rounds: 3, run: .seconds(5), warmUp: .seconds(1), clients: [1, 4, 16, 64], hotClients: [4, 16, 64],
        records: (1_000_000, 300_000, 30_000), sizes: [1_000, 100_000, 1_000_000],
        filling: 200_000)
    static let quick = Plan(
        rounds: 2, run: .seconds(1), warmUp: .milliseconds(300), clients: [1, 16], hotClients: [16],
        records: (50_000, 30_000, 3_000), sizes: [1_000, 100_000], filling: 32_000)
}

/// Tokens, minted as a developer would.
final class Tokens: Sendable {
    private let program: String
    private let data: String
    private let minted = Mutex<[String: String]>([:])

    init(program: String, data: String) {
        self.program = program
        self.data = data
    }

    func token(_ tenant: String, _ device: String) throws -> String {
        if let token = minted.withLock({ $0["\(tenant) \(device)"] }) { return token }
        let token = try Program.run(program, ["token", "--data", data, "--tenant", tenant, "--device", device])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        minted.withLock { $0["\(tenant) \(device)"] = token }
        return token
    }
}
