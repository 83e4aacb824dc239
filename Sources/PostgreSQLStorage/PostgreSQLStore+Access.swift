import SyncStorage

extension PostgreSQLStore {
    /// Reads all of it in one round trip.
    public func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError)
        -> AccessState
    {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            try AccessState(query, try reading.askLast(Request.access(of: reading.tenant, query))[...])
        }
    }

    public func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64)
        async throws(StoreError)
    {
        try await write(tenant) { name in
            Request.ending(end, of: name, nowMilliseconds) + [
                Request(Statements.notify) { $0.text(TenantNews.accessEnded(of: tenant)) }
            ]
        } reading: { _ in
        }
    }

    public func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError)
        -> KeyAgreement
    {
        try await threads.run(probe: probe) { (session: Session) throws(StoreError) in
            // Two servers may start at once on new data. The second sees what the first has written.
            let results = try session.exchange([
                Request(Statements.begin), Request(Statements.lockKeyCheck),
                Request(Statements.selectKeyCheck),
            ])
            let there = try results[2].first { $0.bytes(0) }
            let agreement: KeyAgreement = there.map { $0 == check ? .same : .other } ?? .first
            var requests = [Request(Statements.commit)]
            if agreement == .first || agreement == .other && intention == .adopt {
                requests.insert(Request(Statements.updateKeyCheck) { $0.bytes(check) }, at: 0)
            }
            _ = try session.exchange(requests)
            return agreement
        }
    }
}

extension Request {
    /// What `AccessState` is made of.
    static func access(of tenant: String, _ query: AccessQuery) -> [Request] {
        var requests = [
            Request(Statements.selectAccessEnds) { row in
                row.text(tenant)
                row.text(query.user.text)
                row.text(query.session?.text ?? "")
            }
        ]
        if let device = query.device {
            requests.append(
                Request(Statements.selectDevice) { row in
                    row.text(tenant)
                    row.text(device.name.text)
                })
        }
        if query.asMember {
            requests.append(
                Request(Statements.selectMember) { row in
                    row.text(tenant)
                    row.text(query.user.text)
                })
        }
        return requests
    }
}

extension AccessState {
    /// - Parameters:
    ///   - query: whose access it is.
    ///   - results: what `Request.access` was answered.
    init(_ query: AccessQuery, _ results: ArraySlice<QueryResult>) throws(StoreError) {
        self.init()
        var results = results
        try results.popFirst()?.forEach { (row: Columns) throws(StoreError) in
            take(try row.text(0), try row.text(1), endsBefore: row.integer(2), for: query)
        }
        if query.device != nil {
            take(try results.popFirst()?.first { (row: Columns) throws(StoreError) in try DeviceRow(row) })
        }
        if query.asMember {
            memberRoles = try results.popFirst()?.first { (row: Columns) throws(StoreError) in
                MemberRow.roles(in: try row.text(0))
            }
        }
    }
}
