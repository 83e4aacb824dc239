import SyncStorage
import Testing

@testable import SyncEngine

@Suite struct `Those who wait for a change` {
    private let tenant = TenantID("acme")

    @Test(.timeLimit(.minutes(1)))
    func `do not begin to wait when hints were missed since they read`() async {
        let notifier = ChangeNotifier()
        let gaps = await notifier.gaps
        // Here the caller reads, and finds nothing; then another server commits, and its hint is lost.
        await notifier.wakeAll()
        await notifier.wait(tenant, beyond: 0, since: gaps, for: .seconds(3_600))
    }

    @Test(.timeLimit(.minutes(1)))
    func `do not begin to wait when the change came since they read`() async {
        let notifier = ChangeNotifier()
        let gaps = await notifier.gaps
        await notifier.advance(tenant, to: 1)
        await notifier.wait(tenant, beyond: 0, since: gaps, for: .seconds(3_600))
    }

    @Test(.timeLimit(.minutes(1)))
    func `wake for what comes while they wait, and for another tenant not`() async {
        let notifier = ChangeNotifier()
        async let waiting: Void = notifier.wait(tenant, beyond: 7, since: 0, for: .seconds(3_600))
        while await notifier.waiterCount == 0 { await Task.yield() }
        await notifier.advance(TenantID("another"), to: 8)
        #expect(await notifier.waiterCount == 1)
        await notifier.advance(tenant, to: 8)
        await waiting
        #expect(await notifier.waiterCount == 0)
    }
}
