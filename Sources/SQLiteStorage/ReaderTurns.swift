import SyncStorage
import Synchronization

/// Turns at the connections that read. Tenants take them as `FairQueue` says.
final class ReaderTurns: Sendable {
    private struct State {
        var queue: FairQueue<CheckedContinuation<WorkTurn, Never>>
        var free: Int

        /// The callers whose turn it is now.
        mutating func next() -> [(waiting: CheckedContinuation<WorkTurn, Never>, turn: WorkTurn)] {
            var next: [(CheckedContinuation<WorkTurn, Never>, WorkTurn)] = []
            while free > 0, let (waiting, turn) = queue.take() {
                free -= 1
                next.append((waiting, turn))
            }
            return next
        }
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(queue: FairQueue(workers: count, for: [.reading]), free: max(count, 1)))
    }

    /// Waits for a turn, which has to be given back.
    func take(for tenant: TenantID?) async -> WorkTurn {
        await withCheckedContinuation { continuation in
            let next = state.withLock { state in
                state.queue.add(continuation, of: tenant, for: .reading)
                return state.next()
            }
            for (waiting, turn) in next { waiting.resume(returning: turn) }
        }
    }

    func finish(_ turn: WorkTurn) {
        let next = state.withLock { state in
            state.queue.finish(turn)
            state.free += 1
            return state.next()
        }
        for (waiting, turn) in next { waiting.resume(returning: turn) }
    }
}
