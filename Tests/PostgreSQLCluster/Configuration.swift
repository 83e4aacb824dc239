import Foundation

/// The files in a data directory that say how its server is to run. The harness writes them whole.
struct Configuration {
    var settings: [String: String]
    var socketDirectory: String
    var port: Int
    var network: PostgreSQLCluster.Network
    var certificates: Certificates

    func write(to dataDirectory: String) throws(PostgreSQLClusterError) {
        var all = PostgreSQLCluster.defaultSettings
        all["unix_socket_directories"] = socketDirectory
        all["port"] = String(port)
        switch network {
        case .socket: all["listen_addresses"] = ""
        case .tcp: all["listen_addresses"] = "127.0.0.1"
        case .tls:
            all["listen_addresses"] = "127.0.0.1"
            all["ssl"] = "on"
            all["ssl_cert_file"] = certificates.server
            all["ssl_key_file"] = certificates.serverKey
        }
        all.merge(settings) { $1 }
        let lines = all.sorted { $0.key < $1.key }.map { name, value in
            "\(name) = '\(value.replacing("'", with: "''"))'"
        }
        try Self.write(lines, to: "\(dataDirectory)/postgresql.conf")
        try Self.write(accessRules, to: "\(dataDirectory)/pg_hba.conf")
    }

    private var accessRules: [String] {
        let local = ["local all all trust", "local replication all trust"]
        return switch network {
        case .socket: local
        case .tcp: local + ["host all all 127.0.0.1/32 scram-sha-256"]
        case .tls: local + ["hostssl all all 127.0.0.1/32 scram-sha-256"]
        }
    }

    /// Keeps the file, and so its owner, where there is one.
    static func write(_ lines: [String], to path: String) throws(PostgreSQLClusterError) {
        do {
            try lines.map { "\($0)\n" }.joined().write(toFile: path, atomically: false, encoding: .utf8)
        } catch {
            throw .failed(program: "writing \(path)", status: 1, errors: "\(error)")
        }
    }
}
