import Foundation
import GRDB
import MergeCore
import SeededRandom
import StrictJSON
import Testing
import Values

@testable import SyncedTables

/// What a column holds comes back as it was, by way of its field; and the other way round.
@Suite("columns and fields")
struct ColumnCodingTests {
    private static let declarations: [(String, FieldType?)] = [
        ("INTEGER", .integer), ("INTEGER", nil), ("REAL", .number), ("NUMERIC", nil), ("TEXT", .string), ("TEXT", nil),
        ("VARCHAR(20)", .string), ("BOOLEAN", .boolean), ("BOOLEAN", nil), ("DATETIME", .timestamp),
        ("TEXT", .timestamp),
        ("TEXT", .uuid), ("BLOB", .uuid), ("BLOB", .string), ("BLOB", nil), ("TEXT", .json), ("JSON", nil),
        ("TEXT", .set),
    ]

    private static func coding(_ declaration: String, _ type: FieldType?) throws -> ColumnCoding {
        let queue = try DatabaseQueue()
        return try queue.write { db in
            try db.execute(sql: "CREATE TABLE t (id TEXT PRIMARY KEY, c \(declaration))")
            let shape = try TableShape(SyncedTable("t"), in: db)
            return ColumnCoding(shape.columns[0], declared: type)
        }
    }

    /// A field's value of the type.
    private static func value(_ type: FieldType?, _ declaration: String, _ random: inout SeededGenerator) -> Value {
        switch type
            ?? (declaration == "BOOLEAN"
                ? .boolean
                : declaration == "JSON"
                    ? .json : declaration == "BLOB" ? .string : declaration == "TEXT" ? .string : .number)
        {
        case .integer: .integer(random.integer())
        case .number: random.below(2) == 0 ? random.double() : .integer(random.integer())
        case .boolean: .boolean(random.below(2) == 0)
        case .timestamp: .string(Timestamp(milliseconds: Int64(random.below(Int(1e13))) - 5_000_000_000_000).text)
        case .uuid: .string((0..<16).map { _ in String(random.below(256) + 256, radix: 16).suffix(2) }.joined().grouped)
        case .set:
            .array(
                Array(Set((0..<random.below(4)).map { _ in Value.string(random.text()) })).sorted { $0.precedes($1) })
        case .json: random.value(depth: 3)
        case .string:
            declaration == "BLOB"
                ? .string(Data((0..<random.below(40)).map { _ in UInt8(random.below(256)) }).base64EncodedString())
                : .string(random.text())
        }
    }

    @Test("each value comes back through a real column", arguments: declarations)
    func roundTrip(declaration: String, type: FieldType?) throws {
        let coding = try Self.coding(declaration, type)
        var random = SeededGenerator(seed: 11)
        let queue = try DatabaseQueue()
        try queue.write { db in
            try db.execute(sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, c \(declaration))")
            for _ in 0..<300 {
                let value = Self.value(type, declaration, &random)
                // A text with a zero in it ends there for SQLite.
                if case .string(let text) = value, text.text.utf8.contains(0) { continue }
                guard let stored = try? coding.encoded(value) else {
                    // The only values that are refused here are integers that a column of doubles cannot keep.
                    guard declaration == "REAL", case .integer(let number) = value else { throw Unexpected("\(value)") }
                    #expect(Int64(exactly: Double(number)) != number)
                    continue
                }
                try db.execute(sql: "INSERT OR REPLACE INTO t VALUES (1, ?)", arguments: [stored])
                let read = try #require(try Row.fetchOne(db, sql: "SELECT c FROM t"))[0] as DatabaseValue
                #expect(
                    try coding.decoded(read, instead: value) == value,
                    "\(declaration) \(value.canonicalText) as \(read)")
                #expect(coding.isSame(read, as: value), "\(declaration) \(value.canonicalText) as \(read)")
            }
        }
    }

    @Test("a number in a column of texts and a text in a column of numbers stay what they are for the server")
    func otherKinds() throws {
        for (declaration, stored, value) in [
            ("TEXT", "5".databaseValue, Value.integer(5)), ("TEXT", "1.5".databaseValue, .double(1.5)),
            ("INTEGER", 12.databaseValue, .string("12")), ("TEXT", "[1]".databaseValue, .array([1])),
            ("INTEGER", 1.databaseValue, .boolean(true)),
        ] as [(String, DatabaseValue, Value)] {
            let coding = try Self.coding(declaration, nil)
            #expect(coding.isSame(stored, as: value))
            #expect(try coding.decoded(stored, instead: value) == value)
        }
    }

    @Test("times of day, whole days and finer fractions of GRDB and SQLite are read without loss")
    func times() throws {
        let coding = try Self.coding("DATETIME", .timestamp)
        for (stored, field) in [
            ("2026-11-28 06:30:00.123", "2026-11-28T06:30:00.123Z"),
            ("2026-11-28 06:30:00", "2026-11-28T06:30:00.000Z"),
            ("2026-11-28 06:30", "2026-11-28T06:30:00.000Z"), ("2026-11-28", "2026-11-28T00:00:00.000Z"),
            ("2026-11-28 06:30:00.123456", "2026-11-28T06:30:00.123456Z"),
            ("2026-11-28T06:30:00Z", "2026-11-28T06:30:00Z"),
        ] {
            #expect(try coding.decoded(stored.databaseValue, instead: nil) == .string(field))
            #expect(coding.isSame(stored.databaseValue, as: .string(field)))
        }
        #expect(try coding.encoded("2026-11-28T08:30:00.1+02:00") == "2026-11-28 06:30:00.100".databaseValue)
        #expect(throws: ColumnCoding.Unfit.self) { _ = try coding.decoded("tomorrow".databaseValue, instead: nil) }
    }

    @Test("what the other side cannot hold is refused, and never bent")
    func refusals() throws {
        let refused: [(String, FieldType?, DatabaseValue)] = [
            ("TEXT", .string, 5.databaseValue), ("BOOLEAN", .boolean, 2.databaseValue),
            ("TEXT", .set, "{}".databaseValue),
            ("TEXT", .json, "{".databaseValue), ("INTEGER", .integer, Data([1]).databaseValue),
            ("BLOB", .uuid, Data([1]).databaseValue), ("INTEGER", .timestamp, 5.databaseValue),
            ("BLOB", .string, Data(count: ColumnCoding.maximumBytes + 1).databaseValue),
            ("REAL", .number, Double.infinity.databaseValue), ("BLOB", .integer, 5.databaseValue),
        ]
        for (declaration, type, stored) in refused {
            let coding = try Self.coding(declaration, type)
            #expect(throws: ColumnCoding.Unfit.self, "\(declaration)") { _ = try coding.decoded(stored, instead: nil) }
        }
        let unwritable: [(String, FieldType?, Value)] = [
            ("TEXT", .string, 5), ("BLOB", .string, "not base64!"), ("BLOB", .uuid, "x"), ("DATETIME", .timestamp, "x"),
            ("BOOLEAN", .boolean, 1), ("TEXT", .set, "x"), ("REAL", .number, .integer(9_007_199_254_740_993)),
            ("NUMERIC", nil, "1.0"), ("INTEGER", nil, "007"),
        ]
        for (declaration, type, value) in unwritable {
            let coding = try Self.coding(declaration, type)
            #expect(throws: ColumnCoding.Unfit.self, "\(declaration)") { _ = try coding.encoded(value) }
        }
    }
}

extension String {
    /// 32 digits as a UUID.
    fileprivate var grouped: String {
        var (text, digits) = ("", Array(self))
        for (index, count) in [8, 4, 4, 4, 12].enumerated() {
            text += (index > 0 ? "-" : "") + String(digits.prefix(count))
            digits.removeFirst(count)
        }
        return text
    }
}
