import Causality
import SyncStorage

extension PostgreSQLStore {
    public func administer(
        _ tenant: TenantID, _ act: AdministrativeAct, by actor: ExactString, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await threads.run(of: tenant, for: .writing, probe: probe) { (session: Session) throws(StoreError) in
            let name = tenant.name.text
            let begin =
                session.begin(Statements.begin, naming: name) + [
                    Request(Statements.insertTenant) { $0.text(name) }, Request(Statements.lockHead) { $0.text(name) },
                ]
            let results = try session.exchange(begin + Request.carryingOut(act, on: name, nowMilliseconds))
            // Making the tenant is a change only where that is what is asked for.
            let isNew = results[begin.count - 2].changedCount > 0
            let isChange =
                switch act {
                case .addTenant: isNew
                case .endAccess: true
                case .setMember, .removeMember, .retireDevice: results[begin.count...].contains { $0.changedCount > 0 }
                }
            guard isChange else {
                session.rollBack()
                return false
            }
            var end = [
                Request(Statements.insertAdministration) { row in
                    row.text(name)
                    row.integer(nowMilliseconds)
                    row.text(actor.text)
                    row.text(act.name)
                    row.text(act.subject.text)
                    row.text(act.detail)
                }
            ]
            if act.mayEndAccess {
                end.append(Request(Statements.notify) { $0.text(TenantNews.accessEnded(of: tenant)) })
            }
            _ = try session.exchange(end + [Request(Statements.waitForCommit), Request(Statements.commit)])
            return true
        }
    }

    public func administration(
        _ tenant: TenantID, before ordinal: Int64?, limit: Int
    ) async throws(StoreError) -> [AdministrationRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let results = try reading.askLast(
                Request(Statements.selectAdministration) { row in
                    row.text(reading.tenant)
                    row.integer(ordinal ?? .max)
                    row.integer(Int64(clamping: limit))
                })
            return try results[0].all { (row: Columns) throws(StoreError) in try AdministrationRow(row) }
        }
    }

    public func members(_ tenant: TenantID) async throws(StoreError) -> [MemberRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let results = try reading.askLast(Request(Statements.selectMembers) { $0.text(reading.tenant) })
            return try results[0].all { (row: Columns) throws(StoreError) in try MemberRow(row) }
        }
    }

    public func memberships(of user: ExactString, limit: Int) async throws(StoreError) -> [Membership] {
        try await threads.run(probe: probe) { (session: Session) throws(StoreError) in
            try session.exchange([
                Request(Statements.selectMemberships) { row in
                    row.text(user.text)
                    row.integer(Int64(clamping: limit))
                }
            ])[0].all { (row: Columns) throws(StoreError) in
                Membership(tenant: TenantID(try row.text(0)), roles: MemberRow.roles(in: try row.text(1)))
            }
        }
    }

    public func begin(
        _ tenant: TenantID, _ session: ReviewSessionRow, nowMilliseconds: Int64
    ) async throws(StoreError) {
        try await write(tenant) { name in
            [
                Request(Statements.insertReviewSession) { row in
                    row.text(name)
                    session.bind(to: &row)
                },
                Request(Statements.forgetReviewSessions) { row in
                    row.text(name)
                    row.integer(nowMilliseconds)
                    row.integer(Int64(AccessRevocation.forgottenAtOnce))
                },
            ]
        } reading: { _ in
        }
    }

    public func reviewSessions(
        _ tenant: TenantID, of user: ExactString?, nowMilliseconds: Int64, limit: Int
    ) async throws(StoreError) -> [ReviewSessionRow] {
        try await read(tenant) { (reading: Reading) throws(StoreError) in
            let statement = user == nil ? Statements.selectReviewSessions : Statements.selectReviewSessionsOfUser
            let results = try reading.askLast(
                Request(statement) { row in
                    row.text(reading.tenant)
                    row.integer(nowMilliseconds)
                    row.integer(Int64(clamping: limit))
                    if let user { row.text(user.text) }
                })
            return try results[0].all { (row: Columns) throws(StoreError) in try ReviewSessionRow(row) }
        }
    }
}

extension Request {
    fileprivate static func carryingOut(
        _ act: AdministrativeAct, on tenant: String, _ nowMilliseconds: Int64
    ) -> [Request] {
        switch act {
        case .addTenant: []
        case .setMember(let user, let roles):
            [
                Request(Statements.upsertMember) { row in
                    row.text(tenant)
                    row.text(user.text)
                    row.text(MemberRow.text(of: roles))
                    row.integer(nowMilliseconds)
                }
            ]
        case .removeMember(let user):
            [
                Request(Statements.deleteMember) { row in
                    row.text(tenant)
                    row.text(user.text)
                }
            ]
        case .retireDevice(let device):
            [
                Request(Statements.retireLivingDevice) { row in
                    row.text(tenant)
                    row.text(device.name.text)
                    row.integer(nowMilliseconds)
                }
            ]
        case .endAccess(let end): ending(end, of: tenant, nowMilliseconds)
        }
    }

    /// What ends access, and takes the sessions that it ends out of their list.
    static func ending(_ end: AccessRevocation, of tenant: String, _ nowMilliseconds: Int64) -> [Request] {
        let row = AccessRevocationRow(end)
        var requests = [
            Request(Statements.upsertAccessEnd) { parameters in
                parameters.text(tenant)
                parameters.text(row.kind.rawValue)
                parameters.text(row.name.text)
                parameters.integer(row.endsBeforeMilliseconds)
                parameters.integer(row.expiresAtMilliseconds)
            },
            Request(Statements.forgetAccessEnds) { parameters in
                parameters.text(tenant)
                parameters.integer(OneTimeCode.horizon(atMilliseconds: nowMilliseconds))
                parameters.integer(Int64(AccessRevocation.forgottenAtOnce))
            },
        ]
        switch end {
        case .session(let id, _):
            requests.append(
                Request(Statements.deleteReviewSession) { parameters in
                    parameters.text(tenant)
                    parameters.text(id.text)
                })
        case .sessions(let user, let time), .tokens(let user, let time):
            requests.append(
                Request(Statements.deleteReviewSessions) { parameters in
                    parameters.text(tenant)
                    parameters.text(user?.text ?? "")
                    parameters.integer(time)
                })
        }
        return requests
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

    fileprivate func bind(to row: inout Parameters) {
        row.text(id.text)
        row.text(user.text)
        row.integer(beganAtMilliseconds)
        row.integer(expiresAtMilliseconds)
        row.text(way.rawValue)
        row.text(browser)
    }
}
