import Foundation
import SeededRandom
import Synchronization

/// A proxy between devices and a server, with real sockets, on which a seed decides what goes wrong with each request: it is
/// dropped, delayed, cut half-way, sent twice, sent late behind others, or answered by something that is not the server.
///
/// Each connection has a thread of its own and carries one request.
final class FaultProxy: Sendable {
    /// What goes wrong with a request.
    enum Fault: Int, CaseIterable, Sendable {
        case dropped, requestCut, answerCut, answerLost, delayed, twice, late, busy, tooMany, garbage
    }

    private struct State {
        var random: SeededGenerator
        var isHealed = false
        var faults: [Fault: Int] = [:]
    }

    let address: String
    private let listener: Int32
    private let serverPort: Mutex<UInt16>
    private let state: Mutex<State>

    /// - Parameter server: an address that ends in a port.
    init(server: String, seed: UInt64) throws {
        state = Mutex(State(random: SeededGenerator(seed: seed)))
        serverPort = Mutex(try Self.port(server))
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var place = Self.local(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &place) { [listener] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 256) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw Unexpected("the proxy does not listen") }
        address = "http://127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
        Thread.detachNewThread { [self] in accept() }
    }

    /// Where requests go from now on: a server that was started again has another port.
    func lead(to server: String) throws {
        let port = try Self.port(server)
        serverPort.withLock { $0 = port }
    }

    /// From now on nothing goes wrong.
    func heal() { state.withLock { $0.isHealed = true } }

    /// How often what went wrong.
    var faults: [Fault: Int] { state.withLock { $0.faults } }

    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        Foundation.close(listener)
    }

    // MARK: Connections

    private func accept() {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            guard client >= 0 else { return }
            Thread.detachNewThread { [self] in
                serve(client)
                shutdown(client, Int32(SHUT_RDWR))
                Foundation.close(client)
            }
        }
    }

    private func draw() -> (fault: Fault?, number: Int) {
        state.withLock { state in
            let (choice, number) = (state.random.below(30), state.random.below(1_000))
            guard !state.isHealed, let fault = Fault(rawValue: choice) else { return (nil, number) }
            state.faults[fault, default: 0] += 1
            return (fault, number)
        }
    }

    private func serve(_ client: Int32) {
        guard let request = readRequest(client) else { return }
        let (fault, number) = draw()
        switch fault {
        case .dropped: return
        case .requestCut: _ = forward(Array(request.prefix(request.count * number / 1_000)))
        case .answerCut:
            let answer = forward(request)
            write(client, Array(answer.prefix(answer.count * number / 1_000)))
        case .answerLost: _ = forward(request)
        case .delayed:
            usleep(UInt32(number) * 200)
            write(client, forward(request))
        case .twice:
            _ = forward(request)
            write(client, forward(request))
        case .late:
            Thread.detachNewThread { [self] in
                usleep(UInt32(number) * 1_000)
                _ = forward(request)
            }
        case .busy: write(client, Self.answer("503 Service Unavailable", ["Retry-After: 0"], "upstream is away"))
        case .tooMany: write(client, Self.answer("429 Too Many Requests", [], ""))
        case .garbage:
            write(client, Self.answer("200 OK", ["Content-Type: text/html"], "<html>Sign in to our Wi-Fi</html>"))
        case nil: write(client, forward(request))
        }
    }

    private static func answer(_ status: String, _ headers: [String], _ body: String) -> [UInt8] {
        let head = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    /// Sends bytes to the server on a connection of their own.
    /// - Returns: everything that came back.
    private func forward(_ request: [UInt8]) -> [UInt8] {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Foundation.close(server) }
        var place = Self.local(port: serverPort.withLock { $0 })
        let isConnected = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { return [] }
        write(server, request)
        var answer: [UInt8] = []
        while case let bytes = read(server), !bytes.isEmpty { answer += bytes }
        return answer
    }

    /// One request, with `Connection: close` in place of what it says of the connection.
    private func readRequest(_ client: Int32) -> [UInt8]? {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                let head = String(decoding: bytes[..<range.lowerBound], as: UTF8.self)
                let lines = head.split(separator: "\r\n").filter { !$0.lowercased().hasPrefix("connection:") }
                let length =
                    lines.first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.split(separator: ":")[1].trimmingCharacters(in: .whitespaces)) } ?? 0
                if lines.contains(where: { $0.lowercased().hasPrefix("expect:") }) {
                    write(client, Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
                }
                while bytes.count < range.upperBound + length {
                    let more = read(client)
                    guard !more.isEmpty else { return nil }
                    bytes += more
                }
                let kept = lines.filter { !$0.lowercased().hasPrefix("expect:") }
                return Array((kept.joined(separator: "\r\n") + "\r\nConnection: close\r\n\r\n").utf8)
                    + bytes[range.upperBound...]
            }
            let more = read(client)
            guard !more.isEmpty else { return nil }
            bytes += more
        }
    }

    // MARK: Bytes

    private func read(_ descriptor: Int32) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count > 0 ? Array(buffer[..<count]) : []
    }

    private func write(_ descriptor: Int32, _ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private static func local(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return address
    }

    private static func port(_ address: String) throws -> UInt16 {
        guard let port = address.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw Unexpected("\(address) names no port")
        }
        return port
    }
}
