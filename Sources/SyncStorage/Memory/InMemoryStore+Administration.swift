import Causality

extension InMemoryStore {
    public func administer(
        _ tenant: TenantID, _ act: AdministrativeAct, by actor: ExactString, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try probe?("administer")
        var state = states[tenant] ?? TenantState()
        let isChange: Bool
        switch act {
        case .addTenant: isChange = states[tenant] == nil
        case .setMember(let user, let roles):
            let there = state.members[user]
            isChange = there?.roles != roles
            state.members[user] = MemberRow(
                user: user, roles: roles, addedAtMilliseconds: there?.addedAtMilliseconds ?? nowMilliseconds)
        case .removeMember(let user): isChange = state.members.removeValue(forKey: user) != nil
        case .retireDevice(let device):
            isChange = state.devices[device].map { $0.retiredAtMilliseconds == nil } ?? false
            if isChange { state.devices[device]?.retiredAtMilliseconds = nowMilliseconds }
        case .endAccess(let end):
            isChange = true
            state.end(end, nowMilliseconds: nowMilliseconds)
        }
        guard isChange else { return false }
        state.administration.append(
            AdministrationRow(
                act, by: actor, at: Int64(state.administration.count + 1), nowMilliseconds: nowMilliseconds))
        states[tenant] = state
        return true
    }

    public func administration(
        _ tenant: TenantID, before ordinal: Int64?, limit: Int
    ) async throws(StoreError) -> [AdministrationRow] {
        let rows = try state(of: tenant).administration.reversed().filter { $0.ordinal < ordinal ?? .max }
        return Array(rows.prefix(limit))
    }

    public func members(_ tenant: TenantID) async throws(StoreError) -> [MemberRow] {
        try state(of: tenant).members.values.sorted { $0.user < $1.user }
    }

    public func memberships(of user: ExactString, limit: Int) async throws(StoreError) -> [Membership] {
        try probe?("read")
        let found = states.compactMap { tenant, state in
            state.members[user].map { Membership(tenant: tenant, roles: $0.roles) }
        }
        return Array(found.sorted { $0.tenant < $1.tenant }.prefix(limit))
    }

    public func begin(
        _ tenant: TenantID, _ session: ReviewSessionRow, nowMilliseconds: Int64
    ) async throws(StoreError) {
        try probe?("begin session")
        var sessions = states[tenant]?.sessions ?? [:]
        sessions[session.id] = session
        let forgotten = sessions.values.filter { $0.expiresAtMilliseconds < nowMilliseconds }
            .sorted { ($0.expiresAtMilliseconds, $0.id) < ($1.expiresAtMilliseconds, $1.id) }
        for row in forgotten.prefix(AccessRevocation.forgottenAtOnce) { sessions[row.id] = nil }
        states[tenant, default: TenantState()].sessions = sessions
    }

    public func reviewSessions(
        _ tenant: TenantID, of user: ExactString?, nowMilliseconds: Int64, limit: Int
    ) async throws(StoreError) -> [ReviewSessionRow] {
        let state = try state(of: tenant)
        let rows = state.sessions.values.filter { row in
            row.expiresAtMilliseconds > nowMilliseconds && (user == nil || row.user == user)
        }
        let sorted = rows.sorted { ($0.beganAtMilliseconds, $0.id) > ($1.beganAtMilliseconds, $1.id) }
        return Array(sorted.prefix(limit))
    }
}
