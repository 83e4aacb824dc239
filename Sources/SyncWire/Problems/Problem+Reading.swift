import Causality
import MergeCore
import StrictJSON

extension Problem: WireDocument {
    public func write(to writer: inout JSONWriter) { write(to: &writer, requestID: nil) }

    /// A code that this version does not know is read as the one that its status suggests; whether a retry makes sense is as
    /// the server says.
    public init(reading members: DocumentMembers) throws(WireError) {
        self.init(
            try ProblemCode(reading: members), try members.text("detail").text,
            limit: try members.optionalInteger("limit").map { Int($0) })
        if members.value("errors") != nil {
            errors = try members.elements("errors") { detail throws(WireError) in try Detail(reading: detail) }
        }
        errorsOmitted = try members.optionalInteger("errorsOmitted").map { Int($0) }
        reason = try members.optionalText("reason").flatMap { ResyncReason(rawValue: $0.text) }
        expectedCounter = try members.optionalInteger("expectedCounter")
        conflict = members.value("conflict")?.canonicalBytes
        let isRetryable = try members.optionalBoolean("retryable") ?? code.isRetryable
        if isRetryable != code.isRetryable { isRetryableOverride = isRetryable }
    }
}

extension Problem.Detail {
    fileprivate init(reading members: DocumentMembers) throws(WireError) {
        let pointer = try members.optionalText("pointer") ?? ""
        guard let place = JSONPointer(pointer.text) else {
            throw WireError("'pointer' is no JSON pointer.", at: members.pointer(to: "pointer"))
        }
        self.init(
            ProblemCode(rawValue: try members.text("code").text) ?? .invalidRequest, try members.text("detail").text,
            at: place, index: try members.optionalInteger("index").map { Int($0) },
            id: try members.optionalText("id").map { OperationID($0) },
            expectedCounter: try members.optionalInteger("expectedCounter"))
    }
}

extension ProblemCode {
    fileprivate init(reading members: DocumentMembers) throws(WireError) {
        if let known = ProblemCode(rawValue: try members.text("code").text) {
            self = known
            return
        }
        self =
            switch try members.integer("status") {
            case 401: .unauthenticated
            case 403: .forbidden
            case 404: .notFound
            case 408: .requestTimeout
            case 410: .resyncRequired
            case 413: .batchTooLarge
            case 429: .rateLimited
            case 503: .overloaded
            case 500...: .internalError
            case _: .invalidRequest
            }
    }
}
