import Causality
import SyncStorage
import SyncWire
import Synchronization
import Testing

@testable import SyncEngine

@Suite("those who wait for a change")
struct ChangeNotifierTests {
    private let tenant = TenantID("acme")
    private let long = Duration.seconds(3_600)

    private func query(_ after: Int64, limit: Int = 10) -> ChangeQuery { ChangeQuery(after: after, limit: limit) }

    private func isChanged(_ wake: ChangeNotifier.Wake) -> Bool {
        switch wake {
        case .changed: true
        case .timedOut, .stopped: false
        }
    }

    @Test("do not begin to wait when notifications were missed since they read", .timeLimit(.minutes(1)))
    func missedNotification() async {
        let notifier = ChangeNotifier()
        let subscription = notifier.subscribe(tenant, device: nil)
        // Here the caller reads, and finds nothing; then another server commits, and its notification is lost.
        notifier.wakeAll()
        let wake = await subscription.wait(after: subscription.version, for: query(0), atMost: long)
        #expect(isChanged(wake))
        subscription.end()
    }

    @Test("do not begin to wait when the change came since they read", .timeLimit(.minutes(1)))
    func earlyChange() async {
        let notifier = ChangeNotifier()
        let subscription = notifier.subscribe(tenant, device: nil)
        notifier.advance(tenant, to: 1)
        #expect(isChanged(await subscription.wait(after: subscription.version, for: query(0), atMost: long)))
        subscription.end()
    }

    @Test("wake for what comes while they wait, and for another tenant not", .timeLimit(.minutes(1)))
    func woken() async {
        let notifier = ChangeNotifier()
        let subscription = notifier.subscribe(tenant, device: nil)
        async let waiting = subscription.wait(after: subscription.version, for: query(7), atMost: long)
        while notifier.waiterCount == 0 { await Task.yield() }
        notifier.advance(TenantID("another"), to: 8)
        #expect(notifier.waiterCount == 1)
        notifier.advance(tenant, to: 7)
        #expect(notifier.waiterCount == 1, "who has read up to there knows")
        notifier.advance(tenant, to: 8)
        #expect(isChanged(await waiting))
        #expect(notifier.waiterCount == 0)
        subscription.end()
    }

    @Test("wake when the head falls, once for each time that something is told of", .timeLimit(.minutes(1)))
    func fallenHead() async {
        let notifier = ChangeNotifier()
        let subscription = notifier.subscribe(tenant, device: nil)
        var version = subscription.version
        for sequence: Int64 in [100, 3, 100, 2] {
            async let waiting = subscription.wait(after: version, for: query(7), atMost: long)
            while notifier.waiterCount == 0 { await Task.yield() }
            notifier.advance(tenant, to: sequence)
            guard case .changed(let round, _) = await waiting else {
                Issue.record("not woken by \(sequence)")
                return
            }
            version = round.version
        }
        // Whatever was told of before: nobody who has read since then is woken by it again.
        let wake = await subscription.wait(after: version, for: query(7), atMost: .milliseconds(1))
        #expect(!isChanged(wake))
        subscription.end()
    }

    @Test("share one reading of each query", .timeLimit(.minutes(1)))
    func sharedReading() async throws {
        let notifier = ChangeNotifier()
        let readings = Mutex<[ChangeQuery: Int]>([:])
        let read = { @Sendable [tenant] (query: ChangeQuery) async throws in
            let subscription = notifier.subscribe(tenant, device: "d")
            defer { subscription.end() }
            let wake = await subscription.wait(after: subscription.version, for: query, atMost: .seconds(3_600))
            guard case .changed(let round, let page?) = wake else { return }
            #expect(round.devices == ["d"])
            let answer = try await page.value { () throws(Problem) in
                readings.withLock { $0[query, default: 0] += 1 }
                let end = ChangesPage.End(cursor: "", hasMore: false, serverTimeMilliseconds: 0)
                return ChangesAnswer(ChangesPage(records: [], end: end), reached: 9, in: .beforeAny)
            }
            if answer.isEmpty { round.keep(page) }
        }
        let queries = [query(0), query(1), query(0, limit: 20)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<300 { group.addTask { try await read(queries[number % 3]) } }
            while notifier.waiterCount < 300 { await Task.yield() }
            notifier.advance(tenant, to: 9)
            try await group.waitForAll()
        }
        #expect(readings.withLock { $0 } == Dictionary(uniqueKeysWithValues: queries.map { ($0, 1) }))
    }

    @Test(
        "are released by time, by cancellation and by the end, and then nothing is kept of them",
        .timeLimit(.minutes(1)))
    func released() async {
        let notifier = ChangeNotifier()
        let subscription = notifier.subscribe(tenant, device: "d")
        let version = subscription.version
        #expect(!isChanged(await subscription.wait(after: version, for: nil, atMost: .milliseconds(1))))
        let query = query(0)
        let cancelled = Task { await subscription.wait(after: version, for: query, atMost: .seconds(3_600)) }
        while notifier.waiterCount == 0 { await Task.yield() }
        cancelled.cancel()
        #expect(!isChanged(await cancelled.value))
        let held = Task { await subscription.wait(after: version, for: query, atMost: .seconds(3_600)) }
        while notifier.waiterCount == 0 { await Task.yield() }
        notifier.close()
        #expect(!isChanged(await held.value))
        #expect(!isChanged(await subscription.wait(after: version, for: query, atMost: .seconds(3_600))))
        subscription.end()
        #expect(notifier.channelCount == 0)
    }
}
