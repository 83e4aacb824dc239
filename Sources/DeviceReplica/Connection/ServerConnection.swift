/// How a client reaches its server. `URLSessionConnection` of the module `RejoinClient` is the usual one; an app or a test may have another.
public protocol ServerConnection: Sendable {
    /// Sends a request and waits for the whole answer. It is cancelled with its task.
    /// - Throws: ``ConnectionFailure`` where no answer arrived. Whether the server has done what was asked is open then.
    func send(_ request: ServerRequest) async throws(ConnectionFailure) -> ServerResponse
}

/// One HTTP request, without the server's address.
public struct ServerRequest: Sendable, Hashable {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    public var method: String
    /// With the query, percent-encoded; it begins with a slash.
    public var path: String
    /// By name and value, `Authorization` among them.
    public var headers: [String: String]
    /// nil for none.
    public var body: [UInt8]?
    /// After how long without an answer it is given up.
    public var timeout: Duration

    /// Takes what is to be sent.
    public init(method: String, path: String, headers: [String: String], body: [UInt8]?, timeout: Duration) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.timeout = timeout
    }
}

/// One HTTP answer.
public struct ServerResponse: Sendable, Hashable {
    /// The HTTP status.
    public let status: Int
    /// What `Retry-After` asks for, in seconds; nil where it says nothing.
    public let retryAfterSeconds: Int?
    /// The whole body.
    public let body: [UInt8]

    /// Takes what came.
    public init(status: Int, retryAfterSeconds: Int?, body: [UInt8]) {
        self.status = status
        self.retryAfterSeconds = retryAfterSeconds
        self.body = body
    }
}

/// Why no answer arrived.
public enum ConnectionFailure: Error, Sendable, Hashable {
    /// The server could not be reached, or the connection broke. The text is for people.
    case unreachable(String)
    /// It took too long.
    case timedOut
    /// The request was called off.
    case cancelled
}
