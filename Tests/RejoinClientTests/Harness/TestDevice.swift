import Causality
import EngineHarness
import Foundation
import GRDB
import MergeCore
import SyncWire
import Synchronization
import Values

@testable import DeviceReplica

/// A device of a test: a database file of its own, and a client on it that can be opened again.
final class TestDevice: Sendable {
    let name: DeviceID
    let directory: URL
    private let token: @Sendable (DeviceID) async throws -> String
    let connection: any ServerConnection
    let clock: TestDeviceClock
    private let usesOwnClock: Bool
    private let opened = Mutex<RejoinClient?>(nil)
    private let configure: @Sendable (inout ClientOptions) -> Void

    /// A device of a server in this process, whose time it shares.
    convenience init(
        _ name: String, on server: TestServer, in directory: URL, connection: (any ServerConnection)? = nil,
        clock: TestDeviceClock? = nil, configure: @escaping @Sendable (inout ClientOptions) -> Void = { _ in }
    ) throws {
        try self.init(
            name, in: directory, connection: connection ?? RouterConnection(server: server),
            clock: clock ?? TestDeviceClock(server.time), configure: configure
        ) { device in try await server.token(device: device) }
    }

    /// - Parameter clock: nil for the machine's own.
    init(
        _ name: String, in directory: URL, connection: any ServerConnection, clock: TestDeviceClock? = nil,
        configure: @escaping @Sendable (inout ClientOptions) -> Void = { _ in },
        token: @escaping @Sendable (DeviceID) async throws -> String
    ) throws {
        self.name = DeviceID(name)
        self.connection = connection
        self.token = token
        self.directory = directory.appendingPathComponent(name, isDirectory: true)
        self.clock = clock ?? TestDeviceClock(TestClock())
        usesOwnClock = clock != nil
        self.configure = configure
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
        opened.withLock { $0 = nil }
        try open()
    }

    var client: RejoinClient {
        guard let client = opened.withLock({ $0 }) else { preconditionFailure("the device is not open") }
        return client
    }

    var path: String { directory.appendingPathComponent("app.sqlite").path }
    var mark: URL { directory.appendingPathComponent("mark.installation") }

    /// Opens the database, as an app does that was started again.
    func open() throws {
        var options = ClientOptions()
        options.device = name
        options.installationMark = mark
        if usesOwnClock { options.clock = clock.clock }
        configure(&options)
        let client = try RejoinClient(
            database: DatabasePool(path: path), connection: connection, options: options, token: token)
        opened.withLock { $0 = client }
    }

    func sync() async throws { try await client.syncNow() }
}

extension TestDevice {
    /// Pulls without sending what is pending: a page that was on its way while edits were made.
    func pullOnly(over pulling: (any ServerConnection)? = nil) async throws {
        let calls = ServerCalls(
            connection: pulling ?? connection, time: client.replica.time, log: SyncLogger { _, _ in },
            timeout: .seconds(60))
        let token = try await token(try await client.device())
        while true {
            let call = try await client.replica.read { try $0.feedCall(since: try $0.cursor()) }
            guard case .document(let page) = await calls.ask(call, as: .init(token: token)).0 else {
                throw Unexpected("no page")
            }
            try await client.replica.write { try $0.take(page) }
            if !page.end.hasMore { return }
        }
    }
}

/// A device's clocks: a wall clock that may be wrong and may jump, and one that counts on. Both may be too quick or too slow.
final class TestDeviceClock: Sendable {
    private let server: TestClock
    private let drift: Double
    private let error = Mutex<Int64>(0)

    /// - Parameter drift: by how much it is too quick: 0.01 gains 36 seconds an hour.
    init(_ server: TestClock, errorMilliseconds: Int64 = 0, drift: Double = 0) {
        self.server = server
        self.drift = drift
        error.withLock { $0 = errorMilliseconds }
    }

    var clock: DeviceClock {
        DeviceClock(
            wall: { TestClock.start + self.passed + self.error.withLock { $0 } },
            uptime: { .milliseconds(self.passed) })
    }

    /// Milliseconds since the tests' beginning, as this clock counts them.
    private var passed: Int64 { Int64((Double(server.now - TestClock.start) * (1 + drift)).rounded()) }

    /// Somebody sets the clock.
    func jump(milliseconds: Int64) { error.withLock { $0 += milliseconds } }
}

/// Runs the body with a directory of its own.
func withDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("rejoin-client-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}
