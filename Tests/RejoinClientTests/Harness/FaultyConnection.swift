import DeviceReplica
import SeededRandom
import Synchronization

/// A connection on which everything happens that happens on a phone: requests and answers get lost, come twice, come late, and
/// other boxes answer in the server's place.
final class FaultyConnection: ServerConnection {
    private struct State {
        var random: SeededGenerator
        var isHealed = false
        /// Requests that are sent again later, behind others.
        var late: [ServerRequest] = []
        var faults: [String: Int] = [:]
    }

    private let base: any ServerConnection
    private let state: Mutex<State>

    init(_ base: any ServerConnection, seed: UInt64) {
        self.base = base
        state = Mutex(State(random: SeededGenerator(seed: seed)))
    }

    /// From now on nothing goes wrong.
    func heal() { state.withLock { $0.isHealed = true } }

    /// How often what went wrong.
    var faults: [String: Int] { state.withLock { $0.faults } }

    func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse {
        let (choice, late) = state.withLock { state -> (Int, [ServerRequest]) in
            let choice = state.isHealed ? 100 : state.random.below(20)
            var late: [ServerRequest] = []
            if state.isHealed || state.random.below(3) == 0 {
                late = state.late
                state.late = []
            }
            let name = ["lost", "answer lost", "delayed", "twice", "garbage", "busy"]
            if choice < name.count { state.faults[name[choice], default: 0] += 1 }
            if choice == 2 { state.late.append(request) }
            return (choice, late)
        }
        for request in late { _ = try? await base.send(request) }
        switch choice {
        case 0, 2: throw .unreachable("lost")
        case 1:
            _ = try await base.send(request)
            throw .timedOut
        case 3:
            _ = try await base.send(request)
            return try await base.send(request)
        case 4: return ServerResponse(status: 200, retryAfterSeconds: nil, body: Array("<html>Welcome to</html>".utf8))
        case 5: return ServerResponse(status: 503, retryAfterSeconds: 1, body: Array("try later".utf8))
        case _: return try await base.send(request)
        }
    }
}
