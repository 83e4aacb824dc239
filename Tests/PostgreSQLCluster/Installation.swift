import Foundation

/// The PostgreSQL that is installed here, and the user whom its server runs as.
struct Installation: Sendable {
    /// The directory of its programs.
    let programs: String
    /// The user to change to; nil: the tests do not run as root, the server runs as whoever they run as.
    let user: String?

    /// Takes the newest of Debian's, or else the one on `PATH`.
    static func find() throws(PostgreSQLClusterError) -> Installation {
        let versions = "/usr/lib/postgresql"
        let newestFirst = ((try? FileManager.default.contentsOfDirectory(atPath: versions)) ?? [])
            .sorted { (Double($0) ?? 0) > (Double($1) ?? 0) }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? Subprocess.path
        let places = newestFirst.map { "\(versions)/\($0)/bin" } + path.split(separator: ":").map(String.init)
        let programs = places.first { place in
            ["initdb", "postgres", "psql"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: "\(place)/\($0)")
            }
        }
        guard let programs else { throw .notInstalled(places: ["\(versions)/*/bin"] + places) }
        guard geteuid() == 0 else { return Installation(programs: programs, user: nil) }
        let candidates = ["postgres", "nobody"]
        guard let user = candidates.first(where: { getpwnam($0) != nil }) else {
            throw .noUnprivilegedUser(candidates: candidates)
        }
        return Installation(programs: programs, user: user)
    }

    func program(_ name: String) -> String { "\(programs)/\(name)" }

    /// A command line that runs a program as the server's user, in a directory.
    func asServerUser(_ arguments: [String], in directory: String) -> [String] {
        let change = user.map { user in
            ["setpriv", "--reuid=\(user)", "--regid=\(groupOf(user))", "--clear-groups", "--inh-caps=-all", "--"]
        }
        return ["/usr/bin/env", "--chdir=\(directory)"] + (change ?? []) + arguments
    }

    private func groupOf(_ user: String) -> gid_t { getpwnam(user)?.pointee.pw_gid ?? gid_t.max }
}
