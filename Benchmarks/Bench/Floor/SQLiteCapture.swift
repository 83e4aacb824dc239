import Causality
import Foundation
import GRDBSQLite
import LoadDriver
import Logging
import MergeCore
import SQLiteStorage
import SyncEngine
import SyncStorage
import SyncWire
import Synchronization
import Values

/// One execution of a statement, with its values.
struct SQLiteStep {
    enum Value: Hashable {
        case null
        case integer(Int64)
        case text(String)
        case blob([UInt8])
    }

    let sql: String
    /// The values of the parameters, in the order of `?1`, `?2`, …
    let values: [Value]
}

/// Has the embedded engine make one commit in this process and listens to what SQLite is told.
struct SQLiteCapture {
    let sample: Sample
    let steps: [SQLiteStep]

    private static let tenant = "900000"

    init(_ context: Context) async throws {
        let path = "\(context.directory)/sample.sqlite"
        SQLiteTrace.install()
        let store = try SQLiteStore.open(at: path)
        let writer = SampleWriter(store: store, tenant: Self.tenant, at: context.at)
        try await writer.commit(.create, firstNumber: 700_000_000_000, counter: 0)
        for counter in 1..<6 {
            try await writer.commit(.update, firstNumber: 710_000_000_000 + counter * 1_000, counter: counter)
        }
        let (sequence, ordinal) = (5_000_000_000, 6_000_000_000)
        try Self.setHead(path, sequence: sequence, ordinal: ordinal)
        SQLiteTrace.start()
        try await writer.commit(.update, firstNumber: 720_000_000_000, counter: 6)
        let traced = SQLiteTrace.stop()
        await store.close()
        guard let begin = traced.firstIndex(where: { $0.sql.hasPrefix("BEGIN IMMEDIATE") }),
            let end = traced[begin...].firstIndex(where: { $0.sql.hasPrefix("COMMIT") })
        else { throw BenchError("SQLite was told of no whole transaction") }
        steps = try traced[begin...end].map { try $0.step() }
        sample = Sample(
            tenant: Self.tenant, device: Bench.device(0), firstRecord: Bench.firstRecord(client: 0),
            firstOperation: 720_000_000_000, batch: 720_000_000_000, sequence: sequence, ordinal: ordinal, counter: 7)
    }

    private static func setHead(_ path: String, sequence: Int, ordinal: Int) throws {
        let connection = try SQLiteConnection(path)
        try connection.execute(
            "UPDATE tenants SET sequence = \(sequence), operation_ordinal = \(ordinal) WHERE tenant = '\(tenant)'")
    }
}

/// Commits batches to a store as the server would.
private struct SampleWriter {
    let store: SQLiteStore
    let tenant: String
    let at: String

    func commit(_ kind: Batches.Kind, firstNumber: Int, counter: Int) async throws {
        var shape = Batches.Shape(
            kind, device: Bench.device(0), firstRecord: Bench.firstRecord(client: 0), firstNumber: firstNumber, at: at)
        shape.operations = Sample.operations
        shape.windows = 1
        shape.counter = counter
        shape.identifiers = .scattered
        var batches = Batches(Endpoint(port: 0, token: ""), shape)
        let (key, body) = batches.nextBody()
        let request = try BatchRequest(body: body.span, limits: WireLimits())
        let engine = SyncEngine(
            store: store, schema: .open, keys: ServerKeys(secret: [1]),
            logger: Logger(label: "bench"))
        let now = engine.clock.now()
        let reply = try await engine.commit(
            BatchSubmission(
                tenant: TenantID(tenant), device: DeviceID(Bench.device(0)), user: ExactString(Bench.device(0)),
                key: ExactString(key), request: request, mode: .commit, answer: .full,
                receivedAtMilliseconds: now))
        guard reply.outcomes[.applied] == Sample.operations else { throw BenchError("the sample was not applied") }
    }
}

/// What SQLite reports of every connection that is opened in this process (sqlite3_auto_extension, sqlite3_trace_v2).
enum SQLiteTrace {
    struct Traced: Sendable {
        let sql: String
        /// The text with the values in the place of the parameters (sqlite3_expanded_sql).
        let expanded: String
    }

    private static let heard = Mutex<[Traced]?>(nil)

    typealias EntryPoint = @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?, UnsafeRawPointer?) -> Int32

    static func install() {
        let entry: EntryPoint = { connection, _, _ in
            sqlite3_trace_v2(
                connection, UInt32(SQLITE_TRACE_STMT),
                { _, _, statement, _ in
                    SQLiteTrace.note(OpaquePointer(statement))
                    return 0
                }, nil)
        }
        // The C declaration leaves the parameters out that SQLite passes.
        sqlite3_auto_extension(unsafeBitCast(entry, to: (@convention(c) () -> Void).self))
    }

    static func start() { heard.withLock { $0 = [] } }

    static func stop() -> [Traced] {
        heard.withLock { heard in
            defer { heard = nil }
            return heard ?? []
        }
    }

    private static func note(_ statement: OpaquePointer?) {
        guard let statement, let sql = sqlite3_sql(statement) else { return }
        heard.withLock { heard in
            guard heard != nil, let expanded = sqlite3_expanded_sql(statement) else { return }
            heard?.append(Traced(sql: String(cString: sql), expanded: String(cString: expanded)))
            sqlite3_free(expanded)
        }
    }
}

extension SQLiteTrace.Traced {
    /// Reads the values back out of the expanded text, which is the statement's but for them.
    fileprivate func step() throws -> SQLiteStep {
        var values: [Int: SQLiteStep.Value] = [:]
        let template = Array(sql.utf8)
        var literals = SQLLiteral(bytes: Array(expanded.utf8))
        var index = 0
        while index < template.count {
            guard template[index] == UInt8(ascii: "?") else {
                index += 1
                literals.position += 1
                continue
            }
            let digits = template[(index + 1)...].prefix { (48...57).contains($0) }
            guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
                throw BenchError("a parameter without a number: \(sql)")
            }
            values[number] = try literals.next()
            index += 1 + digits.count
        }
        return SQLiteStep(sql: sql, values: values.sorted { $0.key < $1.key }.map(\.value))
    }
}

/// Reads literals where they stand.
private struct SQLLiteral {
    let bytes: [UInt8]
    var position = 0

    mutating func next() throws -> SQLiteStep.Value {
        guard position < bytes.count else { throw BenchError("a statement ends before its values") }
        switch bytes[position] {
        case UInt8(ascii: "'"): return .text(String(decoding: quoted(), as: UTF8.self))
        case UInt8(ascii: "x"):
            position += 1
            let digits = quoted()
            return .blob(
                stride(from: 0, to: digits.count, by: 2).map {
                    UInt8(String(decoding: digits[$0..<($0 + 2)], as: UTF8.self), radix: 16) ?? 0
                })
        case UInt8(ascii: "z"):
            position += "zeroblob(0)".utf8.count
            return .blob([])
        case UInt8(ascii: "N"):
            position += 4
            return .null
        default:
            let digits = bytes[position...].prefix { (48...57).contains($0) || $0 == UInt8(ascii: "-") }
            position += digits.count
            guard let number = Int64(String(decoding: digits, as: UTF8.self)) else {
                throw BenchError("a value that is no integer: \(String(decoding: bytes, as: UTF8.self))")
            }
            return .integer(number)
        }
    }

    private mutating func quoted() -> [UInt8] {
        let quote = UInt8(ascii: "'")
        var text: [UInt8] = []
        position += 1
        while position < bytes.count {
            if bytes[position] == quote {
                guard position + 1 < bytes.count, bytes[position + 1] == quote else { break }
                position += 1
            }
            text.append(bytes[position])
            position += 1
        }
        position += 1
        return text
    }
}
