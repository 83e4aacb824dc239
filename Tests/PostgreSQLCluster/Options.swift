extension PostgreSQLCluster {
    /// How a cluster is to be.
    public struct Options: Sendable {
        /// Settings for `postgresql.conf`, over those for fast tests (`defaultSettings`).
        public var settings: [String: String]
        public var network: Network
        public var place: Place

        public init(settings: [String: String] = [:], network: Network = .socket, place: Place = .temporary) {
            self.settings = settings
            self.network = network
            self.place = place
        }
    }

    /// Where the server listens besides its Unix socket.
    public enum Network: Sendable {
        case socket
        /// On a free port of 127.0.0.1, with passwords (SCRAM).
        case tcp
        /// On a free port of 127.0.0.1, with passwords and over TLS only; see `Route.tls`.
        case tls
    }

    /// Where the data directory is.
    public enum Place: Sendable {
        /// In the cluster's own temporary directory.
        case temporary
        /// In a new directory within this one, which must be there and open to the server's user.
        case within(String)
        /// On a file system of its own of that size, which goes with the cluster. Only root can mount one. An empty
        /// cluster needs 25 MB.
        case smallDisk(megabytes: Int)
    }

    /// For tests, which end no machine: what the server has written survives its own end without reaching a disk.
    public static let defaultSettings = [
        "fsync": "off",
        "shared_buffers": "128MB",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a %u@%d ",
    ]
}
