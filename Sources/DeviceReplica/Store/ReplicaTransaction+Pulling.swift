import Causality
import GRDB
import MergeCore
import SyncWire
import Values

extension ReplicaTransaction {
    /// Where the feed goes on; nil from the beginning.
    func cursor() throws -> String? {
        try String.fetchOne(
            db.cachedStatement(sql: Statements.selectCursor), arguments: [replica.options.selection])
    }

    /// Takes a page of the feed with the cursor behind it.
    func take(_ page: ChangesPage) throws {
        try take(page.records)
        try retrySetAside()
        try forgetLeaving()
        try run(Statements.upsertCursor, [replica.options.selection, page.end.cursor])
    }

    /// Moves the cursor behind a page whose records are taken or set aside.
    fileprivate func finish(_ page: ChangesPage) throws {
        try run(Statements.upsertCursor, [replica.options.selection, page.end.cursor])
    }

    // MARK: From the beginning

    /// Everything is to be pulled anew, beside what is here. What is pending stays.
    func beginPullingAgain(_ reason: Problem.ResyncReason) throws {
        // A change of the data's lineage is more than that the cursor is too old.
        if try text(.pullingAgain) == Problem.ResyncReason.lineage.rawValue, reason == .expired { return }
        try set(.pullingAgain, reason.rawValue)
        try set(.pullingAgainCursor, nil)
        try run(Statements.deletePulledAgain)
    }

    /// Keeps a page of the pull from the beginning. After the last one what was known gives way to it.
    func takeAgain(_ page: ChangesPage) throws {
        for record in page.records where try keeps(record.key) {
            try run(
                Statements.upsertPulledAgain,
                [
                    record.key.collection.text, record.key.id.text, String(decoding: record.encoded(), as: UTF8.self),
                ])
        }
        try set(.pullingAgainCursor, page.end.cursor)
        if !page.end.hasMore { try finishPullingAgain(page.end.cursor) }
    }

    private func finishPullingAgain(_ cursor: String) throws {
        let isOtherLineage = try text(.pullingAgain) == Problem.ResyncReason.lineage.rawValue
        if isOtherLineage {
            // What was sent into the other life of the data, nobody will answer. Its ids say whether it arrived.
            try run(Statements.deleteBatches)
            try run(Statements.thawAll)
            try unsettle(try rows(Statements.selectSettled).map(PendingOperation.init(row:)))
            // Numbers that only this table knows were taken in the life that was cut off.
            if try exists(Statements.hasOwnCounter) { try set(.needsIdentity, ProblemCode.clockAhead.rawValue) }
            try run(Statements.deleteOwnCounters)
            try run(Statements.deleteAllUnclear)
        }
        try forEachKnownRecord { base in
            let now = try pulledAgain(base.key)
            if isOtherLineage {
                try reconcile(base, with: now)
            } else if now == nil {
                // The server has forgotten it: it was deleted, and purged.
                try forget(base)
            }
        }
        try run(Statements.deleteCursors)
        try run(Statements.deleteAllSetAside)
        try forEachPulledAgain { record in
            if isOtherLineage, try base(record.key) == nil { try cutContexts(of: record.key, to: record) }
            try take(record)
        }
        if isOtherLineage { try cutContextsOfUnknown() }
        try run(Statements.upsertCursor, [replica.options.selection, cursor])
        try run(Statements.deletePulledAgain)
        try set(.pullingAgain, nil)
        try set(.pullingAgainCursor, nil)
    }

    private func pulledAgain(_ key: RecordKey) throws -> WireRecord? {
        try row(Statements.selectPulledAgain, [key.collection.text, key.id.text]).map { row in
            let change: String = row[0]
            return try WireRecord(encoded: Array(change.utf8))
        }
    }

    private func forEachKnownRecord(_ body: (RecordBase) throws -> Void) throws {
        var last = RecordKey(collection: "", id: "")
        while true {
            let page = try rows(Statements.selectAllRecords, [last.collection.text, last.id.text]).map(
                RecordBase.init(row:))
            guard let end = page.last?.key else { return }
            last = end
            for base in page { try body(base) }
        }
    }

    private func forEachPulledAgain(_ body: (WireRecord) throws -> Void) throws {
        var last = RecordKey(collection: "", id: "")
        while true {
            let page = try rows(Statements.selectPulledAgainPage, [last.collection.text, last.id.text])
            guard let end = page.last else { return }
            last = RecordKey(collection: ExactString(end[0] as String), id: ExactString(end[1] as String))
            for row in page {
                let change: String = row[2]
                try body(try WireRecord(encoded: Array(change.utf8)))
            }
        }
    }

    /// Removes a record that the server has forgotten, if nothing of it is pending here.
    private func forget(_ base: RecordBase) throws {
        try replica.options.mirror?.capture(base.key, self)
        guard try operations(of: base.key).isEmpty else { return }
        let gone = ShownRecord(
            key: base.key, fields: base.fields, isDeleted: true, isPending: false, siblings: [:], openConflicts: 0,
            clock: base.clock)
        let refusal = try attempt {
            try showing { try show(gone) }
            try removeBase(base.key)
        }
        if refusal != nil {
            replica.log(.warning, "the app keeps \(base.key.collection)/\(base.key.id), which the server has forgotten")
        }
    }

    func removeBase(_ key: RecordKey) throws {
        try run(Statements.deleteRecord, [key.collection.text, key.id.text])
        try run(Statements.deleteSetAside, [key.collection.text, key.id.text])
    }
}

extension Replica {
    /// Takes a page each record in a transaction of its own, so that a constraint that is looked at last hits the record that breaks it.
    func takeOneByOne(_ page: ChangesPage) async throws {
        for record in page.records {
            do {
                try await write { try $0.take([record]) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                try await write { try $0.keepAside(record, because: "\(error)") }
            }
        }
        // What was set aside before is tried in the same way.
        let waiting = try await read { transaction in
            try transaction.rows(Statements.selectSetAside).map { row in
                let change: String = row["change"]
                return try WireRecord(encoded: Array(change.utf8))
            }
        }
        for record in waiting where !page.records.contains(record) {
            do {
                try await write { try $0.take([record]) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                log(.debug, "\(record.key.collection)/\(record.key.id) still waits: \(error)")
            }
        }
        try await write { try $0.finish(page) }
    }
}
