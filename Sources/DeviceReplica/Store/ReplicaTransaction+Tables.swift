import Causality
import GRDB
import MergeCore
import SyncWire

/// Taking what the server says where the app keeps tables of its own: rows refer to one another, and come in any order.
extension ReplicaTransaction {
    /// Takes records in one go where nothing is in the way, and else one by one; then again what may go well by now.
    func take(_ records: [WireRecord], with mirror: any TableMirror) throws {
        let hasChanges = try mirror.hasChanges(self)
        if try !hasChanges && takeAtOnce(records, with: mirror) { return }
        var news: [WireRecord] = []
        for record in records where try isNews(record, known: sequence(of: record.key)) {
            if hasChanges { try mirror.capture(record.key, self) }
            news.append(record)
        }
        var refused: [(record: WireRecord, reason: String)] = []
        for record in news { try takeCarefully(record) { refused.append((record, $0)) } }
        // A row may have waited for one that came behind it.
        while !refused.isEmpty {
            var still: [(record: WireRecord, reason: String)] = []
            for (record, _) in refused { try takeCarefully(record) { still.append((record, $0)) } }
            let hasHelped = still.count < refused.count
            refused = still
            if !hasHelped { break }
        }
        for (record, reason) in try takeTogether(refused, with: mirror) { try keepAside(record, because: reason) }
    }

    /// Takes records while nothing is pending, set aside or changed here. One of which nothing is known is a statement, and a row.
    /// - Returns: whether all went well; else nothing was done.
    private func takeAtOnce(_ records: [WireRecord], with mirror: any TableMirror) throws -> Bool {
        guard try isQuiet(), replica.options.applying == nil, !records.contains(where: \.isDeleted) else {
            return false
        }
        return try attempt {
            var shown: [(record: ShownRecord, isKnown: Bool)] = []
            shown.reserveCapacity(records.count)
            for record in records where try isWanted(record) {
                let isNew = try insertNew(record)
                if !isNew {
                    guard try isNews(record, known: sequence(of: record.key)) else { continue }
                    try write(record)
                }
                shown.append((try ShownRecord(plain: record), !isNew))
            }
            try mirror.applyAtOnce(shown, self)
        } == nil
    }

    /// How often a group of rows is tried that refer to one another, each time without those whose parents it does not have.
    private static let roundsOfGroups = 10

    private struct Incomplete: Error {}

    /// Takes rows that refer to one another in a circle: all of them, and looks afterwards whose parents are there.
    /// - Returns: those that have to wait.
    private func takeTogether(
        _ refused: [(record: WireRecord, reason: String)], with mirror: any TableMirror
    ) throws -> [(record: WireRecord, reason: String)] {
        var group = refused.filter { !$0.record.isDeleted }
        var waiting = refused.filter { $0.record.isDeleted }
        guard !group.isEmpty else { return refused }
        try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
        for _ in 0..<Self.roundsOfGroups where !group.isEmpty {
            var dropped: Set<Int> = []
            let refusal = try attempt {
                for (index, entry) in group.enumerated() {
                    let refusal = try attempt {
                        let base = try RecordBase(entry.record)
                        try write(base)
                        try run(Statements.deleteSetAside, [base.key.collection.text, base.key.id.text])
                        try forgetSettled(base)
                        try show(base.key, checkingParents: false)
                    }
                    if refusal != nil { dropped.insert(index) }
                }
                for (index, entry) in group.enumerated() where !dropped.contains(index) {
                    if try mirror.lacksParents(entry.record.key, self) { dropped.insert(index) }
                }
                guard dropped.isEmpty else { throw Incomplete() }
            }
            if refusal == nil { return waiting }
            guard !dropped.isEmpty else { break }
            waiting += dropped.sorted().map { group[$0] }
            group = group.enumerated().filter { !dropped.contains($0.offset) }.map(\.element)
        }
        return waiting + group
    }

    // MARK: Comparing

    /// Whether what the server says of a record could not be applied here.
    package func isSetAside(_ key: RecordKey) throws -> Bool {
        try exists(Statements.isSetAside, [key.collection.text, key.id.text])
    }

    /// Has the app's table show a record that is known here. What the table refuses is set aside as if it came now.
    package func showAgain(_ key: RecordKey) throws {
        guard let refusal = try attempt({ try showing { try show(key) } }),
            let row = try row(Statements.selectRecord, [key.collection.text, key.id.text])
        else { return }
        let record = WireRecord(
            key: key, sequence: row["sequence"], isDeleted: row["deleted"], clock: row["clock"],
            stampMilliseconds: row["stamp"], fields: row["fields"], siblings: row["siblings"],
            openConflicts: row["open_conflicts"])
        try keepAside(record, because: refusal)
        try run(Statements.lowerSequence, [key.collection.text, key.id.text])
    }
}
