import Causality

/// Why one operation is refused. The device keeps the operation and can act on the code; the text is for people.
public struct Rejection: Error, Sendable, Hashable {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case invalidRequest = "invalid_request"
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
        /// Of reviewers' commands.
        case conflictFull = "conflict_full"

        /// Whether the same operation may succeed later without being changed.
        public var isRetryable: Bool {
            switch self {
            case .clockGap, .clockAhead, .dependencyFailed: true
            case .invalidRequest, .operationIDReused, .clockInvalid, .clockFull, .counterReused, .recordExists,
                .recordDeleted, .recordPurged, .recordFull, .unknownCollection, .fieldInvalid, .fieldRequired,
                .fieldImmutable, .groupIncomplete, .valueInvalid, .batchFull, .conflictFull:
                false
            }
        }
    }

    public let code: Code
    /// For people. Never holds a field's value.
    public let detail: String
    /// The names on the way from the operation to the offending place, as in `["fields", "total"]`; empty for the whole
    /// operation. The wire makes an RFC 6901 pointer of it.
    public let path: [ExactString]
    /// For `clock_gap` and `record_exists`: the counter that would be next.
    public let expectedCounter: Int64?

    public init(_ code: Code, _ detail: String, at path: [ExactString] = [], expectedCounter: Int64? = nil) {
        self.code = code
        self.detail = detail
        self.path = path
        self.expectedCounter = expectedCounter
    }
}
