import Causality
import EngineHarness
import Logging
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// An engine over a new store in memory, which can be held or made to fail, and what a test needs around it.
struct TestEngine: Sendable {
    let engine: SyncEngine
    let store = GatedStore(base: InMemoryStore())
    let clock = TestClock()

    init(limits: EngineLimits = EngineLimits()) {
        engine = SyncEngine(
            store: store, schema: .open, limits: limits,
            keys: ServerKeys(secret: [UInt8]("a secret that only these tests know".utf8)), clock: clock.engineClock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Commits a batch that creates one record, with as many bytes of text in it.
    func create(_ record: String, bytes: Int = 1, by device: String = "mac") async throws -> BatchReply {
        let body = """
            {"operations":[{"id":"\(record)-\(bytes)","kind":"create","collection":"notes","record":"\(record)",\
            "clock":{"\(device)":1},"fields":{"v":"\(String(repeating: "x", count: bytes))"}}]}
            """
        let request = try BatchRequest(body: Array(body.utf8).span, limits: engine.limits.wire)
        return try await engine.commit(
            BatchSubmission(
                tenant: "acme", device: DeviceID(device), user: "ada", key: ExactString("\(record)-\(bytes)"),
                request: request, mode: .commit, answer: .full, receivedAtMilliseconds: clock.now,
                byteCount: body.utf8.count))
    }

    /// A device of the tenant, as a token says.
    func device(_ id: DeviceID, expiresAtMilliseconds: Int64? = nil) -> Caller {
        Caller(
            tenant: "acme", user: "ada", device: id, roles: [.device], expiresAtMilliseconds: expiresAtMilliseconds)
    }
}
