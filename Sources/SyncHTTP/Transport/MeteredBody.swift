import HTTPTypes
import Hummingbird
import NIOCore
import SyncWire

/// A request's body whose bytes are counted before they are read, by `Content-Length` or as they come.
///
/// Reading it is what tells a client that waits for `100 Continue` to send it. So a request that is refused by its head
/// alone is never asked for its body (RFC 9110 section 10.1.1).
struct MeteredBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// Bodies without a length are counted in steps of this.
    private static let stepBytes = 64 * 1024

    let base: RequestBody
    let charge: MemoryCharge
    /// The length that the client declared; nil for a chunked body.
    let declaredBytes: Int?
    /// Whether somebody waits for the word that it is read: a client, or the guard of a request over HTTP/2.
    let isAwaited: Bool
    let channel: (any Channel)?

    init(_ request: Request, charge: MemoryCharge, channel: (any Channel)?) {
        base = request.body
        self.charge = charge
        self.channel = channel
        isAwaited =
            MultiplexedChannel.sharesConnection || request.headers[.expect]?.lowercased() == "100-continue"
        declaredBytes =
            request.headers[.transferEncoding] == nil ? request.headers[.contentLength].flatMap { Int($0) } ?? 0 : nil
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let body: MeteredBody
        fileprivate var base: RequestBody.AsyncIterator
        fileprivate var countedBytes = 0
        fileprivate var readBytes = 0
        fileprivate var hasBegun = false

        mutating func next() async throws -> ByteBuffer? {
            if !hasBegun {
                hasBegun = true
                try count(body.declaredBytes ?? MeteredBody.stepBytes)
                if body.isAwaited { body.channel?.triggerUserOutboundEvent(BodyIsWanted(), promise: nil) }
            }
            guard let chunk = try await base.next() else { return nil }
            readBytes += chunk.readableBytes
            body.charge.noteReceived(chunk.readableBytes)
            while readBytes > countedBytes { try count(MeteredBody.stepBytes) }
            return chunk
        }

        private mutating func count(_ bytes: Int) throws(Problem) {
            guard bytes > 0 else { return }
            try body.charge.take(bytes * MemoryCharge.parsedBytesPerByte)
            countedBytes += bytes
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(body: self, base: base.makeAsyncIterator())
    }
}

/// An event that is sent towards the client's side of a channel when the server begins to read a body.
struct BodyIsWanted: Sendable {}

extension RequestBody {
    /// The whole body, in one buffer.
    /// - Throws: `batch_too_large` over the limit, `request_timeout` for one that does not come, `overloaded`,
    ///   `invalid_request`.
    func whole(of request: Request, upTo limitBytes: Int) async throws(Problem) -> ByteBuffer {
        let tooLarge = Problem(.batchTooLarge, "A body has at most \(limitBytes) bytes here.", limit: limitBytes)
        let declaredBytes = request.headers[.contentLength].flatMap { Int($0) }
        if let declaredBytes, declaredBytes > limitBytes { throw tooLarge }
        var whole = ByteBuffer()
        if let declaredBytes { whole.reserveCapacity(declaredBytes) }
        do {
            for try await var chunk in self {
                guard whole.readableBytes + chunk.readableBytes <= limitBytes else { throw tooLarge }
                whole.writeBuffer(&chunk)
            }
            return whole
        } catch let problem as Problem {
            throw problem
        } catch let error as BodyError {
            throw Problem(error)
        } catch {
            throw Problem(.invalidRequest, "The body could not be read to its end.")
        }
    }
}

/// Why the rest of a body will not be read.
enum BodyError: Error, Sendable {
    case tooSlow
    case malformed
}

extension Problem {
    init(_ error: BodyError) {
        switch error {
        case .tooSlow: self.init(.requestTimeout, "The body came too slowly.")
        case .malformed: self.init(.invalidRequest, "The body is framed wrongly.")
        }
    }
}
