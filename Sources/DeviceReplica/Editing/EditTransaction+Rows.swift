import Causality
import MergeCore
import Values

/// What edits of an app's own tables need beside what an app asks for.
extension EditTransaction {
    /// Begins a local transaction with edits that were made a while ago.
    /// - Parameter ageMilliseconds: how long ago.
    package init(_ transaction: ReplicaTransaction, ageMilliseconds: Int64) throws {
        self.init(
            database: transaction.db, transaction: transaction, number: try transaction.nextEdit(), isAtomic: false,
            ageMilliseconds: ageMilliseconds, isOfRows: true)
    }

    /// Makes a record of a row that was there before its table was synced. Its author has seen nothing of the others' work,
    /// so that what the server has under the same id is met as a concurrent write.
    /// - Throws: ``EditRefusal``.
    package func adopt(_ key: RecordKey, _ fields: [ExactString: Value]) throws {
        _ = try add(.create, key, fields, seeing: VersionVector(), dependsOn: [])
    }

    /// Changes fields of a record whose author has seen nothing of it.
    /// - Throws: ``EditRefusal``.
    package func updateUnseen(_ key: RecordKey, _ fields: [ExactString: Value]) throws {
        _ = try add(.update, key, fields, seeing: VersionVector(), dependsOn: [])
    }

    /// Makes a deleted record anew.
    /// - Parameter kept: fields that show already what they are to show.
    /// - Throws: ``EditRefusal``.
    package func remake(_ key: RecordKey, _ fields: [ExactString: Value], keeping kept: Set<ExactString>) throws {
        guard let shown = try transaction.shown(key) else { throw EditRefusal.noRecord }
        let all = try remade(fields, of: shown, keeping: kept)
        _ = try add(.restore, key, all, seeing: shown.clock, dependsOn: [])
    }
}
