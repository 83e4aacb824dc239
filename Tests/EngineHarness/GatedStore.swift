import Causality
import MergeCore
import SyncStorage
import Synchronization

/// A store whose transactions can be held before they begin, or made to fail before or after they were committed, and that
/// counts what it is asked and what its transactions read.
package struct GatedStore: ForwardingStore {
    package let base: any SyncStore
    package let gate = Gate()
    package let counts = Counts()
    package let readings = Readings()

    package init(base: any SyncStore) { self.base = base }

    /// How often what was asked.
    package final class Counts: Sendable {
        private let counts = Mutex<[StoreMethod: Int]>([:])

        package subscript(_ method: StoreMethod) -> Int { counts.withLock { $0[method] ?? 0 } }

        /// How often the store was visited, whatever for.
        package var visits: Int { counts.withLock { $0.values.reduce(0, +) } }

        package var reads: Int { self[.changes] + self[.device] + self[.retiredDevices] + self[.head] }

        fileprivate func note(_ method: StoreMethod) { counts.withLock { $0[method, default: 0] += 1 } }
    }

    /// What a transaction has read.
    package struct Reading: Sendable {
        package let records: Int
        /// About what the records take.
        package let bytes: Int
    }

    package final class Readings: Sendable {
        private let readings = Mutex<[Reading]>([])

        package var all: [Reading] { readings.withLock { $0 } }

        package func forget() { readings.withLock { $0 = [] } }

        fileprivate func note(_ snapshot: StoreSnapshot) {
            let records = snapshot.merge.records
            let bytes = records.values.reduce(0) { $0 + $1.state.weight }
            readings.withLock { $0.append(Reading(records: records.count, bytes: bytes)) }
        }
    }

    /// What stands between a caller and the store.
    package actor Gate {
        private var isClosed = false
        /// How often the gate was closed or opened.
        private var closings = 0
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var failuresAfterCommit = 0
        private var transactionsLeft: Int?
        private var onPage: (@Sendable (_ method: StoreMethod, _ count: Int) async throws -> Void)?

        package var waitingCount: Int { waiting.count }

        /// Holds what comes, until `open`. A gate that nobody opens, as its test has failed by then, opens by itself: the test
        /// is to end, and to say why.
        package func close() {
            isClosed = true
            closings += 1
            let closing = closings
            Task {
                try? await Task.sleep(for: .seconds(180))
                if closings == closing { open() }
            }
        }

        package func open() {
            isClosed = false
            closings += 1
            for continuation in waiting { continuation.resume() }
            waiting = []
        }

        /// The answers to this many transactions are lost on the way back.
        package func loseAnswers(_ count: Int) { failuresAfterCommit = count }

        /// So many transactions go through, and the next one fails before it begins.
        package func failTransaction(after count: Int) { transactionsLeft = count }

        /// Has something done whenever a page is asked for, before it is read.
        package func onRead(_ body: (@Sendable (_ method: StoreMethod, _ count: Int) async throws -> Void)?) {
            onPage = body
        }

        fileprivate func read(_ method: StoreMethod, _ count: Int) async throws(StoreError) {
            guard let onPage else { return }
            do {
                try await onPage(method, count)
            } catch {
                throw .damaged("what a test does before a page is read failed: \(error)")
            }
        }

        fileprivate func failsTransaction() -> Bool {
            guard let left = transactionsLeft else { return false }
            transactionsLeft = left > 0 ? left - 1 : nil
            return left == 0
        }

        fileprivate func pass() async {
            guard isClosed else { return }
            await withCheckedContinuation { waiting.append($0) }
        }

        fileprivate func losesAnswer() -> Bool {
            guard failuresAfterCommit > 0 else { return false }
            failuresAfterCommit -= 1
            return true
        }
    }

    /// What passes through the gate: all that writes for somebody who waits for it.
    private static let gated: Set<StoreMethod> = [.transact, .register, .retire, .spend, .end]

    package func call<Answer>(
        _ method: StoreMethod, _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        counts.note(method)
        if Self.gated.contains(method) { await gate.pass() }
        // No other method waits for the gate, which is one for all.
        if method == .changes || method == .conflicts { try await gate.read(method, counts[method]) }
        return try await body()
    }

    package func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        try await call(.transact) { () throws(StoreError) in
            if await gate.failsTransaction() { throw .unavailable("the database went away") }
            let answer = try await base.transact(tenant, readSet: readSet) {
                [readings] (snapshot: StoreSnapshot) throws(StoreError) -> (Commit, Answer) in
                readings.note(snapshot)
                return try decide(snapshot)
            }
            if await gate.losesAnswer() { throw .unavailable("the connection was lost during the commit") }
            return answer
        }
    }
}
