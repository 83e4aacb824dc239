import Causality
import MergeCore
import StrictJSON

/// A problem document (RFC 9457). The server's own code throws it where it is to answer with one.
///
/// Nothing internal, no token and no field value is ever in it; ``conflict`` is the one exception.
public struct Problem: Error, Sendable, Hashable {
    /// One of several things that are wrong. Its `code` is for programs and its `detail` for people.
    public struct Detail: Sendable, Hashable {
        public let code: ProblemCode
        public let detail: String
        /// Where in the request it is, as an RFC 6901 pointer.
        public let pointer: JSONPointer
        /// Which operation of a batch it is, counted from 0.
        public let index: Int?
        /// The id of that operation.
        public let id: OperationID?
        /// The counter that would be next, for `clock_gap` and `record_exists`.
        public let expectedCounter: Int64?

        /// Takes one thing that is wrong.
        /// - Parameters:
        ///   - code: for programs.
        ///   - detail: for people, without any field's value.
        ///   - pointer: where in the request it is.
        ///   - index: which operation of a batch it is, from 0.
        ///   - id: the id of that operation.
        ///   - expectedCounter: the counter that would be next.
        public init(
            _ code: ProblemCode, _ detail: String, at pointer: JSONPointer, index: Int? = nil, id: OperationID? = nil,
            expectedCounter: Int64? = nil
        ) {
            self.code = code
            self.detail = detail
            self.pointer = pointer
            self.index = index
            self.id = id
            self.expectedCounter = expectedCounter
        }
    }

    /// Why a client has to pull everything again.
    public enum ResyncReason: String, Sendable, Hashable, CaseIterable {
        /// The data was restored from a backup, or made anew.
        case lineage
        /// Records that the client has not heard of were purged.
        case expired
    }

    /// The reason, for programs.
    public let code: ProblemCode
    /// The reason, for people. It never holds a field's value.
    public let detail: String
    /// Everything that is wrong, as far as it is told.
    public var errors: [Detail]
    /// How many more there are than `errors` tells.
    public var errorsOmitted: Int?
    /// Why everything has to be pulled again; for `resync_required` only.
    public var reason: ResyncReason?
    /// The counter that would be next, for a problem of one operation.
    public var expectedCounter: Int64?
    /// The limit that was exceeded, in the unit that `detail` names.
    public var limit: Int?
    /// The seconds after which a retry makes sense. They are sent as `Retry-After`.
    public var retryAfterSeconds: Int?
    /// The conflict as it stands, in canonical JSON, where the one who asked had another in mind. This is the only
    /// place in which a problem holds values: they are the audit's, told to somebody who may read it.
    public var conflict: [UInt8]?
    /// Whether a retry may succeed, where that is not as the code says; nil where it is.
    public var isRetryableOverride: Bool?

    /// Takes what is wrong.
    /// - Parameters:
    ///   - code: for programs.
    ///   - detail: for people, without any field's value.
    ///   - errors: everything that is wrong.
    ///   - limit: the limit that was exceeded.
    public init(_ code: ProblemCode, _ detail: String, errors: [Detail] = [], limit: Int? = nil) {
        self.code = code
        self.detail = detail
        self.errors = errors
        self.limit = limit
    }

    /// Whether the same request may succeed later without being changed.
    public var isRetryable: Bool { isRetryableOverride ?? code.isRetryable }

    /// The URI of the problem's type, `urn:rejoin:problem:<code>` (RFC 9457 section 3.1.1).
    public var type: String { "urn:rejoin:problem:" + code.rawValue }

    /// The problem of a client that has to pull everything again.
    public static func resyncRequired(_ reason: ResyncReason) -> Problem {
        let detail =
            switch reason {
            case .lineage:
                "The data was restored or made anew. Pull from the beginning; pending operations can be sent."
            case .expired:
                "The cursor is older than what is kept. Pull from the beginning; pending operations can be sent."
            }
        var problem = Problem(.resyncRequired, detail)
        problem.reason = reason
        return problem
    }

    /// The problem of a request for which there is no room.
    public static func overloaded(_ detail: String, retryAfterSeconds: Int) -> Problem {
        var problem = Problem(.overloaded, detail)
        problem.retryAfterSeconds = retryAfterSeconds
        return problem
    }

    // MARK: Encoding

    /// The document as JSON.
    /// - Parameter requestID: the request's name, which is in the server's log too.
    public func encoded(requestID: String) -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer, requestID: requestID)
        return writer.bytes
    }

    /// Writes the problem as the document of a request, or as the `error` of one operation.
    /// - Parameters:
    ///   - writer: takes the JSON.
    ///   - requestID: the request's name; nil for one operation.
    public func write(to writer: inout JSONWriter, requestID: String?) {
        writer.beginObject()
        writer.member("type", type)
        writer.member("title", code.title)
        writer.member("status", code.status)
        writer.member("detail", detail)
        writer.member("code", code.rawValue)
        writer.member("retryable", isRetryable)
        if let requestID { writer.member("requestId", requestID) }
        if let reason { writer.member("reason", reason.rawValue) }
        if let expectedCounter { writer.member("expectedCounter", expectedCounter) }
        if let limit { writer.member("limit", limit) }
        if let conflict {
            writer.key("conflict")
            writer.raw(canonicalBytes: conflict)
        }
        if !errors.isEmpty {
            writer.key("errors")
            writer.beginArray()
            for error in errors { error.write(to: &writer) }
            writer.endArray()
            if let errorsOmitted { writer.member("errorsOmitted", errorsOmitted) }
        }
        writer.endObject()
    }
}

extension Problem.Detail {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        if let index { writer.member("index", index) }
        if let id { writer.member("id", id.name) }
        writer.member("code", code.rawValue)
        writer.member("detail", detail)
        writer.member("pointer", pointer.text)
        if let expectedCounter { writer.member("expectedCounter", expectedCounter) }
        writer.endObject()
    }

    /// Tells of a rejection of the operation at an index of a batch.
    public init(_ rejection: Rejection, index: Int, id: OperationID?) {
        let start = JSONPointer.root.appending(name: "operations").appending(index: index)
        self.init(
            ProblemCode(rejection.code), rejection.detail,
            at: rejection.path.reduce(start) { $0.appending(name: $1.text) }, index: index, id: id,
            expectedCounter: rejection.expectedCounter)
    }
}

extension Problem {
    /// Tells why a reviewer's command was refused. Pointers start at the request's body.
    public init(refusing rejections: [Rejection]) {
        let first = rejections.first
        self.init(
            first.map { ProblemCode($0.code) } ?? .invalidRequest, first?.detail ?? "",
            errors: rejections.map { rejection in
                Detail(
                    ProblemCode(rejection.code), rejection.detail,
                    at: rejection.path.reduce(.root) { $0.appending(name: $1.text) })
            })
    }

    /// Tells the problem of one operation. Its pointers start at the batch, as those of a refused batch do.
    public init(_ rejections: [Rejection], index: Int) {
        let first = rejections.first
        self.init(
            first.map { ProblemCode($0.code) } ?? .invalidRequest, first?.detail ?? "",
            errors: rejections.map { Detail($0, index: index, id: nil) })
        expectedCounter = first?.expectedCounter
        isRetryableOverride = rejections.allSatisfy(\.code.isRetryable)
    }
}
