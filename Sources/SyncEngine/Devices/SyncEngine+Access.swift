import Causality
import SyncStorage
import SyncWire

extension SyncEngine {
    /// Refuses a caller whose access has ended: a device that the request names and that is not its user's, a retired device's token whatever roles it has, a session that was
    /// signed out, and sessions and tokens that are older than what was set as their end. Every route that knows its
    /// caller asks this, and one that reads the feed may ask it together with its page.
    /// A member who was taken out is refused too.
    /// - Throws: `device_mismatch`, `forbidden`, `device_retired`, `unauthenticated`, `storage_unavailable`.
    public func permit(_ caller: Caller) async throws(Problem) { try check(caller, try await access(of: caller)) }

    /// What has ended of the caller's access, as it is known for a short while or read.
    private func access(of caller: Caller) async throws(Problem) -> AccessState {
        try await gate.state(
            of: caller.tenant, AccessQuery(caller), isDeviceNamed: caller.isDeviceNamed, nowMilliseconds: clock.now()
        ) { () throws(Problem) in try await readAccess(of: caller) }
    }

    func readAccess(of caller: Caller) async throws(Problem) -> AccessState {
        try await reading { () throws(StoreError) in try await store.access(caller.tenant, AccessQuery(caller)) }
    }

    func check(_ caller: Caller, _ access: AccessState) throws(Problem) {
        // It is one answer for a device that is not there and for somebody else's.
        guard !caller.isDeviceNamed || access.deviceUser == caller.user else {
            throw Problem(.deviceMismatch, "The device that the request names was not registered by this user.")
        }
        if let held = caller.memberRoles, access.memberRoles?.isSuperset(of: held) != true {
            throw Problem(.forbidden, "You are no member of this tenant any more, or have other roles there now.")
        }
        guard access.deviceRetiredAtMilliseconds == nil else { throw .deviceRetired }
        // A token that does not say when it was issued cannot show that it is new enough.
        let issuedAt = caller.issuedAtMilliseconds ?? .min
        guard access.tokensEndBeforeMilliseconds == .min || issuedAt >= access.tokensEndBeforeMilliseconds
        else {
            throw Problem(
                .unauthenticated,
                "Tokens of this age were revoked. Get a new one and send the request again.")
        }
        guard
            caller.session == nil
                || !access.hasSessionEnded && issuedAt >= access.sessionsEndBeforeMilliseconds
        else {
            throw Problem(.unauthenticated, "The session has ended. Sign in again.")
        }
    }

    /// Registers a device at its first call, and refuses one that was retired.
    func admit(_ caller: Caller) async throws(Problem) {
        guard caller.device != nil else { return }
        try await admit(caller, try await access(of: caller))
    }

    /// Registers a device at its first call, and refuses one that was retired.
    /// - Parameters:
    ///   - caller: whose device it is.
    ///   - access: what is known of it. It says for good that a device is registered, and not that it is not.
    func admit(_ caller: Caller, _ access: AccessState) async throws(Problem) {
        guard let device = caller.device else { return }
        guard access.deviceRetiredAtMilliseconds == nil else { throw .deviceRetired }
        let now = clock.now()
        if !access.isDeviceRegistered {
            let there = try await reading { () throws(StoreError) in try await store.device(caller.tenant, device) }
            let row: DeviceRow
            if let there {
                row = there
            } else {
                row = try await writing(in: caller.tenant) { () throws(StoreError) in
                    try await store.register(
                        caller.tenant,
                        DeviceRow(
                            device: device, user: caller.user, registeredAtMilliseconds: now,
                            lastSeenAtMilliseconds: now))
                }
            }
            guard row.retiredAtMilliseconds == nil else { throw .deviceRetired }
            gate.noteRegistered(caller.tenant, AccessQuery(caller), by: row.user)
        }
        note(caller.tenant, device, acknowledged: 0, seenAtMilliseconds: now)
    }

    /// Ends access, here at once, long polls and streams included, and on other servers within five seconds.
    /// - Throws: `overloaded`, `storage_unavailable`.
    public func end(_ tenant: TenantID, _ end: AccessRevocation) async throws(Problem) {
        let now = clock.now()
        try await writing(in: tenant) { () throws(StoreError) in
            try await store.end(tenant, end, nowMilliseconds: now)
        }
        accessHasEnded(in: tenant)
    }

    /// Forgets what was known of the tenant's access, and has everybody asked again who listens: something of it has ended.
    public func accessHasEnded(in tenant: TenantID) {
        gate.forget(tenant)
        directory.forget()
        notifier.wakeForAccess(tenant)
    }
}

extension AccessQuery {
    init(_ caller: Caller) {
        self.init(
            user: caller.user, session: caller.session, device: caller.device, asMember: caller.memberRoles != nil)
    }
}
