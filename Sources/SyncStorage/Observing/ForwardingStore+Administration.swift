import Causality

extension ForwardingStore {
    public func administer(
        _ tenant: TenantID, _ act: AdministrativeAct, by actor: ExactString, nowMilliseconds: Int64
    ) async throws(StoreError) -> Bool {
        try await call(.administer) { () throws(StoreError) in
            try await base.administer(tenant, act, by: actor, nowMilliseconds: nowMilliseconds)
        }
    }

    public func administration(
        _ tenant: TenantID, before ordinal: Int64?, limit: Int
    ) async throws(StoreError) -> [AdministrationRow] {
        try await call(.administration) { () throws(StoreError) in
            try await base.administration(tenant, before: ordinal, limit: limit)
        }
    }

    public func members(_ tenant: TenantID) async throws(StoreError) -> [MemberRow] {
        try await call(.members) { () throws(StoreError) in try await base.members(tenant) }
    }

    public func memberships(of user: ExactString, limit: Int) async throws(StoreError) -> [Membership] {
        try await call(.memberships) { () throws(StoreError) in try await base.memberships(of: user, limit: limit) }
    }

    public func begin(
        _ tenant: TenantID, _ session: ReviewSessionRow, nowMilliseconds: Int64
    ) async throws(StoreError) {
        try await call(.begin) { () throws(StoreError) in
            try await base.begin(tenant, session, nowMilliseconds: nowMilliseconds)
        }
    }

    public func reviewSessions(
        _ tenant: TenantID, of user: ExactString?, nowMilliseconds: Int64, limit: Int
    ) async throws(StoreError) -> [ReviewSessionRow] {
        try await call(.reviewSessions) { () throws(StoreError) in
            try await base.reviewSessions(tenant, of: user, nowMilliseconds: nowMilliseconds, limit: limit)
        }
    }
}
