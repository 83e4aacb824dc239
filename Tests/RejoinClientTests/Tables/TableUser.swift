import Causality
import GRDB
import MergeCore
import SeededRandom
import StrictJSON
import SyncedTables
import Values

@testable import DeviceReplica

/// Somebody who writes SQL at random, and remembers what was seen.
struct TableUser: Sendable {
    let device: TableDevice
    private(set) var history = WrittenHistory()
    private var count = 0

    static let schema = """
        CREATE TABLE estimates (
            id TEXT PRIMARY KEY, title TEXT NOT NULL, notes TEXT, visits INTEGER NOT NULL DEFAULT 0, tags TEXT,
            status TEXT, lat REAL, lng REAL);
        CREATE TABLE drafts (
            id INTEGER PRIMARY KEY, text TEXT, estimate TEXT REFERENCES estimates (id) ON DELETE CASCADE);
        CREATE TABLE lines (
            id TEXT PRIMARY KEY, text TEXT, estimate TEXT REFERENCES estimates (id) ON DELETE SET NULL) WITHOUT ROWID;
        CREATE TABLE folders (
            id TEXT PRIMARY KEY, text TEXT, parent TEXT REFERENCES folders (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
        CREATE TABLE sheets (id TEXT PRIMARY KEY, a TEXT, b TEXT);
        CREATE TABLE notes (place TEXT, number INTEGER, text TEXT, PRIMARY KEY (place, number)) WITHOUT ROWID;
        """
    static let tables = ["folders", "drafts", "lines", "estimates", "sheets", "notes"].map { SyncedTable($0) }
    static let ids: [String: [ExactString]] = [
        "estimates": ["e0", "e1"], "drafts": ["1", "2", "3"], "lines": ["l0", "l1"], "folders": ["f0", "f1", "f2"],
        "sheets": ["s0"], "notes": [#"["x",0]"#, #"["x",1]"#],
    ]

    init(_ device: TableDevice) { self.device = device }

    /// Makes one write. What is seen is seen in the transaction of the write.
    mutating func write(seed: UInt64) async throws {
        let write = RandomWrite(
            device: device, name: device.name.name.text, count: count, random: SeededGenerator(seed: seed))
        let done = try await device.pool.write { db in
            var write = write
            try write.perform(db)
            return write
        }
        count = done.count
        history.merge(done.history)
    }

    /// Ends what no merge can decide: rows that refer to others which somebody deleted go too.
    mutating func clearUp() async throws {
        let waiting = try await device.client.setAside()
        let write = RandomWrite(
            device: device, name: device.name.name.text, count: count, random: SeededGenerator(seed: 0))
        let seen = try await device.pool.write { db in
            var write = write
            for change in waiting {
                try write.sawChildren(of: change.record, db)
                let id = change.record.id.text
                switch change.record.collection {
                case "estimates":
                    try db.execute(sql: "DELETE FROM drafts WHERE estimate = ?", arguments: [id])
                    try db.execute(sql: "UPDATE lines SET estimate = NULL WHERE estimate = ?", arguments: [id])
                case "folders": try db.execute(sql: "DELETE FROM folders WHERE parent = ?", arguments: [id])
                case _: break
                }
            }
            return write.history
        }
        history.merge(seen)
    }
}

/// One random write, and what its author saw.
private struct RandomWrite: Sendable {
    let device: TableDevice
    let name: String
    var count: Int
    var random: SeededGenerator
    var history = WrittenHistory()

    /// A value that nobody else writes.
    private mutating func fresh() -> String {
        count += 1
        return "\(name)-\(count)."
    }

    mutating func perform(_ db: Database) throws {
        let table = random.pick([
            "estimates", "estimates", "estimates", "drafts", "lines", "folders", "sheets", "notes",
        ])
        let id = random.pick(TableUser.ids[table] ?? [])
        let key = RecordKey(collection: ExactString(table), id: id)
        guard let seen = try seen(key, db) else { return try insert(key, db) }
        switch random.below(10) {
        case 0: try delete(key, seen, db)
        case 1 where table != "estimates" && table != "notes":
            // The whole row, whatever was in it; and the database takes along what refers to it.
            history.sawAll(of: key, seen)
            try sawChildren(of: key, db)
            let field = table == "sheets" ? "a" : "text"
            let value = fresh()
            history.wrote(.string(value), to: ExactString(field), of: key, seeing: seen)
            try db.execute(sql: "REPLACE INTO \(table) (id, \(field)) VALUES (?, ?)", arguments: [id.text, value])
        case 2 where table == "notes": try move(key, seen, db)
        case _:
            if table == "estimates" { try updateEstimate(key, seen, db) } else { try update(key, seen, db) }
        }
    }

    /// The row as its author sees it; nil where there is none.
    private func seen(_ key: RecordKey, _ db: Database) throws -> ShownRecord? {
        let (condition, arguments) = Self.condition(key)
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM \(key.collection) WHERE \(condition)", arguments: StatementArguments(arguments))
        else { return nil }
        var members: [ObjectValue.Member] = []
        for (name, stored) in row {
            let value: Value? =
                switch stored.storage {
                case .int64(let number): .integer(number)
                case .double(let number): .number(number)
                case .string(let text): name == "tags" ? try Value(json: text) : .string(text)
                case .blob, .null: nil
                }
            if let value { members.append(.init(name: ExactString(name), value: value)) }
        }
        let known = try ReplicaTransaction(db: db, replica: device.client.replica).shown(key)
        return ShownRecord(
            key: key, fields: ObjectValue(members), isDeleted: false, isPending: false,
            siblings: known?.siblings ?? [:],
            openConflicts: 0, clock: VersionVector())
    }

    private static func condition(_ key: RecordKey) -> (String, [any DatabaseValueConvertible]) {
        switch key.collection {
        case "notes": ("place = ? AND number = ?", ["x", key.id.text.contains("1") ? 1 : 0])
        case "drafts": ("id = ?", [Int64(key.id.text) ?? 0])
        case _: ("id = ?", [key.id.text])
        }
    }

    private mutating func insert(_ key: RecordKey, _ db: Database) throws {
        // Whoever makes a record anew has seen what the former one held, as far as it is known here.
        if let former = try ReplicaTransaction(db: db, replica: device.client.replica).shown(key) {
            history.sawAll(of: key, former)
            // The new row says 0, which its author means.
            if case .integer(let total)? = former["visits"] { counted(-total, key) }
            if case .array(let elements)? = former["tags"] {
                for element in elements {
                    history.removed(element, from: "tags", of: key, by: name, at: count)
                }
            }
        }
        let value = fresh()
        let field: ExactString = key.collection == "estimates" ? "title" : key.collection == "sheets" ? "a" : "text"
        history.wrote(.string(value), to: field, of: key, seeing: nil)
        let estimate = try String.fetchAll(db, sql: "SELECT id FROM estimates ORDER BY id").last
        let folder = try String.fetchAll(
            db, sql: "SELECT id FROM folders WHERE id < ? ORDER BY id", arguments: [key.id.text]
        ).last
        switch key.collection {
        case "notes":
            try db.execute(
                sql: "INSERT INTO notes VALUES ('x', ?, ?)", arguments: [key.id.text.contains("1") ? 1 : 0, value])
        case "drafts", "lines":
            try db.execute(
                sql: "INSERT INTO \(key.collection) (id, text, estimate) VALUES (?, ?, ?)",
                arguments: [key.id.text, value, estimate])
        case "folders":
            try db.execute(sql: "INSERT INTO folders VALUES (?, ?, ?)", arguments: [key.id.text, value, folder])
        case _:
            try db.execute(
                sql:
                    "INSERT INTO \(key.collection) (id, \(field)) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET \(field) = 'never'",
                arguments: [key.id.text, value])
        }
    }

    private mutating func counted(_ amount: Int64, _ key: RecordKey) {
        count += 1
        history.incremented("visits", of: key, by: amount, in: OperationID("\(name)-\(count)"))
    }

    private mutating func delete(_ key: RecordKey, _ seen: ShownRecord, _ db: Database) throws {
        history.sawAll(of: key, seen)
        // What was done to the row and is no edit yet goes with it.
        let known = try ReplicaTransaction(db: db, replica: device.client.replica).shown(key)
        if case .integer(let total)? = seen["visits"] {
            var before: Int64 = 0
            if case .integer(let number)? = known?["visits"] { before = number }
            counted(before - total, key)
        }
        var (there, before): ([Value], [Value]) = ([], [])
        if case .array(let elements)? = seen["tags"] { there = elements }
        if case .array(let elements)? = known?["tags"] { before = elements }
        for element in there where !before.contains(element) {
            history.removed(element, from: "tags", of: key, by: name, at: count)
        }
        // A row that was made anew, or had something taken out, and goes before that is an edit: nobody hears of it.
        for element in before where !there.contains(element) {
            history.keptAfterAll(element, in: "tags", of: key, by: name, at: count)
        }
        try sawChildren(of: key, db)
        let (condition, arguments) = Self.condition(key)
        try db.execute(
            sql: "DELETE FROM \(key.collection) WHERE \(condition)", arguments: StatementArguments(arguments))
    }

    /// Rows that refer to this one, which the database removes with it.
    mutating func sawChildren(of key: RecordKey, _ db: Database) throws {
        let children: [(String, String)] =
            switch key.collection {
            case "estimates": [("drafts", "estimate")]
            case "folders": [("folders", "parent")]
            case _: []
            }
        for (table, column) in children {
            for id in try String.fetchAll(
                db, sql: "SELECT CAST(id AS TEXT) FROM \(table) WHERE \(column) = ?", arguments: [key.id.text])
            {
                let child = RecordKey(collection: ExactString(table), id: ExactString(id))
                guard let seen = try self.seen(child, db) else { continue }
                history.sawAll(of: child, seen)
                try sawChildren(of: child, db)
            }
        }
    }

    /// A key that changes is a row that goes and one that comes.
    private mutating func move(_ key: RecordKey, _ seen: ShownRecord, _ db: Database) throws {
        let other: ExactString = key.id.text.contains("1") ? #"["x",0]"# : #"["x",1]"#
        let there = RecordKey(collection: "notes", id: other)
        guard try self.seen(there, db) == nil else { return }
        history.sawAll(of: key, seen)
        if let former = try ReplicaTransaction(db: db, replica: device.client.replica).shown(there) {
            history.sawAll(of: there, former)
        }
        try db.execute(
            sql: "UPDATE notes SET number = 1 - number WHERE number = ?", arguments: [other.text.contains("1") ? 0 : 1])
    }

    private mutating func update(_ key: RecordKey, _ seen: ShownRecord, _ db: Database) throws {
        let field = key.collection == "sheets" ? random.pick(["a", "b"]) : "text"
        let value = fresh()
        history.wrote(.string(value), to: ExactString(field), of: key, seeing: seen)
        if key.collection == "sheets" { history.sawAll(of: key, seen) }
        let (condition, arguments) = Self.condition(key)
        try db.execute(
            sql: "UPDATE \(key.collection) SET \(field) = ? WHERE \(condition)",
            arguments: StatementArguments([value as any DatabaseValueConvertible] + arguments))
    }

    private mutating func updateEstimate(_ key: RecordKey, _ seen: ShownRecord, _ db: Database) throws {
        let id = key.id.text
        switch random.below(9) {
        case 0, 1:
            let amount = Int64(random.below(5) + 1)
            counted(amount, key)
            try db.execute(sql: "UPDATE estimates SET visits = visits + ? WHERE id = ?", arguments: [amount, id])
        case 2:
            let element = fresh()
            history.added(.string(element), to: "tags", of: key)
            try db.execute(
                sql: "UPDATE estimates SET tags = json_insert(coalesce(tags, '[]'), '$[#]', ?) WHERE id = ?",
                arguments: [element, id])
        case 3:
            guard case .array(let elements)? = seen["tags"], !elements.isEmpty else { return }
            history.removed(elements[0], from: "tags", of: key, by: name, at: count)
            try db.execute(sql: "UPDATE estimates SET tags = json_remove(tags, '$[0]') WHERE id = ?", arguments: [id])
        case 4:
            count += 1
            let place = Double(count) + Double(name.utf8.reduce(0) { $0 + Int($1) } % 997) / 1_000
            history.wrote(Value.number(place) ?? .null, to: "lat", of: key, seeing: seen)
            history.see("lng", of: key, seen)
            try db.execute(sql: "UPDATE estimates SET lat = ?, lng = ? WHERE id = ?", arguments: [place, place, id])
        case let choice:
            let field = ["title", "status", "notes", "title"][choice % 4]
            let value = fresh()
            history.wrote(.string(value), to: ExactString(field), of: key, seeing: seen)
            try db.execute(sql: "UPDATE estimates SET \(field) = ? WHERE id = ?", arguments: [value, id])
        }
    }
}
