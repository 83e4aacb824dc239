import Causality
import GRDB
import MergeCore
import SyncStorage
import Testing

@testable import SQLiteStorage

@Suite("while another process holds the write lock")
struct ContentionTests {
    @Test("all who wait are told after one time-out, and commits go on when it is over")
    func waiting() async throws {
        try await withTemporaryPath { path in
            var options = SQLiteStore.Options()
            options.busyTimeout = .seconds(2)
            let store = try SQLiteStore.open(at: path, options: options)
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            let other = try DatabaseQueue(path: path, configuration: configuration)
            let register = { @Sendable (number: Int) async throws(StoreError) in
                _ = try await store.register(
                    TenantID("t\(number)"),
                    DeviceRow(device: "d", user: "u", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
            }
            try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
            await withTaskGroup(of: Bool.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        do {
                            try await register(number)
                            return false
                        } catch {
                            if case StoreError.unavailable = error { return true }
                            return false
                        }
                    }
                }
                for await isRefused in group { #expect(isRefused) }
            }
            // One after the other each would have waited, 48 seconds in all. Who comes late on a busy machine may wait once more.
            #expect((1...6).contains(store.contention.waits))
            try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            for number in 0..<24 { try await register(number) }
            await store.close()
            try other.close()
        }
    }

    @Test("who comes right after is told at once, and later ones wait again")
    func rightAfter() {
        let contention = Contention()
        let early = ContinuousClock.now
        #expect(contention.patience(since: early, atMost: .seconds(5)) == .seconds(5))
        contention.note(after: .seconds(5))
        #expect(contention.patience(since: early, atMost: .seconds(5)) == .zero, "came while somebody else waited")
        #expect(contention.patience(since: .now, atMost: .seconds(5)) == .zero)
        #expect(contention.patience(since: .now, atMost: .seconds(5), now: .now + .seconds(2)) == .seconds(5))
    }
}
