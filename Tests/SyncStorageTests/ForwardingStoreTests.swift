import StorageConformance
import SyncStorage
import Synchronization
import Testing

/// A store that only notes what it was asked.
private struct NotingStore: ForwardingStore {
    let base: any SyncStore
    let noted: Noted

    final class Noted: Sendable {
        private let methods = Mutex<Set<StoreMethod>>([])

        var all: Set<StoreMethod> { methods.withLock { $0 } }

        func note(_ method: StoreMethod) { methods.withLock { _ = $0.insert(method) } }
    }

    func call<Answer>(
        _ method: StoreMethod, _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        noted.note(method)
        return try await body()
    }
}

/// A store in front of which everything fails.
private struct FailingStore: ForwardingStore {
    let base: any SyncStore

    func call<Answer>(
        _ method: StoreMethod, _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        throw .unavailable(method.rawValue)
    }
}

@Suite("a store in front of another one")
struct ForwardingStoreTests {
    /// A method that is forwarded to another one, or answered by a default of the seam, breaks a law or is not noted.
    @Test("it keeps the laws of storage, and every method goes through its call under its own name")
    func everyMethod() async throws {
        let noted = NotingStore.Noted()
        let factory = StoreFactory { NotingStore(base: InMemoryStore(probe: $0), noted: noted) }
        for law in StorageLaw.all { try await law.check(factory) }
        #expect(Set(StoreMethod.allCases).subtracting(noted.all) == [])
    }

    @Test("what its call throws is what the caller is told, and nothing was asked")
    func failing() async throws {
        let base = InMemoryStore()
        let store = FailingStore(base: base)
        await #expect(throws: StoreError.unavailable("transact")) {
            try await store.transact("acme", readSet: StoreReadSet()) { snapshot throws(StoreError) in
                (Commit(head: snapshot.head), ())
            }
        }
        await #expect(throws: StoreError.unavailable("retiredDevices")) {
            try await store.retiredDevices("acme", among: ["mac"])
        }
        #expect(try await base.tenants() == [])
        #expect(store.identity == base.identity)
    }

    @Test("what is observed of a method is the step that it belongs to, and transactions are told in three")
    func observed() async throws {
        let steps = Mutex<[StoreStep]>([])
        let store = ObservedStore(InMemoryStore()) { observation in
            if case .step(let step, _) = observation { steps.withLock { $0.append(step) } }
        }
        _ = try await store.head(of: "acme")
        _ = try await store.devices("acme")
        try await store.ping()
        try await store.transact("acme", readSet: StoreReadSet()) { snapshot throws(StoreError) in
            (Commit(head: snapshot.head), ())
        }
        #expect(steps.withLock { $0 } == [.feed, .devices, .read, .decide, .write])
    }
}
