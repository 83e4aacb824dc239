import Causality
import MergeCore
import SyncStorage
import SyncWire
import Synchronization
import Testing

@testable import SyncEngine

@Suite("readers of live changes")
struct LiveReaderTests {
    /// What a reader was told, in its order.
    private final class Told: Sendable {
        private let hints = Mutex<[ChangeHint]>([])

        func note(_ hint: ChangeHint) { hints.withLock { $0.append(hint) } }
        var all: [ChangeHint] { hints.withLock { $0 } }
    }

    @Test(
        "a head that is read before its commit is told of hides no collection from those who mind it",
        arguments: [Set<ExactString>(), ["notes"]])
    func headAhead(collections: Set<ExactString>) async throws {
        let test = TestEngine()
        _ = try await test.create("first")
        let engine = test.engine
        let cursor = Cursor(sequence: 1, life: engine.store.life.rawValue).text(engine.cursors(of: "acme"))
        let reader = try await engine.live(
            test.device("mac"), LiveRequest(from: .saved(cursor), collections: collections))
        let told = Told()
        let running = Task {
            try await reader.run(quietAfter: .seconds(3_600)) { news in
                if case .change(let hint) = news { told.note(hint) }
            }
        }
        while engine.notifier.waiterCount == 0 { await Task.yield() }
        // Somebody else's commit of drafts is told of, while one of notes is in the store already; then that is told of.
        try await Self.setHead(test, to: 3)
        engine.notifier.advance("acme", to: 2, in: ["drafts"])
        while engine.notifier.waiterCount == 0 { try await Task.sleep(for: .milliseconds(1)) }
        engine.notifier.advance("acme", to: 3, in: ["notes"])
        while !told.all.contains(where: { $0.collections == ["notes"] }) {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(told.all.compactMap(\.collections) == (collections.isEmpty ? [["drafts"], ["notes"]] : [["notes"]]))
        reader.stop()
        try await running.value
    }

    @Test("many listeners of one tenant are told less often each, and each at once after a pause")
    func manyListeners() async throws {
        let test = TestEngine()
        _ = try await test.create("first")
        let engine = test.engine
        let cursor = Cursor(sequence: 1, life: engine.store.life.rawValue).text(engine.cursors(of: "acme"))
        // Others who listen to the tenant, and mind nothing.
        let others = (0..<400).map { _ in engine.notifier.subscribe("acme", device: nil) }
        let reader = try await engine.live(test.device("mac"), LiveRequest(from: .saved(cursor)))
        let times = Mutex<[Duration]>([])
        let running = Task {
            try await reader.run(quietAfter: .seconds(3_600)) { news in
                if case .change = news { times.withLock { $0.append(engine.clock.uptime()) } }
            }
        }
        while engine.notifier.waiterCount == 0 { await Task.yield() }
        for number in 2...8 {
            _ = try await test.create("n\(number)")
            try await Task.sleep(for: .milliseconds(20))
        }
        while times.withLock({ $0.count }) < 2 { try await Task.sleep(for: .milliseconds(1)) }
        let told = times.withLock { $0 }
        #expect(told[1] - told[0] >= .milliseconds(400), "\(told)")
        reader.stop()
        try await running.value
        for other in others { other.end() }
    }

    @Test("word that comes again, and of nothing, is no hint; a head that fell is one")
    func doubled() async throws {
        let test = TestEngine()
        for name in ["a", "b", "c"] { _ = try await test.create(name) }
        let engine = test.engine
        let cursor = Cursor(sequence: 3, life: engine.store.life.rawValue).text(engine.cursors(of: "acme"))
        let reader = try await engine.live(test.device("mac"), LiveRequest(from: .saved(cursor)))
        let told = Told()
        let running = Task {
            try await reader.run(quietAfter: .seconds(3_600)) { news in
                if case .change(let hint) = news { told.note(hint) }
            }
        }
        func settle() async { while engine.notifier.waiterCount == 0 { await Task.yield() } }
        await settle()
        for _ in 0..<5 {
            engine.notifier.wakeAll()
            await settle()
            engine.notifier.hear("acme", at: 3)
            await settle()
        }
        #expect(told.all.isEmpty)
        try await Self.setHead(test, to: 2)
        engine.notifier.hear("acme", at: 2)
        while told.all.isEmpty { await Task.yield() }
        #expect(
            told.all.map(\.cursor) == [
                Cursor(sequence: 2, life: engine.store.life.rawValue).text(engine.cursors(of: "acme"))
            ])
        #expect(told.all.first?.collections == nil, "nobody knows what was lost")
        reader.stop()
        try await running.value
    }

    /// Sets the tenant's last sequence.
    private static func setHead(_ test: TestEngine, to sequence: Int64) async throws {
        try await test.store.base.transact("acme", readSet: StoreReadSet()) { snapshot throws(StoreError) in
            var head = snapshot.head
            head.sequence = sequence
            let marker = RecordRow(
                key: RecordKey(collection: "notes", id: "moved"), sequence: 1_000 + sequence, isDeleted: true,
                isPurged: true, clock: "{}", stampMilliseconds: 0, fields: "{}", siblings: nil, state: "{}",
                openConflicts: 0, changedAtMilliseconds: 0)
            return (Commit(head: head, records: [marker]), ())
        }
    }
}

@Suite("where a tenant's last changes were")
struct TouchedCollectionsTests {
    @Test("what is known of a part of them is all of it or nothing")
    func parts() {
        var touched = TouchedCollections()
        #expect(touched.all(after: 0, through: 0) == [])
        touched.note(["a"], at: 1)
        touched.note(["b"], at: 2)
        touched.note(nil, at: 3)
        touched.note(["c"], at: 4)
        #expect(touched.all(after: 0, through: 2) == ["a", "b"])
        #expect(touched.all(after: 1, through: 2) == ["b"])
        #expect(touched.all(after: 3, through: 4) == ["c"])
        #expect(touched.all(after: 2, through: 4) == nil)
        for version in 5...200 { touched.note(["c"], at: UInt64(version)) }
        #expect(touched.all(after: 4, through: 200) == nil, "too long ago")
        #expect(touched.all(after: 190, through: 200) == ["c"])
        touched.note(Set((0..<100).map { ExactString("c\($0)") }), at: 201)
        #expect(touched.all(after: 200, through: 201) == nil, "too many")
    }
}
