import PostgreSQLCluster
import StorageConformance
import SyncStorage
import Testing

@testable import PostgreSQLStorage

extension [UInt8] {
    /// The bytes as PostgreSQL writes them.
    fileprivate var hexadecimal: String {
        map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    fileprivate init(hexadecimal text: Substring) {
        self = stride(from: 0, to: text.count, by: 2).compactMap { UInt8(text.dropFirst($0).prefix(2), radix: 16) }
    }
}

extension StoredValue {
    /// - Parameter text: a value's text, in the hexadecimal digits of its bytes.
    fileprivate init(_ type: String, _ text: Substring) {
        let bytes = [UInt8](hexadecimal: text)
        let string = String(decoding: bytes, as: UTF8.self)
        switch type {
        case "boolean": self = .boolean(string == "true")
        case "bigint": self = .integer(Int64(string) ?? 0)
        case "bytea": self = .bytes([UInt8](hexadecimal: string.dropFirst(2)))
        default: self = .text(bytes)
        }
    }

    /// nil for a text that PostgreSQL cannot hold.
    fileprivate var literal: String? {
        switch self {
        case .null: return "NULL"
        case .boolean(let truth): return "\(truth)"
        case .integer(let number): return "'\(number)'::bigint"
        case .bytes(let bytes): return "'\\x\(bytes.hexadecimal)'::bytea"
        case .text(let bytes):
            guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else { return nil }
            return "convert_from('\\x\(bytes.hexadecimal)', 'UTF8')"
        }
    }
}

@Suite("edge 43: an audit of which one byte was changed in PostgreSQL")
struct EveryColumnTests {
    @Test(
        "is found out at the right entry: the first, middle and last byte of every column of every row",
        arguments: AuditTable.allCases)
    func everyColumn(
        _ table: AuditTable
    ) async throws {
        try await TestDatabase.with { test in
            let store = try await test.open()
            try await AuditSample.put(in: store, of: "tenant")
            // Whom no policy and no right stops.
            let intruder = try await PostgreSQLStore.open(Conninfo(test.database.adminConninfo))
            let cells = try await test.cells(of: table)
            var tried = 0
            for cell in cells {
                for value in cell.value.changes(.firstMiddleAndLast) {
                    guard try await intruder.put(value, in: cell, from: cell.value) else { continue }
                    tried += 1
                    let report = try await store.verifyAudit(of: "tenant")
                    #expect(
                        cell.isFound(report.fault, changedTo: value),
                        "\(table).\(cell.column) of \(cell.row): \(cell.value) became \(value): \(report)")
                    #expect(try await intruder.put(cell.value, in: cell, from: value))
                }
            }
            #expect(try await store.verifyAudit(of: "tenant").fault == nil, "all was put back")
            #expect(tried > 20, "\(table): \(tried) changes")
            await intruder.close()
            await store.close()
        }
    }
}

extension TestDatabase {
    /// Every value of a table, by the catalogue, so that a column that comes later is tried by itself.
    fileprivate func cells(of table: AuditTable) async throws -> [AuditCell] {
        let columns = try await database.psql(
            """
            SELECT column_name, data_type FROM information_schema.columns
            WHERE table_schema = 'rejoin' AND table_name = '\(table.rawValue)' ORDER BY ordinal_position
            """
        ).split(separator: "\n").map { $0.split(separator: "|") }
        var cells: [AuditCell] = []
        for column in columns where table.isOfAudit(column: String(column[0])) {
            let key = table.key.map { "\($0) || ':'" }.joined(separator: " || ") + (table.key.isEmpty ? "''" : "")
            let rows = try await database.psql(
                """
                SELECT \(key), coalesce(encode(convert_to("\(column[0])"::text, 'UTF8'), 'hex'), 'NULL')
                FROM rejoin.\(table.rawValue)
                """
            ).split(separator: "\n").map { $0.split(separator: "|", omittingEmptySubsequences: false) }
            cells += rows.map { row in
                AuditCell(
                    table: table, row: row[0].split(separator: ":").compactMap { Int64($0) }, column: String(column[0]),
                    value: row[1] == "NULL" ? .null : StoredValue(String(column[1]), row[1]))
            }
        }
        return cells
    }
}

extension PostgreSQLStore {
    /// - Returns: false when the database refuses it, or cannot hold it.
    fileprivate func put(_ value: StoredValue, in cell: AuditCell, from old: StoredValue) async throws -> Bool {
        guard let new = value.literal, let old = old.literal else { return false }
        // The changed column is looked for by its old value, in case it is one of the key.
        let key = zip(cell.table.key, cell.row).filter { $0.0 != cell.column }.map { "\($0) = \($1)" }
        let conditions = (key + ["\"\(cell.column)\" IS NOT DISTINCT FROM \(old)"]).joined(separator: " AND ")
        let script = """
            DO $$ BEGIN
                UPDATE \(cell.table.rawValue) SET "\(cell.column)" = \(new) WHERE \(conditions);
                IF NOT FOUND THEN RAISE 'no such row'; END IF;
            END $$
            """
        do throws(StoreError) {
            try await threads.run(probe: nil) { (session: Session) throws(StoreError) in
                try session.run(script: script, called: "change a byte")
            }
            return true
        } catch {
            guard case .damaged = error else { throw error }
            return false
        }
    }
}
