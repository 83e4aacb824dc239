import Foundation
import GRDB
import SyncStorage

/// The connections that read, and the threads on which they do. Tenants take turns at them as `FairQueue` says.
///
/// A thread starts when work waits and all others are busy, up to one a connection, and opens a connection where none is
/// free. It is woken by one signal, and its answer resumes the caller: there is no other hop on the way.
final class Readers: @unchecked Sendable {
    private typealias Work = @Sendable (Result<Database, StoreError>) -> Void

    /// How much is read.
    enum Extent {
        /// A few rows by their keys, or what was written last. The caller's thread reads them where a connection is free
        /// and nobody waits: to wake another thread takes longer. So they should lie in memory, nearly always.
        case fewRows
        /// Any number of rows. They are read on a thread of the readers.
        case manyRows
    }

    /// How many rows are few.
    static let fewRows = 100

    private let path: String
    private let configuration: Configuration
    private let count: Int
    /// Guards all that follows. This is why the class may be shared.
    private let condition = NSCondition()
    private var queue: FairQueue<Work>
    private var free: [DatabaseQueue] = []
    /// How many connections are open or about to be.
    private var opened = 0
    private var threads = 0
    private var idle = 0
    private var isClosed = false

    /// - Parameters:
    ///   - count: how many connections there are at most.
    ///   - path: where the file is.
    ///   - configuration: that of each connection, but that it cannot write.
    init(count: Int, at path: String, _ configuration: Configuration) {
        self.count = max(count, 1)
        self.path = path
        var configuration = configuration
        configuration.readonly = true
        self.configuration = configuration
        queue = FairQueue(workers: self.count, for: [.reading])
    }

    /// Runs a piece of work on the next connection that is free.
    /// - Parameters:
    ///   - tenant: whose turn it takes; nil for the server's own.
    ///   - extent: how much is read.
    func run<Answer: Sendable>(
        of tenant: TenantID?, _ extent: Extent, _ body: @escaping @Sendable (Database) throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        let result: Result<Answer, StoreError> = await withCheckedContinuation { continuation in
            let isTaken = add(of: tenant, extent) { connection in
                do throws(StoreError) {
                    continuation.resume(returning: .success(try body(try connection.get())))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(.unavailable("the store is closed"))) }
        }
        return try result.get()
    }

    /// Closes the connections when all work that was taken is done. Blocks until then.
    func close() throws {
        condition.lock()
        isClosed = true
        condition.broadcast()
        while threads > 0 || free.count < opened { condition.wait() }
        let connections = free
        free = []
        opened = 0
        condition.unlock()
        for connection in connections { try connection.close() }
    }

    // MARK: Parts

    /// - Returns: false where the readers are closed.
    private func add(of tenant: TenantID?, _ extent: Extent, _ work: @escaping Work) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !isClosed else { return false }
        let isAlone = queue.count == 0
        queue.add(work, of: tenant, for: .reading)
        guard isAlone, extent == .fewRows, let connection = free.last, let (work, turn) = queue.take() else {
            callThread()
            return true
        }
        free.removeLast()
        condition.unlock()
        connection.unsafeRead { work(.success($0)) }
        condition.lock()
        finish(turn, connection)
        // Others may have come meanwhile and found no connection.
        if queue.hasWork { callThread() }
        return true
    }

    /// Has a thread look for work. The lock is held.
    private func callThread() {
        if idle > 0 {
            condition.signal()
        } else if threads < count {
            threads += 1
            startThread()
        }
    }

    private func startThread() {
        let thread = Thread { [self] in
            while let (work, turn, connection) = next() {
                var connection = connection
                do {
                    let open = try connection ?? DatabaseQueue(path: path, configuration: configuration)
                    connection = open
                    open.unsafeRead { work(.success($0)) }
                } catch {
                    work(.failure(StoreError(error, at: "open a reader")))
                }
                condition.lock()
                finish(turn, connection)
                condition.unlock()
            }
        }
        thread.name = "sqlite reader"
        thread.start()
    }

    /// Waits for work. Where it comes without a connection, the thread opens one.
    /// - Returns: nil when the readers are closed and nothing waits.
    private func next() -> (Work, WorkTurn, DatabaseQueue?)? {
        condition.lock()
        defer { condition.unlock() }
        idle += 1
        defer { idle -= 1 }
        while true {
            if !free.isEmpty || opened < count, let (work, turn) = queue.take() {
                let connection = free.popLast()
                if connection == nil { opened += 1 }
                // This thread is idle no more, but is counted as if it were.
                if queue.hasWork, idle > 1 || threads < count {
                    idle -= 1
                    callThread()
                    idle += 1
                }
                return (work, turn, connection)
            }
            guard !isClosed || queue.count > 0 else {
                threads -= 1
                condition.broadcast()
                return nil
            }
            condition.wait()
        }
    }

    /// Gives a connection back; nil where none could be opened. The lock is held.
    private func finish(_ turn: WorkTurn, _ connection: DatabaseQueue?) {
        queue.finish(turn)
        if let connection { free.append(connection) } else { opened -= 1 }
        if isClosed { condition.broadcast() }
    }
}
