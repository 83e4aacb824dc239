import Causality
import MergeCore
import StrictJSON

/// A problem document (RFC 9457), and at the same time what the server's own code throws to answer with one.
///
/// Nothing internal, no token and no field value is ever in it.
public struct Problem: Error, Sendable, Hashable {
    /// One of several things that are wrong.
    public struct Detail: Sendable, Hashable {
        public let code: ProblemCode
        public let detail: String
        /// Where in the request, as an RFC 6901 pointer.
        public let pointer: JSONPointer
        /// Which operation of a batch, counted from 0, and its id.
        public let index: Int?
        public let id: OperationID?
        public let expectedCounter: Int64?

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

    public let code: ProblemCode
    public let detail: String
    public var errors: [Detail]
    /// How many more there are than `errors` tells.
    public var errorsOmitted: Int?
    public var reason: ResyncReason?
    public var expectedCounter: Int64?
    /// The limit that was exceeded, in the unit that `detail` names.
    public var limit: Int?
    /// Seconds after which a retry makes sense; sent as `Retry-After`.
    public var retryAfterSeconds: Int?
    /// The conflict as it stands, in canonical JSON, where the one who asked had another in mind. The only place in which a
    /// problem holds values: they are the audit's, told to somebody who may read it.
    public var conflict: [UInt8]?
    /// nil: as the code says.
    public var isRetryableOverride: Bool?

    public init(_ code: ProblemCode, _ detail: String, errors: [Detail] = [], limit: Int? = nil) {
        self.code = code
        self.detail = detail
        self.errors = errors
        self.limit = limit
    }

    public var isRetryable: Bool { isRetryableOverride ?? code.isRetryable }

    /// `urn:rejoin:problem:<code>`
    public var type: String { "urn:rejoin:problem:" + code.rawValue }

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

    public static func overloaded(_ detail: String, retryAfterSeconds: Int) -> Problem {
        var problem = Problem(.overloaded, detail)
        problem.retryAfterSeconds = retryAfterSeconds
        return problem
    }

    // MARK: Encoding

    /// The document. - Parameter requestID: named in the server's log too.
    public func encoded(requestID: String) -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer, requestID: requestID)
        return writer.bytes
    }

    /// As the document of a request, or as the `error` of one operation (without a request id).
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

    /// A rejection of the operation at an index of a batch.
    public init(_ rejection: Rejection, index: Int, id: OperationID?) {
        let start = JSONPointer.root.appending(name: "operations").appending(index: index)
        self.init(
            ProblemCode(rejection.code), rejection.detail,
            at: rejection.path.reduce(start) { $0.appending(name: $1.text) }, index: index, id: id,
            expectedCounter: rejection.expectedCounter)
    }
}

extension Problem {
    /// Why a reviewer's command was refused. Pointers start at the request's body.
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

    /// The problem of one operation. Its pointers start at the batch, as those of a refused batch do.
    public init(_ rejections: [Rejection], index: Int) {
        let first = rejections.first
        self.init(
            first.map { ProblemCode($0.code) } ?? .invalidRequest, first?.detail ?? "",
            errors: rejections.map { Detail($0, index: index, id: nil) })
        expectedCounter = first?.expectedCounter
        isRetryableOverride = rejections.allSatisfy(\.code.isRetryable)
    }
}
