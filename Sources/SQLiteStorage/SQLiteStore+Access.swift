import SyncStorage

extension SQLiteStore {
    public func access(_ tenant: TenantID, _ query: AccessQuery) async throws(StoreError)
        -> AccessState
    {
        try await read(tenant, .fewRows) { (connection: Connection) throws(StoreError) in
            try connection.access(of: tenant, query)
        }
    }

    public func end(_ tenant: TenantID, _ end: AccessRevocation, nowMilliseconds: Int64)
        async throws(StoreError)
    {
        try await write(tenant) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.insertTenant).execute { $0.text(tenant.name.text) }
            try connection.end(end, of: tenant.name.text, nowMilliseconds)
            return ((), .commit)
        }
    }

    public func agree(on check: [UInt8], _ intention: KeyIntention) async throws(StoreError)
        -> KeyAgreement
    {
        try await write(nil) { (connection: Connection) throws(StoreError) in
            let there = try connection.prepare(Statements.selectKeyCheck).first { $0.bytes(0) }
            let agreement: KeyAgreement = there.map { $0 == check ? .same : .other } ?? .first
            guard agreement == .first || agreement == .other && intention == .adopt else {
                return (agreement, .nothingWritten)
            }
            try connection.prepare(Statements.updateKeyCheck).execute { $0.bytes(check) }
            return (agreement, .commit)
        }
    }
}

extension Connection {
    func access(of tenant: TenantID, _ query: AccessQuery) throws(StoreError) -> AccessState {
        var access = AccessState()
        try prepare(Statements.selectAccessEnds).forEach(
            { row in
                row.text(tenant.name.text)
                row.text(query.user.text)
                row.text(query.session?.text ?? "")
            },
            { (row: Columns) throws(StoreError) in
                access.take(try row.text(0), try row.text(1), endsBefore: row.integer(2), for: query)
            })
        if let device = query.device {
            access.take(try prepare(Statements.selectDevice).device(tenant.name.text, device))
        }
        if query.asMember {
            access.memberRoles = try prepare(Statements.selectMember).first(
                { row in
                    row.text(tenant.name.text)
                    row.text(query.user.text)
                }, { (row: Columns) throws(StoreError) in MemberRow.roles(in: try row.text(0)) })
        }
        return access
    }

    /// Ends access, and takes the sessions that it ends out of their list.
    func end(_ end: AccessRevocation, of tenant: String, _ nowMilliseconds: Int64) throws(StoreError) {
        let row = AccessRevocationRow(end)
        try prepare(Statements.upsertAccessEnd).execute { bindings in
            bindings.text(tenant)
            bindings.text(row.kind.rawValue)
            bindings.text(row.name.text)
            bindings.integer(row.endsBeforeMilliseconds)
            bindings.integer(row.expiresAtMilliseconds)
        }
        try prepare(Statements.forgetAccessEnds).execute { bindings in
            bindings.text(tenant)
            bindings.integer(OneTimeCode.horizon(atMilliseconds: nowMilliseconds))
            bindings.integer(Int64(AccessRevocation.forgottenAtOnce))
        }
        switch end {
        case .session(let id, _):
            try prepare(Statements.deleteReviewSession).execute { bindings in
                bindings.text(tenant)
                bindings.text(id.text)
            }
        case .sessions(let user, let time), .tokens(let user, let time):
            try prepare(Statements.deleteReviewSessions).execute { bindings in
                bindings.text(tenant)
                bindings.text(user?.text ?? "")
                bindings.integer(time)
            }
        }
    }
}
