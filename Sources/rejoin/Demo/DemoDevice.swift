import AsyncHTTPClient
import Causality
import DeviceReplica
import Foundation
import GRDB
import MergeCore
import Synchronization
import Values

/// One device of the story: the client as an app has it, in a database of its own, with a clock that may be wrong.
final class DemoDevice: Sendable {
    let name: String
    let connection: DemoConnection
    let client: RejoinClient
    private let time: DemoClock

    init(
        _ name: String, of person: String, clockErrorMilliseconds: Int64 = 0, on server: DemoServer
    ) throws {
        self.name = name
        connection = DemoConnection(address: "http://127.0.0.1:\(server.port)")
        time = DemoClock(errorMilliseconds: clockErrorMilliseconds)
        var options = ClientOptions()
        options.device = DeviceID(name)
        options.clock = time.clock
        client = try RejoinClient(database: DatabaseQueue(), connection: connection, options: options) { device in
            try await server.token(user: person, device: device.name.text, roles: ["device"])
        }
    }

    /// Edits offline, so many minutes ago.
    func edit(minutesAgo: Int64, _ body: @escaping @Sendable (EditTransaction) throws -> Void) async throws {
        time.set(minutesAgo: minutesAgo)
        defer { time.set(minutesAgo: 0) }
        try await client.write { try body($0) }
    }

    /// Sends what is pending and takes what the others did.
    /// - Returns: the batches that were sent, with their answers.
    func sync() async throws -> [DemoConnection.Exchange] {
        try await client.syncNow()
        return connection.takeExchanges()
    }

    /// All that the device shows, by its records.
    func records() async throws -> [ShownRecord] {
        var all: [ShownRecord] = []
        for (collection, id): (ExactString, ExactString) in [
            ("cost_book_items", "oak-board"), ("estimates", "e-42"),
        ] {
            if let record = try await client.record(collection, id) { all.append(record) }
        }
        return all
    }
}

/// A device's clock that can be led back to a moment at which something was edited.
private final class DemoClock: Sendable {
    private let errorMilliseconds: Int64
    private let minutesAgo = Mutex<Int64>(0)
    private let system = DeviceClock.system

    init(errorMilliseconds: Int64) { self.errorMilliseconds = errorMilliseconds }

    func set(minutesAgo minutes: Int64) { minutesAgo.withLock { $0 = minutes } }

    var clock: DeviceClock {
        DeviceClock(
            wall: { self.system.wall() + self.errorMilliseconds - self.minutesAgo.withLock { $0 } * 60_000 },
            uptime: { self.system.uptime() - .seconds(60 * self.minutesAgo.withLock { $0 }) })
    }
}

/// The story did not go as told.
struct DemoError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
