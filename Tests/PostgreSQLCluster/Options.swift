extension PostgreSQLCluster {
    /// How a cluster is to be.
    public struct Options: Sendable {
        /// Settings for `postgresql.conf`, over those for fast tests (`defaultSettings`).
        public var settings: [String: String]
        public var network: Network
        public var place: Place

        public init(settings: [String: String] = [:], network: Network = .socket, place: Place = .memory) {
            self.settings = settings
            self.network = network
            self.place = place
        }
    }

    /// Where the server listens besides its Unix socket.
    public enum Network: Sendable {
        case socket
        /// The server listens on a free port of 127.0.0.1, with passwords (SCRAM).
        case tcp
        /// The server listens on a free port of 127.0.0.1, with passwords and over TLS only; see `Route.tls`.
        case tls
    }

    /// Where the data directory is.
    public enum Place: Sendable {
        /// In memory (`/dev/shm`), where making a database does not wait for whoever else uses the disk: that takes 40 ms
        /// instead of 400 beside a compiler. As `temporary` where less than 4 GB are free there.
        case memory
        /// In the cluster's own temporary directory, on whatever disk that is. For measurements.
        case temporary
        /// In a new directory within this one, which must be there and open to the server's user.
        case within(String)
        /// On a file system of its own of that size, which goes with the cluster. Only root can mount one. An empty
        /// cluster needs 25 MB; the files of its log have 1 MB each, not 16.
        case smallDisk(megabytes: Int)
    }

    /// For tests, which end no machine: what the server has written survives its own end without reaching a disk.
    public static let defaultSettings = [
        "fsync": "off",
        "shared_buffers": "128MB",
        "max_connections": "500",
        // Within the server's own memory: segments beside it would outlive its kill.
        "min_dynamic_shared_memory": "32MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a %u@%d ",
    ]
}
