/// Requests that read, in turns, and are answered the same each time.
public struct Readings: RequestStream {
    private struct Reading {
        let request: [UInt8]
        /// The bytes of the body. Nothing in it changes from one answer to the next.
        let bytes: Int
    }

    private let readings: [Reading]
    private var sent = 0

    /// Asks for each path once.
    /// - Parameters:
    ///   - header: who asks, such as `Cookie: …`.
    ///   - containing: what each answer has in it.
    public init(
        _ endpoint: Endpoint, paths: [String], header: String, containing text: String
    ) throws(LoadError) {
        let connection = try Connection(port: endpoint.port)
        let search = SubstringSearch(text)
        var readings: [Reading] = []
        for path in paths {
            let request = Array(
                "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(endpoint.port)\r\n\(header)\r\n\r\n".utf8)
            let answer = try request.lend { (bytes) throws(LoadError) in try connection.exchange(bytes) }
            guard answer.status == 200, search.firstIndex(in: answer.body) != nil else {
                throw .unexpected(
                    "\(path): \(answer.status): \(String(decoding: answer.body.prefix(300), as: UTF8.self))")
            }
            readings.append(Reading(request: request, bytes: answer.body.count))
        }
        self.readings = readings
    }

    public mutating func next<R>(
        _ body: (UnsafeRawBufferPointer) throws(LoadError) -> R
    ) throws(LoadError) -> R {
        sent += 1
        return try readings[sent % readings.count].request.lend(body)
    }

    public func check(status: Int, body: UnsafeRawBufferPointer) throws(LoadError) {
        guard status == 200, body.count == readings[sent % readings.count].bytes else {
            throw .unexpected("\(status), \(body.count) bytes: \(String(decoding: body.prefix(300), as: UTF8.self))")
        }
    }
}
