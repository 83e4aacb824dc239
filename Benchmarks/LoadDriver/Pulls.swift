/// The pulls of one device: pages from a few cursors, in turns.
public struct Pulls: RequestStream {
    private struct Page {
        let request: [UInt8]
        /// The bytes of the body. Nothing in it but the time changes from one answer to the next, and the time has a fixed
        /// length.
        let bytes: Int
    }

    private let pages: [Page]
    private var sent = 0

    /// Asks for each page once and looks at what is in it.
    /// - Parameters:
    ///   - cursors: nil: from the beginning.
    ///   - records: in each page.
    public init(_ endpoint: Endpoint, cursors: [String?], limit: Int, records: Int) throws(LoadError) {
        let connection = try Connection(port: endpoint.port)
        let search = SubstringSearch("\"sequence\":")
        var pages: [Page] = []
        for cursor in cursors {
            let request = Self.request(endpoint, since: cursor, limit: limit)
            let answer = try Self.exchange(connection, request)
            guard answer.status == 200, search.count(in: answer.body) == records else {
                throw .unexpected(
                    "\(answer.status), not \(records) records: \(String(decoding: answer.body.prefix(300), as: UTF8.self))"
                )
            }
            pages.append(Page(request: request, bytes: answer.body.count))
        }
        self.pages = pages
    }

    /// The cursors at the end of one page after the other, until the feed ends.
    public static func walk(_ endpoint: Endpoint, limit: Int) throws(LoadError) -> [String] {
        let connection = try Connection(port: endpoint.port)
        var cursors: [String] = []
        while true {
            let answer = try exchange(connection, request(endpoint, since: cursors.last, limit: limit))
            // What follows the changes: {…],"cursor":"…","more":true,…}
            let end = String(decoding: answer.body.suffix(400), as: UTF8.self)
            guard answer.status == 200, let match = end.firstMatch(of: /"cursor":"([^"]+)","more":(true|false)/) else {
                throw .unexpected("\(answer.status): \(end)")
            }
            cursors.append(String(match.1))
            if match.2 == "false" { return cursors }
        }
    }

    private static func request(_ endpoint: Endpoint, since cursor: String?, limit: Int) -> [UInt8] {
        let since = cursor.map { "&since=\($0)" } ?? ""
        return Array(
            """
            GET /v1/changes?limit=\(limit)\(since) HTTP/1.1\r
            Host: 127.0.0.1:\(endpoint.port)\r
            Authorization: Bearer \(endpoint.token)\r
            \r

            """.utf8)
    }

    private static func exchange(_ connection: Connection, _ request: [UInt8]) throws(LoadError) -> Connection.Answer {
        try request.lend { (bytes) throws(LoadError) in try connection.exchange(bytes) }
    }

    public mutating func next<R>(
        _ body: (UnsafeRawBufferPointer) throws(LoadError) -> R
    ) throws(LoadError) -> R {
        sent += 1
        return try pages[sent % pages.count].request.lend(body)
    }

    public func check(status: Int, body: UnsafeRawBufferPointer) throws(LoadError) {
        guard status == 200, body.count == pages[sent % pages.count].bytes else {
            throw .unexpected("\(status), \(body.count) bytes: \(String(decoding: body.prefix(300), as: UTF8.self))")
        }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` with a typed error.
    func lend<R>(_ body: (UnsafeRawBufferPointer) throws(LoadError) -> R) throws(LoadError) -> R {
        let result = withUnsafeBytes { bytes in
            Result { () throws(LoadError) in try body(bytes) }
        }
        return try result.get()
    }
}
