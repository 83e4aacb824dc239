import Foundation

/// A socket to another process. Closed on `exec` from its first moment, so no process that anybody starts meanwhile
/// inherits it, and writing into one that nobody reads raises no signal: what a pipe cannot promise.
struct SocketPair {
    let ours: Int32
    let theirs: Int32

    init() throws(PostgreSQLClusterError) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw .notLaunched(program: "socketpair", number: errno)
        }
        (ours, theirs) = (ends[0], ends[1])
    }
}

/// A process of its own, which inherits three descriptors and nothing else: no signal settings, no environment, no
/// other descriptor. (Foundation's `Process` passes on signals that the tests ignore.)
enum Subprocess {
    /// The directories of the system's programs.
    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Starts a program as the leader of a process group, which the terminal's signals do not reach.
    /// - Parameters:
    ///   - arguments: the program, with its path, and its arguments.
    ///   - environment: added to what every program needs.
    ///   - descriptors: its standard input, output and error.
    static func launch(
        _ arguments: [String], environment: [String] = [], descriptors: (input: Int32, output: Int32, error: Int32)
    ) throws(PostgreSQLClusterError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, descriptors.input, 0)
        posix_spawn_file_actions_adddup2(&actions, descriptors.output, 1)
        posix_spawn_file_actions_adddup2(&actions, descriptors.error, 2)
        // Other threads open descriptors between this look and the start, hence the margin. Who inherits the end of
        // another's pipe keeps it from ever being read to its end.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in 3...((open.compactMap { Int32($0) }.max() ?? 3) + 256) {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        let program = arguments.first ?? ""
        var process: pid_t = 0
        // The time zone: without one, initdb compares every zone that there is with the system's.
        let number = withCStrings(arguments) { arguments in
            withCStrings(["PATH=\(path)", "LC_ALL=C.UTF-8", "TZ=UTC"] + environment) { environment in
                posix_spawn(&process, program, &actions, &attributes, arguments, environment)
            }
        }
        guard number == 0 else { throw .notLaunched(program: program, number: number) }
        return process
    }

    /// Runs a program to its end.
    /// - Parameters:
    ///   - input: what it reads.
    ///   - limit: how long it may take; it is killed then.
    /// - Returns: what it printed.
    /// - Throws: `failed`, with its standard error, for every status but 0.
    static func run(
        _ arguments: [String], input: [UInt8] = [], limit: Duration = PostgreSQLCluster.patience
    ) throws(PostgreSQLClusterError) -> String {
        let program = arguments.first ?? ""
        var (stdin, stdout, stderr) = try (Stream(), Stream(), Stream())
        defer {
            stdin.close()
            stdout.close()
            stderr.close()
        }
        let process = try launch(
            arguments, descriptors: (stdin.pair.theirs, stdout.pair.theirs, stderr.pair.theirs))
        stdin.closeTheirs()
        stdout.closeTheirs()
        stderr.closeTheirs()

        var unsent = input[...]
        let end = ContinuousClock.now + limit
        var isLate = false
        while stdout.isOpen || stderr.isOpen {
            if unsent.isEmpty { stdin.close() }
            let left = ContinuousClock.now.duration(to: end)
            guard left > .zero else {
                isLate = true
                kill(-process, SIGKILL)
                break
            }
            // A closed stream is -1, which `poll` passes over.
            var events = [
                pollfd(fd: stdin.descriptor, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: stdout.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stderr.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            poll(&events, nfds_t(events.count), Int32(clamping: left.components.seconds * 1000 + 1))
            if events[0].revents != 0 { unsent = stdin.send(unsent) }
            if events[1].revents != 0 { stdout.receive() }
            if events[2].revents != 0 { stderr.receive() }
        }
        let status = wait(process)
        guard !isLate else { throw .timedOut(program, limit) }
        guard status == 0 else {
            throw .failed(program: program, status: status, errors: stderr.text)
        }
        return stdout.text
    }

    /// Waits for the end of a process that was launched here.
    /// - Returns: its exit status; 128 and the signal's number where a signal ended it, as shells count.
    @discardableResult
    static func wait(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
    ) -> R {
        let copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

/// One of the standard streams of a process, seen from the other side.
private struct Stream {
    let pair: SocketPair
    /// Our end; -1 once it is closed.
    private(set) var descriptor: Int32
    private var isTheirsOpen = true
    private var received: [UInt8] = []

    init() throws(PostgreSQLClusterError) {
        pair = try SocketPair()
        descriptor = pair.ours
    }

    var isOpen: Bool { descriptor >= 0 }
    var text: String { String(decoding: received, as: UTF8.self) }

    mutating func closeTheirs() {
        guard isTheirsOpen else { return }
        isTheirsOpen = false
        _ = Foundation.close(pair.theirs)
    }

    mutating func close() {
        closeTheirs()
        guard isOpen else { return }
        _ = Foundation.close(descriptor)
        descriptor = -1
    }

    /// - Returns: what is still to be sent; nothing when nobody reads any more.
    func send(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let count = bytes.withUnsafeBytes {
            Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
        }
        if count < 0 { return errno == EAGAIN || errno == EINTR ? bytes : [] }
        return bytes.dropFirst(count)
    }

    mutating func receive() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &buffer, buffer.count)
        if count > 0 {
            received += buffer[..<count]
        } else if count == 0 || errno != EINTR {
            close()
        }
    }
}
