import Foundation
import RejoinProcesses

/// A server that is killed now and then and started again on the same data. Those who use it ask for its address anew.
actor CrashableServer {
    private let data: String
    private var arguments: [String]
    private let environment: [String: String]
    private var server: ServerProcess?
    private var waiting: [CheckedContinuation<(incarnation: Int, address: String), any Error>] = []
    private var failure: (any Error)?
    /// The number of the process that serves: how many times it was started.
    private(set) var incarnation = 0

    init(data: String, _ arguments: [String], environment: [String: String] = [:]) {
        self.data = data
        self.arguments = arguments
        self.environment = environment
    }

    /// - Parameter arguments: from now on; nil: as before.
    func start(_ arguments: [String]? = nil) async throws {
        if let arguments { self.arguments = arguments }
        do {
            let started = try await ServerProcess.start(data: data, self.arguments, environment: environment)
            server = started
            incarnation += 1
            let waiters = waiting
            waiting = []
            for waiter in waiters { waiter.resume(returning: (incarnation, started.address)) }
        } catch {
            giveUp(error)
            throw error
        }
    }

    /// SIGKILL. It counts as gone before the signal is sent, so that nobody who sees it fail is told that it lives.
    /// - Returns: how it ended: otherwise than by this signal if it was gone before.
    @discardableResult
    func kill() async -> Exit? {
        let killed = server
        server = nil
        killed?.process.send(SIGKILL)
        return await killed?.process.exit
    }

    /// Stops it where it is (SIGSTOP), or lets it go on (SIGCONT).
    func send(_ signal: Int32) { server?.process.send(signal) }

    /// Waits until it runs.
    func running() async throws -> (incarnation: Int, address: String) {
        if let server { return (incarnation, server.address) }
        if let failure { throw failure }
        return try await withCheckedThrowingContinuation { waiting.append($0) }
    }

    /// Nobody is to wait for it any more.
    func giveUp(_ error: any Error) {
        failure = error
        let waiters = waiting
        waiting = []
        for waiter in waiters { waiter.resume(throwing: error) }
    }

    func isGone(_ incarnation: Int) -> Bool { incarnation < self.incarnation || server == nil }

    /// What it has logged in this incarnation.
    var log: String { server?.process.errors.text ?? "" }
}

/// Where devices send their batches.
enum Servers: Sendable {
    /// One server on a database of its own: what it had stored when it died is settled, and it never has to refuse.
    case alone(CrashableServer)
    /// Several on one database, which may fail too: who does not answer may still be committing, and a server without its
    /// storage says so.
    case together([CrashableServer])

    var all: [CrashableServer] {
        switch self {
        case .alone(let server): [server]
        case .together(let servers): servers
        }
    }
}
