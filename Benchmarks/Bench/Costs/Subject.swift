import Foundation
import LoadDriver
import PostgreSQLCluster

/// A server that is measured, and the database under it.
final class Subject {
    enum Database {
        /// The file.
        case sqlite(String)
        case postgresql(PostgreSQLInstance, PostgreSQLCluster.Database)
    }

    let server: Server
    let database: Database
    private let tokens: Tokens

    init(server: Server, database: Database, tokens: Tokens) {
        self.server = server
        self.database = database
        self.tokens = tokens
    }

    func endpoint(_ tenant: String, device: String) throws -> Endpoint {
        Endpoint(port: server.port, token: try tokens.token(tenant, device))
    }

    var meter: CostMeter { CostMeter(server: server.process, database: database) }
}

/// What a load left behind, in bytes.
struct Bytes {
    /// To PostgreSQL's log; with SQLite all that the server's process wrote to the disk.
    var written = 0
    /// By which the database grew.
    var grown = 0

    static func - (left: Bytes, right: Bytes) -> Bytes {
        Bytes(written: left.written - right.written, grown: left.grown - right.grown)
    }

    static func + (left: Bytes, right: Bytes) -> Bytes {
        Bytes(written: left.written + right.written, grown: left.grown + right.grown)
    }
}

/// Reads what a load costs.
struct CostMeter {
    /// nil: the load goes to the database itself.
    let server: pid_t?
    let database: Subject.Database

    var cpu: CPUMeter {
        switch database {
        case .sqlite: CPUMeter(server: server)
        case .postgresql(let instance, _): CPUMeter(server: server, postmaster: instance.postmaster)
        }
    }

    func bytes() async throws -> Bytes {
        switch database {
        case .sqlite(let file):
            let connection = try SQLiteConnection(file)
            let pages = try connection.integer("PRAGMA page_count")
            let size = try connection.integer("PRAGMA page_size")
            return Bytes(written: try server.map(Self.written) ?? 0, grown: pages * size)
        case .postgresql(_, let database):
            let numbers = try await database.psql(
                "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn, pg_database_size(current_database())"
            ).split(separator: "|").compactMap { Int($0) }
            guard numbers.count == 2 else { throw BenchError("PostgreSQL does not tell how much it has written") }
            return Bytes(written: numbers[0], grown: numbers[1])
        }
    }

    /// What a process caused to be written (proc_pid_io(5)).
    private static func written(_ process: pid_t) throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(process)/io", encoding: .utf8)
        guard let bytes = text.firstMatch(of: /\nwrite_bytes: (\d+)/).flatMap({ Int($0.1) }) else {
            throw BenchError("the system does not tell what process \(process) writes")
        }
        return bytes
    }
}
