import EngineHarness
import Foundation
import RejoinProcesses
import StrictJSON
import SyncWire
import Synchronization
import Testing
import Values

/// Bytes that come over a connection, taken piece by piece.
private final class Incoming: Sendable {
    let connection: RawConnection
    private let bytes = Mutex<[UInt8]>([])

    init(_ connection: RawConnection) { self.connection = connection }

    /// What a reading takes from the beginning, once there is enough; nil at the end of what is sent.
    func take<Piece: Sendable>(
        _ read: @escaping @Sendable ([UInt8]) -> (piece: Piece, count: Int)?
    ) async throws -> Piece? {
        try await onThread { [self] in
            while true {
                let found = bytes.withLock { bytes -> Piece? in
                    guard let (piece, count) = read(bytes) else { return nil }
                    bytes.removeFirst(count)
                    return piece
                }
                if let found { return found }
                let more = connection.receive()
                guard !more.isEmpty else { return nil }
                bytes.withLock { $0 += more }
            }
        }
    }

    /// The head of an answer.
    func head() async throws -> String? {
        try await take { bytes in
            bytes.firstRange(of: Array("\r\n\r\n".utf8)).map {
                (String(decoding: bytes[..<$0.lowerBound], as: UTF8.self), $0.upperBound)
            }
        }
    }
}

extension ServerOptions {
    /// A server with a port, to which a connection can be kept.
    static var live: ServerOptions {
        var options = ServerOptions()
        options.setup = .live
        return options
    }
}

extension TestServer {
    var address: String { "127.0.0.1:\(client.port ?? 0)" }

    /// Waits until so many places of long polls, streams, sockets and their subscriptions are taken.
    func holds(_ count: Int) async throws {
        try await eventually("\(count) are open") { await server.engine.load().openReaders == count }
    }
}

extension TestDevice {
    /// Where the feed ends.
    func cursor() async throws -> String { try await get("/v1/changes")["cursor"]?.text ?? "" }
}

/// Somebody who listens to a stream of events.
struct EventListener: Sendable {
    struct Event: Sendable {
        var name: String?
        var id: String?
        var retry: String?
        var data: String?
        var isComment = false

        var json: Value { (try? Value(json: data ?? "", limits: JSONLimits(maximumDepth: 64))) ?? .null }
    }

    let head: String
    private let incoming: Incoming

    /// Asks by HTTP/1.0, which knows no chunks.
    init(_ server: TestServer, _ uri: String, token: String, headers: [String] = []) async throws {
        let connection = try RawConnection(server.address)
        incoming = Incoming(connection)
        let lines = ["GET \(uri) HTTP/1.0", "Accept: text/event-stream", "Authorization: Bearer \(token)"] + headers
        connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        head = try await #require(incoming.head())
    }

    /// The next event, comment or field alone; nil at the end of the stream.
    func nextPiece() async throws -> Event? {
        let text: String? = try await incoming.take { bytes in
            bytes.firstRange(of: Array("\n\n".utf8)).map {
                (String(decoding: bytes[..<$0.lowerBound], as: UTF8.self), $0.upperBound)
            }
        }
        guard let text else { return nil }
        var event = Event()
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts[1].drop { $0 == " " }
            switch parts[0] {
            case "event": event.name = String(value)
            case "id": event.id = String(value)
            case "retry": event.retry = String(value)
            case "data": event.data = String(value)
            case "": event.isComment = true
            case let name: Issue.record("an unknown field \(name)")
            }
        }
        return event
    }

    /// The next event with a name; nil at the end of the stream.
    func next() async throws -> Event? {
        while let piece = try await nextPiece() {
            if piece.name != nil { return piece }
        }
        return nil
    }

}

/// Somebody at the other end of a socket.
struct SocketClient: Sendable {
    struct Frame: Sendable {
        let opcode: UInt8
        let payload: [UInt8]

        var text: String { String(decoding: payload, as: UTF8.self) }
        var json: Value { (try? Value(json: text, limits: JSONLimits(maximumDepth: 64))) ?? .null }
        var closeCode: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    }

    let head: String
    let connection: RawConnection
    private let incoming: Incoming

    init(_ server: TestServer, token: String? = nil, headers: [String] = []) async throws {
        connection = try RawConnection(server.address)
        incoming = Incoming(connection)
        connection.ask(
            "GET /v1/socket", token: token,
            [
                "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ] + headers)
        head = try await #require(incoming.head())
    }

    func say(_ json: String) { connection.send(Self.frame(1, Array(json.utf8))) }

    /// The next frame that is no ping; nil at the end of the connection.
    func next() async throws -> Frame? {
        while true {
            let frame: Frame? = try await incoming.take { bytes in
                guard bytes.count >= 2 else { return nil }
                var (length, start) = (Int(bytes[1] & 127), 2)
                let extra = length == 126 ? 2 : length == 127 ? 8 : 0
                guard bytes.count >= start + extra else { return nil }
                if extra > 0 { length = bytes[start..<start + extra].reduce(0) { $0 << 8 | Int($1) } }
                start += extra
                guard bytes.count >= start + length else { return nil }
                return (
                    Frame(opcode: bytes[0] & 15, payload: Array(bytes[start..<start + length])), start + length
                )
            }
            guard let frame, frame.opcode == 9 else { return frame }
        }
    }

    /// A frame as a client sends it.
    static func frame(
        _ opcode: UInt8, _ payload: [UInt8], isLast: Bool = true, isMasked: Bool = true, length: Int? = nil
    ) -> [UInt8] {
        let length = length ?? payload.count
        var bytes = [opcode | (isLast ? 128 : 0)]
        let mask: UInt8 = isMasked ? 128 : 0
        switch length {
        case ..<126: bytes.append(mask | UInt8(length))
        case ..<65_536: bytes += [mask | 126, UInt8(length >> 8), UInt8(length & 255)]
        case _: bytes += [mask | 127] + (0..<8).reversed().map { UInt8(length >> ($0 * 8) & 255) }
        }
        guard isMasked else { return bytes + payload }
        let key: [UInt8] = [1, 2, 3, 4]
        bytes += key
        bytes += payload.enumerated().map { $1 ^ key[$0 % 4] }
        return bytes
    }
}
