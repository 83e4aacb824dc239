import Causality
import Foundation
import GRDB
import MergeCore
import StrictJSON
import Values

/// What tells the rows of a table apart, and how it is a record's id.
struct KeyShape: Sendable, Hashable {
    /// How a key column's value is written in an id.
    enum Form: Sendable, Hashable { case integer, text, uuidBytes }

    /// A column of the key.
    struct Part: Sendable, Hashable {
        let name: String
        let form: Form
    }

    /// In the order of the key; none where the table has one row.
    let parts: [Part]

    var isSingleton: Bool { parts.isEmpty }

    /// - Throws: ``TableRefusal`` where a table has no key that is good for an id.
    init(_ key: SyncedTable.Key, of table: String, _ declared: [Row]) throws {
        guard key == .primaryKey else {
            parts = []
            return
        }
        let columns = declared.filter { $0["pk"] as Int > 0 }.sorted { ($0["pk"] as Int) < ($1["pk"] as Int) }
        guard !columns.isEmpty else {
            throw TableRefusal(
                "The table '\(table)' has no primary key, so its rows cannot be told apart on another device: give it one."
            )
        }
        parts = try columns.map { row in
            let (name, type): (String, String) = (row["name"], (row["type"] as String? ?? "").uppercased())
            switch Affinity(type) {
            case .integer: return Part(name: name, form: .integer)
            case .text: return Part(name: name, form: .text)
            case .none where type.contains("BLOB"): return Part(name: name, form: .uuidBytes)
            case .none, .real, .numeric:
                throw TableRefusal(
                    "The key column '\(name)' of '\(table)' is declared '\(type)': a key is INTEGER, TEXT, or a BLOB of 16 bytes."
                )
            }
        }
    }

    // MARK: Ids

    /// What an id cannot be made of, or a key of an id.
    struct Unfit: Error, CustomStringConvertible {
        let description: String
    }

    /// The id of the row with these key values.
    func id(_ values: [DatabaseValue]) throws(Unfit) -> ExactString {
        if isSingleton { return KeyRule.singletonID }
        if parts.count == 1 { return try Self.text(values[0], parts[0]) }
        var elements: [Value] = []
        for (value, part) in zip(values, parts) {
            if case .int64(let number) = value.storage, part.form == .integer {
                elements.append(.integer(number))
            } else {
                elements.append(.string(try Self.text(value, part)))
            }
        }
        return ExactString(Value.array(elements).canonicalText)
    }

    private static func text(_ value: DatabaseValue, _ part: Part) throws(Unfit) -> ExactString {
        switch (part.form, value.storage) {
        case (.integer, .int64(let number)): return ExactString(String(number))
        case (.text, .string(let text)) where !text.isEmpty: return ExactString(text)
        case (.uuidBytes, .blob(let data)):
            guard let uuid = UUID(bytes: data) else {
                throw Unfit(description: "The key in '\(part.name)' has \(data.count) bytes, and a UUID has 16.")
            }
            return ExactString(uuid.uuidString.lowercased())
        case (_, .null): throw Unfit(description: "The row has no key: '\(part.name)' is null.")
        case (.integer, _), (.text, _), (.uuidBytes, _):
            throw Unfit(description: "The key in '\(part.name)' is not of the column's type.")
        }
    }

    /// The key values of the row that has the id.
    func values(_ id: ExactString) throws(Unfit) -> [DatabaseValue] {
        let values = try parsed(id)
        // Another spelling of the same key would be another record in the same row.
        guard try self.id(values) == id else {
            throw Unfit(description: "The id '\(id)' is another spelling of a row's key.")
        }
        return values
    }

    private func parsed(_ id: ExactString) throws(Unfit) -> [DatabaseValue] {
        if isSingleton {
            guard id == KeyRule.singletonID else {
                throw Unfit(description: "The table has one row, '\(KeyRule.singletonID)'.")
            }
            return []
        }
        if parts.count == 1 { return [try Self.value(id.text, parts[0])] }
        guard case .array(let elements)? = try? Value(json: id.text), elements.count == parts.count else {
            throw Unfit(description: "The id is no array of the key's \(parts.count) columns.")
        }
        var values: [DatabaseValue] = []
        for (element, part) in zip(elements, parts) {
            switch element {
            case .integer(let number) where part.form == .integer: values.append(number.databaseValue)
            case .string(let text): values.append(try Self.value(text.text, part))
            case _: throw Unfit(description: "The id's part for '\(part.name)' is not of the column's type.")
            }
        }
        return values
    }

    private static func value(_ text: String, _ part: Part) throws(Unfit) -> DatabaseValue {
        switch part.form {
        case .text: return text.databaseValue
        case .integer:
            guard let number = Int64(text), String(number) == text else {
                throw Unfit(description: "The id '\(text)' is no integer, as the key column '\(part.name)' wants.")
            }
            return number.databaseValue
        case .uuidBytes:
            guard let uuid = UUID(uuidString: text) else {
                throw Unfit(description: "The id '\(text)' is no UUID, as the key column '\(part.name)' wants.")
            }
            return uuid.bytes.databaseValue
        }
    }

    // MARK: Notes

    /// The key of the row as `rejoin_notes` has it, in SQL. What has no key is noted together, since nothing tells it apart.
    /// - Parameter row: `OLD.`, `NEW.` or nothing.
    func noteSQL(of row: String) -> String {
        switch parts.count {
        case 0: KeyRule.singletonID.text.literal
        case 1: "ifnull(\(row)\(parts[0].name.quoted), x'')"
        case _: "json_array(" + parts.map { Self.jsonSQL("\(row)\($0.name.quoted)") }.joined(separator: ", ") + ")"
        }
    }

    private static func jsonSQL(_ column: String) -> String {
        "CASE typeof(\(column)) WHEN 'blob' THEN hex(\(column)) ELSE \(column) END"
    }

    /// The key values that a note says.
    func values(note: DatabaseValue) throws(Unfit) -> [DatabaseValue] {
        let values = storedValues(note: note)
        if let index = values.firstIndex(where: \.isNull) {
            throw Unfit(description: "A row has no key: '\(parts[index].name)' is null.")
        }
        return values
    }

    /// The same, also where some are null.
    func storedValues(note: DatabaseValue) -> [DatabaseValue] {
        switch parts.count {
        case 0: return []
        case 1:
            if case .blob(let data) = note.storage, data.isEmpty { return [.null] }
            return [note]
        case _:
            guard case .string(let text) = note.storage, case .array(let elements)? = try? Value(json: text) else {
                return parts.map { _ in .null }
            }
            return zip(elements, parts).map { element, part in
                switch element {
                case .integer(let number): number.databaseValue
                case .string(let text) where part.form == .uuidBytes:
                    Data(hex: text.text)?.databaseValue ?? text.text.databaseValue
                case .string(let text): text.text.databaseValue
                case .double(let number): number.databaseValue
                case .null, .boolean, .array, .object: .null
                }
            }
        }
    }

    /// The condition on a row's key, with a parameter for each column. O(log n) for the database.
    var conditionSQL: String {
        isSingleton ? "1" : parts.map { "\($0.name.quoted) = ?" }.joined(separator: " AND ")
    }

    /// The key columns, in SQL.
    var columnsSQL: String { parts.map(\.name.quoted).joined(separator: ", ") }
}

extension UUID {
    init?(bytes: Data) {
        guard bytes.count == 16 else { return nil }
        self = bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    var bytes: Data { withUnsafeBytes(of: uuid) { Data($0) } }
}

extension Data {
    /// As SQLite's `hex` writes it.
    var hexadecimal: String {
        map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// Reads pairs of hexadecimal digits.
    fileprivate init?(hex: String) {
        guard hex.utf8.count.isMultiple(of: 2) else { return nil }
        let digits = Array(hex.utf8)
        var bytes = Data()
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        self = bytes
    }
}
