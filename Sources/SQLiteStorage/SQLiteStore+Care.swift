import SyncStorage

extension SQLiteStore {
    /// The schema that the file has.
    public func schemaVersion() async throws(StoreError) -> Int {
        try await read { (connection: Connection) throws(StoreError) in try connection.schemaVersion() }
    }

    /// What SQLite finds wrong with the file; empty when it is whole. Reads the whole file.
    public func integrityFindings() async throws(StoreError) -> [String] {
        try await read { (connection: Connection) throws(StoreError) in
            let findings = try connection.prepare(Statements.integrity).all({ _ in }) {
                (columns: Columns) throws(StoreError) in try columns.text(0)
            }
            return findings == ["ok"] ? [] : findings
        }
    }
}
