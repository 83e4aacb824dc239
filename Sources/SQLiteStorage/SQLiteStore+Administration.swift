import Causality
import SyncStorage

extension SQLiteStore {
    public func administer(
        _ tenant: TenantID, _ act: AdministrativeAct, by actor: ExactString, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await write(tenant) { (connection: Connection) throws(StoreError) in
            let name = tenant.name.text
            let isNew = try connection.prepare(Statements.insertTenant).execute { $0.text(name) } > 0
            guard try connection.carryOut(act, on: name, isNew: isNew, nowMilliseconds) else {
                return (false, .nothingWritten)
            }
            try connection.prepare(Statements.insertAdministration).execute { row in
                row.text(name)
                row.integer(nowMilliseconds)
                row.text(actor.text)
                row.text(act.name)
                row.text(act.subject.text)
                row.text(act.detail)
            }
            return (true, .commit)
        }
    }

    public func administration(
        _ tenant: TenantID, before ordinal: Int64?, limit: Int
    ) async throws(StoreError) -> [AdministrationRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectAdministration).all(
                { row in
                    row.text(tenant.name.text)
                    row.integer(ordinal ?? .max)
                    row.integer(Int64(clamping: limit))
                }, { (row: Columns) throws(StoreError) in try AdministrationRow(row) })
        }
    }

    public func members(_ tenant: TenantID) async throws(StoreError) -> [MemberRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectMembers).all(
                { $0.text(tenant.name.text) }, { (row: Columns) throws(StoreError) in try MemberRow(row) })
        }
    }

    public func memberships(of user: ExactString, limit: Int) async throws(StoreError) -> [Membership] {
        try await read(nil, .fewRows) { (connection: Connection) throws(StoreError) in
            try connection.prepare(Statements.selectMemberships).all(
                { row in
                    row.text(user.text)
                    row.integer(Int64(clamping: limit))
                },
                { (row: Columns) throws(StoreError) in
                    Membership(tenant: TenantID(try row.text(0)), roles: MemberRow.roles(in: try row.text(1)))
                })
        }
    }

    public func begin(
        _ tenant: TenantID, _ session: ReviewSessionRow, nowMilliseconds: Int64
    ) async throws(StoreError) {
        try await write(tenant) { (connection: Connection) throws(StoreError) in
            let name = tenant.name.text
            try connection.prepare(Statements.insertTenant).execute { $0.text(name) }
            try connection.prepare(Statements.insertReviewSession).execute { row in
                row.text(name)
                session.bind(to: &row)
            }
            try connection.prepare(Statements.forgetReviewSessions).execute { row in
                row.text(name)
                row.integer(nowMilliseconds)
                row.integer(Int64(AccessRevocation.forgottenAtOnce))
            }
            return ((), .commit)
        }
    }

    public func reviewSessions(
        _ tenant: TenantID, of user: ExactString?, nowMilliseconds: Int64, limit: Int
    ) async throws(StoreError) -> [ReviewSessionRow] {
        try await read(tenant) { (connection: Connection) throws(StoreError) in
            let statement = user == nil ? Statements.selectReviewSessions : Statements.selectReviewSessionsOfUser
            return try connection.prepare(statement).all(
                { row in
                    row.text(tenant.name.text)
                    row.integer(nowMilliseconds)
                    row.integer(Int64(clamping: limit))
                    if let user { row.text(user.text) }
                }, { (row: Columns) throws(StoreError) in try ReviewSessionRow(row) })
        }
    }
}

extension Connection {
    /// - Returns: whether it changed anything.
    fileprivate func carryOut(
        _ act: AdministrativeAct, on tenant: String, isNew: Bool, _ nowMilliseconds: Int64
    ) throws(StoreError) -> Bool {
        switch act {
        case .addTenant: return isNew
        case .setMember(let user, let roles):
            return try prepare(Statements.upsertMember).execute { row in
                row.text(tenant)
                row.text(user.text)
                row.text(MemberRow.text(of: roles))
                row.integer(nowMilliseconds)
            } > 0
        case .removeMember(let user):
            return try prepare(Statements.deleteMember).execute { row in
                row.text(tenant)
                row.text(user.text)
            } > 0
        case .retireDevice(let device):
            return try prepare(Statements.retireLivingDevice).execute { row in
                row.text(tenant)
                row.text(device.name.text)
                row.integer(nowMilliseconds)
            } > 0
        case .endAccess(let end):
            try self.end(end, of: tenant, nowMilliseconds)
            return true
        }
    }
}

extension AdministrationRow {
    fileprivate init(_ row: Columns) throws(StoreError) {
        self.init(
            ordinal: row.integer(0), recordedAtMilliseconds: row.integer(1), actor: ExactString(try row.text(2)),
            act: try row.text(3), subject: ExactString(try row.text(4)), detail: try row.text(5))
    }
}

extension MemberRow {
    fileprivate init(_ row: Columns) throws(StoreError) {
        self.init(
            user: ExactString(try row.text(0)), roles: Self.roles(in: try row.text(1)),
            addedAtMilliseconds: row.integer(2))
    }
}

extension ReviewSessionRow {
    fileprivate init(_ row: Columns) throws(StoreError) {
        self.init(
            id: ExactString(try row.text(0)), user: ExactString(try row.text(1)), beganAtMilliseconds: row.integer(2),
            expiresAtMilliseconds: row.integer(3), way: Way(rawValue: try row.text(4)) ?? .link,
            browser: try row.text(5))
    }

    fileprivate func bind(to row: inout Bindings) {
        row.text(id.text)
        row.text(user.text)
        row.integer(beganAtMilliseconds)
        row.integer(expiresAtMilliseconds)
        row.text(way.rawValue)
        row.text(browser)
    }
}
