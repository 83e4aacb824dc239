import Foundation

extension PostgreSQLCluster {
    /// How a server is told to end.
    public enum StopMode: Sendable {
        /// Its transactions are rolled back, everything is written.
        case fast
        /// At once: it recovers at its next start, as after a crash.
        case immediate
    }

    /// Whether the server runs, paused or not.
    public var isRunning: Bool { postmaster.withLock { $0 }.map(Self.isAlive) ?? false }

    /// Starts the server on the data and the port that it had, and waits until it takes connections.
    public func start() async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in try self.startServer() }
    }

    /// Ends the server and waits for that; resumes it first.
    public func stop(_ mode: StopMode = .fast, limit: Duration = patience) async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in
            guard self.isRunning else { return }
            try self.keeper.signalEveryProcess(.resume)
            switch mode {
            case .fast: try self.keeper.signalServer(.interrupt)
            case .immediate: try self.keeper.signalServer(.quit)
            }
            try waitUntil("the server's end", limit: limit) { !self.isRunning }
        }
    }

    public func restart(_ mode: StopMode = .fast) async throws(PostgreSQLClusterError) {
        try await stop(mode)
        try await start()
    }

    /// Kills every process of the server at once (SIGKILL), as when its machine loses power, but for what it had handed
    /// to the kernel to write.
    public func kill() async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in try self.keeper.killServer() }
    }

    /// Stops every process of the server where it is (SIGSTOP): connections stay open, and nobody answers.
    public func pause() async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in
            // Twice: one that came to be during the first look was seen by nobody, and none comes after it.
            try self.keeper.signalEveryProcess(.stop)
            try self.keeper.signalEveryProcess(.stop)
        }
    }

    /// Lets a paused server go on.
    public func resume() async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in try self.keeper.signalEveryProcess(.resume) }
    }

    /// Runs something while the server is paused, and resumes it in any case.
    public func whilePaused<R>(_ body: () async throws -> R) async throws -> R {
        try await pause()
        let result: R
        do {
            result = try await body()
        } catch {
            try await resume()
            throw error
        }
        try await resume()
        return result
    }

    /// The processes that serve clients.
    /// - Parameter condition: SQL over `pg_stat_activity`, such as `application_name = 'rejoin'`.
    /// - Returns: their ids, in ascending order.
    public func backends(where condition: String = "true") async throws(PostgreSQLClusterError) -> [pid_t] {
        try await psql(
            """
            SELECT pid FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND (\(condition)) ORDER BY pid
            """
        ).split(separator: "\n").compactMap { pid_t($0) }
    }

    /// Kills backends (SIGKILL). The server then ends all others too, recovers, and goes on: see `waitUntilReady`.
    /// - Returns: the ids of those killed.
    @discardableResult
    public func killBackends(where condition: String = "true") async throws(PostgreSQLClusterError) -> [pid_t] {
        let backends = try await backends(where: condition)
        for backend in backends { Foundation.kill(backend, SIGKILL) }
        return backends
    }

    /// Waits until the server answers a query.
    public func waitUntilReady(limit: Duration = patience) async throws(PostgreSQLClusterError) {
        try await offPool { () throws(PostgreSQLClusterError) in
            try waitUntil("the server's answer", limit: limit, pause: .milliseconds(20)) {
                () throws(PostgreSQLClusterError) in
                do throws(PostgreSQLClusterError) {
                    return try self.runPSQL("SELECT 1", self.conninfo(), limit: limit) == "1"
                } catch {
                    guard case .refused = error else { throw error }
                    return false
                }
            }
        }
    }

    // Below: on a thread that may block.

    func startServer() throws(PostgreSQLClusterError) {
        guard !isRunning else { return }
        let logged = (try? Data(contentsOf: URL(filePath: logFile)))?.count ?? 0
        let process = try keeper.startServer()
        postmaster.withLock { $0 = process }
        try waitUntil("the server's start", limit: Self.patience) { () throws(PostgreSQLClusterError) in
            guard Self.isAlive(process) else {
                let log = (try? Data(contentsOf: URL(filePath: self.logFile))) ?? Data()
                throw .notStarted(log: String(decoding: log.dropFirst(logged), as: UTF8.self))
            }
            return self.takesConnections(process)
        }
    }

    /// The lock file says so: its first line is the process, its eighth the state.
    private func takesConnections(_ process: pid_t) -> Bool {
        let text = (try? String(contentsOfFile: "\(dataDirectory)/postmaster.pid", encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.count >= 8 && lines[0] == String(process) && lines[7].hasPrefix("ready")
    }

    /// Whether there is such a process, and more left of it than its exit status.
    private static func isAlive(_ process: pid_t) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let state = status.split(separator: ")").last?.first(where: { $0 != " " })
        else { return false }
        return state != "Z" && state != "X"
    }
}
