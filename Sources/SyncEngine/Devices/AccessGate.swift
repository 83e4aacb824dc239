import Causality
import SyncStorage
import SyncWire
import Synchronization

/// What is known, for a short while, of whose access has ended. To look at the data for every request would cost one
/// more reading each.
///
/// What this server itself ends is known at once; what another one ends, or a command, is known after
/// `knownForMilliseconds`.
final class AccessGate: Sendable {
    /// How long a server may go on admitting what another one has ended.
    static let knownForMilliseconds: Int64 = 5_000
    private static let maximumCount = 100_000

    private struct Owner: Hashable {
        let tenant: TenantID
        let query: AccessQuery
    }

    private struct Known {
        var states: [Owner: (state: AccessState, atMilliseconds: Int64)] = [:]
        /// Rises whenever something is forgotten, so that what was read before is not taken for what is so now.
        var generation: UInt64 = 0
    }

    private let known = Mutex(Known())

    /// What is known; where nothing is known, what is read.
    func state(
        of tenant: TenantID, _ query: AccessQuery, isDeviceNamed: Bool, nowMilliseconds now: Int64,
        reading read: () async throws(Problem) -> AccessState
    ) async throws(Problem) -> AccessState {
        let (known, moment) = known(of: tenant, query, isDeviceNamed: isDeviceNamed, nowMilliseconds: now)
        if let known { return known }
        let state = try await read()
        note(state, of: tenant, query, nowMilliseconds: now, since: moment)
        return state
    }

    /// The moment before something is read.
    struct Moment: Sendable {
        fileprivate let generation: UInt64
    }

    /// What is known; nil where it has to be read. Who reads hands the moment back to `note`.
    /// - Parameter isDeviceNamed: whether the device may have been registered since, here or on another server. Then
    ///   nobody is told for a while that it was not.
    func known(
        of tenant: TenantID, _ query: AccessQuery, isDeviceNamed: Bool, nowMilliseconds now: Int64
    ) -> (state: AccessState?, moment: Moment) {
        let owner = Owner(tenant: tenant, query: query)
        let (found, generation) = known.withLock { ($0.states[owner], $0.generation) }
        // A clock that was set back makes nothing known for longer.
        let isFresh = found.map { $0.atMilliseconds <= now && now - $0.atMilliseconds < Self.knownForMilliseconds }
        let isUsable = isFresh == true && (!isDeviceNamed || found?.state.isDeviceRegistered == true)
        return (isUsable ? found?.state : nil, Moment(generation: generation))
    }

    /// Notes what was read, unless something was forgotten since.
    func note(
        _ state: AccessState, of tenant: TenantID, _ query: AccessQuery, nowMilliseconds now: Int64,
        since moment: Moment
    ) {
        known.withLock { known in
            guard known.generation == moment.generation else { return }
            if known.states.count >= Self.maximumCount {
                known.states = known.states.filter {
                    now - $0.value.atMilliseconds < Self.knownForMilliseconds
                }
                if known.states.count >= Self.maximumCount { known.states = [:] }
            }
            known.states[Owner(tenant: tenant, query: query)] = (state, now)
        }
    }

    /// Notes that the device of which something is known is registered by now.
    func noteRegistered(_ tenant: TenantID, _ query: AccessQuery, by user: ExactString) {
        known.withLock { $0.states[Owner(tenant: tenant, query: query)]?.state.deviceUser = user }
    }

    /// Forgets what is known of the tenant, because something of it has ended.
    func forget(_ tenant: TenantID) {
        known.withLock { known in
            known.generation += 1
            known.states = known.states.filter { $0.key.tenant != tenant }
        }
    }
}
