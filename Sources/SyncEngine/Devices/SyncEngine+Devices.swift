import Causality
import MergeCore
import SyncStorage
import SyncWire

extension SyncEngine {
    /// All devices of the tenant, by id.
    public func devices(_ caller: Caller) async throws(Problem) -> DevicesAnswer {
        let rows = try await reading { () throws(StoreError) in try await store.devices(caller.tenant) }
        return DevicesAnswer(devices: rows.map(WireDevice.init(_:)))
    }

    /// Registers a device. To register one that is there already changes nothing.
    /// - Throws: `device_retired` when the id was retired; `invalid_request` for an id that nobody can register.
    /// - Returns: the device as JSON, and whether it is new.
    public func register(
        _ caller: Caller, _ device: DeviceID
    ) async throws(Problem) -> (device: WireDevice, isNew: Bool) {
        try await register(caller, device) { (row: DeviceRow) throws(StoreError) -> DeviceRow? in
            try await store.register(caller.tenant, row)
        }
    }

    /// Registers a device of the caller's own, for requests that name it.
    /// - Throws: what ``register(_:_:)`` throws; `device_mismatch` when somebody else has the id; `forbidden` when
    ///   the user has as many devices as they may.
    /// - Returns: the device as JSON, and whether it is new.
    public func registerOwn(
        _ caller: Caller, _ device: DeviceID
    ) async throws(Problem) -> (device: WireDevice, isNew: Bool) {
        let answer = try await register(caller, device) { (row: DeviceRow) throws(StoreError) -> DeviceRow? in
            try await store.register(caller.tenant, row, atMost: limits.devicesPerUser)
        }
        guard answer.device.user == caller.user else {
            throw Problem(.deviceMismatch, "Somebody else has a device of this id. Take another id.")
        }
        return answer
    }

    private func register(
        _ caller: Caller, _ device: DeviceID,
        _ write: @escaping @Sendable (DeviceRow) async throws(StoreError) -> DeviceRow?
    ) async throws(Problem) -> (device: WireDevice, isNew: Bool) {
        if let issue = device.registrationIssue(limits.wire) {
            throw Problem(
                .invalidRequest, issue, errors: [.init(.invalidRequest, issue, at: .root.appending(name: "id"))])
        }
        let now = clock.now()
        let there = try await reading { () throws(StoreError) in try await store.device(caller.tenant, device) }
        let isNew = there == nil
        let row: DeviceRow
        if let there {
            row = there
        } else {
            let new = DeviceRow(
                device: device, user: caller.user, registeredAtMilliseconds: now, lastSeenAtMilliseconds: now)
            let stored = try await writing(in: caller.tenant) { () throws(StoreError) in try await write(new) }
            guard let stored else {
                throw Problem(
                    .forbidden,
                    "A user has at most \(limits.devicesPerUser) devices. An administrator can retire some.",
                    limit: limits.devicesPerUser)
            }
            row = stored
        }
        guard row.retiredAtMilliseconds == nil else { throw .deviceRetired }
        return (WireDevice(row), isNew)
    }

    /// Retires a device. Its calls are refused from now on, and its id stays taken.
    /// - Throws: `not_found`, `overloaded`, `storage_unavailable`.
    public func retire(_ caller: Caller, _ device: DeviceID) async throws(Problem) {
        let now = clock.now()
        let isThere = try await writing(in: caller.tenant) { () throws(StoreError) in
            if try await store.administer(
                caller.tenant, .retireDevice(device), by: caller.user, nowMilliseconds: now)
            {
                return true
            }
            // It was retired before, or is not there.
            return try await store.device(caller.tenant, device) != nil
        }
        guard isThere else { throw .notFound }
        accessHasEnded(in: caller.tenant)
    }
}

extension DeviceID {
    /// Why a client cannot have this id; nil when it can.
    public func registrationIssue(_ limits: WireLimits) -> String? {
        if isReserved { return "Ids that begin with '\(Self.reviewerPrefix)' belong to the server." }
        return NameRule.issue(in: name, limits: limits)
    }
}
