import Foundation
import Synchronization

/// The process that makes, keeps and removes a cluster's directory and its server: `keeper.sh`, which says how.
///
/// It ends, and the cluster with it, when this value does, or this process.
final class Keeper: Sendable {
    /// What it is to keep.
    struct Place: Sendable {
        var root: String
        var data: String
        /// The size of a file system of its own for `disk` in the root.
        var diskMegabytes: Int?

        /// A new place in the directory for temporary files.
        init(named name: String) throws(PostgreSQLClusterError) {
            let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
            let unique = String(UInt64.random(in: 0...UInt64.max), radix: 36)
            root = URL(filePath: temporary).appending(path: "rejoin-\(name)-\(unique)").path
            data = "\(root)/data"
            let socket = "\(root)/.s.PGSQL.65535"
            guard socket.utf8.count <= 107 else { throw .socketPathTooLong(socket) }
        }

        mutating func moveData(to parent: String) {
            data = "\(parent)/\(URL(filePath: root).lastPathComponent)"
        }

        /// Does nothing where there is little memory: containers often have but 64 MB of it there.
        mutating func moveDataToMemory() {
            let memory = "/dev/shm"
            let attributes = try? FileManager.default.attributesOfFileSystem(forPath: memory)
            guard let free = attributes?[.systemFreeSize] as? NSNumber, free.int64Value >= 4 << 30 else { return }
            moveData(to: memory)
        }
    }

    private struct Connection {
        let process: pid_t
        let socket: Int32
    }

    private let connection: Mutex<Connection?>

    /// Makes the directories.
    init(_ place: Place, _ installation: Installation) throws(PostgreSQLClusterError) {
        let sockets = try SocketPair()
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer {
            close(nowhere)
            close(sockets.theirs)
        }
        let script = String(decoding: PackageResources.keeper_sh, as: UTF8.self)
        do {
            let process = try Subprocess.launch(
                [
                    "/bin/bash", "-c", #"text=$KEEPER; unset KEEPER; eval "$text""#, "keeper.sh", place.root,
                    place.data, installation.user ?? "",
                    place.diskMegabytes.map(String.init) ?? "", installation.program("postgres"),
                ], environment: ["KEEPER=\(script)"], descriptors: (sockets.theirs, sockets.theirs, nowhere))
            connection = Mutex(Connection(process: process, socket: sockets.ours))
        } catch {
            close(sockets.ours)
            throw error
        }
        _ = try answer(to: nil)
    }

    deinit {
        // Whoever needs to know when all is gone calls `end`.
        guard let connection = connection.withLock({ $0.take() }) else { return }
        close(connection.socket)
        Thread.detachNewThread { Subprocess.wait(connection.process) }
    }

    /// Has the cluster removed and waits for that. Ending twice is fine.
    func end() throws(PostgreSQLClusterError) {
        guard let connection = connection.withLock({ $0.take() }) else { return }
        close(connection.socket)
        let status = Subprocess.wait(connection.process)
        guard status == 0 else { throw .keeper("left something behind (status \(status))") }
    }

    /// Starts the server.
    /// - Returns: the id of its first process.
    func startServer() throws(PostgreSQLClusterError) -> pid_t {
        let answer = try answer(to: "start")
        guard let process = pid_t(answer) else { throw .keeper("no process id: \(answer)") }
        return process
    }

    /// Sends a signal to the server's first process.
    func signalServer(_ signal: Signal) throws(PostgreSQLClusterError) {
        _ = try answer(to: "signal \(signal.rawValue)")
    }

    /// Sends a signal to every process of the server.
    func signalEveryProcess(_ signal: Signal) throws(PostgreSQLClusterError) {
        _ = try answer(to: "signal-all \(signal.rawValue)")
    }

    /// Kills every process of the server, and waits until there is none.
    func killServer() throws(PostgreSQLClusterError) { _ = try answer(to: "kill") }

    enum Signal: String {
        case hangUp = "HUP"
        case interrupt = "INT"
        case quit = "QUIT"
        case stop = "STOP"
        case resume = "CONT"
    }

    /// - Parameter command: nil: only reads an answer.
    /// - Returns: what followed `ok`.
    private func answer(to command: String?) throws(PostgreSQLClusterError) -> String {
        let line = try connection.withLock { (connection) throws(PostgreSQLClusterError) in
            guard let connection else { throw .removed }
            let request = Array((command.map { "\($0)\n" } ?? "").utf8)
            _ = send(connection.socket, request, request.count, Int32(MSG_NOSIGNAL))
            var line: [UInt8] = []
            var byte: UInt8 = 0
            while true {
                let count = read(connection.socket, &byte, 1)
                if count == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
                if count == 1 ? byte == UInt8(ascii: "\n") : count == 0 || errno != EINTR { break }
            }
            return String(decoding: line, as: UTF8.self)
        }
        let words = line.split(separator: " ", maxSplits: 1)
        guard words.first == "ok" else { throw .keeper(line.isEmpty ? "it has ended" : line) }
        return words.dropFirst().first.map(String.init) ?? ""
    }
}
