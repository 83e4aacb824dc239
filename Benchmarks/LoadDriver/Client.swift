/// Where a client's requests go, and as whom.
public struct Endpoint: Sendable {
    public let port: UInt16
    public let token: String

    public init(port: UInt16, token: String) {
        self.port = port
        self.token = token
    }
}

/// What a client sends, one request after the other, and how it knows that the answer is the right one.
public protocol RequestStream: Sendable {
    /// Prepares the next request and lends its bytes.
    mutating func next<R>(_ body: (UnsafeRawBufferPointer) throws(LoadError) -> R) throws(LoadError) -> R
    /// Cheap: it runs for every answer, on the cores that are measured.
    func check(status: Int, body: UnsafeRawBufferPointer) throws(LoadError)
}

/// One client: a connection, and what goes over it.
///
/// Used by one thread at a time: by the one that prepares it, by its own while a load runs, and by the first again.
public final class Client<Stream: RequestStream>: @unchecked Sendable {
    private let port: UInt16
    private var connection: Connection
    private var stream: Stream

    public init(_ endpoint: Endpoint, _ stream: Stream) throws(LoadError) {
        port = endpoint.port
        connection = try Connection(port: endpoint.port)
        self.stream = stream
    }

    /// Connects anew before a load, since the server closes connections that have been idle for long.
    func reconnect() throws(LoadError) { connection = try Connection(port: port) }

    /// One request and its answer, checked.
    public func step() throws(LoadError) {
        let connection = connection
        let answer = try stream.next { (request) throws(LoadError) in try connection.exchange(request) }
        try stream.check(status: answer.status, body: answer.body)
    }
}
