import Causality
import GRDB
import MergeCore

/// What keeps an app's own tables in line with the records that the replica keeps. The module `SyncedTables` has the one there is.
package protocol TableMirror: Sendable {
    /// Makes what the mirror keeps in the database, in the transaction that opens the replica.
    func open(_ transaction: ReplicaTransaction) throws

    /// Whether a collection is one of the app's tables.
    func hasTable(of collection: ExactString) -> Bool

    /// Whether rows were changed that are no edits yet, or something is left to compare.
    func hasWork(_ transaction: ReplicaTransaction) throws -> Bool

    /// Makes edits of rows that were changed, no more than one transaction should hold.
    func work(_ transaction: ReplicaTransaction) throws

    /// Makes an edit of what was changed in one row, before what is known of its record changes.
    func capture(_ key: RecordKey, _ transaction: ReplicaTransaction) throws

    /// Notes nothing of what the body does to the tables.
    func applying(_ transaction: ReplicaTransaction, _ body: () throws -> Void) throws

    /// Within ``applying(_:_:)``: notes what the body does all the same.
    func notingAgain(_ transaction: ReplicaTransaction, _ body: () throws -> Void) throws

    /// Writes a record into its table.
    /// - Parameter checksParents: whether a row is refused that refers to a row that is not there.
    /// - Throws: ``MissingRow`` where it could go well once other rows are there or gone; any error where the row is refused.
    func apply(_ record: ShownRecord, _ transaction: ReplicaTransaction, checksParents: Bool) throws

    /// Whether any row was changed that is no edit yet.
    func hasChanges(_ transaction: ReplicaTransaction) throws -> Bool

    /// How many rows were changed that are no edits yet, but will be.
    func countChanges(_ transaction: ReplicaTransaction) throws -> Int

    /// Writes records into their tables of which no row was changed here.
    /// - Parameter records: each with whether something was known of it before.
    /// - Throws: where one is refused.
    func applyAtOnce(_ records: [(record: ShownRecord, isKnown: Bool)], _ transaction: ReplicaTransaction) throws

    /// How many rows the transaction has changed so far.
    var changeCount: Int { get }

    /// What came after was undone.
    func forgetChanges(after count: Int)

    /// Whether the row of a record refers to rows that are not there.
    func lacksParents(_ key: RecordKey, _ transaction: ReplicaTransaction) throws -> Bool

    /// The server declares other collections than before.
    func collectionsChanged(_ transaction: ReplicaTransaction) throws

    /// Calls the closure whenever rows were changed that are no edits yet, by whatever process, until the task is cancelled.
    func watch(_ database: any DatabaseWriter, _ onChange: @escaping @Sendable () -> Void) async
}

/// A row waits for another one, to come or to go.
package struct MissingRow: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
