import NIOCore
import SyncEngine
import SyncStorage
import SyncWire
import Synchronization

/// What one request holds of the process's memory (`MemoryBudget`): its body until it is answered, its answer until it
/// is sent. The engine charges what it costs of the budget of requests.
///
/// Everything is given back at the latest when nobody refers to the charge any more.
final class MemoryCharge: Sendable {
    private struct State {
        var tenant: TenantID?
        var held = 0
        var receivedBytes = 0
        var sentBytes = 0
    }

    /// How many bytes of memory a parsed body takes for each of its own.
    static let parsedBytesPerByte = 4

    private let memoryBudget: MemoryBudget
    private let state = Mutex(State())

    init(_ memoryBudget: MemoryBudget) { self.memoryBudget = memoryBudget }

    deinit { release() }

    /// Notes who asks, once that is known. What is taken afterwards counts for that tenant's share.
    func name(_ tenant: TenantID) {
        release()
        state.withLock { $0.tenant = tenant }
    }

    /// Takes bytes.
    /// - Throws: `overloaded` when there is no room.
    func take(_ bytes: Int) throws(Problem) {
        let isTaken = state.withLock { state in
            guard memoryBudget.take(bytes, for: state.tenant) else { return false }
            state.held += bytes
            return true
        }
        guard isTaken else {
            throw .overloaded("The server's memory is in use by other requests.", retryAfterSeconds: 1)
        }
    }

    func release() {
        state.withLock { state in
            if state.held > 0 { memoryBudget.giveBack(state.held, of: state.tenant) }
            state.held = 0
        }
    }

    /// Gives back some of what was taken; no more than is held.
    func giveBack(_ bytes: Int) {
        state.withLock { state in
            let bytes = min(bytes, state.held)
            if bytes > 0 { memoryBudget.giveBack(bytes, of: state.tenant) }
            state.held -= bytes
        }
    }

    func noteReceived(_ bytes: Int) { state.withLock { $0.receivedBytes += bytes } }
    func noteSent(_ bytes: Int) { state.withLock { $0.sentBytes += bytes } }
    var receivedBytes: Int { state.withLock { $0.receivedBytes } }
    var sentBytes: Int { state.withLock { $0.sentBytes } }
}
