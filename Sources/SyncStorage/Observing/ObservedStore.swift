import Causality
import MergeCore
import Synchronization

/// Wraps another store, and tells an observer what the store does and how long that takes. Failures are timed like
/// everything else.
public struct ObservedStore: ForwardingStore {
    /// The store that is observed.
    public let base: any SyncStore
    private let observe: StoreObserver

    /// Wraps a store.
    /// - Parameters:
    ///   - base: the store that does the work.
    ///   - observe: is told, on whatever thread did the work.
    public init(_ base: any SyncStore, _ observe: @escaping StoreObserver) {
        self.base = base
        self.observe = observe
    }

    /// Notes when the parts of a transaction were, told by the thread that decides.
    private final class TransactionClock: Sendable {
        struct Times: Sendable {
            let beganAt: ContinuousClock.Instant
            let endedAt: ContinuousClock.Instant
            let size: StoreObservation.CommitSize?
        }

        let times = Mutex<Times?>(nil)
    }

    public func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        let began = ContinuousClock.now
        let decision = TransactionClock()
        let answer = try await base.transact(tenant, readSet: readSet) {
            (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Answer) in
            let beganAt = ContinuousClock.now
            let (commit, answer) = try decide(snapshot)
            let size = commit.isEmpty ? nil : StoreObservation.CommitSize(commit)
            let endedAt = ContinuousClock.now
            decision.times.withLock { $0 = TransactionClock.Times(beganAt: beganAt, endedAt: endedAt, size: size) }
            return (commit, answer)
        }
        if let times = decision.times.withLock({ $0 }) {
            observe(.step(.read, times.beganAt - began))
            observe(.step(.decide, times.endedAt - times.beganAt))
            observe(.step(.write, ContinuousClock.now - times.endedAt))
            if let size = times.size { observe(.committed(size)) }
        }
        return answer
    }

    public func call<Answer>(
        _ method: StoreMethod, _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        guard let step = StoreStep(method) else { return try await body() }
        let began = ContinuousClock.now
        defer { observe(.step(step, ContinuousClock.now - began)) }
        return try await body()
    }
}

extension StoreStep {
    /// What a method's time is spent on; nil where it is not measured as a whole.
    fileprivate init?(_ method: StoreMethod) {
        switch method {
        case .head, .changes, .record, .records: self = .feed
        case .batch, .recall, .operations: self = .answers
        case .conflicts, .conflictCounts, .conflict, .auditEntries, .strandedSides, .conflictIndex: self = .audit
        case .tenants, .device, .retiredDevices, .devices, .register, .retire, .acknowledge, .access, .end, .administer,
            .administration, .members, .memberships, .begin, .reviewSessions:
            self = .devices
        case .spend: self = .codes
        case .transact, .agree, .ping: return nil
        }
    }
}
