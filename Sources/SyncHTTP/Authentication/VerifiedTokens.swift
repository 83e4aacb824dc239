import MergeCore
import SyncWire
import Synchronization

/// The tokens whose signature was verified not long ago, so that a device that asks every few seconds does not pay for
/// it each time.
///
/// A signature stays what it is, for as long as the keys do. All that may change is asked at each use: whether the
/// token's time has come or is over, and whether it was revoked. What was refused is not kept. A token is kept as its
/// SHA-256, so nothing that is here can be sent to anybody.
///
/// Tokens are kept in two generations. The older one is dropped when the younger is full, and whoever is asked for moves
/// into the younger.
final class VerifiedTokens: Sendable {
    /// About 10 MB of claims. Who is not among them pays for one verification.
    static let standardCount = 20_000
    /// The bytes of a token beyond which it is verified each time. Those of identity providers have one or two
    /// thousand; of longer ones a few would take the room of all others.
    static let longestTokenBytes = 4 * 1024

    /// A moment between two readings of the keys.
    struct Epoch: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    private struct State {
        var young: [Digest: TokenClaims] = [:]
        var old: [Digest: TokenClaims] = [:]
        var epoch: UInt64 = 0
    }

    private let countPerGeneration: Int
    private let state = Mutex(State())

    /// - Parameter count: how many tokens are kept at most.
    init(count: Int = standardCount) { countPerGeneration = max(1, count / 2) }

    /// How many tokens are kept.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    /// The name by which a token is kept; nil for one that is not.
    static func name(of token: Substring) -> Digest? {
        var token = token
        return token.withUTF8 { bytes in
            bytes.count <= longestTokenBytes ? Digest(sha256Of: UnsafeRawBufferPointer(bytes)) : nil
        }
    }

    /// What a token claims, if it is kept.
    /// - Returns: beside that the epoch. Who verifies the token hands it back to ``keep(_:as:since:)``.
    func claims(_ name: Digest) -> (claims: TokenClaims?, epoch: Epoch) {
        state.withLock { state in
            let epoch = Epoch(number: state.epoch)
            if let claims = state.young[name] { return (claims, epoch) }
            guard let claims = state.old.removeValue(forKey: name) else { return (nil, epoch) }
            insert(claims, name, in: &state)
            return (claims, epoch)
        }
    }

    /// Keeps what a token claims that was found good.
    /// - Parameters:
    ///   - claims: what it claims.
    ///   - name: the token's name.
    ///   - epoch: that of the moment before its key was looked up. Where keys were read since, it is not kept: it may
    ///     have been verified with one that is gone.
    func keep(_ claims: TokenClaims, as name: Digest, since epoch: Epoch) {
        state.withLock { state in
            guard state.epoch == epoch.number else { return }
            insert(claims, name, in: &state)
        }
    }

    private func insert(_ claims: TokenClaims, _ name: Digest, in state: inout State) {
        if state.young.count >= countPerGeneration {
            state.old = state.young
            state.young = [:]
        }
        state.young[name] = claims
    }

    /// Forgets a token that is good for nothing any more.
    func forget(_ name: Digest) {
        state.withLock { state in
            state.young[name] = nil
            state.old[name] = nil
        }
    }

    /// Forgets all tokens, because the keys are others now.
    func forgetAll() {
        state.withLock { state in
            state.epoch += 1
            state.young = [:]
            state.old = [:]
        }
    }
}
