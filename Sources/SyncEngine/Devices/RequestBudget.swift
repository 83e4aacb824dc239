import Causality
import SyncStorage
import Synchronization

/// Whose requests are counted together: those of a device or, with a token that names none, of a person. A device that
/// the request names is not known to be the caller's yet, and nobody else pays for what they say.
enum RequestOwner: Sendable, Hashable {
    case device(DeviceID)
    case user(ExactString)

    init(_ caller: Caller) {
        let device = caller.isDeviceNamed ? nil : caller.device
        self = device.map { .device($0) } ?? .user(caller.user)
    }
}

/// How many requests each may make, and how many bytes they may cost. Each has two token buckets, which hold ten
/// seconds' worth.
///
/// What a request costs is known afterwards. So it is let in while there are bytes left, and may leave a debt.
///
/// The number of accounts is bounded. An account that nobody took from for ten seconds is full, unless it has a debt,
/// and a full one need not be kept. So accounts are kept in two generations. The older one is dropped, except for its
/// debtors, when the younger is ten seconds old. It is dropped early when there are too many, which gives their owners
/// a full account; to bring that about, somebody needs as many tokens.
final class RequestBudget: Sendable {
    /// Why a request was not let in.
    struct Lack: Sendable, Hashable {
        enum What: Sendable, Hashable {
            case requests, bytes
        }

        let what: What
        /// The seconds after which there is something again.
        let seconds: Int
    }

    private struct Account {
        var requests: Double
        /// The bytes that are left; below zero, a debt.
        var bytes: Double
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

    /// A bucket holds what comes in during so many seconds.
    private static let burstSeconds: Int64 = 10

    private let requestsPerSecond: Double
    private let bytesPerSecond: Double
    private let accountsPerGeneration: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - requestsPerSecond: what each may make.
    ///   - bytesPerSecond: what they may cost.
    ///   - accounts: how many accounts are kept at most.
    init(requestsPerSecond: Int, bytesPerSecond: Int, accounts: Int) {
        self.requestsPerSecond = Double(requestsPerSecond)
        self.bytesPerSecond = Double(bytesPerSecond)
        accountsPerGeneration = max(1, accounts / 2)
    }

    /// How many accounts are kept.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    /// Takes one request from the owner's budget.
    /// - Returns: what there was too little of; nil when the request was taken.
    func take(_ tenant: TenantID, _ owner: RequestOwner, atMilliseconds now: Int64) -> Lack? {
        withAccount(tenant, owner, at: now) { account in
            guard account.requests >= 1 else {
                return Lack(what: .requests, seconds: Self.seconds(for: 1 - account.requests, at: requestsPerSecond))
            }
            guard account.bytes > 0 else {
                return Lack(what: .bytes, seconds: Self.seconds(for: 1 - account.bytes, at: bytesPerSecond))
            }
            account.requests -= 1
            return nil
        }
    }

    private static func seconds(for lack: Double, at perSecond: Double) -> Int {
        max(1, Int((lack / perSecond).rounded(.up)))
    }

    /// Takes what a request cost.
    func spend(bytes: Int, of tenant: TenantID, _ owner: RequestOwner, atMilliseconds now: Int64) {
        withAccount(tenant, owner, at: now) { $0.bytes -= Double(bytes) }
    }

    /// Gives back what was taken for a request that turned out to be free.
    func giveBack(bytes: Int, of tenant: TenantID, _ owner: RequestOwner, atMilliseconds now: Int64) {
        withAccount(tenant, owner, at: now) { account in
            account.requests += 1
            account.bytes += Double(bytes)
            fill(&account, for: 0)
        }
    }

    private func fill(_ account: inout Account, for seconds: Double) {
        let burst = Double(Self.burstSeconds)
        account.requests = min(burst * requestsPerSecond, account.requests + seconds * requestsPerSecond)
        account.bytes = min(burst * bytesPerSecond, account.bytes + seconds * bytesPerSecond)
    }

    private func debt(of account: Account, at now: Int64) -> Double {
        -account.bytes - Double(max(0, now - account.atMilliseconds)) / 1000 * bytesPerSecond
    }

    private func withAccount<Answer>(
        _ tenant: TenantID, _ owner: RequestOwner, at now: Int64, _ body: (inout Account) -> Answer
    ) -> Answer {
        state.withLock { state in
            let key = Key(tenant: tenant, owner: owner)
            var account =
                state.young[key] ?? state.old[key]
                ?? Account(requests: .infinity, bytes: .infinity, atMilliseconds: now)
            fill(&account, for: Double(max(0, now - account.atMilliseconds)) / 1000)
            account.atMilliseconds = now
            let answer = body(&account)
            let isNew = state.young[key] == nil
            let isTime = abs(now - state.turnedAtMilliseconds) >= Self.burstSeconds * 1000
            if isTime || (isNew && state.young.count >= accountsPerGeneration) {
                let debtors =
                    isTime ? state.old.filter { state.young[$0.key] == nil && debt(of: $0.value, at: now) > 0 } : [:]
                state.old = state.young
                state.young = debtors.count < accountsPerGeneration ? debtors : [:]
                state.turnedAtMilliseconds = now
            }
            state.young[key] = account
            return answer
        }
    }
}
