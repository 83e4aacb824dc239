import Causality
import StrictJSON
import Values

/// What a client says over a socket: one JSON object in one text message.
public struct SocketRequest: Sendable, Hashable {
    /// What is asked.
    public enum Kind: Sendable, Hashable {
        /// Tell of changes from now on, under an id of the client's choice.
        case subscribe(id: Int64, since: ExactString?, collections: [ExactString], LiveDelivery)
        /// Tell of them no more.
        case unsubscribe(id: Int64)
        /// Go on with a fresh token of the same user and device.
        case token(String)
        /// Commit a batch, as `POST /v1/batches` does.
        case batch(Batch)
    }

    /// A batch, and what goes with it in HTTP's header and query.
    public struct Batch: Sendable, Hashable {
        /// The idempotency key.
        public let key: ExactString
        /// How much the answer tells.
        public let answer: BatchReturn
        /// Whether it is only tried.
        public let isDryRun: Bool
        /// The batch itself in canonical form.
        public let body: [UInt8]
    }

    /// More than any token has.
    private static let tokenBytes = 16 * 1024

    /// What is asked.
    public let kind: Kind

    /// Reads a message.
    /// - Throws: `malformed_json`, `invalid_request` with pointers, `query_too_large`.
    public init(message: Span<UInt8>, limits: WireLimits) throws(Problem) {
        let object = try ObjectValue(body: message)
        var reading = MemberReading(object)
        switch object["type"] {
        case .string("subscribe"): kind = try Self.subscription(&reading, limits)
        case .string("unsubscribe"):
            reading.admit(["type", "id"])
            kind = .unsubscribe(id: Self.id(&reading))
        case .string("token"):
            reading.admit(["type", "token"])
            let token = reading.text("token", bytes: Self.tokenBytes)
            if token == nil { reading.reject("token", "'token' is a token, as in 'Authorization'.") }
            kind = .token(token?.text ?? "")
        case .string("batch"): kind = Self.batch(&reading, limits)
        case _:
            reading.reject("type", "'type' is 'subscribe', 'unsubscribe', 'token' or 'batch'.")
            kind = .token("")
        }
        try reading.finish()
    }

    /// What the message gives to find its answer by: the subscription's id and the batch's key, as far as they can be read.
    public static func correlation(of message: Span<UInt8>) -> SocketCorrelation {
        guard let object = try? ObjectValue(body: message) else { return SocketCorrelation() }
        var correlation = SocketCorrelation()
        if case .integer(let id)? = object["id"] { correlation.id = id }
        if case .string(let key)? = object["key"], key.byteCount <= 1_024 { correlation.key = key }
        return correlation
    }

    private static func id(_ reading: inout MemberReading) -> Int64 {
        guard let id = reading.integer("id") else {
            reading.reject("id", "'id' is a whole number that you choose for the subscription.")
            return 0
        }
        return id
    }

    private static func subscription(_ reading: inout MemberReading, _ limits: WireLimits) throws(Problem) -> Kind {
        reading.admit(["type", "id", "since", "collections", "deliver"])
        let id = id(&reading)
        let since = reading.cursor("since", limits: limits)
        let collections = try reading.names("collections", limits: limits)
        var delivery = LiveDelivery.hints
        if let word = reading.text("deliver", bytes: 16) {
            if let known = LiveDelivery(rawValue: word.text) {
                delivery = known
            } else {
                reading.reject("deliver", "'deliver' is 'hints' or 'records'.")
            }
        }
        return .subscribe(id: id, since: since, collections: collections, delivery)
    }

    private static func batch(_ reading: inout MemberReading, _ limits: WireLimits) -> Kind {
        reading.admit(["type", "key", "body", "return", "dryRun"])
        let key = reading.text("key", bytes: limits.batchKeyCharacters)
        if key.map({ IdempotencyKey(field: $0.text, limit: limits.batchKeyCharacters)?.text != $0 }) ?? true {
            reading.reject(
                "key", "'key' is the Idempotency-Key: 1 to \(limits.batchKeyCharacters) visible characters.")
        }
        var answer = BatchReturn.full
        if let word = reading.text("return", bytes: 16) {
            if let known = BatchReturn(rawValue: word.text) {
                answer = known
            } else {
                reading.reject(
                    "return",
                    "'return' is \(BatchReturn.allCases.map { "'\($0.rawValue)'" }.joined(separator: " or ")).")
            }
        }
        let isDryRun = reading.boolean("dryRun")
        var body: [UInt8] = []
        if case .object(let object)? = reading.member("body") {
            body = Array(Value.object(object).canonicalText.utf8)
        } else {
            reading.reject("body", "'body' is the batch, as 'POST /v1/batches' takes it.")
        }
        return .batch(Batch(key: key ?? "", answer: answer, isDryRun: isDryRun, body: body))
    }
}

/// By what a client finds out what a message over a socket answers.
public struct SocketCorrelation: Sendable, Hashable {
    /// The subscription's id.
    public var id: Int64?
    /// The batch's idempotency key.
    public var key: ExactString?

    public init(id: Int64? = nil, key: ExactString? = nil) {
        self.id = id
        self.key = key
    }
}
