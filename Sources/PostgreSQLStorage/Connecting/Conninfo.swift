import CLibPQ
import Glibc
import SyncStorage

/// Where a database is, in libpq's words: `postgres://…` or `host=… dbname=…`, with several hosts where there are several.
/// (PostgreSQL documentation, "Connection Strings".)
public struct Conninfo: Sendable, Hashable {
    private let text: String
    /// The settings, by libpq's names.
    private let settings: [String: String]

    /// Whether a text is meant to be such a place.
    public static func isMeant(by text: String) -> Bool {
        ["postgres://", "postgresql://"].contains { text.hasPrefix($0) } || text.contains("=")
    }

    /// Reads a place.
    /// - Throws: `cannotOpen` with libpq's reason when the text is none.
    public init(_ text: String) throws(StoreError) {
        var reason: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &reason) else {
            defer { PQfreemem(reason) }
            // libpq quotes what it does not understand, and that may hold the password.
            throw .cannotOpen(
                "the database is not given as libpq reads it: 'postgres://user@host/name' or 'host=… dbname=…'")
        }
        defer { PQconninfoFree(options) }
        var settings: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { settings[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        self.text = text
        self.settings = settings
    }

    /// What people may see: everything that was given, except secrets.
    public var description: String {
        let shown = settings.filter { !["password", "sslpassword", "passfile"].contains($0.key) }
        return shown.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    /// Connects, and waits until the connection stands.
    func connect(_ options: PostgreSQLStore.Options) throws(StoreError) -> OpaquePointer {
        var parameters = [("dbname", text), ("client_encoding", "UTF8"), ("fallback_application_name", "rejoin")]
        if settings["connect_timeout"] == nil {
            parameters.append(("connect_timeout", "\(max(2, Int(options.connectTimeout.components.seconds)))"))
        }
        // The role that `set_config` sets and what a failover changes are a primary's alone.
        if settings["target_session_attrs"] == nil { parameters.append(("target_session_attrs", "read-write")) }
        let handle = parameters.withCStrings { keywords, values in PQconnectdbParams(keywords, values, 1) }
        guard let handle else { throw .unavailable("there is no memory for a connection") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let reason = String(cString: PQerrorMessage(handle)).split(separator: "\n").joined(separator: " ")
            PQfinish(handle)
            throw .unavailable("no connection to the database: \(reason)")
        }
        return handle
    }
}

extension [(String, String)] {
    /// Two arrays of C strings, each ended by a null, valid during the call.
    fileprivate func withCStrings<Result>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let keywords: [UnsafeMutablePointer<CChar>?] = map { strdup($0.0) } + [nil]
        let values: [UnsafeMutablePointer<CChar>?] = map { strdup($0.1) } + [nil]
        defer { for string in keywords + values { free(string) } }
        return keywords.map { UnsafePointer($0) }.withUnsafeBufferPointer { keywords in
            values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                guard let keywords = keywords.baseAddress, let values = values.baseAddress else {
                    preconditionFailure("both end with a null, so neither is empty")
                }
                return body(keywords, values)
            }
        }
    }
}
