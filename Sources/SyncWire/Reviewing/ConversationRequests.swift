import Causality
import MergeCore
import Values

/// The body of a comment, `{"text": …}`.
public struct CommentRequest: Sendable {
    /// What the reviewer wrote.
    public let text: ExactString

    /// Reads a body.
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
    /// The user whose task the conflict becomes; nil for nobody.
    public let assignee: ExactString?

    /// Reads a body.
    /// - Throws: `malformed_json`, `invalid_request`.
    public init(body: Span<UInt8>, limits: WireLimits) throws(Problem) {
        var reading = MemberReading(try ObjectValue(body: body))
        assignee = reading.nameOrNull("user", limits: limits)
        try reading.finish()
    }
}
