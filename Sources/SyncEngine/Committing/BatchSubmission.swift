import Causality
import MergeCore
import SyncStorage
import SyncWire

/// A batch that a device asks to have committed, as the engine takes it.
public struct BatchSubmission: Sendable {
    /// What is done with the batch.
    public enum Mode: Sendable, Hashable {
        /// It is committed.
        case commit
        /// The answer says what would happen, and nothing is stored.
        case dryRun
    }

    /// The tenant, as the token says it.
    public let tenant: TenantID
    /// The device, as the token says it.
    public let device: DeviceID
    /// The user, as the token says it.
    public let user: ExactString
    /// The batch's key.
    public let key: ExactString
    /// The body as it was read.
    public let request: BatchRequest
    /// What is done with the batch.
    public let mode: Mode
    /// Whether the answer carries records.
    public let answer: BatchReturn
    /// When the request arrived, in server milliseconds.
    public let receivedAtMilliseconds: Int64
    /// The bytes of the body. They measure what the batch takes in memory while it waits.
    public let byteCount: Int

    public init(
        tenant: TenantID, device: DeviceID, user: ExactString, key: ExactString, request: BatchRequest, mode: Mode,
        answer: BatchReturn, receivedAtMilliseconds: Int64, byteCount: Int = 0
    ) {
        self.tenant = tenant
        self.device = device
        self.user = user
        self.key = key
        self.request = request
        self.mode = mode
        self.answer = answer
        self.receivedAtMilliseconds = receivedAtMilliseconds
        self.byteCount = byteCount
    }

    var batchKey: BatchKey { BatchKey(device: device, key: key) }

    var batch: Batch {
        Batch(
            key: key, device: device, user: user, atomicity: request.atomicity,
            receivedAtMilliseconds: receivedAtMilliseconds, sentAtMilliseconds: request.sentAtMilliseconds,
            items: request.items)
    }

    /// The batch with what is kept of the request.
    var sentBatch: SentBatch {
        SentBatch(batch, fingerprint: request.fingerprint, fieldTexts: request.fieldTexts)
    }
}

/// The answer to a batch that was committed, now or before, and what it took.
public struct BatchReply: Sendable, Hashable {
    /// What the device is told.
    public let answer: BatchAnswer
    /// About how many bytes of rows were written for it. Of a commit that it shared, its part by the size of its body.
    public internal(set) var writtenBytes = 0

    init(_ answer: BatchAnswer) { self.answer = answer }

    /// Whether an earlier request with the same key and body had committed the batch.
    public var isReplayed: Bool { answer.isReplayed }

    /// How many operations had which outcome; empty for a replay.
    public var outcomes: [OutcomeKind: Int] {
        isReplayed ? [:] : answer.outcomes.reduce(into: [:]) { $0[$1.result.outcome, default: 0] += 1 }
    }

    /// How many operations were not applied for which reason, the first that their results give; empty for a replay.
    public var rejections: [Rejection.Code: Int] {
        guard !isReplayed else { return [:] }
        return answer.outcomes.reduce(into: [:]) { counts, outcome in
            if let first = outcome.result.rejections.first { counts[first.code, default: 0] += 1 }
        }
    }
}
