import Causality
import StrictJSON

/// One call of the protocol without a transport: what to send, and how what comes back is read.
///
/// Whoever has an HTTP client sends `method`, `path`, `headers` and `body`, adds the token, and hands what came back to
/// `answer(status:body:retryAfterSeconds:)`.
public struct WireCall<Answer: Sendable>: Sendable {
    /// The HTTP methods that the protocol uses: `get`, `post`, `put` and `delete`.
    public enum Method: String, Sendable, Hashable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    public let method: Method
    /// With the query, percent-encoded.
    public let path: String
    /// Beside `Authorization`, which is the transport's to add.
    public let headers: [Header]
    public let body: [UInt8]?
    private let read: @Sendable ([UInt8]) throws(WireError) -> Answer

    /// One header of the request, by its `name` and its `value`.
    public struct Header: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    /// The header by which a request names the device that it acts as, because its token may know none. A token of a
    /// device may name that one and no other.
    public static func naming(_ device: DeviceID) -> Header {
        Header(name: "Rejoin-Device", value: WirePath.encoded(device.name.text))
    }

    /// The header by which a request chooses among the tenants that its user is a member of. It is for tokens that know no
    /// tenant.
    public static func choosing(_ tenant: ExactString) -> Header {
        Header(name: "Rejoin-Tenant", value: WirePath.encoded(tenant.text))
    }

    init(
        _ method: Method, _ path: WirePath, headers: [Header] = [], body: [UInt8]? = nil,
        read: @escaping @Sendable ([UInt8]) throws(WireError) -> Answer
    ) {
        self.method = method
        self.path = path.text
        self.headers = headers + (body == nil ? [] : [Header(name: "Content-Type", value: "application/json")])
        self.body = body
        self.read = read
    }

    /// What the server answered.
    /// - Parameters:
    ///   - status: the HTTP status of the answer.
    ///   - body: the whole body of the answer.
    ///   - retryAfterSeconds: what the `Retry-After` header says; nil where there is none.
    /// - Throws: `WireCallError`: the server's problem, or that the answer is none of this protocol.
    public func answer(
        status: Int, body: [UInt8], retryAfterSeconds: Int? = nil
    ) throws(WireCallError) -> Answer {
        var problem: Problem
        do throws(WireError) {
            if (200..<300).contains(status) { return try read(body) }
            problem = try Problem(encoded: body)
        } catch {
            throw .unreadable(status: status, error)
        }
        problem.retryAfterSeconds = retryAfterSeconds
        throw .refused(problem)
    }
}

/// Why a call came to nothing though an answer arrived.
public enum WireCallError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The server says why.
    case refused(Problem)
    /// What came back is no answer of this protocol: something else answered, or a version that speaks otherwise.
    case unreadable(status: Int, WireError)

    public var description: String {
        switch self {
        case .refused(let problem): "\(problem.code.rawValue): \(problem.detail)"
        case .unreadable(let status, let error): "the answer of status \(status) cannot be read: \(error)"
        }
    }
}

/// A path and its query, percent-encoded (RFC 3986 section 2.1).
struct WirePath {
    private(set) var text: String

    /// - Parameter parts: names, encoded here, between which a slash comes.
    init(_ start: String, _ parts: ExactString...) {
        text = start
        for part in parts { text += "/" + Self.encoded(part.text) }
    }

    func then(_ rest: String) -> WirePath {
        var path = self
        path.text += "/" + rest
        return path
    }

    /// Adds a parameter; none where there is no value.
    func query(_ name: String, _ value: String?) -> WirePath {
        guard let value else { return self }
        var path = self
        path.text += (text.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + name + "=" + Self.encoded(value)
        return path
    }

    static func encoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
