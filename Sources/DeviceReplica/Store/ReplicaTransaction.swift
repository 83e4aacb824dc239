import Causality
import GRDB
import MergeCore
import StrictJSON
import SyncWire
import Values

/// What a replica reads and writes within one transaction of its database. Whoever opened the transaction ends it.
///
/// Every step that has to be whole is one call of a method here: an edit with its operation, a batch before it leaves, an answer
/// with what it changes, a page with its cursor.
package struct ReplicaTransaction {
    package let db: Database
    package let replica: Replica

    // MARK: Statements

    /// Runs a statement that returns nothing. The statement is prepared once a connection.
    package func run(_ sql: String, _ arguments: StatementArguments = []) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    package func row(_ sql: String, _ arguments: StatementArguments = []) throws -> Row? {
        try Row.fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
    }

    package func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try Row.fetchAll(db.cachedStatement(sql: sql), arguments: arguments)
    }

    package func number(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: sql), arguments: arguments) ?? 0
    }

    package func exists(_ sql: String, _ arguments: StatementArguments = []) throws -> Bool {
        try Row.fetchOne(db.cachedStatement(sql: sql), arguments: arguments) != nil
    }

    // MARK: Single values

    package func text(_ name: ReplicaValue) throws -> String? {
        try String.fetchOne(db.cachedStatement(sql: Statements.selectValue), arguments: [name.rawValue])
    }

    package func integer(_ name: ReplicaValue) throws -> Int64? { try text(name).flatMap { Int64($0) } }

    func flag(_ name: ReplicaValue) throws -> Bool { try text(name) != nil }

    package func set(_ name: ReplicaValue, _ value: String?) throws {
        if let value {
            try run(Statements.upsertValue, [name.rawValue, value])
        } else {
            try run(Statements.deleteValue, [name.rawValue])
        }
    }

    func set(_ name: ReplicaValue, _ value: Int64) throws { try set(name, String(value)) }

    func raise(_ name: ReplicaValue, by amount: Int64 = 1) throws { try set(name, (try integer(name) ?? 0) + amount) }

    /// The device whose events this replica authors.
    func device() throws -> DeviceID {
        guard let name = try text(.device) else { throw ReplicaError.damaged("the replica has no device id") }
        return DeviceID(name)
    }

    /// The rules of a collection, as the server last declared them; those of an undeclared one where nothing is known.
    package func rules(of collection: ExactString) throws -> CollectionRules {
        try schema()?.rules(for: collection) ?? .undeclared
    }

    /// What the server last declared; nil where it was never asked.
    package func schema() throws -> Schema? {
        guard let number = try integer(.schemaNumber) else { return nil }
        return try replica.schemas.schema(number) { try text(.schema) }
    }
}

/// The names under which a replica keeps single values.
package enum ReplicaValue: String {
    /// The number of the schema of these tables.
    case version
    case device
    /// What the installation mark has to say for this database to be the one that it was made for.
    case installation
    /// How many batches were made ready.
    case batchesMade = "batches_made"
    /// Everything has to go under a new device id.
    case needsIdentity = "needs_identity"
    case needsRegistration = "needs_registration"
    /// Who the replica is for: the tenant that the server named.
    case tenant
    case lineage
    /// The JSON that the server declares its collections with.
    case schema
    /// It changes with every text of the schema.
    case schemaNumber = "schema_number"
    case needsCollections = "needs_collections"
    /// Server time minus device time; absent while nothing is known.
    case offset = "clock_offset"
    /// The greatest time that was handed out or seen.
    case latestTime = "clock_latest"
    /// The number of the last local transaction with edits.
    case edit
    /// The number of the schema of what is kept for an app's own tables.
    case tablesVersion = "tables_version"
    /// Why everything is pulled again, while it is.
    case pullingAgain = "pulling_again"
    /// Where the pull from the beginning goes on.
    case pullingAgainCursor = "pulling_again_cursor"
    /// How many operations a batch may have: fewer after the server found one too large.
    case batchOperations = "batch_operations"
    /// Limits of the server, as JSON.
    case limits
    case acknowledged
    case conflicts
    case latencyTotal = "latency_total"
    case lastSuccess = "last_success"
}

/// What a replica cannot go on with.
public enum ReplicaError: Error, Sendable, Hashable {
    /// The tables hold something that this version does not understand.
    case damaged(String)
    /// The tables were made by a newer version of the client.
    case tooNew(version: Int)
    /// The collection is kept whole: no record of it is asked for or let go by itself.
    case notOnDemand(collection: String)
}
