import Foundation
import PostgreSQLCluster
import Testing

@Suite("The end of a cluster")
struct RemovalTests {
    @Test("a cluster is gone when its process is killed")
    func killedProcess() async throws {
        let result = try await #require(processExitsWith: .signal(SIGKILL), observing: [\.standardOutputContent]) {
            let cluster = try await PostgreSQLCluster()
            FileHandle.standardOutput.write(Data("cluster: \(cluster.directory)\n".utf8))
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
            child.arguments = ["120"]
            child.standardOutput = FileHandle.nullDevice
            child.standardError = FileHandle.nullDevice
            try child.run()
            try await cluster.pause()
            FileHandle.standardOutput.write(
                Data("cluster: \(cluster.directory)\nchild: \(child.processIdentifier)\n".utf8))
            exit(EXIT_SUCCESS)
        }
        let child = try #require(printed("child", by: result).flatMap { pid_t($0) })
        try await expectGone(try #require(printed("cluster", by: result)))
        #expect(kill(child, SIGKILL) == 0)
    }

    @Test("a cluster is gone when it has been removed, and when nobody refers to it any more")
    func removed() async throws {
        let cluster = try await PostgreSQLCluster()
        #expect(!processes(in: cluster.directory).isEmpty)
        try await cluster.remove()
        #expect(!FileManager.default.fileExists(atPath: cluster.directory))
        #expect(processes(in: cluster.directory).isEmpty)
        await #expect(throws: PostgreSQLClusterError.self) { try await cluster.start() }

        let forgotten = try await PostgreSQLCluster().directory
        try await expectGone(forgotten)
    }

    private func printed(_ name: String, by result: ExitTest.Result) -> String? {
        String(decoding: result.standardOutputContent, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst("\(name): ".count)) }
    }

    private func expectGone(_ directory: String, within limit: Duration = .seconds(30)) async throws {
        let end = ContinuousClock.now + limit
        while FileManager.default.fileExists(atPath: directory) || !processes(in: directory).isEmpty {
            guard ContinuousClock.now < end else {
                Issue.record("\(directory) is still there, with the processes \(processes(in: directory))")
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The processes that have a directory, or one in it, in their command line or as their own.
    private func processes(in directory: String) -> [pid_t] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { pid_t($0) }.filter { process in
            let commandLine = (try? Data(contentsOf: URL(filePath: "/proc/\(process)/cmdline"))) ?? Data()
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/cwd")
            return String(decoding: commandLine, as: UTF8.self).contains(directory)
                || place?.hasPrefix(directory) == true
        }
    }
}
