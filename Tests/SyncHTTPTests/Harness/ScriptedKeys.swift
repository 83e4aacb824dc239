import SyncHTTP
import Synchronization

/// Keys that somebody changes or takes away, and how often they were read.
final class ScriptedKeys: Sendable {
    private let state: Mutex<(keys: [String]?, readings: Int)>

    /// - Parameter keys: members of a key set; nil while they cannot be had.
    init(_ keys: [String]?) { state = Mutex((keys, 0)) }

    var readings: Int { state.withLock { $0.readings } }

    func set(_ keys: [String]?) { state.withLock { $0.keys = keys } }

    func source(
        _ schedule: KeySource.Schedule = .olderThan(milliseconds: 600_000), between milliseconds: Int64 = 30_000
    ) -> KeySource {
        KeySource(place: "scripted", schedule: schedule, leastMillisecondsBetweenReadings: milliseconds) {
            self.state.withLock { state in
                state.readings += 1
                guard let keys = state.keys else { return .failure(KeySource.Unreadable("it is away")) }
                return .success(.keySet(HandmadeKey.set(keys)))
            }
        }
    }
}

extension TokenIssuer {
    /// An issuer whose tokens are for `rejoin`.
    /// - Parameter tenant: the claim that names it, or a template; nil: its users are members of tenants.
    static func test(
        _ name: String, _ keys: ScriptedKeys, tenant: String? = "tenant", tenants: TenantRange = .asClaimed,
        roles: ClaimPlaces.RoleRule = .none, device: String? = nil, algorithms: Set<String>? = nil
    ) throws -> TokenIssuer {
        var requirements = TokenRequirements(issuer: name, audience: "rejoin", leewaySeconds: 60)
        requirements.tenants = tenants
        requirements.isByMembership = tenant == nil
        let places = ClaimPlaces(
            tenant: try tenant.map { .claimed(try ClaimText(text: $0)) } ?? .membership,
            device: try device.map { try ClaimPath(text: $0) }, roles: roles)
        return TokenIssuer(requirements, claims: places, algorithms: algorithms, keys: keys.source())
    }
}
