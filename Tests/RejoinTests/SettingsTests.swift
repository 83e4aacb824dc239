import Foundation
import PostgreSQLCluster
import RejoinProcesses
import Testing

extension ProcessTests {
    /// Which of several settings is in force, as `rejoin doctor` tells it.
    @Suite("settings, and the doctor who looks at them")
    struct SettingsTests {
        private func line(_ name: String, _ result: CommandResult) -> String {
            let line = result.output.split(separator: "\n").first { $0.hasPrefix("  \(name) ") } ?? ""
            return line.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }

        @Test("the command line goes before the environment, before the settings file, before the default")
        func precedence()
            async throws
        {
            try await withTemporaryDirectory { directory in
                let file = directory + "/settings.yaml"
                try "port: 1001\nlog-level: debug\nhost: 127.0.0.3\n".write(
                    toFile: file, atomically: true, encoding: .utf8)
                func port(_ arguments: [String], _ environment: [String: String]) async throws -> String {
                    line(
                        "port",
                        try await runRejoin(["doctor"] + arguments, environment: environment, directory: directory))
                }
                #expect(try await port([], [:]) == "port 8080 default")
                #expect(try await port(["--config", file], [:]) == "port 1001 file (\(file))")
                #expect(try await port([], ["REJOIN_CONFIG": file]) == "port 1001 file (\(file))")
                #expect(
                    try await port(["--config", file], ["REJOIN_PORT": "1002"]) == "port 1002 environment (REJOIN_PORT)"
                )
                #expect(
                    try await port(["--config", file, "--port", "1003"], ["REJOIN_PORT": "1002"])
                        == "port 1003 command line")
                let whole = try await runRejoin(
                    "doctor", "--config", file, environment: ["REJOIN_HOST": "127.0.0.2", "REJOIN_DATA": directory])
                #expect(line("host", whole) == "host 127.0.0.2 environment (REJOIN_HOST)")
                #expect(line("log-level", whole) == "log-level debug file (\(file))")
                #expect(line("data", whole) == "data \(directory) environment (REJOIN_DATA)")
            }
        }

        @Test("what is in force for the doctor is in force for the server")
        func doctorAndServer() async throws {
            try await withTemporaryDirectory { directory in
                let file = directory + "/settings.yaml"
                let data = directory + "/data"
                try "data: \(data)\nport: 0\nlog-level: error\n".write(toFile: file, atomically: true, encoding: .utf8)
                let process = try await LaunchedProcess(["serve"], environment: ["REJOIN_CONFIG": file])
                let line = try #require(await process.output.firstLine())
                #expect(line.contains("data in \(data)"))
                process.send(SIGTERM)
                #expect(await process.exit == .code(0))
                #expect(process.errors.text == "", "nothing to say at log level error")
            }
        }

        @Test("the doctor shows no secret, changes nothing, and finds what is wrong")
        func doctorWithoutTrace() async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                let before = try await runRejoin("doctor", "--data", data)
                #expect(before.exit == .code(0))
                #expect(try files(in: directory) == [])
                try await withServer(data: data) { _ in }
                let secret = try String(contentsOfFile: data + "/signing.key", encoding: .utf8)
                let good = try await runRejoin("doctor", "--data", data)
                #expect(good.exit == .code(0) && !good.output.contains("wrong"), "\(good.output)")
                #expect(!good.output.contains(secret.trimmingCharacters(in: .newlines)))

                try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: data + "/signing.key")
                let open = try await runRejoin("doctor", "--data", data)
                #expect(open.exit == .code(1) && open.output.contains("wrong  signing key: others can read"), "\(open)")
                for suffix in ["", "-wal", "-shm"] {
                    let file = data + "/rejoin.sqlite" + suffix
                    guard FileManager.default.fileExists(atPath: file) else { continue }
                    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
                    let read = try await runRejoin("doctor", "--data", data)
                    #expect(
                        read.exit == .code(1)
                            && read.output.contains("wrong  database files: others can read \(file)"))
                    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
                }
                let bad = try await runRejoin("doctor", "--data", data, "--collections", "/nowhere/c.yaml")
                #expect(bad.exit == .code(1) && bad.output.contains("wrong  collections:"), "\(bad)")
                #expect(bad.complaints.count == 1)
            }
        }

        @Test("the doctor says when there are too few connections for fairness")
        func fewConnections() async throws {
            try await withTemporaryDirectory { directory in
                let database = try await PostgreSQLCluster.shared().makeDatabase()
                let migrated = try await runRejoin(
                    "migrate", "--database", database.ownerConninfo, "--grant-to", PostgreSQLCluster.serverRole,
                    "--data", directory)
                try #require(migrated.exit == .code(0), "\(migrated.errors)")
                for (connections, isNoted) in [("2", true), ("3", false)] {
                    let doctor = try await runRejoin(
                        "doctor", "--data", directory, "--database", database.serverConninfo,
                        environment: ["REJOIN_DATABASE_CONNECTIONS": connections])
                    #expect(doctor.output.contains("fewer than three connections") == isNoted, "\(doctor)")
                }
                try await database.drop()
            }
        }

        @Test("the doctor finds a damaged database")
        func damagedDatabase() async throws {
            try await withTemporaryDirectory { directory in
                let data = directory + "/data"
                let server = try await ServerProcess.start(data: data)
                #expect(await server.stop() == .code(0))
                let path = data + "/rejoin.sqlite"
                var bytes = try Data(contentsOf: URL(filePath: path))
                for index in 4_096..<bytes.count where index % 4_096 < 200 { bytes[index] ^= 0xFF }
                try bytes.write(to: URL(filePath: path))
                let doctor = try await runRejoin("doctor", "--data", data)
                #expect(doctor.exit == .code(1) && doctor.output.contains("wrong  database:"), "\(doctor)")
            }
        }
    }
}
