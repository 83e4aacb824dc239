import SyncStorage
import Synchronization

/// A probe that counts the steps of an engine and can make one of them fail.
final class FaultScript: Sendable {
    private struct State {
        var isWatching = false
        var names: [String] = []
        var failing: Int?
    }

    private let state = Mutex(State())

    static let injected = StoreError.unavailable("injected")

    var probe: StoreProbe {
        { name throws(StoreError) in
            let fails = self.state.withLock { state in
                guard state.isWatching else { return false }
                state.names.append(name)
                return state.failing == state.names.count
            }
            if fails { throw Self.injected }
        }
    }

    /// Runs the body while steps are counted. The step of the given number fails, where there is one; the first is 1.
    /// - Returns: what the body gave, and the names of the steps in their order.
    func watching<Answer>(
        failing step: Int? = nil, _ body: () async throws -> Answer
    ) async -> (Result<Answer, any Error>, steps: [String]) {
        state.withLock { $0 = State(isWatching: true, failing: step) }
        let result: Result<Answer, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        return (
            result,
            state.withLock { state in
                defer { state = State() }
                return state.names
            }
        )
    }
}
