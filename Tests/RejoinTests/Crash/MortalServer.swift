import Foundation

/// A server that is killed now and then and started again on the same data. Those who use it ask for its address anew.
actor MortalServer {
    private let data: String
    private let arguments: [String]
    private var server: ServerProcess?
    private var waiting: [CheckedContinuation<(life: Int, address: String), any Error>] = []
    private var failure: (any Error)?
    /// How many times it was started.
    private(set) var life = 0

    init(data: String, _ arguments: [String]) {
        self.data = data
        self.arguments = arguments
    }

    func start() async throws {
        let waiters: [CheckedContinuation<(life: Int, address: String), any Error>]
        do {
            let started = try await ServerProcess.start(data: data, arguments)
            server = started
            life += 1
            (waiters, waiting) = (waiting, [])
            for waiter in waiters { waiter.resume(returning: (life, started.address)) }
        } catch {
            failure = error
            (waiters, waiting) = (waiting, [])
            for waiter in waiters { waiter.resume(throwing: error) }
            throw error
        }
    }

    /// SIGKILL. It counts as gone before the signal is sent, so that nobody who sees it fail is told that it lives.
    func kill() async -> Exit? {
        let killed = server
        server = nil
        killed?.process.send(SIGKILL)
        return await killed?.process.exit
    }

    /// Waits until it runs.
    func running() async throws -> (life: Int, address: String) {
        if let server { return (life, server.address) }
        if let failure { throw failure }
        return try await withCheckedThrowingContinuation { waiting.append($0) }
    }

    func isGone(_ life: Int) -> Bool { life < self.life || server == nil }
}

/// Counts the batches that are on their way, and tells the killer when its moment has come.
actor Traffic {
    enum Moment: Sendable, Hashable {
        /// So many batches were sent since the server started.
        case sent(Int)
        /// So many were answered, while others are on their way.
        case answered(Int)
    }

    private var sent = 0
    private var answered = 0
    private var awaited: (moment: Moment, continuation: CheckedContinuation<Void, Never>)?
    private(set) var isOver = false

    func noteSending() {
        sent += 1
        tell()
    }

    func noteAnswer() {
        answered += 1
        tell()
    }

    /// Waits for the moment, counted from now.
    func reach(_ moment: Moment) async {
        sent = 0
        answered = 0
        guard !isOver else { return }
        await withCheckedContinuation { awaited = (moment, $0) }
    }

    /// No more new batches, and no more waiting for moments.
    func finish() {
        isOver = true
        awaited?.continuation.resume()
        awaited = nil
    }

    private func tell() {
        guard let (moment, continuation) = awaited else { return }
        let isReached =
            switch moment {
            case .sent(let count): sent >= count
            case .answered(let count): answered >= count
            }
        if isReached {
            awaited = nil
            continuation.resume()
        }
    }
}
