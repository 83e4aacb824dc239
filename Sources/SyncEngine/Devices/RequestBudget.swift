import Causality
import SyncStorage
import Synchronization

/// Whose requests are counted together: a device's, or, with a token that names none, a person's.
enum RequestOwner: Sendable, Hashable {
    case device(DeviceID)
    case user(ExactString)

    init(_ caller: Caller) {
        self = caller.device.map { .device($0) } ?? .user(caller.user)
    }
}

/// How many requests each may make: a token bucket each, which holds ten seconds' worth.
///
/// The number of buckets is bounded. One that nobody took from for ten seconds is full, and a full one need not be kept; so
/// they are kept in two generations, the older of which is dropped when the younger is ten seconds old. It is dropped early
/// when there are too many, which gives their owners a full bucket: to have that, somebody needs as many tokens.
final class RequestBudget: Sendable {
    private struct Account {
        var tokens: Double
        var atMilliseconds: Int64
    }

    private struct Key: Hashable {
        let tenant: TenantID
        let owner: RequestOwner
    }

    private struct State {
        var young: [Key: Account] = [:]
        var old: [Key: Account] = [:]
        var turnedAtMilliseconds: Int64 = 0
    }

    /// A bucket holds what comes in so many seconds.
    private static let burstSeconds: Int64 = 10

    private let perSecond: Double
    private let burst: Double
    private let accountsPerGeneration: Int
    private let state = Mutex(State())

    /// - Parameter accounts: how many are kept at most.
    init(requestsPerSecond: Int, accounts: Int) {
        perSecond = Double(requestsPerSecond)
        burst = Double(requestsPerSecond * Int(Self.burstSeconds))
        accountsPerGeneration = max(1, accounts / 2)
    }

    /// How many accounts are kept.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    /// Takes one request from the owner's budget.
    /// - Returns: the seconds after which there is one again; nil when it was taken.
    func take(_ tenant: TenantID, _ owner: RequestOwner, atMilliseconds now: Int64) -> Int? {
        withAccount(tenant, owner, at: now) { account in
            guard account.tokens >= 1 else { return max(1, Int(((1 - account.tokens) / perSecond).rounded(.up))) }
            account.tokens -= 1
            return nil
        }
    }

    /// Gives back what was taken for a request that turned out to be free.
    func giveBack(_ tenant: TenantID, _ owner: RequestOwner, atMilliseconds now: Int64) {
        withAccount(tenant, owner, at: now) { $0.tokens = min(burst, $0.tokens + 1) }
    }

    private func withAccount<Answer>(
        _ tenant: TenantID, _ owner: RequestOwner, at now: Int64, _ body: (inout Account) -> Answer
    ) -> Answer {
        state.withLock { state in
            let key = Key(tenant: tenant, owner: owner)
            var account = state.young[key] ?? state.old[key] ?? Account(tokens: burst, atMilliseconds: now)
            let elapsed = Double(max(0, now - account.atMilliseconds)) / 1000
            account.tokens = min(burst, account.tokens + elapsed * perSecond)
            account.atMilliseconds = now
            let answer = body(&account)
            let isNew = state.young[key] == nil
            let isTime = abs(now - state.turnedAtMilliseconds) >= Self.burstSeconds * 1000
            if isTime || (isNew && state.young.count >= accountsPerGeneration) {
                state.old = state.young
                state.young = [:]
                state.turnedAtMilliseconds = now
            }
            state.young[key] = account
            return answer
        }
    }
}
