import Causality
import Foundation
import GRDB
import MergeCore
import StrictJSON
import Values

/// How what a column holds is written in a field, and read back.
///
/// What the server declares for the field decides, and the column's declared type where it declares nothing. What one side cannot
/// hold is refused with a reason, and never bent.
struct ColumnCoding: Sendable, Hashable {
    /// The forms that a column can have.
    enum Form: Sendable, Hashable {
        /// As it is: integers, numbers and texts.
        case plain
        case text
        case boolean
        case json
        case set
        case bytes
        case uuidBytes
        case time(SyncedColumn.Times)
        /// There is no way between the two.
        case none(String)
    }

    /// The most bytes of a BLOB. In base64 it takes a third more, and a record has room for 1 MiB.
    static let maximumBytes = 512 * 1024

    let column: ColumnShape
    let form: Form

    /// - Parameter declared: what the server declares for the field; nil for a collection in which it declares none.
    init(_ column: ColumnShape, declared: FieldType?) {
        self.column = column
        form = Self.form(column, declared)
    }

    private static func form(_ column: ColumnShape, _ declared: FieldType?) -> Form {
        let isBytes = column.declared.contains("BLOB")
        switch declared {
        case .string?: return isBytes ? .bytes : .text
        case .integer?, .number?:
            return isBytes ? .none("The column holds bytes, and the server wants numbers.") : .plain
        case .boolean?: return .boolean
        case .uuid?: return isBytes ? .uuidBytes : .text
        case .set?: return .set
        case .json?: return .json
        case .timestamp?:
            if let times = column.times { return .time(times) }
            if column.declared.contains("DATE") || column.declared.contains("TIME") { return .time(.databaseText) }
            guard column.affinity == .text else {
                return .none("The server wants times: say by 'times' how the column holds them.")
            }
            return .time(.rfc3339)
        case nil:
            if isBytes { return .bytes }
            if column.declared.contains("BOOL") { return .boolean }
            if column.declared.contains("JSON") { return .json }
            return .plain
        }
    }

    /// What a column or a field cannot hold.
    struct Unfit: Error, CustomStringConvertible {
        let description: String

        init(_ column: ColumnShape, _ reason: String) { description = "Column '\(column.name)': \(reason)" }
    }

    // MARK: To the column

    /// What the column is to hold. O(n) in the value.
    /// - Parameter value: nil for an absent field, which shows as NULL.
    func encoded(_ value: Value?) throws(Unfit) -> DatabaseValue {
        guard let value else { return .null }
        switch (form, value) {
        case (_, .null): return .null
        case (.plain, .integer(let number)):
            guard column.affinity != .real || Int64(exactly: Double(number)) == number else {
                throw Unfit(column, "The integer \(number) has more digits than the column keeps.")
            }
            return number.databaseValue
        case (.plain, .double(let number)): return number.databaseValue
        case (.plain, .string(let text)):
            try requireKept(text.text)
            return text.text.databaseValue
        case (.text, .string(let text)): return text.text.databaseValue
        case (.plain, .boolean(let flag)), (.boolean, .boolean(let flag)): return (flag ? 1 : 0).databaseValue
        case (.plain, .array), (.plain, .object), (.json, _), (.set, .array): return value.canonicalText.databaseValue
        case (.bytes, .string(let text)):
            guard let data = Data(base64Encoded: text.text) else { throw Unfit(column, "The field is not base64.") }
            return data.databaseValue
        case (.uuidBytes, .string(let text)):
            guard let uuid = UUID(uuidString: text.text) else { throw Unfit(column, "The field is no UUID.") }
            return uuid.bytes.databaseValue
        case (.time(let times), .string(let text)): return try encoded(time: text.text, times)
        case (.none(let reason), _): throw Unfit(column, reason)
        case (.boolean, _), (.set, _), (.bytes, _), (.uuidBytes, _), (.time, _), (.text, _):
            throw Unfit(column, "The field holds \(value.kind), which the column has no form for.")
        }
    }

    /// A column of numbers makes a number of a text that reads as one. That must not change what it says.
    private func requireKept(_ text: String) throws(Unfit) {
        guard column.affinity != .text, column.affinity != .none,
            let number = Double(text.trimmingCharacters(in: .whitespaces))
        else { return }
        guard Value.number(number)?.canonicalText == text || Int64(text).map({ String($0) }) == text else {
            throw Unfit(column, "The text '\(text)' would become a number.")
        }
    }

    private func encoded(time text: String, _ times: SyncedColumn.Times) throws(Unfit) -> DatabaseValue {
        guard let time = Timestamp(text) else { throw Unfit(column, "The field is no time.") }
        switch times {
        case .rfc3339: return text.databaseValue
        case .databaseText: return DatabaseTime.text(time, fraction: DatabaseTime.fraction(of: text)).databaseValue
        case .unixMilliseconds: return time.milliseconds.databaseValue
        case .unixSeconds:
            return time.milliseconds.isMultiple(of: 1_000)
                ? (time.milliseconds / 1_000).databaseValue : (Double(time.milliseconds) / 1_000).databaseValue
        }
    }

    // MARK: To the field

    /// What the field is to hold. O(n) in the value.
    /// - Parameter shown: what it holds now. A text that stands for an array there is read as one.
    func decoded(_ stored: DatabaseValue, instead shown: Value?) throws(Unfit) -> Value {
        if case .null = stored.storage { return form == .set ? .array([]) : .null }
        switch (form, stored.storage) {
        case (.plain, .int64(let number)):
            if case .boolean? = shown, number == 0 || number == 1 { return .boolean(number == 1) }
            return Self.meant(.integer(number), shown)
        case (.plain, .double(let number)):
            guard let value = Value.number(number) else { throw Unfit(column, "The number is infinite.") }
            return Self.meant(value, shown)
        case (.plain, .string(let text)):
            switch shown {
            case .array?, .object?: return (try? Value(json: text, limits: Self.limits)) ?? .string(text)
            // A column of texts makes a text of a number.
            case .integer?, .double?: return shown?.canonicalText == text ? shown ?? .null : .string(text)
            case _: return .string(text)
            }
        case (.text, .string(let text)): return .string(text)
        case (.boolean, .int64(let number)) where number == 0 || number == 1: return .boolean(number == 1)
        case (.json, .string(let text)), (.set, .string(let text)):
            guard let value = try? Value(json: text, limits: Self.limits) else {
                throw Unfit(column, "The text is no JSON.")
            }
            if form == .set, case .array = value { return value }
            if form == .json { return value }
            throw Unfit(column, "The text is no JSON array, as a set is written.")
        case (.json, .int64(let number)): return .integer(number)
        case (.json, .double(let number)):
            guard let value = Value.number(number) else { throw Unfit(column, "The number is infinite.") }
            return value
        case (.bytes, .blob(let data)):
            guard data.count <= Self.maximumBytes else {
                throw Unfit(column, "It holds \(data.count) bytes; at most \(Self.maximumBytes) are synced.")
            }
            return .string(data.base64EncodedString())
        case (.uuidBytes, .blob(let data)):
            guard let uuid = UUID(bytes: data) else {
                throw Unfit(column, "A UUID has 16 bytes, and not \(data.count).")
            }
            return .string(uuid.uuidString.lowercased())
        case (.time(let times), _): return try decoded(time: stored, times)
        case (.none(let reason), _): throw Unfit(column, reason)
        case (.plain, _), (.text, _), (.boolean, _), (.json, _), (.set, _), (.bytes, _), (.uuidBytes, _):
            throw Unfit(column, "It holds \(stored.kind), which the field has no form for.")
        }
    }

    /// The number, or the text that the column has made it of.
    private static func meant(_ number: Value, _ shown: Value?) -> Value {
        if case .string(let text)? = shown, number.canonicalText == text.text { return .string(text) }
        return number
    }

    private static let limits = JSONLimits(maximumDepth: 128)

    private func decoded(time stored: DatabaseValue, _ times: SyncedColumn.Times) throws(Unfit) -> Value {
        switch (times, stored.storage) {
        case (.rfc3339, .string(let text)):
            guard Timestamp(text) != nil else { throw Unfit(column, "The text is no time as RFC 3339 writes it.") }
            return .string(text)
        case (.databaseText, .string(let text)):
            guard let time = DatabaseTime.rfc3339(text) else { throw Unfit(column, "The text is no time.") }
            return .string(time)
        case (.unixMilliseconds, .int64(let number)): return .string(try Self.text(number, column))
        case (.unixSeconds, .int64(let number)):
            let (milliseconds, overflows) = number.multipliedReportingOverflow(by: 1_000)
            guard !overflows else { throw Unfit(column, "The time is beyond all years.") }
            return .string(try Self.text(milliseconds, column))
        case (.unixSeconds, .double(let number)), (.unixMilliseconds, .double(let number)):
            let milliseconds = (times == .unixSeconds ? number * 1_000 : number).rounded()
            guard let whole = Int64(exactly: milliseconds) else { throw Unfit(column, "The time is beyond all years.") }
            return .string(try Self.text(whole, column))
        case (.rfc3339, _), (.databaseText, _), (.unixMilliseconds, _), (.unixSeconds, _):
            throw Unfit(column, "It holds \(stored.kind), and no time.")
        }
    }

    private static func text(_ milliseconds: Int64, _ column: ColumnShape) throws(Unfit) -> String {
        let text = Timestamp(milliseconds: milliseconds).text
        guard Timestamp(text)?.milliseconds == milliseconds else {
            throw Unfit(column, "The time is beyond all years.")
        }
        return text
    }

    // MARK: Comparing

    /// Whether the column holds what shows. O(n) in the value.
    func isSame(_ stored: DatabaseValue, as shown: Value?) -> Bool {
        if let wanted = try? encoded(shown), wanted == stored { return true }
        guard let value = try? decoded(stored, instead: shown) else { return false }
        switch (form, value, shown) {
        case (.set, .array(let here), .array(let there)?): return Set(here) == Set(there)
        case (.set, .array(let here), nil): return here.isEmpty
        case (_, let value, let shown?): return value == shown
        case (_, let value, nil): return value == .null
        }
    }
}

extension Value {
    /// What it is, in words.
    fileprivate var kind: String {
        switch self {
        case .null: "null"
        case .boolean: "a boolean"
        case .integer: "an integer"
        case .double: "a number"
        case .string: "a text"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension DatabaseValue {
    /// What it is, in words.
    fileprivate var kind: String {
        switch storage {
        case .null: "NULL"
        case .int64: "an integer"
        case .double: "a number"
        case .string: "a text"
        case .blob: "bytes"
        }
    }
}
