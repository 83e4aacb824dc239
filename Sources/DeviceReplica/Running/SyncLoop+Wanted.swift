import SyncWire

extension SyncLoop {
    /// Asks how wanted records stand of which nothing is known yet.
    func fetchWanted() async throws -> SyncMachine.Outcome {
        guard let (call, keys) = try await replica.read({ try $0.wantedCall() }) else { return .done(hasMore: false) }
        switch await calls.ask(call, as: credentials).0 {
        case .document(let answer):
            try await replica.write { try $0.takeWanted(keys, answer) }
            return .done(hasMore: false)
        case .refused(let problem): return try await handle(problem)
        case .none: return .failed(.noAnswer)
        case .cancelled: return calledOff
        }
    }
}
