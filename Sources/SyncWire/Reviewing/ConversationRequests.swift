import Causality
import MergeCore
import Values

/// The body of a comment.
public struct CommentRequest: Sendable {
    public let text: ExactString

    /// - Throws: `malformed_json`, `invalid_request`.
    public init(body: Span<UInt8>, limits: WireLimits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        let text = reading.text("text", bytes: limits.commentBytes)
        if text == nil { reading.reject("text", "'text' is a string that is not empty.") }
        self.text = text ?? ""
        try reading.finish()
    }
}

/// The body of an assignment: `{"user": name}`, or null for nobody.
public struct AssignmentRequest: Sendable {
    public let assignee: ExactString?

    /// - Throws: `malformed_json`, `invalid_request`.
    public init(body: Span<UInt8>, limits: WireLimits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        assignee = reading.nameOrNull("user", limits: limits)
        try reading.finish()
    }
}
