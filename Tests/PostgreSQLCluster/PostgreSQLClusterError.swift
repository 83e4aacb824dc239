/// What went wrong with a cluster, or with a command for it. Each description names the cause and what to do about it.
public enum PostgreSQLClusterError: Error, CustomStringConvertible {
    /// No PostgreSQL server on this machine.
    /// - Parameter places: where its programs were looked for.
    case notInstalled(places: [String])
    /// The tests run as root, PostgreSQL does not, and there is none of these users to run it as.
    case noUnprivilegedUser(candidates: [String])
    /// The path of the socket would be longer than the kernel takes (107 bytes).
    case socketPathTooLong(String)
    /// A program could not be started.
    /// - Parameter number: `errno`.
    case notLaunched(program: String, number: Int32)
    /// A program ended with an error.
    case failed(program: String, status: Int32, errors: String)
    /// Something took longer than it may.
    case timedOut(String, Duration)
    /// PostgreSQL refused a statement, or the connection.
    /// - Parameter errors: what psql printed, with the SQLSTATE.
    case refused(sql: String, errors: String)
    /// The server ended while it was starting.
    /// - Parameter log: what it logged since.
    case notStarted(log: String)
    /// The process that keeps the cluster answered with an error.
    case keeper(String)
    /// Only root can mount a file system.
    case smallDiskRefused
    /// The cluster has been removed.
    case removed

    /// The SQLSTATE with which PostgreSQL refused a statement; nil for every other error.
    public var sqlState: String? {
        guard case .refused(_, let errors) = self else { return nil }
        return errors.firstMatch(of: /(?:ERROR|FATAL):  ([0-9A-Z]{5}):/).map { String($0.1) }
    }

    public var description: String {
        switch self {
        case .notInstalled(let places):
            """
            PostgreSQL's server is not installed: no initdb in \(places.joined(separator: ", ")). These tests need a \
            real one and are not skipped without it; on Debian `apt-get install postgresql` brings it.
            """
        case .noUnprivilegedUser(let candidates):
            "PostgreSQL does not run as root, and there is no user \(candidates.joined(separator: " or ")) for it"
        case .socketPathTooLong(let path): "a socket cannot be at \(path): a shorter TMPDIR is needed"
        case .notLaunched(let program, let number): "\(program) could not be started (errno \(number))"
        case .failed(let program, let status, let errors): "\(program) ended with status \(status): \(errors)"
        case .timedOut(let what, let limit): "\(what) took longer than \(limit)"
        case .refused(let sql, let errors): "\(errors)\nin: \(sql)"
        case .notStarted(let log): "PostgreSQL did not start; its log:\n\(log)"
        case .keeper(let answer): "the cluster's keeper: \(answer)"
        case .smallDiskRefused: "a file system of its own can be mounted by root only; these tests do not run as root"
        case .removed: "the cluster has been removed"
        }
    }
}
