extension PostgreSQLCluster {
    /// How a client gets to the server.
    public enum Route: Sendable {
        case socket
        case tcp
        /// With the server's certificate checked (`sslmode=verify-full`).
        /// - Parameters:
        ///   - authority: the file of the authority to trust; nil: the one that signed the certificate.
        ///   - host: the name to look for in the certificate.
        case tls(authority: String? = nil, host: String = "localhost")
    }

    /// What a connection must be for libpq to keep it.
    public enum TargetSession: String, Sendable {
        case any
        case readWrite = "read-write"
        case readOnly = "read-only"
        case primary
        case standby
    }

    /// A libpq connection string of keywords, to which more can be appended.
    public func conninfo(
        database: String = "postgres", user: String = superuser, over route: Route = .socket
    ) -> String {
        var keywords = [("port", String(port)), ("dbname", database), ("user", user)]
        switch route {
        case .socket: keywords.append(("host", directory))
        case .tcp: keywords += [("host", "127.0.0.1"), ("password", password), ("sslmode", "disable")]
        case .tls(let authority, let host):
            keywords += [
                ("host", host), ("hostaddr", "127.0.0.1"), ("password", password), ("sslmode", "verify-full"),
                ("sslrootcert", authority ?? authorityFile),
            ]
        }
        return Self.conninfo(keywords)
    }

    /// One connection string for several clusters, a primary and its standbys: libpq tries one after the other.
    public static func conninfo(
        of clusters: [PostgreSQLCluster], database: String = "postgres", user: String = superuser,
        targetSession: TargetSession = .readWrite
    ) -> String {
        conninfo([
            ("host", clusters.map(\.directory).joined(separator: ",")),
            ("port", clusters.map { String($0.port) }.joined(separator: ",")),
            ("dbname", database), ("user", user), ("target_session_attrs", targetSession.rawValue),
        ])
    }

    private static func conninfo(_ keywords: [(String, String)]) -> String {
        keywords.map { keyword, value in
            "\(keyword)='\(value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
        }.joined(separator: " ")
    }
}
