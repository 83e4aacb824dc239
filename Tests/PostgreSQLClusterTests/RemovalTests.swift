import Foundation
import PostgreSQLCluster
import Testing

@Suite("the end of a cluster")
struct RemovalTests {
    @Test("a cluster is gone, with a disk of its own, when its process is killed")
    func killedProcess() async throws {
        let result = try await #require(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
            let place: PostgreSQLCluster.Place = geteuid() == 0 ? .smallDisk(megabytes: 64) : .memory
            let cluster = try await PostgreSQLCluster(PostgreSQLCluster.Options(place: place))
            report("cluster: \(cluster.directory) \(cluster.dataDirectory)")
            raise(SIGKILL)
        }
        try await expectGone(try #require(printed("cluster", by: result)))
    }

    @Test("a cluster is gone when its process ends, though it is paused and a child of that process lives on")
    func endedProcess() async throws {
        let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
            let cluster = try await PostgreSQLCluster()
            let child = Process()
            child.executableURL = URL(filePath: "/bin/sleep")
            child.arguments = ["1200"]
            child.standardOutput = FileHandle.nullDevice
            child.standardError = FileHandle.nullDevice
            try child.run()
            try await cluster.pause()
            report("cluster: \(cluster.directory) \(cluster.dataDirectory)")
            report("child: \(child.processIdentifier)")
            exit(EXIT_SUCCESS)
        }
        let child = try #require(printed("child", by: result)?.first.flatMap { pid_t($0) })
        try await expectGone(try #require(printed("cluster", by: result)))
        #expect(kill(child, SIGKILL) == 0)
    }

    @Test("a cluster is gone when it has been removed, and when nobody refers to it any more")
    func removed() async throws {
        let cluster = try await PostgreSQLCluster()
        let traces = [cluster.directory, cluster.dataDirectory]
        #expect(traces.allSatisfy { !processes(of: $0).isEmpty })
        try await cluster.remove()
        #expect(traces.allSatisfy { !isThere($0) })
        await #expect {
            try await cluster.start()
        } throws: { error in
            if case PostgreSQLClusterError.removed = error { true } else { false }
        }

        let forgotten = try await PostgreSQLCluster().directory
        try await expectGone([forgotten])
    }

    /// - Returns: the words that the process printed after a name.
    private func printed(_ name: String, by result: ExitTest.Result) -> [String]? {
        String(decoding: result.standardOutputContent, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("\(name): ") }?.split(separator: " ").dropFirst().map(String.init)
    }

    private func expectGone(_ directories: [String]) async throws {
        let end = ContinuousClock.now + PostgreSQLCluster.patience
        while let remaining = directories.first(where: isThere) {
            guard ContinuousClock.now < end else {
                Issue.record("\(remaining) is still there, with the processes \(processes(of: remaining))")
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func isThere(_ directory: String) -> Bool {
        let mounts = try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        return FileManager.default.fileExists(atPath: directory) || !processes(of: directory).isEmpty
            || mounts?.contains(directory) == true
    }

    /// The processes that work in a directory, or name it in their command line.
    private func processes(of directory: String) -> [pid_t] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { pid_t($0) }.filter { process in
            let commandLine = (try? Data(contentsOf: URL(filePath: "/proc/\(process)/cmdline"))) ?? Data()
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
            return String(decoding: commandLine, as: UTF8.self).contains(directory)
                || place?.hasPrefix(directory) == true
        }
    }
}

/// Prints a line without a buffer in between, for a process that is about to be killed.
private func report(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }
