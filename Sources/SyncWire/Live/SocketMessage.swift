import Causality
import StrictJSON

/// What the server says over a socket: one JSON object in one text message.
public enum SocketMessage: Sendable {
    /// There is something to pull.
    case change(id: Int64, ChangeHint)
    /// A page of the feed.
    case page(id: Int64, ChangesPage)
    /// The subscription goes on no more, because its client said so.
    case unsubscribed(id: Int64)
    /// The fresh token is in force.
    case renewed
    /// What a batch was answered: the same bytes as over HTTP.
    case batch(key: ExactString, isReplayed: Bool, answer: [UInt8])
    /// What is wrong with a message, or why a subscription ended.
    case error(SocketCorrelation, Problem)

    /// The message as JSON. O(its size).
    /// - Parameter requestID: the socket's name in the log.
    public func encoded(requestID: String?) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 512)
        writer.beginObject()
        switch self {
        case .change(let id, let hint):
            writer.member("type", "change")
            writer.member("id", id)
            hint.writeMembers(to: &writer)
        case .page(let id, let page):
            writer.member("type", "page")
            writer.member("id", id)
            page.writeMembers(to: &writer)
        case .unsubscribed(let id):
            writer.member("type", "unsubscribed")
            writer.member("id", id)
        case .renewed: writer.member("type", "token")
        case .batch(let key, let isReplayed, let answer):
            writer.member("type", "batch")
            writer.member("key", key)
            writer.member("replayed", isReplayed)
            writer.key("body")
            writer.raw(canonicalBytes: answer)
        case .error(let correlation, let problem):
            writer.member("type", "error")
            if let id = correlation.id { writer.member("id", id) }
            if let key = correlation.key { writer.member("key", key) }
            writer.key("problem")
            problem.write(to: &writer, requestID: requestID)
            if let seconds = problem.retryAfterSeconds { writer.member("retryAfter", seconds) }
        }
        writer.endObject()
        return writer.bytes
    }
}
