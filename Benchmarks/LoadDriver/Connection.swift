import Glibc

/// One keep-alive HTTP/1.1 connection, blocking, that sends prepared bytes and reads the whole answer into a buffer that it
/// keeps. It understands what the server sends here: a status, `Content-Length`, a body.
final class Connection {
    /// What came back. The body lies in the connection's buffer until the next request.
    struct Answer {
        let status: Int
        let body: UnsafeRawBufferPointer
    }

    private static let endOfHead = SubstringSearch("\r\n\r\n")
    private let descriptor: Int32
    private var buffer: UnsafeMutableRawBufferPointer

    init(port: UInt16) throws(LoadError) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), Int32(IPPROTO_TCP))
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        buffer = .allocate(byteCount: 1 << 16, alignment: 16)
        guard connected == 0 else { throw .connection("cannot connect to port \(port) (errno \(errno))") }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        // A server that stands still fails the measurement instead of holding it.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// Sends a request and waits for its answer.
    func exchange(_ request: UnsafeRawBufferPointer) throws(LoadError) -> Answer {
        var sent = 0
        while sent < request.count {
            let count = send(
                descriptor, request.baseAddress?.advanced(by: sent), request.count - sent, Int32(MSG_NOSIGNAL))
            guard count > 0 else { throw .connection("sending failed (errno \(errno))") }
            sent += count
        }
        var received = 0
        var head: (length: Int, status: Int, body: Int)?
        while true {
            if received == buffer.count { grow(to: buffer.count * 2) }
            let count = recv(descriptor, buffer.baseAddress?.advanced(by: received), buffer.count - received, 0)
            guard count > 0 else {
                throw .connection("the server closed the connection or did not answer (errno \(errno))")
            }
            received += count
            if head == nil, let found = try Self.head(UnsafeRawBufferPointer(rebasing: buffer[..<received])) {
                head = found
                if found.length + found.body > buffer.count { grow(to: found.length + found.body) }
            }
            if let head, received >= head.length + head.body {
                guard received == head.length + head.body else { throw .unexpected("more bytes than the answer has") }
                return Answer(
                    status: head.status,
                    body: UnsafeRawBufferPointer(rebasing: buffer[head.length..<received]))
            }
        }
    }

    private func grow(to count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
        buffer.deallocate()
        buffer = larger
    }

    /// - Returns: nil while the head has not come whole.
    private static func head(
        _ bytes: UnsafeRawBufferPointer
    ) throws(LoadError) -> (length: Int, status: Int, body: Int)? {
        guard let end = endOfHead.firstIndex(in: bytes) else { return nil }
        // "HTTP/1.1 200 OK"
        let status = bytes[9..<12].reduce(0) { $0 * 10 + Int($1) - 48 }
        var line = 0
        while line < end {
            if let start = bytes.baseAddress?.advanced(by: line),
                strncasecmp(start.assumingMemoryBound(to: CChar.self), "content-length:", 15) == 0
            {
                let digits = bytes[(line + 15)..<end].drop { $0 == 32 }.prefix { $0 != 13 }
                return (end + 4, status, digits.reduce(0) { $0 * 10 + Int($1) - 48 })
            }
            line = (bytes[line...].firstIndex(of: 10) ?? end) + 1
        }
        throw .unexpected("an answer without a Content-Length")
    }
}

/// What spoils a measurement. A benchmark of errors is worth nothing, so the first one ends it.
public enum LoadError: Error, CustomStringConvertible {
    case connection(String)
    case unexpected(String)

    public var description: String {
        switch self {
        case .connection(let what), .unexpected(let what): what
        }
    }
}
