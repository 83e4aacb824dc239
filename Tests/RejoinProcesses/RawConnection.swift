import Foundation

/// A TCP connection on which anything can be said, and nothing has to be read. Its calls block; see `onThread`.
package final class RawConnection: Sendable {
    private let descriptor: Int32

    /// What came back.
    package struct Answer: Sendable {
        package let status: Int
        package let head: String
        package let body: String

        /// The values of a header, which is matched without regard to capitals.
        package func header(_ name: String) -> [String] {
            head.split(separator: "\r\n").compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { return nil }
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }

        package var isProblem: Bool {
            header("Content-Type") == ["application/problem+json"] && header("X-Request-Id").count == 1
        }
    }

    /// - Parameter receiveBytes: the size of the kernel's buffer for what comes.
    package init(_ server: String, receiveBytes: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestError("no socket: \(String(cString: strerror(errno)))") }
        if var bytes = receiveBytes {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        }
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard let port = server.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw TestError("\(server) names no port")
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw TestError("cannot connect: \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    /// - Returns: how many bytes the kernel took before the server ended the connection or took no more.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    @discardableResult
    package func send(_ text: String) -> Int { send(Array(text.utf8)) }

    /// A request with everything that it needs but its body.
    package func ask(_ line: String, token: String? = nil, _ headers: [String] = []) {
        let authorization = token.map { ["Authorization: Bearer \($0)"] } ?? []
        send(([line + " HTTP/1.1", "Host: test"] + authorization + headers).joined(separator: "\r\n") + "\r\n\r\n")
    }

    /// - Returns: empty at the end of what the server sends, and when nothing came for long.
    package func receive() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : []
    }

    /// Everything until the server ends the connection.
    package func rest() -> [UInt8] {
        var all: [UInt8] = []
        while case let bytes = receive(), !bytes.isEmpty { all += bytes }
        return all
    }

    /// One answer with a length, or without a body.
    package func answer() -> Answer? {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                let head = String(decoding: bytes[..<range.lowerBound], as: UTF8.self)
                let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) } ?? 0
                let bare = Answer(status: status, head: head, body: "")
                let length = bare.header("Content-Length").first.flatMap { Int($0) } ?? 0
                while bytes.count < range.upperBound + length, case let more = receive(), !more.isEmpty {
                    bytes += more
                }
                return Answer(
                    status: status, head: head, body: String(decoding: bytes[range.upperBound...], as: UTF8.self))
            }
            let more = receive()
            guard !more.isEmpty else { return nil }
            bytes += more
        }
    }
}

/// Runs what blocks on a thread of its own, so that the threads of tasks go on.
package func onThread<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}

extension ServerProcess {
    /// The most memory that the process ever had, in MiB (`VmHWM` of proc(5)).
    package var peakMemoryMiB: Int {
        get throws {
            let status = try String(contentsOfFile: "/proc/\(process.id)/status", encoding: .utf8)
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            guard let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
                throw TestError("the process says nothing of its memory")
            }
            return kilobytes / 1024
        }
    }

    /// One sample of `/metrics`, by its name and labels as they are written there.
    package func sample(_ name: String) async throws -> Double? {
        let text = try await Caller(address: address, token: "").get("/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }
    }
}
