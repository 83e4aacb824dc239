import MergeCore
import SyncWire

/// What a replica does about an operation that was refused. `docs/client.md` has the same table for readers.
enum OperationReaction: Sendable, Hashable {
    /// It is taken out of the queue, kept with its reason, and somebody is told. What depends on it goes with it.
    case park
    /// The server knows the record otherwise: it is asked how it stands, and the edit is numbered anew.
    case refetch
    /// The device's counters are spoilt: everything goes under a new device id.
    case takeNewIdentity
    /// The operation gets a new id.
    case rename
    /// It waits for what it depends on, which goes again as well.
    case waitForOthers
    /// It goes again in a smaller batch.
    case splitBatch

    /// The reaction to a refusal with this code.
    init(to code: ProblemCode) {
        switch code {
        case .clockGap, .clockAhead, .recordExists: self = .refetch
        case .counterReused, .deviceRetired: self = .takeNewIdentity
        case .operationIDReused: self = .rename
        case .dependencyFailed: self = .waitForOthers
        case .batchFull, .batchTooLarge: self = .splitBatch
        case .recordDeleted, .recordPurged, .recordFull, .clockFull, .clockInvalid, .unknownCollection, .fieldInvalid,
            .fieldRequired, .fieldImmutable, .groupIncomplete, .valueInvalid, .invalidRequest, .malformedJSON,
            .conflictFull, .conflictChanged, .alreadyResolved, .idempotencyKeyMissing, .idempotencyKeyInvalid,
            .idempotencyKeyReused, .cursorInvalid, .resyncRequired, .unauthenticated, .tokenExpired, .forbidden,
            .deviceMismatch, .notFound, .methodNotAllowed, .notAcceptable, .unsupportedMediaType, .requestTimeout,
            .rateLimited, .internalError, .storageUnavailable, .overloaded, .batchRefused, .queryTooLarge:
            self = .park
        }
    }
}

/// What a replica does about a call that was refused as a whole.
enum CallReaction: Sendable, Hashable {
    /// The same goes again, with the same key, after a while.
    case retryLater
    /// The app is asked for a token.
    case renewToken
    /// Everything goes under a new device id.
    case takeNewIdentity
    /// Everything is pulled again beside what is here.
    case pullAgain(Problem.ResyncReason)
    /// The batch goes again in two; a single operation that is too large by itself is parked.
    case splitBatch
    /// The same operations go again under a new key.
    case changeKey
    /// The reaction to each operation's own error.
    case lookAtErrors
    /// The app or its user has to do something first.
    case pause

    /// The reaction to a call that was refused.
    init(to problem: Problem) {
        switch problem.code {
        case .requestTimeout, .rateLimited, .storageUnavailable, .overloaded: self = .retryLater
        case .internalError: self = problem.isRetryable ? .retryLater : .splitBatch
        case .unauthenticated, .tokenExpired: self = .renewToken
        case .deviceRetired, .counterReused: self = .takeNewIdentity
        case .resyncRequired: self = .pullAgain(problem.reason ?? .expired)
        case .cursorInvalid: self = .pullAgain(.expired)
        case .batchTooLarge, .batchFull, .malformedJSON, .invalidRequest: self = .splitBatch
        case .idempotencyKeyReused, .idempotencyKeyInvalid, .idempotencyKeyMissing: self = .changeKey
        case .batchRefused: self = .lookAtErrors
        case .forbidden, .deviceMismatch, .notFound, .methodNotAllowed, .notAcceptable, .unsupportedMediaType,
            .alreadyResolved, .conflictChanged, .conflictFull, .operationIDReused, .clockInvalid, .clockGap,
            .clockAhead, .clockFull, .recordExists, .recordDeleted, .recordPurged, .recordFull, .unknownCollection,
            .fieldInvalid, .fieldRequired, .fieldImmutable, .groupIncomplete, .valueInvalid, .dependencyFailed,
            .queryTooLarge:
            self = .pause
        }
    }
}
