import Causality
import Logging
import MergeCore
import SyncEngine
import SyncStorage
import SyncWire

/// The way of one batch through the server, from the body's bytes to the answer's, without HTTP and without a database.
public struct BatchPath: Sendable {
    /// What a batch meets.
    public enum Scenario: String, Sendable, CaseIterable {
        /// Records that nobody has written yet.
        case creates
        /// Records that another device made, all of which the author has seen.
        case updates
        /// Records two of whose fields another device has changed since the author saw them.
        case conflicts
    }

    public let body: [UInt8]
    private let engine: SyncEngine
    private let limits: WireLimits

    public init(_ scenario: Scenario, operations count: Int = 20) async throws {
        var limits = EngineLimits()
        limits.requestsPerSecondPerDevice = 1_000_000_000
        let store = RowStore()
        self.limits = limits.wire
        engine = SyncEngine(
            store: store, schema: .open, limits: limits, keys: ServerKeys(secret: Array(repeating: 7, count: 32)),
            clock: EngineClock { 1_795_212_000_000 },
            logger: Logger(label: "batch-path"))
        let madeElsewhere = SampleBatch.body(operations: count, device: "mac-2", clock: ["mac-2": 1])
        let changedElsewhere = SampleBatch.body(
            operations: count, device: "mac-2", kind: "update", clock: ["mac-2": 2],
            fields: ["title": "Kitchen", "total": 7])
        let before: [[UInt8]]
        switch scenario {
        case .creates:
            before = []
            body = SampleBatch.body(operations: count)
        case .updates:
            before = [madeElsewhere]
            body = SampleBatch.body(operations: count, kind: "update", clock: ["ipad-7": 1, "mac-2": 1])
        case .conflicts:
            before = [madeElsewhere, changedElsewhere]
            body = SampleBatch.body(operations: count, kind: "update", clock: ["ipad-7": 1, "mac-2": 1])
        }
        for body in before { try await commit(body) }
        await store.freeze()
        let answer = try await run()
        let outcome = scenario == .conflicts ? "conflicted" : "applied"
        precondition(answer.matches(of: outcome) == count, "the batch does not meet what it was made for")
    }

    /// Reads the body alone.
    public func read() throws -> BatchRequest { try BatchRequest(body: body.span, limits: limits) }

    /// Reads the body, commits, and makes the answer.
    public func run() async throws -> [UInt8] { try await commit(body) }

    @discardableResult
    private func commit(_ body: [UInt8]) async throws -> [UInt8] {
        let request = try BatchRequest(body: body.span, limits: limits)
        let reply = try await engine.commit(
            BatchSubmission(
                tenant: "acme", device: request.device ?? "", user: "ana", key: "8e03978e-40d5-43dd-bc93-6894a57f9324",
                request: request, mode: .commit, answer: .full, receivedAtMilliseconds: 1_795_212_000_000))
        return reply.answer.encoded()
    }
}

extension [UInt8] {
    fileprivate func matches(of outcome: String) -> Int {
        let text = String(decoding: self, as: UTF8.self)
        return text.split(separator: "\"outcome\":\"\(outcome)\"", omittingEmptySubsequences: false).count - 1
    }
}
