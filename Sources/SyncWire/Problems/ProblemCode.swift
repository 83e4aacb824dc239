import MergeCore

/// Every way in which a request or an operation can be refused. Clients act on the code.
public enum ProblemCode: String, Sendable, Hashable, CaseIterable {
    /// The body is no JSON that is taken (rule V6).
    case malformedJSON = "malformed_json"
    /// The request is not of the form that the contract gives.
    case invalidRequest = "invalid_request"
    /// A batch came without its key.
    case idempotencyKeyMissing = "idempotency_key_missing"
    /// The key is not of the form that keys have.
    case idempotencyKeyInvalid = "idempotency_key_invalid"
    /// The text is no cursor of the tenant.
    case cursorInvalid = "cursor_invalid"
    /// The request has no valid token, or its access has ended.
    case unauthenticated
    /// The token has expired.
    case tokenExpired = "token_expired"
    /// The token does not permit this.
    case forbidden
    /// The request names another device than the token.
    case deviceMismatch = "device_mismatch"
    /// The device was retired.
    case deviceRetired = "device_retired"
    /// There is nothing under the name.
    case notFound = "not_found"
    /// The address does not take the method.
    case methodNotAllowed = "method_not_allowed"
    /// The answer has no form that the client accepts.
    case notAcceptable = "not_acceptable"
    /// The body is of a type that is not taken.
    case unsupportedMediaType = "unsupported_media_type"
    /// The request did not arrive in time.
    case requestTimeout = "request_timeout"
    /// The conflict ended otherwise before.
    case alreadyResolved = "already_resolved"
    /// The client has to pull everything again.
    case resyncRequired = "resync_required"
    /// The conflict is not what the reviewer looked at.
    case conflictChanged = "conflict_changed"
    /// The conflict has as many comments and assignments as it may have.
    case conflictFull = "conflict_full"
    /// The request is larger than one may be.
    case batchTooLarge = "batch_too_large"
    /// The query names more records than one may.
    case queryTooLarge = "query_too_large"
    /// The device or the user is over its budget.
    case rateLimited = "rate_limited"
    /// An operation of an atomic batch failed, and nothing of the batch is stored (rule B3).
    case batchRefused = "batch_refused"
    /// The key belongs to a batch with another body (rule I5).
    case idempotencyKeyReused = "idempotency_key_reused"
    /// The device has used the id for an operation with other content.
    case operationIDReused = "operation_id_reused"
    /// The clock cannot be the clock of such an operation.
    case clockInvalid = "clock_invalid"
    /// An earlier event of the device has not arrived.
    case clockGap = "clock_gap"
    /// The clock names events that the server does not have.
    case clockAhead = "clock_ahead"
    /// The record's clock takes no further device.
    case clockFull = "clock_full"
    /// Another operation of the device has the counter.
    case counterReused = "counter_reused"
    /// The device creates a record that it has written before.
    case recordExists = "record_exists"
    /// The author had seen that the record is deleted.
    case recordDeleted = "record_deleted"
    /// Only a marker is left of the record.
    case recordPurged = "record_purged"
    /// The record would have too many fields or bytes.
    case recordFull = "record_full"
    /// The collection is not declared.
    case unknownCollection = "unknown_collection"
    /// The collection does not declare the field.
    case fieldInvalid = "field_invalid"
    /// A required field would be absent or `null`.
    case fieldRequired = "field_required"
    /// The author had seen a value that cannot be changed.
    case fieldImmutable = "field_immutable"
    /// A field of the group is missing.
    case groupIncomplete = "group_incomplete"
    /// The value does not fit the field's type or policy.
    case valueInvalid = "value_invalid"
    /// An operation that this one depends on was not taken.
    case dependencyFailed = "dependency_failed"
    /// The batch records as much of conflicts as one batch may.
    case batchFull = "batch_full"
    /// The server failed.
    case internalError = "internal_error"
    /// The database did not answer. Nothing was lost.
    case storageUnavailable = "storage_unavailable"
    /// The server has no room for the request now.
    case overloaded

    /// The code of an operation's rejection.
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
        case .batchTooLarge, .queryTooLarge: 413
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
        case .queryTooLarge: "The query names too much"
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
            .batchTooLarge, .queryTooLarge, .batchRefused, .idempotencyKeyReused, .operationIDReused, .clockInvalid,
            .clockFull,
            .counterReused, .recordExists, .recordDeleted, .recordPurged, .recordFull, .unknownCollection,
            .fieldInvalid,
            .fieldRequired, .fieldImmutable, .groupIncomplete, .valueInvalid, .batchFull:
            false
        }
    }
}
