import MergeCore

/// Every way in which a request or an operation can be refused, by the code that clients act on.
public enum ProblemCode: String, Sendable, Hashable, CaseIterable {
    case malformedJSON = "malformed_json"
    case invalidRequest = "invalid_request"
    case idempotencyKeyMissing = "idempotency_key_missing"
    case idempotencyKeyInvalid = "idempotency_key_invalid"
    case cursorInvalid = "cursor_invalid"
    case unauthenticated
    case tokenExpired = "token_expired"
    case forbidden
    case deviceMismatch = "device_mismatch"
    case deviceRetired = "device_retired"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case notAcceptable = "not_acceptable"
    case unsupportedMediaType = "unsupported_media_type"
    case requestTimeout = "request_timeout"
    case alreadyResolved = "already_resolved"
    case resyncRequired = "resync_required"
    case conflictChanged = "conflict_changed"
    case conflictFull = "conflict_full"
    case batchTooLarge = "batch_too_large"
    case rateLimited = "rate_limited"
    case batchRefused = "batch_refused"
    case idempotencyKeyReused = "idempotency_key_reused"
    case operationIDReused = "operation_id_reused"
    case clockInvalid = "clock_invalid"
    case clockGap = "clock_gap"
    case clockAhead = "clock_ahead"
    case clockFull = "clock_full"
    case counterReused = "counter_reused"
    case recordExists = "record_exists"
    case recordDeleted = "record_deleted"
    case recordPurged = "record_purged"
    case recordFull = "record_full"
    case unknownCollection = "unknown_collection"
    case fieldInvalid = "field_invalid"
    case fieldRequired = "field_required"
    case fieldImmutable = "field_immutable"
    case groupIncomplete = "group_incomplete"
    case valueInvalid = "value_invalid"
    case dependencyFailed = "dependency_failed"
    case batchFull = "batch_full"
    case internalError = "internal_error"
    case storageUnavailable = "storage_unavailable"
    case overloaded

    public init(_ code: Rejection.Code) {
        self =
            switch code {
            case .invalidRequest: .invalidRequest
            case .operationIDReused: .operationIDReused
            case .clockInvalid: .clockInvalid
            case .clockGap: .clockGap
            case .clockAhead: .clockAhead
            case .clockFull: .clockFull
            case .counterReused: .counterReused
            case .recordExists: .recordExists
            case .recordDeleted: .recordDeleted
            case .recordPurged: .recordPurged
            case .recordFull: .recordFull
            case .unknownCollection: .unknownCollection
            case .fieldInvalid: .fieldInvalid
            case .fieldRequired: .fieldRequired
            case .fieldImmutable: .fieldImmutable
            case .groupIncomplete: .groupIncomplete
            case .valueInvalid: .valueInvalid
            case .dependencyFailed: .dependencyFailed
            case .batchFull: .batchFull
            case .conflictFull: .conflictFull
            }
    }

    /// The HTTP status of a problem with this code (RFC 9110 section 15). Codes of single operations are 422.
    public var status: Int {
        switch self {
        case .malformedJSON, .invalidRequest, .idempotencyKeyMissing, .idempotencyKeyInvalid, .cursorInvalid: 400
        case .unauthenticated, .tokenExpired: 401
        case .forbidden, .deviceMismatch, .deviceRetired: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .requestTimeout: 408
        case .alreadyResolved: 409
        case .resyncRequired: 410
        case .conflictChanged: 412
        case .batchTooLarge: 413
        case .unsupportedMediaType: 415
        case .batchRefused, .idempotencyKeyReused, .operationIDReused, .clockInvalid, .clockGap, .clockAhead,
            .clockFull, .counterReused, .recordExists, .recordDeleted, .recordPurged, .recordFull, .unknownCollection,
            .fieldInvalid, .fieldRequired, .fieldImmutable, .groupIncomplete, .valueInvalid, .dependencyFailed,
            .batchFull, .conflictFull:
            422
        case .rateLimited: 429
        case .internalError: 500
        case .storageUnavailable, .overloaded: 503
        }
    }

    /// A title that is the same for every occurrence (RFC 9457 section 3.1.3).
    public var title: String {
        switch self {
        case .malformedJSON: "The body is not well-formed JSON"
        case .invalidRequest: "The request is not valid"
        case .idempotencyKeyMissing: "The Idempotency-Key header is missing"
        case .idempotencyKeyInvalid: "The Idempotency-Key header is not valid"
        case .cursorInvalid: "The cursor is not valid"
        case .unauthenticated: "A valid token is required"
        case .tokenExpired: "The token has expired"
        case .forbidden: "The token does not permit this"
        case .deviceMismatch: "The token belongs to another device"
        case .deviceRetired: "The device has been retired"
        case .notFound: "Not found"
        case .methodNotAllowed: "The method is not allowed here"
        case .notAcceptable: "No acceptable representation"
        case .unsupportedMediaType: "The media type is not supported"
        case .requestTimeout: "The request did not arrive in time"
        case .alreadyResolved: "The conflict was decided otherwise"
        case .resyncRequired: "Everything has to be pulled again"
        case .conflictChanged: "The conflict is not what was looked at"
        case .conflictFull: "Enough was said about the conflict"
        case .batchTooLarge: "The batch is too large"
        case .rateLimited: "Too many requests"
        case .batchRefused: "The batch was refused and nothing of it was stored"
        case .idempotencyKeyReused: "The idempotency key was used with another body"
        case .operationIDReused: "The operation id was used with other content"
        case .clockInvalid: "The clock is not valid"
        case .clockGap: "An earlier event of the device has not arrived"
        case .clockAhead: "The clock names events that the server does not have"
        case .clockFull: "The record's clock is full"
        case .counterReused: "The counter belongs to another operation"
        case .recordExists: "The record is there already"
        case .recordDeleted: "The record is deleted"
        case .recordPurged: "The record was purged"
        case .recordFull: "The record is full"
        case .unknownCollection: "The collection is not declared"
        case .fieldInvalid: "The field is not declared"
        case .fieldRequired: "A required field is missing"
        case .fieldImmutable: "The field cannot be changed"
        case .groupIncomplete: "A group was written in part"
        case .valueInvalid: "The value is not valid"
        case .batchFull: "The batch records as much as one may"
        case .dependencyFailed: "An operation that this one depends on did not succeed"
        case .internalError: "The server failed"
        case .storageUnavailable: "The storage is unavailable"
        case .overloaded: "The server is busy"
        }
    }

    /// Whether the same request may succeed later without being changed.
    public var isRetryable: Bool {
        switch self {
        case .requestTimeout, .rateLimited, .internalError, .storageUnavailable, .overloaded, .clockGap, .clockAhead,
            .dependencyFailed:
            true
        case .malformedJSON, .invalidRequest, .idempotencyKeyMissing, .idempotencyKeyInvalid, .cursorInvalid,
            .unauthenticated, .tokenExpired, .forbidden, .deviceMismatch, .deviceRetired, .notFound, .methodNotAllowed,
            .notAcceptable, .unsupportedMediaType, .alreadyResolved, .resyncRequired, .conflictChanged, .conflictFull,
            .batchTooLarge, .batchRefused, .idempotencyKeyReused, .operationIDReused, .clockInvalid, .clockFull,
            .counterReused, .recordExists, .recordDeleted, .recordPurged, .recordFull, .unknownCollection,
            .fieldInvalid,
            .fieldRequired, .fieldImmutable, .groupIncomplete, .valueInvalid, .batchFull:
            false
        }
    }
}
