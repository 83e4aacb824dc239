import Causality
import Synchronization
import SyncStorage

/// How many requests a device may make: a token bucket each, which holds ten seconds' worth.
final class RequestBudget: Sendable {
    private struct Account {
        var tokens: Double
        var atMilliseconds: Int64
    }

    private struct Owner: Hashable {
        let tenant: TenantID
        let device: DeviceID
    }

    private let perSecond: Double
    private let burst: Double
    private let accounts = Mutex<[Owner: Account]>([:])

    init(requestsPerSecond: Int) {
        perSecond = Double(requestsPerSecond)
        burst = Double(requestsPerSecond) * 10
    }

    /// Takes one request from the device's budget.
    /// - Returns: the seconds after which there is one again; nil when it was taken.
    func take(_ tenant: TenantID, _ device: DeviceID, atMilliseconds now: Int64) -> Int? {
        accounts.withLock { accounts in
            // Accounts that are full again say nothing; they are dropped before the table grows beyond reason.
            if accounts.count >= 100_000 {
                accounts = accounts.filter {
                    $0.value.tokens + perSecond * Double(now - $0.value.atMilliseconds) / 1000 < burst
                }
            }
            let owner = Owner(tenant: tenant, device: device)
            var account = accounts[owner] ?? Account(tokens: burst, atMilliseconds: now)
            let elapsed = Double(max(0, now - account.atMilliseconds)) / 1000
            account.tokens = min(burst, account.tokens + elapsed * perSecond)
            account.atMilliseconds = now
            defer { accounts[owner] = account }
            guard account.tokens >= 1 else { return max(1, Int(((1 - account.tokens) / perSecond).rounded(.up))) }
            account.tokens -= 1
            return nil
        }
    }
}
