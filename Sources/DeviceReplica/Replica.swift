import Causality
import Foundation
import GRDB
import MergeCore
import StrictJSON
import SyncWire
import Synchronization
import Values

/// The tables of one device, without a server: edits, what the server last said, and what shows.
///
/// Every method is one transaction of the database.
package final class Replica: Sendable {
    package let database: any DatabaseWriter
    package let options: ClientOptions
    let time: ServerTime
    let schemas = SchemaCache()
    let logger: SyncLogger

    /// Opens the tables in a database, and makes or migrates them. They may lie beside an app's own.
    init(_ database: any DatabaseWriter, _ options: ClientOptions) throws {
        self.database = database
        self.options = options
        time = ServerTime(options.clock)
        logger = options.log
        try database.writeWithoutTransaction { db in
            try db.inTransaction(.immediate) {
                try migrate(db)
                try options.mirror?.open(ReplicaTransaction(db: db, replica: self))
                return .commit
            }
        }
    }

    private func migrate(_ db: Database) throws {
        let transaction = ReplicaTransaction(db: db, replica: self)
        let isThere =
            try Row.fetchOne(
                db, sql: "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = 'rejoin_values'") != nil
        var version = isThere ? try transaction.integer(.version) ?? 0 : 0
        guard version <= Self.migrations.count else { throw ReplicaError.tooNew(version: Int(version)) }
        while version < Self.migrations.count {
            try db.execute(sql: Self.migrations[Int(version)]())
            version += 1
            try transaction.set(.version, version)
        }
        if try transaction.text(.device) == nil {
            try transaction.set(.device, options.device?.name.text ?? Self.randomDevice().name.text)
            try transaction.set(.needsRegistration, "1")
        }
    }

    private static let migrations: [@Sendable () -> String] = [
        { String(decoding: PackageResources.V0001_replica_sql, as: UTF8.self) }
    ]

    static func randomDevice() -> DeviceID { DeviceID(ExactString(UUID().uuidString.lowercased())) }

    package func log(_ level: SyncLogger.Level, _ text: @autoclosure () -> String) { logger.log(level, text()) }

    // MARK: Transactions

    package func write<Result: Sendable>(
        _ body: @escaping @Sendable (ReplicaTransaction) throws -> Result
    ) async throws -> Result {
        try await database.write { db in try body(ReplicaTransaction(db: db, replica: self)) }
    }

    package func read<Result: Sendable>(
        _ body: @escaping @Sendable (ReplicaTransaction) throws -> Result
    ) async throws -> Result {
        try await database.read { db in try body(ReplicaTransaction(db: db, replica: self)) }
    }
}

extension Replica {
    /// Makes edits of all rows of the app's tables that were changed.
    package func noteRows() async throws {
        guard let mirror = options.mirror else { return }
        while try await read({ try mirror.hasWork($0) }) {
            try Task.checkCancellation()
            try await write { try mirror.work($0) }
        }
    }

    /// Does something and undoes it.
    package func tryOut<Result: Sendable>(
        _ body: @escaping @Sendable (ReplicaTransaction) throws -> Result
    ) async throws -> Result {
        try await database.writeWithoutTransaction { db in
            var result: Result?
            try db.inTransaction(.immediate) {
                result = try body(ReplicaTransaction(db: db, replica: self))
                return .rollback
            }
            guard let result else { throw ReplicaError.damaged("a transaction did not run") }
            return result
        }
    }

    /// Removes everything that begins with `rejoin_`.
    package func detach() async throws {
        try await database.write { db in
            for kind in ["trigger", "table"] {
                let names = try String.fetchAll(
                    db, sql: "SELECT name FROM main.sqlite_master WHERE type = ? AND name GLOB 'rejoin_*'",
                    arguments: [kind])
                for name in names {
                    try db.execute(sql: "DROP \(kind) main.\"\(name.replacingOccurrences(of: "\"", with: "\"\""))\"")
                }
            }
        }
        if let mark { try? FileManager.default.removeItem(at: mark.url) }
    }
}

/// The schema that the server declared, read once for each number that it has in the database.
final class SchemaCache: Sendable {
    private let last = Mutex<(number: Int64, schema: Schema)?>(nil)

    /// - Returns: nil for a text that cannot be read. Then the server checks alone.
    func schema(_ number: Int64, _ text: () throws -> String?) throws -> Schema? {
        if let last = last.withLock({ $0 }), last.number == number { return last.schema }
        guard let text = try text(), let schema = try? Schema(encoded: Array(text.utf8)) else { return nil }
        last.withLock { $0 = (number, schema) }
        return schema
    }
}
