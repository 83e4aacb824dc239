import SyncStorage
import SyncWire

/// An answer in many parts that is being read: it has a seat among its owner's long polls and streams for as long as somebody
/// may read on, and says between two parts whether its owner may.
public struct ReaderStream: Sendable {
    let engine: SyncEngine
    let caller: Caller
    private let seat: ReaderSeats.Seat

    /// - Throws: `rate_limited` and `overloaded` where too many are open.
    init(_ engine: SyncEngine, _ caller: Caller) throws(Problem) {
        self.engine = engine
        self.caller = caller
        seat = try engine.seats.take(caller.tenant, RequestOwner(caller))
    }

    /// - Throws: `token_expired` and `device_retired` where that has happened meanwhile.
    public func check() async throws(Problem) {
        try await engine.checkStanding(of: caller)
    }
}

extension SyncEngine {
    /// Begins an answer in many parts.
    public func openStream(_ caller: Caller) throws(Problem) -> ReaderStream { try ReaderStream(self, caller) }
}
