import Synchronization

/// Lets codes through to the provider. Anybody can begin an attempt and come back with a made-up code, and each would have this server
/// ask the provider.
///
/// So a state goes through once, and so many go through at one time, in a minute, and in a minute from one address. What is remembered
/// is bounded by that.
final class ExchangeGate: Sendable {
    enum Refusal: Sendable, Hashable {
        /// The attempt went through before.
        case spent
        case busy
    }

    static let atOnce = 16
    static let perMinute = 300
    static let perMinuteFromOneAddress = 20
    private static let minute: Int64 = 60_000

    private struct State {
        var underWay = 0
        var minute: Int64 = 0
        var passed = 0
        var passedFrom: [IPAddress: Int] = [:]
        /// The states that went through, and when they expire by themselves.
        var spent: [String: Int64] = [:]
    }

    private let state = Mutex(State())

    /// Lets an attempt through. Whoever is let through calls `leave` afterwards.
    /// - Parameter address: from where it comes, as far as that is known.
    func enter(_ attempt: SignInAttempt, from address: IPAddress?, nowMilliseconds now: Int64) -> Refusal? {
        let place = address?.network
        return state.withLock { state in
            if now / Self.minute != state.minute {
                state.minute = now / Self.minute
                state.passed = 0
                state.passedFrom = [:]
                state.spent = state.spent.filter { $0.value > now }
            }
            guard state.spent[attempt.state] == nil else { return .spent }
            guard state.underWay < Self.atOnce, state.passed < Self.perMinute,
                place.map({ state.passedFrom[$0, default: 0] < Self.perMinuteFromOneAddress }) ?? true
            else { return .busy }
            state.underWay += 1
            state.passed += 1
            if let place { state.passedFrom[place, default: 0] += 1 }
            state.spent[attempt.state] = attempt.expiresAtMilliseconds
            return nil
        }
    }

    func leave() { state.withLock { $0.underWay -= 1 } }
}

extension IPAddress {
    /// What one customer of a network has: an address of IPv4, and the first half of one of IPv6.
    fileprivate var network: IPAddress {
        octets.count == 4 ? self : IPAddress(octets: Array(octets.prefix(8) + Array(repeating: 0, count: 8))) ?? self
    }
}
