import Foundation
import GRDBSQLite
import LoadDriver
import Values

/// Runs the statements of a real commit through SQLite's C interface, one transaction after the other on one connection: as
/// there is one writer, more of them would only wait for each other.
///
/// Used by one thread at a time.
final class SQLiteFloor {
    /// A value that is the same in every transaction, where SQLite can read it without copying; or how it is made.
    private enum Binding {
        case null
        case integer(Int64)
        case text(UnsafeBufferPointer<CChar>)
        case blob(UnsafeBufferPointer<CChar>)
        case tenant
        /// A scattered id, written in place.
        case id(UnsafeMutableBufferPointer<CChar>, Sample.Role)
        case number(Sample.Role)
    }

    private struct Step {
        let statement: OpaquePointer
        let bindings: [Binding]
    }

    private let connection: SQLiteConnection
    private let path: String
    private var steps: [Step] = []
    private var statements: [String: OpaquePointer] = [:]
    private var buffers: [UnsafeMutableBufferPointer<CChar>] = []
    private let tenantText: UnsafeMutableBufferPointer<CChar>
    private let tenants: Fleet.Tenants
    private var transactions = 0

    init(_ path: String, _ capture: SQLiteCapture, tenants: Fleet.Tenants) throws {
        self.path = path
        self.tenants = tenants
        tenantText = .allocate(capacity: 16)
        connection = try SQLiteConnection(path)
        // `SQLiteStore` sets its writer so.
        try connection.execute("PRAGMA synchronous = FULL")
        try connection.execute("PRAGMA cache_size = -16384")
        sqlite3_wal_autocheckpoint(connection.handle, 10_000)
        for step in capture.steps {
            let statement = try statements[step.sql] ?? connection.prepare(step.sql)
            statements[step.sql] = statement
            steps.append(Step(statement: statement, bindings: step.values.map { binding($0, capture.sample) }))
        }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        for buffer in buffers { buffer.deallocate() }
        tenantText.deallocate()
    }

    /// - Parameter clients: whose records are written, in turns.
    func run(clients: Int, for duration: Duration) throws -> LoadResult {
        let checkpointer = Thread { [path] in
            // `rejoin serve` does this beside the writer.
            guard let connection = try? SQLiteConnection(path) else { return }
            while !Thread.current.isCancelled {
                Thread.sleep(forTimeInterval: 2)
                sqlite3_wal_checkpoint_v2(connection.handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
            }
        }
        checkpointer.start()
        defer { checkpointer.cancel() }
        let before = try connection.integer("SELECT count(*) FROM batches")
        var result = LoadResult(requests: 0, seconds: 0, latencies: LoadResult.noLatencies)
        let start = ContinuousClock.now
        var now = start
        while now < start + duration {
            try transact(client: transactions % clients, number: transactions / clients)
            transactions += 1
            let then = ContinuousClock.now
            result.latencies.record(UInt64((then - now) / .nanoseconds(1)))
            result.requests += 1
            now = then
        }
        result.seconds = start.duration(to: now) / .seconds(1)
        guard try connection.integer("SELECT count(*) FROM batches") - before == result.requests else {
            throw BenchError("the floor's transactions did not store their batches")
        }
        return result
    }

    private func transact(client: Int, number: Int) throws {
        let tenant = Self.write(Int(tenants.name(client: client)) ?? 0, digits: 7, at: tenantText[...])
        let numbers = Numbers(client: client, number: number)
        for step in steps {
            var index: Int32 = 0
            for binding in step.bindings {
                index += 1
                switch binding {
                case .null: sqlite3_bind_null(step.statement, index)
                case .integer(let number): sqlite3_bind_int64(step.statement, index, number)
                case .text(let text):
                    sqlite3_bind_text(step.statement, index, text.baseAddress, Int32(text.count), nil)
                case .blob(let bytes):
                    if bytes.isEmpty {
                        sqlite3_bind_zeroblob(step.statement, index, 0)
                    } else {
                        sqlite3_bind_blob(step.statement, index, bytes.baseAddress, Int32(bytes.count), nil)
                    }
                case .tenant: sqlite3_bind_text(step.statement, index, tenantText.baseAddress, Int32(tenant), nil)
                case .id(let text, let role):
                    Self.write(Identifiers.scattered(numbers[role]), at: text[..<8])
                    Self.write(numbers[role], digits: 12, at: text[(text.count - 12)...])
                    sqlite3_bind_text(step.statement, index, text.baseAddress, Int32(text.count), nil)
                case .number(let role): sqlite3_bind_int64(step.statement, index, Int64(numbers[role]))
                }
            }
            while true {
                let code = sqlite3_step(step.statement)
                if code == SQLITE_DONE { break }
                guard code == SQLITE_ROW else { throw connection.failure("running the floor") }
            }
            sqlite3_reset(step.statement)
            sqlite3_clear_bindings(step.statement)
        }
    }

    /// The numbers of one transaction.
    private struct Numbers {
        let client: Int
        let number: Int

        subscript(role: Sample.Role) -> Int {
            switch role {
            case .record(let index):
                Bench.firstRecord(client: client) + number % Sample.windows * Sample.operations + index
            case .operation(let index):
                Bench.firstNumber(client: client) + number * Sample.operations + index
            case .batch: Bench.firstNumber(client: client) + number
            // A range for each client, as in the floor of PostgreSQL.
            case .sequence(let index), .ordinal(let index):
                10_000_000_000 + client * 1_000_000_000 + number * Sample.operations + index
            case .counter: number + 2
            case .constant, .tenant: 0
            }
        }
    }

    private func binding(_ value: SQLiteStep.Value, _ sample: Sample) -> Binding {
        switch value {
        case .null: return .null
        case .blob(let bytes): return .blob(UnsafeBufferPointer(keep(bytes)))
        case .integer(let number):
            let role = sample.role(ofInteger: Int(number))
            return role == .constant ? .integer(number) : .number(role)
        case .text(let text):
            switch sample.role(ofText: text) {
            case .tenant: return .tenant
            case .record, .operation, .batch: return .id(keep(Array(text.utf8)), sample.role(ofText: text))
            case .constant, .sequence, .ordinal, .counter: return .text(UnsafeBufferPointer(keep(Array(text.utf8))))
            }
        }
    }

    private func keep(_ bytes: [UInt8]) -> UnsafeMutableBufferPointer<CChar> {
        // At least one, so that there is an address: without one the value would be NULL.
        let whole = UnsafeMutableBufferPointer<CChar>.allocate(capacity: max(1, bytes.count))
        for (index, byte) in bytes.enumerated() { whole[index] = CChar(bitPattern: byte) }
        buffers.append(whole)
        return UnsafeMutableBufferPointer(rebasing: whole[..<bytes.count])
    }

    /// Writes eight hexadecimal digits.
    private static func write(_ bits: UInt32, at place: Slice<UnsafeMutableBufferPointer<CChar>>) {
        let place = UnsafeMutableBufferPointer(rebasing: place)
        for index in 0..<8 {
            let digit = CChar(truncatingIfNeeded: bits >> UInt32(28 - 4 * index) & 15)
            place[index] = digit < 10 ? 48 + digit : 87 + digit
        }
    }

    /// - Returns: how many digits were written.
    @discardableResult
    private static func write(_ number: Int, digits: Int, at place: Slice<UnsafeMutableBufferPointer<CChar>>) -> Int {
        var rest = number
        let place = UnsafeMutableBufferPointer(rebasing: place)
        for index in stride(from: digits - 1, through: 0, by: -1) {
            place[index] = CChar(48 + rest % 10)
            rest /= 10
        }
        return digits
    }
}

/// A connection through the C interface.
final class SQLiteConnection {
    let handle: OpaquePointer

    init(_ path: String) throws {
        var handle: OpaquePointer?
        guard sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK, let handle else {
            throw BenchError("cannot open \(path)")
        }
        self.handle = handle
        sqlite3_busy_timeout(handle, 5_000)
    }

    deinit { sqlite3_close_v2(handle) }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
    }

    func prepare(_ sql: String) throws -> OpaquePointer {
        var statement: OpaquePointer?
        guard
            sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else { throw failure(sql) }
        return statement
    }

    func integer(_ sql: String) throws -> Int {
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        guard sqlite3_step(statement) == SQLITE_ROW else { throw failure(sql) }
        return Int(sqlite3_column_int64(statement, 0))
    }

    func failure(_ what: String) -> BenchError { BenchError("\(what): \(String(cString: sqlite3_errmsg(handle)))") }
}
