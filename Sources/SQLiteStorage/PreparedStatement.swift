import GRDBSQLite
import SyncStorage

/// A statement in the hands of a connection. It is used only on the connection's queue, and never kept beyond one
/// access.
///
/// GRDB prepares and caches it. Values are bound and read through the C interface, because a text has to arrive as the
/// bytes that were stored: a C string ends at U+0000 and repairs what is no UTF-8, and an altered audit would pass for
/// whole.
struct PreparedStatement {
    let name: String
    let probe: StoreProbe?
    let handle: OpaquePointer

    /// Runs the statement for its effect.
    /// - Returns: how many rows it changed.
    @discardableResult
    func execute(_ bind: (inout Bindings) -> Void = { _ in }) throws(StoreError) -> Int {
        try start(bind)
        defer { finish() }
        while try step() {}
        return Int(sqlite3_changes(sqlite3_db_handle(handle)))
    }

    /// The first row.
    func first<Row>(
        _ bind: (inout Bindings) -> Void, _ read: (Columns) throws(StoreError) -> Row
    ) throws(StoreError) -> Row? {
        try start(bind)
        defer { finish() }
        return try step() ? try read(Columns(handle: handle, statement: name)) : nil
    }

    /// Visits the rows in order.
    func forEach(
        _ bind: (inout Bindings) -> Void, _ visit: (Columns) throws(StoreError) -> Void
    ) throws(StoreError) {
        try start(bind)
        defer { finish() }
        let columns = Columns(handle: handle, statement: name)
        while try step() { try visit(columns) }
    }

    enum Continuation {
        case goOn, stop
    }

    /// Visits the rows in order, as far as the visitor wants.
    func visit(
        _ bind: (inout Bindings) -> Void, _ visit: (Columns) throws(StoreError) -> Continuation
    ) throws(StoreError) {
        try start(bind)
        defer { finish() }
        let columns = Columns(handle: handle, statement: name)
        while try step() {
            switch try visit(columns) {
            case .goOn: continue
            case .stop: return
            }
        }
    }

    /// All rows in order.
    func all<Row>(
        _ bind: (inout Bindings) -> Void, _ read: (Columns) throws(StoreError) -> Row
    ) throws(StoreError) -> [Row] {
        var rows: [Row] = []
        try forEach(bind) { (columns: Columns) throws(StoreError) in rows.append(try read(columns)) }
        return rows
    }

    /// The first row of a statement without parameters.
    func first<Row>(_ read: (Columns) throws(StoreError) -> Row) throws(StoreError) -> Row? {
        try first({ _ in }, read)
    }

    private func start(_ bind: (inout Bindings) -> Void) throws(StoreError) {
        try probe?(name)
        var bindings = Bindings(handle: handle)
        bind(&bindings)
        guard bindings.code == SQLITE_OK else {
            finish()
            throw StoreError(sqliteCode: bindings.code, at: name)
        }
    }

    private func step() throws(StoreError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw StoreError(sqliteCode: code, at: name)
        }
    }

    private func finish() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }
}

/// The values of a statement's parameters, in their order.
struct Bindings {
    fileprivate let handle: OpaquePointer
    private var index: Int32 = 0
    fileprivate private(set) var code = SQLITE_OK

    fileprivate init(handle: OpaquePointer) { self.handle = handle }

    /// SQLite copies what it is given before the call returns.
    private static let copying = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private mutating func note(_ result: Int32) {
        if result != SQLITE_OK { code = result }
    }

    private mutating func next() -> Int32 {
        index += 1
        return index
    }

    mutating func integer(_ number: Int64) {
        note(sqlite3_bind_int64(handle, next(), number))
    }

    mutating func integer(_ number: Int64?) {
        if let number { integer(number) } else { note(sqlite3_bind_null(handle, next())) }
    }

    mutating func boolean(_ truth: Bool) { integer(truth ? 1 : 0) }

    mutating func text(_ text: String) {
        var text = text
        let position = next()
        note(
            text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    // An empty buffer may have no address, which would bind NULL.
                    sqlite3_bind_text(
                        handle, position, characters.baseAddress ?? UnsafePointer(Self.nothing),
                        Int32(clamping: characters.count), Self.copying)
                }
            })
    }

    mutating func text(_ text: String?) {
        if let text { self.text(text) } else { note(sqlite3_bind_null(handle, next())) }
    }

    mutating func bytes(_ bytes: [UInt8]) {
        let position = next()
        guard !bytes.isEmpty else {
            note(sqlite3_bind_zeroblob(handle, position, 0))
            return
        }
        note(
            bytes.withUnsafeBytes { buffer in
                sqlite3_bind_blob(handle, position, buffer.baseAddress, Int32(clamping: buffer.count), Self.copying)
            })
    }

    mutating func bytes(_ bytes: [UInt8]?) {
        if let bytes { self.bytes(bytes) } else { note(sqlite3_bind_null(handle, next())) }
    }

    nonisolated(unsafe) private static let nothing: UnsafeMutablePointer<CChar> = {
        let place = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        place.initialize(to: 0)
        return place
    }()
}

/// The row on which a statement stands, by the index of the column.
struct Columns {
    fileprivate let handle: OpaquePointer
    fileprivate let statement: String

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func boolean(_ column: Int32) -> Bool { integer(column) != 0 }

    /// - Throws: `damaged` when the bytes are no UTF-8.
    func text(_ column: Int32) throws(StoreError) -> String {
        guard let text = unsafe(column, { String(validating: $0, as: UTF8.self) }) else {
            throw .damaged("a text that is no UTF-8 was found (\(statement))")
        }
        return text
    }

    func optionalText(_ column: Int32) throws(StoreError) -> String? {
        isNull(column) ? nil : try text(column)
    }

    /// A text of the audit. The server never wrote bytes that are no UTF-8. They are given back with a U+0000, which no
    /// text of the audit has, so that the hash over them cannot fit.
    func auditText(_ column: Int32) -> String {
        unsafe(column) { bytes in
            String(validating: bytes, as: UTF8.self) ?? String(decoding: bytes, as: UTF8.self) + "\u{0}"
        }
    }

    func bytes(_ column: Int32) -> [UInt8] { unsafe(column) { Array($0) } }

    /// How many bytes a text or blob has; 0 for NULL.
    func byteCount(_ column: Int32) -> Int { unsafe(column) { $0.count } }

    private func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    private func unsafe<Result>(_ column: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        // The address comes first: asking for it may convert the value, and only then is the count right.
        let start = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        let first = start?.assumingMemoryBound(to: UInt8.self)
        return body(UnsafeBufferPointer(start: first, count: first == nil ? 0 : count))
    }
}
