import Causality

/// One of the app's own tables that is kept in sync with a collection of the server.
///
/// A row is a record: the row's key is the record's id, columns are fields. A key column of type `INTEGER` is written in decimal
/// digits, one of 16 bytes as a UUID, several columns as a JSON array.
///
/// ```swift
/// [
///     SyncedTable("estimates"),
///     SyncedTable("cost_book_items", columns: ["name", .column("price", field: "unitPrice")]),
///     SyncedTable("pdf_settings", key: .singleton),
///     SyncedTable("drafts", push: .where("state <> 'private'")),
/// ]
/// ```
public struct SyncedTable: Sendable, Hashable {
    /// What tells rows apart.
    public enum Key: Sendable, Hashable {
        /// The table's primary key.
        case primaryKey
        /// The table has one row, which is the record `singleton`.
        case singleton
    }

    /// Which way changes go.
    public enum Mode: Sendable, Hashable {
        /// Both ways.
        case both
        /// Both ways, and only for rows that are here: those that were written here, and those that were asked for with
        /// `RejoinClient.want(_:_:)`. `unwant` takes rows away here, and deletes nothing at the server.
        case onDemand
        /// From the server to here. Writes of the app are refused where they are made.
        case readOnly
        /// Nothing is sent or taken; `RejoinClient.observed()` lists what would be sent. To try it first.
        case observe

        /// Whether what is written here is sent.
        var sends: Bool { self == .both || self == .onDemand }

        /// Whether notes become edits. A table that is only read from now on may have some from before.
        var captures: Bool { self != .observe }
    }

    /// Which rows are sent.
    public enum Push: Sendable, Hashable {
        /// Every row.
        case all
        /// Those for which an SQL expression over the table's columns is true. A row that was sent and is one of them no longer
        /// stays at the server as it was.
        case `where`(String)
    }

    /// The table's name.
    public var name: String
    /// The collection's name; nil for the table's.
    public var collection: ExactString?
    /// What tells rows apart.
    public var key: Key
    /// The columns that are synced; nil for all but key and generated columns. Others are the device's own.
    public var columns: [SyncedColumn]?
    /// Which way changes go.
    public var mode: Mode
    /// Which rows are sent.
    public var push: Push

    /// Declares a table. It is looked at when the client is made.
    public init(
        _ name: String, collection: ExactString? = nil, key: Key = .primaryKey, columns: [SyncedColumn]? = nil,
        mode: Mode = .both, push: Push = .all
    ) {
        self.name = name
        self.collection = collection
        self.key = key
        self.columns = columns
        self.mode = mode
        self.push = push
    }
}

/// A column that is synced, and the field that it is.
public struct SyncedColumn: Sendable, Hashable, ExpressibleByStringLiteral {
    /// How a column holds times, where the server's field is a `timestamp`.
    public enum Times: Sendable, Hashable {
        /// `2026-11-28 06:30:00.000` in UTC, as GRDB stores a `Date`. The default of columns declared `DATE…` or `…TIME…`.
        case databaseText
        /// `2026-11-28T06:30:00.000Z`, as the server has it (RFC 3339). The default of text columns.
        case rfc3339
        /// Seconds since 1970, whole or not.
        case unixSeconds
        /// Milliseconds since 1970.
        case unixMilliseconds
    }

    /// The column's name.
    public var name: String
    /// The field's name; nil for the column's.
    public var field: ExactString?
    /// How it holds times; nil for what its declared type says.
    public var times: Times?

    /// Declares a column whose field has the same name.
    public init(stringLiteral name: String) { self = .column(name) }

    /// Declares a column.
    public static func column(_ name: String, field: ExactString? = nil, times: Times? = nil) -> SyncedColumn {
        SyncedColumn(name: name, field: field, times: times)
    }

    private init(name: String, field: ExactString?, times: Times?) {
        self.name = name
        self.field = field
        self.times = times
    }
}

/// Why tables cannot be synced as they were declared. Nothing was done.
public struct TableRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence that says what to do.
    public let description: String

    init(_ description: String) { self.description = description }
}
