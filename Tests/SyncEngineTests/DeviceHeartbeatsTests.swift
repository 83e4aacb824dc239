import EngineHarness
import SyncStorage
import Testing

@testable import SyncEngine

@Suite("what devices have acknowledged")
struct DeviceHeartbeatsTests {
    private func heartbeat(_ sequence: Int64, seenAt milliseconds: Int64) -> DeviceHeartbeat {
        DeviceHeartbeat(
            tenant: "acme", device: "mac", acknowledgedSequence: sequence, seenAtMilliseconds: milliseconds)
    }

    @Test("the greatest of each is written, once, and what cannot be written is kept for the next time")
    func flushed() async throws {
        let faults = FaultInjector()
        let store = GatedStore(base: InMemoryStore(probe: faults.probe))
        _ = try await store.register(
            "acme", DeviceRow(device: "mac", user: "ada", registeredAtMilliseconds: 1, lastSeenAtMilliseconds: 1))
        let heartbeats = DeviceHeartbeats(store: store)
        for (sequence, seenAt) in [(5, 10), (3, 20), (4, 15)] as [(Int64, Int64)] {
            heartbeats.note(heartbeat(sequence, seenAt: seenAt))
        }
        faults.setDown(true)
        await #expect {
            try await heartbeats.flush()
        } throws: { error in
            if case StoreError.unavailable = error { true } else { false }
        }
        heartbeats.note(heartbeat(1, seenAt: 5))
        faults.setDown(false)
        try await heartbeats.flush()
        let row = try await store.device("acme", "mac")
        #expect(row?.acknowledgedSequence == 5)
        #expect(row?.lastSeenAtMilliseconds == 20)
        let writes = store.counts[.acknowledge]
        try await heartbeats.flush()
        #expect(store.counts[.acknowledge] == writes, "nothing is left to write")
    }
}
