import Causality
import GRDB
import MergeCore
import SyncWire
import Values

/// Which records of collections that are kept on demand are wanted here.
///
/// A wanted record is in every question to the feed. One that is wanted from now on lies behind the cursor mostly, so it is asked for by
/// its id, and the cursor stays. One that is not wanted any more *leaves*: it is in the questions as long as edits of it are pending or
/// parked, or the server has to be asked about one, and is then forgotten.
extension ReplicaTransaction {
    func isOnDemand(_ collection: ExactString) -> Bool { replica.options.onDemand.contains(collection) }

    /// - Throws: ``ReplicaError/notOnDemand(collection:)``.
    func requireOnDemand(_ collection: ExactString) throws {
        guard isOnDemand(collection) else { throw ReplicaError.notOnDemand(collection: collection.text) }
    }

    /// Has a record be wanted. One that is wanted already stays as it is.
    func want(_ key: RecordKey) throws {
        try run(Statements.want, [key.collection.text, key.id.text])
    }

    /// Whoever edits a record wants it.
    func wantEdited(_ key: RecordKey) throws {
        if isOnDemand(key.collection) { try want(key) }
    }

    /// Has a record leave, and forgets it where nothing keeps it.
    func unwant(_ key: RecordKey) throws {
        // What was written into its row before counts as before: an edit would have it wanted again.
        try replica.options.mirror?.capture(key, self)
        try run(Statements.leave, [key.collection.text, key.id.text])
        try forgetLeaving()
    }

    func wanted(_ collection: ExactString) throws -> [ExactString] {
        try rows(Statements.selectWanted, [collection.text]).map { ExactString($0[0] as String) }
    }

    /// Whether what the server says of a record is kept here.
    func keeps(_ key: RecordKey) throws -> Bool {
        guard isOnDemand(key.collection) else { return true }
        return try exists(Statements.isWanted, [key.collection.text, key.id.text])
    }

    /// Notes that a record is known as it stood somewhere behind the cursor. What came since the feed brings.
    func noteKnown(_ key: RecordKey) throws {
        if isOnDemand(key.collection) { try run(Statements.noteKnown, [key.collection.text, key.id.text]) }
    }

    // MARK: Asking

    /// The question to the feed, from a cursor on.
    func feedCall(since cursor: String?, waitSeconds: Int? = nil) throws -> WireCall<ChangesPage> {
        let options = replica.options
        guard !options.onDemand.isEmpty else {
            return .changes(since: cursor, collections: options.collections, waitSeconds: waitSeconds)
        }
        // As many of them as a question may name, the smallest first. A collection of which more is wanted comes whole, and what is
        // not wanted of it is left out here.
        var left = Int64(try sendingLimits().recordsPerQuery)
        var only: [ExactString: Set<ExactString>] = [:]
        let counts = try options.onDemand.map { ($0, try number(Statements.countWanted, [$0.text])) }
        for (collection, count) in counts.sorted(by: { ($0.1, $0.0) < ($1.1, $1.0) }) where count <= left {
            left -= count
            only[collection] = Set(
                try rows(Statements.selectInFeed, [collection.text]).map { ExactString($0[0] as String) })
        }
        return .changes(
            FeedRequest(
                since: cursor.map { ExactString($0) },
                collections: options.collections.isEmpty
                    ? [] : Set(options.collections).union(options.onDemand).sorted(), only: only,
                waitSeconds: waitSeconds.map { Int64($0) }))
    }

    /// The question for the next wanted records of which nothing is known yet; nil where there are none.
    ///
    /// The answer is no older than the cursor. So every change of these records is in it, or in the feed from there on.
    func wantedCall() throws -> (call: WireCall<RecordsAnswer>, keys: Set<RecordKey>)? {
        let limit = min(try sendingLimits().recordsPerQuery, 500)
        let keys = try rows(Statements.selectUnknown, [limit]).map {
            RecordKey(collection: ExactString($0[0] as String), id: ExactString($0[1] as String))
        }
        guard !keys.isEmpty else { return nil }
        let request = RecordsRequest(since: try cursor().map { ExactString($0) }, keys: keys)
        return (.records(request), Set(keys))
    }

    /// Takes the answer to a question for wanted records. One that is not there is known too: the feed brings it when somebody makes it.
    func takeWanted(_ keys: Set<RecordKey>, _ answer: RecordsAnswer) throws {
        try take(answer.records)
        for key in keys.subtracting(answer.omitted) { try noteKnown(key) }
        try forgetLeaving()
    }

    // MARK: Forgetting

    /// Forgets records that leave, of which no edit is pending or parked any more.
    func forgetLeaving() throws {
        guard !replica.options.onDemand.isEmpty else { return }
        for row in try rows(Statements.selectLeaving) {
            let key = RecordKey(collection: ExactString(row[0] as String), id: ExactString(row[1] as String))
            guard try forgetRow(key) else { continue }
            try forgetUnwanted(key)
            try run(Statements.deleteWanted, [key.collection.text, key.id.text])
        }
    }

    /// Brings what is here in line with what is kept on demand, which another run may have kept whole.
    func adoptOnDemand() throws {
        guard !replica.options.onDemand.isEmpty else { return }
        for row in try rows(Statements.selectWantedCollections) {
            let collection: String = row[0]
            if !isOnDemand(ExactString(collection)) { try run(Statements.deleteWantedOf, [collection]) }
        }
        // What is forgotten here lies behind the cursors of other selections, which would not bring it back.
        try run(Statements.deleteOtherCursors, [replica.options.selection])
        for collection in replica.options.onDemand {
            // An edit that waits keeps its record in the questions.
            try run(Statements.wantOperations, [collection.text])
            try run(Statements.wantParked, [collection.text])
            // Of a table all rows that are here are wanted.
            if replica.options.mirror?.hasTable(of: collection) == true {
                try run(Statements.wantRecords, [collection.text])
            }
            try run(Statements.clearUnwantedAside, [collection.text])
            while true {
                let page = try rows(Statements.selectUnwanted, [collection.text])
                for row in page {
                    try forgetUnwanted(RecordKey(collection: collection, id: ExactString(row[0] as String)))
                }
                if page.isEmpty { break }
            }
        }
    }

    /// Takes a record that leaves out of the app's table, without a word to the server.
    /// - Returns: whether it is gone; not where its row was changed meanwhile, or others refer to it.
    private func forgetRow(_ key: RecordKey) throws -> Bool {
        guard let mirror = replica.options.mirror, mirror.hasTable(of: key.collection) else { return true }
        try mirror.capture(key, self)
        guard try operations(of: key).isEmpty else { return false }
        guard let base = try base(key) else { return true }
        let gone = ShownRecord(
            key: key, fields: base.fields, isDeleted: true, isPending: false, siblings: [:], openConflicts: 0,
            clock: base.clock)
        return try attempt { try mirror.applying(self) { try mirror.apply(gone, self, checksParents: true) } } == nil
    }

    /// Removes what is known of a record. The app's hook is not told: nothing happened to the record.
    private func forgetUnwanted(_ key: RecordKey) throws {
        if let base = try base(key) {
            // The numbers that this device gave are never given again, whatever is forgotten beside.
            let own = base.clock[try device()]
            if own > 0 { try run(Statements.upsertOwnCounter, [key.collection.text, key.id.text, own]) }
            try db.notifyChanges(in: Table("rejoin_records"))
        }
        try removeBase(key)
    }
}
