import Foundation
import MergeCore
import RejoinProcesses
import SeededRandom
import Testing

/// The devices of one tenant: some write, some only read, all the time, while something happens to what they depend on.
struct DeviceFleet: Sendable {
    static let tenant = "acme"
    static let collections = """
        collections:
          jobs:
            fields:
              title:  {type: string}
              note:   {type: string}
              status: {type: string, merge: manual}
              visits: {type: integer, merge: counter}
        """

    let data: String
    let servers: Servers
    let seed: UInt64
    let writers: Int
    var watchers = 0

    /// What everybody did and saw.
    struct Outcome: Sendable {
        var reports: [RetryingDevice.Report] = []
        var seen: [FeedWatcher.Seen] = []
    }

    /// The seed that the environment gives, or a new one.
    static func seed() -> UInt64 {
        ProcessInfo.processInfo.environment["REJOIN_TEST_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 0...UInt64.max)
    }

    /// Makes the records that all writers share.
    func begin() async throws {
        let (_, address) = try await servers.all[0].running()
        let office = try await caller(RetryingDevice.office, at: address)
        let operations = RetryingDevice.shared.map {
            operation(.create, "jobs", $0, clock: [RetryingDevice.office: 1], fields: [("note", "begun")])
        }
        let answer = try await office.post(batch: batchBody(operations), key: "begin")
        try #require(answer.status == 200, "\(answer.text)")
    }

    func reviewer() async throws -> Caller {
        let (_, address) = try await servers.all[0].running()
        return try await Caller(data: data, address: address, tenant: Self.tenant, device: nil, roles: ["reviewer"])
    }

    /// Lets the devices work for as long as the trouble lasts.
    /// - Parameter trouble: what happens meanwhile. It may write as a device too, and gives that device's report.
    func run(
        beside trouble: @escaping @Sendable (Traffic) async throws -> [RetryingDevice.Report]
    ) async throws -> Outcome {
        let traffic = Traffic()
        var devices: [RetryingDevice] = []
        for number in 0..<writers { devices.append(try await writer("device-\(number)", servers, traffic)) }
        var readers: [FeedWatcher] = []
        for number in 0..<watchers {
            let name = "reader-\(number)"
            readers.append(
                FeedWatcher(
                    name: name, servers: servers.all, traffic: traffic, token: try await caller(name, at: "").token,
                    limit: number % 2 == 0 ? 5_000 : 7))
        }
        return try await withThrowingTaskGroup(of: Part.self) { [devices, readers] group in
            for device in devices {
                group.addTask {
                    var device = device
                    try await device.run()
                    return .written([device.report])
                }
            }
            for reader in readers {
                group.addTask {
                    var reader = reader
                    return .read(try await reader.run())
                }
            }
            group.addTask {
                let reports = try await trouble(traffic)
                await traffic.finish()
                return .written(reports)
            }
            do {
                return try await outcome(of: &group, parts: devices.count + 1, traffic)
            } catch {
                await traffic.finish()
                for server in servers.all { await server.giveUp(error) }
                group.cancelAll()
                throw error
            }
        }
    }

    private enum Part: Sendable {
        case written([RetryingDevice.Report])
        case read(FeedWatcher.Seen)
    }

    private func outcome(
        of group: inout ThrowingTaskGroup<Part, any Error>, parts: Int, _ traffic: Traffic
    ) async throws -> Outcome {
        var outcome = Outcome()
        var writing = parts
        while let part = try await group.next() {
            switch part {
            case .written(let reports):
                outcome.reports += reports
                writing -= 1
                // Only now is there nothing more for the readers to come.
                if writing == 0 { await traffic.quieten() }
            case .read(let seen): outcome.seen.append(seen)
            }
        }
        return outcome
    }

    /// A device that writes to these servers.
    func writer(_ name: String, _ servers: Servers, _ traffic: Traffic) async throws -> RetryingDevice {
        let place = RetryingDevice.Place(
            servers: servers, traffic: traffic,
            reviewerToken: try await Caller(
                data: data, address: "", tenant: Self.tenant, device: nil, roles: ["reviewer"]
            ).token)
        let number = name.utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) }
        return RetryingDevice(name: name, seed: number, token: try await caller(name, at: "").token, place)
    }

    private func caller(_ device: String, at address: String) async throws -> Caller {
        try await Caller(data: data, address: address, tenant: Self.tenant, device: device, roles: [])
    }
}
