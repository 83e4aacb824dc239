/// What one connection may cost, and how long it may take over what it does. A connection that is over a limit ends.
///
/// These limits are apart from `Limits`, which says what a request may contain: they are an operator's business, and no
/// client is told them.
public struct TransportLimits: Sendable, Hashable {
    /// Connections at the same time. Each takes a descriptor and, while it asks nothing, about 40 kB.
    public var connections = 10_000
    /// Connections beyond these that are heard out for the operator's routes alone, so that a full server can be watched.
    public var reservedConnections = 32
    /// Milliseconds in which a connection of the reserve has to ask.
    public var reservedMilliseconds: Int64 = 2_000
    /// Milliseconds in which TLS's handshake has to be over. It is two exchanges and some kilobytes; the slowest of phones takes
    /// three seconds.
    public var handshakeMilliseconds: Int64 = 10_000
    /// Milliseconds without a request after which a connection is closed. They are more than the longest wait of a long
    /// poll.
    public var idleMilliseconds: Int64 = 120_000
    /// Bytes of a request's head, its line included. They are more than any token and cursor together take.
    public var headBytes = 64 * 1024
    /// Milliseconds that a client may take over a body, counted only while the server waits for it.
    public var bodyMilliseconds: Int64 = 300_000
    /// Bytes of a body that have to come in a second, on average, once `bodyGraceMilliseconds` are over. Slow phones send ten
    /// times as many.
    public var bodyBytesPerSecond = 1_024
    public var bodyGraceMilliseconds: Int64 = 10_000
    /// Milliseconds in which a client that reads an answer has to take something of it.
    public var stalledAnswerMilliseconds: Int64 = 30_000
    /// The same, and for bodies too, once the server was told to stop.
    public var stoppingMilliseconds: Int64 = 3_000
    /// After an answer that ends the connection, what still comes is thrown away for so long and up to so many bytes.
    /// So the answer is not lost with what the client had sent meanwhile (RFC 9112 section 9.6).
    public var lingerMilliseconds: Int64 = 2_000
    public var lingerBytes = 1024 * 1024
    /// Bytes that the kernel takes of an answer before the client takes any. This bounds what a slow reader holds in
    /// the kernel, and shows within that many bytes that it reads at all.
    public var unsentBytes = 128 * 1024
    /// Requests at the same time over one connection of HTTP/2. A browser has some dozen, a device fewer than ten.
    public var streams = 64
    /// Bytes that a client may send of a body before a route reads it, over HTTP/2. It is HTTP/2's own default, and what a mobile
    /// network has on its way.
    public var streamWindowBytes = 65_535
    /// Bytes of bodies on one connection of HTTP/2 that nobody has read yet and that are not counted as memory: about what one
    /// of HTTP/1.1 holds.
    public var uncountedUnreadBytes = 64 * 1024
    /// Pieces of a few bytes of one body that nobody has read yet. A piece takes more memory than its bytes.
    public var smallPiecesPerStream = 1_024
    /// Frames of HTTP/2 without a part of a request, beyond one for each kilobyte that the client was sent.
    public var spareFrames = 2_000
    /// Requests that a client may take back, or that are none, and pings and settings, in half a minute on one connection of
    /// HTTP/2; of each so many. Browsers take back some dozen when somebody leaves a page.
    public var resetsPerHalfMinute = 200
    /// How often the limits of time are checked.
    public var checkMilliseconds: Int64 = 250
    /// Bytes of bodies, of what they are parsed into and of answers, in the whole process.
    public var memoryBytes = 256 * 1024 * 1024

    public init() {}

    /// What one tenant may hold of `memoryBytes`: a quarter, so that no tenant stops the others.
    public var memoryBytesPerTenant: Int { memoryBytes / 4 }
}
