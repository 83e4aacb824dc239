import SyncStorage
import Synchronization

/// Makes a chosen step of a store fail, and sees all of them.
package final class FaultInjector: Sendable {
    private struct State {
        var steps: [String] = []
        var failingStep: Int?
        var isDown = false
    }

    private let state = Mutex(State())

    package init() {}

    /// The steps since `reset`, by the names that the engine gives them.
    package var steps: [String] { state.withLock { $0.steps } }

    package var probe: StoreProbe {
        { (statement: String) throws(StoreError) in try self.note(statement) }
    }

    /// Forgets the steps seen so far. The step of this index, counted from now, fails; nil: none does.
    package func reset(failingAtStep index: Int? = nil) {
        state.withLock { $0 = State(failingStep: index) }
    }

    /// From now on every step fails, or none.
    package func setDown(_ isDown: Bool) {
        state.withLock { $0.isDown = isDown }
    }

    private func note(_ statement: String) throws(StoreError) {
        let fails = state.withLock { state in
            let index = state.steps.count
            state.steps.append(statement)
            return state.isDown || index == state.failingStep
        }
        if fails { throw .unavailable("injected at \(statement)") }
    }
}
