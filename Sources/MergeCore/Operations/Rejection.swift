import Causality

/// Why one operation is refused. The device keeps the operation and can act on the code; the text is for people.
public struct Rejection: Error, Sendable, Hashable {
    /// The reasons, with the names that they have on the wire.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The operation is not of the form that docs/protocol.md gives.
        case invalidRequest = "invalid_request"
        /// The device has used the id for an operation with other content (rule I2).
        case operationIDReused = "operation_id_reused"
        /// The clock cannot be the clock of such an operation (rules C3, C4 and C10).
        case clockInvalid = "clock_invalid"
        /// An earlier event of the device has not arrived (rule C6).
        case clockGap = "clock_gap"
        /// The clock names events that the server does not have (rule C7).
        case clockAhead = "clock_ahead"
        /// The record's clock takes no further device (rule C10).
        case clockFull = "clock_full"
        /// Another operation of the device has the counter (rule C5).
        case counterReused = "counter_reused"
        /// The device creates a record that it has written before (rule C5).
        case recordExists = "record_exists"
        /// The author had seen that the record is deleted (rule M7).
        case recordDeleted = "record_deleted"
        /// Only a marker is left of the record (rule M10).
        case recordPurged = "record_purged"
        /// The record would have too many fields or bytes (rule L1).
        case recordFull = "record_full"
        /// The collection is not declared (rule S1).
        case unknownCollection = "unknown_collection"
        /// The collection does not declare the field (rule S1).
        case fieldInvalid = "field_invalid"
        /// A required field would be absent or `null` (rule S5).
        case fieldRequired = "field_required"
        /// The author had seen a value that cannot be changed (rule P7).
        case fieldImmutable = "field_immutable"
        /// A field of the group is missing (rule S3).
        case groupIncomplete = "group_incomplete"
        /// The value does not fit the field's type or policy (rule S2).
        case valueInvalid = "value_invalid"
        /// An operation that this one depends on was not taken (rule B4).
        case dependencyFailed = "dependency_failed"
        /// The batch records as much of conflicts as one batch may.
        case batchFull = "batch_full"
        /// The conflict has as many comments and assignments as it may have. Only reviewers' commands meet this.
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

    /// The reason, for programs.
    public let code: Code
    /// The reason, for people. It never holds a field's value.
    public let detail: String
    /// The names on the way from the operation to the place that is wrong, as in `["fields", "total"]`; empty for the
    /// whole operation. The wire makes an RFC 6901 pointer of it.
    public let path: [ExactString]
    /// The counter that would be next; for `clock_gap` and `record_exists` only.
    public let expectedCounter: Int64?

    /// Makes a rejection.
    /// - Parameters:
    ///   - code: the reason, for programs.
    ///   - detail: the reason, for people, without any field's value.
    ///   - path: the names on the way to the place that is wrong.
    ///   - expectedCounter: the counter that would be next.
    public init(_ code: Code, _ detail: String, at path: [ExactString] = [], expectedCounter: Int64? = nil) {
        self.code = code
        self.detail = detail
        self.path = path
        self.expectedCounter = expectedCounter
    }
}
