import Causality
import EngineHarness
import Logging
import MergeCore
import SeededRandom
import SyncEngine
import SyncStorage
import SyncWire
import Synchronization
import Testing
import Values

/// An hour of two servers on one store: their maintenance, long polls at both, and devices that write.
@Suite("an hour of two servers, in virtual time")
struct VirtualTimeTests {
    @Test("every reader hears of every change, in the time that it may take", arguments: UInt64(1)...6)
    func anHour(seed: UInt64) async throws {
        let town = Town(seed: seed, losesNotifications: false)
        let story = town.tell()
        // From one server to the other a notification takes ten milliseconds, and nothing else takes any time.
        #expect(story.latencies.allSatisfy { $0 <= .milliseconds(10) }, "seed \(seed)")
        try check(story, of: town, seed)
    }

    @Test("where notifications are lost, a poll that times out finds what they were about", arguments: UInt64(7)...12)
    func anHourOfLosses(seed: UInt64) async throws {
        let town = Town(seed: seed, losesNotifications: true)
        let story = town.tell()
        #expect(story.latencies.allSatisfy { $0 <= .seconds(60) }, "seed \(seed)")
        #expect(story.latencies.contains { $0 > .seconds(1) }, "seed \(seed): nothing was lost")
        try check(story, of: town, seed)
    }

    @Test("the same seed tells the same story to the letter, and another seed another one")
    func sameAgain() {
        let story = Town(seed: 13, losesNotifications: true).tell()
        #expect(story.lines == Town(seed: 13, losesNotifications: true).tell().lines)
        #expect(story.lines != Town(seed: 14, losesNotifications: true).tell().lines)
    }

    private func check(_ story: Story, of town: Town, _ seed: UInt64) throws {
        #expect(story.problems.isEmpty, "seed \(seed)")
        #expect(story.written.count >= 20, "seed \(seed)")
        for reader in town.readers {
            #expect(story.read[reader] == Set(story.written.keys), "seed \(seed), \(reader)")
        }
        // An empty answer is held for as long as was asked.
        #expect(story.emptyWaits.count >= 100 && story.emptyWaits.allSatisfy { $0 == .seconds(60) }, "seed \(seed)")
        // Maintenance wrote what the readers have, at most ten seconds ago.
        #expect(story.acknowledged.count == town.readers.count)
        for (reader, sequence) in story.acknowledged {
            #expect(sequence == Int64(story.written.count), "seed \(seed), \(reader)")
        }
    }
}

/// What happened.
private struct Story: Sendable {
    var lines: [String] = []
    var problems: [String] = []
    /// When each record was committed.
    var written: [ExactString: Duration] = [:]
    var read: [DeviceID: Set<ExactString>] = [:]
    var latencies: [Duration] = []
    var emptyWaits: [Duration] = []
    /// Up to where each reader has everything, as the store has it at the end.
    var acknowledged: [DeviceID: Int64] = [:]
}

/// Two servers, three readers at each, and one device that writes at each.
private final class Town: Sendable {
    let readers: [DeviceID] = (1...6).map { DeviceID("reader-\($0)") }
    private let time: VirtualTime
    private let store = InMemoryStore()
    private let servers: [SyncEngine]
    private let story = Mutex(Story())
    private let seed: UInt64

    init(seed: UInt64, losesNotifications: Bool) {
        self.seed = seed
        let time = VirtualTime(seed: seed)
        self.time = time
        let wire = Wire(time, losing: losesNotifications ? 3 : nil)
        let store = store
        servers = (0..<2).map { server in
            SyncEngine(
                store: TalkingStore(base: store, wire: wire, server: server), schema: .open,
                keys: ServerKeys(secret: [UInt8]("a secret that only these tests know".utf8)), clock: time.clock,
                tasks: time.tasks, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
    }

    func tell() -> Story {
        for server in servers { time.start { await server.maintain() } }
        for (number, reader) in readers.enumerated() {
            time.start { await self.readOn(reader, at: self.servers[number % 2]) }
        }
        for (number, server) in servers.enumerated() {
            time.start {
                await self.writeOn(
                    DeviceID("writer-\(number + 1)"), at: server,
                    SeededGenerator(seed: self.seed + 100 * UInt64(number + 1)))
            }
        }
        // The last change is written before the hour is over; who missed it polls, acknowledges it, and has that written.
        time.run(until: .seconds(3_600 + 150))
        time.start { await self.lookAtDevices() }
        time.run(until: .seconds(3_600 + 151))
        return story.withLock { $0 }
    }

    private func note(_ line: String, _ change: @Sendable (inout Story) -> Void = { _ in }) {
        let now = time.now
        story.withLock { story in
            story.lines.append("\(now): \(line)")
            change(&story)
        }
    }

    private func caller(_ device: DeviceID) -> Caller {
        Caller(tenant: "acme", user: "ada", device: device, roles: [.device])
    }

    private func readOn(_ reader: DeviceID, at server: SyncEngine) async {
        var since: String?
        while true {
            let began = time.now
            do {
                let answer = try await server.changes(
                    caller(reader), ChangesRequest(since: since, limit: 100, collections: [], waitSeconds: 60))
                let now = time.now
                let names = answer.page.records.map(\.key.id)
                note("\(reader) has \(names)") { story in
                    if names.isEmpty { story.emptyWaits.append(now - began) }
                    for name in names {
                        if story.read[reader, default: []].insert(name).inserted == false {
                            story.problems.append("\(reader) gets \(name) twice")
                        }
                        if let written = story.written[name] { story.latencies.append(now - written) }
                    }
                }
                since = answer.page.end.cursor
            } catch {
                note("\(reader) hears \(error)") { $0.problems.append("\(error)") }
                return
            }
        }
    }

    private func writeOn(_ writer: DeviceID, at server: SyncEngine, _ generator: SeededGenerator) async {
        var generator = generator
        for number in 0... {
            await time.clock.sleep(for: .milliseconds(generator.below(240_000)))
            guard time.now < .seconds(3_600) else { return }
            let name = ExactString("\(writer)-\(number)")
            let operation = Operation(
                id: OperationID(name), kind: .create, record: RecordKey(collection: "notes", id: name),
                clock: [writer: 1], claimedMilliseconds: nil,
                fields: ObjectValue([.init(name: "v", value: .integer(Int64(number)))]))
            do {
                let reply = try await server.commit(
                    BatchSubmission(
                        tenant: "acme", device: writer, user: "ada", key: name,
                        request: BatchRequest(sentAtMilliseconds: nil, operations: [operation]), mode: .commit,
                        answer: .full, receivedAtMilliseconds: time.clock.now()))
                let now = time.now
                note("\(writer) has written \(name): \(reply.outcomes)") { $0.written[name] = now }
            } catch {
                note("\(writer) hears \(error)") { $0.problems.append("\(error)") }
            }
        }
    }

    private func lookAtDevices() async {
        for reader in readers {
            guard let row = try? await store.device("acme", reader) else { continue }
            story.withLock { $0.acknowledged[reader] = row.acknowledgedSequence }
        }
    }
}

/// What carries notifications from each server to the other.
private final class Wire: Sendable {
    private let time: VirtualTime
    private let losing: Int?
    private let ends = Mutex<[Int: AsyncStream<ChangeNotification>.Continuation]>([:])
    private let sent = Mutex(0)

    /// - Parameter losing: of how many notifications one arrives; nil: all.
    init(_ time: VirtualTime, losing: Int?) {
        self.time = time
        self.losing = losing
    }

    func listen(at server: Int) -> AsyncStream<ChangeNotification> {
        let (stream, end) = AsyncStream.makeStream(of: ChangeNotification.self)
        ends.withLock { $0[server] = end }
        return stream
    }

    func tell(_ notification: ChangeNotification, from server: Int) {
        let number = sent.withLock { sent in
            sent += 1
            return sent
        }
        if let losing, number % losing != 0 { return }
        _ = time.clock.after(.milliseconds(10)) { [self] in
            for (other, end) in ends.withLock({ $0 }).sorted(by: { $0.key < $1.key }) where other != server {
                end.yield(notification)
            }
        }
    }
}

/// One server's view of the shared store.
private struct TalkingStore: ForwardingStore {
    let base: any SyncStore
    let wire: Wire
    let server: Int

    func call<Answer>(
        _ method: StoreMethod, _ body: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        try await body()
    }

    func transact<Answer: Sendable>(
        _ tenant: TenantID, readSet: StoreReadSet,
        _ decide: @escaping @Sendable (StoreSnapshot) throws(StoreError) -> (Commit, Answer)
    ) async throws(StoreError) -> Answer {
        let answer = try await base.transact(tenant, readSet: readSet, decide)
        let sequence = try await base.head(of: tenant).sequence
        wire.tell(.advanced(tenant, sequence: sequence), from: server)
        return answer
    }

    func changeNotifications() -> AsyncStream<ChangeNotification> { wire.listen(at: server) }
}
