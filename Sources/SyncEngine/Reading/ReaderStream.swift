import SyncStorage
import SyncWire

/// An answer in many parts that is being read. It has a seat among its owner's long polls and streams for as long as
/// somebody may read on. Between two parts it says whether its owner may.
public struct ReaderStream: Sendable {
    let engine: SyncEngine
    let caller: Caller
    private let seat: ReaderSeats.Seat

    /// Takes a seat.
    /// - Throws: `rate_limited` and `overloaded` where too many are open.
    init(_ engine: SyncEngine, _ caller: Caller) throws(Problem) {
        self.engine = engine
        self.caller = caller
        seat = try engine.seats.take(caller.tenant, RequestOwner(caller))
    }

    /// Checks that the owner may read on.
    /// - Throws: `token_expired` and `device_retired` where that has happened meanwhile.
    public func check() async throws(Problem) {
        try await engine.checkStanding(of: caller)
    }
}

extension SyncEngine {
    /// Begins an answer in many parts.
    /// - Throws: `rate_limited` and `overloaded` where too many are open.
    public func openStream(_ caller: Caller) throws(Problem) -> ReaderStream { try ReaderStream(self, caller) }
}
